"""The mails that were taken, in memory: bounded in number and age, and what is lost at a bound is counted.

Whoever reads a mail takes nothing away: two probes may wait for one address.
"""

from collections import Counter, deque

import msgspec
import trio

from parallax.clock import wall_ns
from parallax.letters import Letter

MOST = 1_000
"""Mails that are kept; of a full box, the oldest goes of the peer that delivered the most."""
AGE_S = 600.0
"""How long one is kept."""
MOST_ANSWERED = 50
"""Mails of one answer: the newest."""


class MailStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server right now: where it listens, for which domains, mails kept and taken, and what was lost or
    refused, by cause."""

    listen: str
    domains: list[str]
    kept: int
    taken: int
    lost: dict[str, int]


class Box:
    """Holds mails. Times are trio's clock."""

    def __init__(self, most: int = MOST, age_s: float = AGE_S) -> None:
        self._most, self._age_s = most, age_s
        self._letters: deque[tuple[float, Letter]] = deque()
        self._came = trio.Event()
        self.taken = 0
        self.lost = {"pushed_out": 0, "wrong_recipient": 0, "too_large": 0, "connections": 0, "unreadable": 0}

    def __len__(self) -> int:
        return len(self._letters)

    def put_nowait(self, letter: Letter) -> None:
        """Takes a mail, and wakes who waits."""
        now = trio.current_time()
        self._drop_old(now)
        if len(self._letters) >= self._most:
            self._push_out()
            self.lost["pushed_out"] += 1
        self.taken += 1
        numbered = msgspec.structs.replace(letter, number=self.taken, received_at=wall_ns(), age_s=0.0)
        self._letters.append((now, numbered))
        self._came.set()
        self._came = trio.Event()

    def find(self, to: str, since: float) -> list[Letter]:
        """The mails to this address that arrived after `since`, oldest first."""
        now = trio.current_time()
        self._drop_old(now)
        found = [
            msgspec.structs.replace(letter, age_s=now - arrived)
            for arrived, letter in self._letters
            if letter.to == to and arrived >= since
        ]
        return found[-MOST_ANSWERED:]

    async def wait(self, to: str, since: float) -> list[Letter]:
        """As `find`, once there is one; never if none comes."""
        while not (found := self.find(to, since)):
            await self._came.wait()
        return found

    def _push_out(self) -> None:
        """Anybody may send mail here: who floods the box loses what is his own."""
        (most, _), *_ = Counter(letter.peer for _, letter in self._letters).most_common(1)
        del self._letters[next(n for n, (_, letter) in enumerate(self._letters) if letter.peer == most)]

    def _drop_old(self, now: float) -> None:
        while self._letters and self._letters[0][0] < now - self._age_s:
            self._letters.popleft()
