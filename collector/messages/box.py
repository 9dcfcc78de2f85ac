"""The letters that were taken, in memory: bounded in number and age, and what is lost at a bound is counted.

Whoever reads a letter takes nothing away: two probes may wait for one address. Each kind has room of its own: anybody
may send mail here, and must not push out what came with a signature.
"""

from collections import Counter, deque
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network

import msgspec
import trio

from parallax.clock import wall_ns
from parallax.letters import Letter, LetterKind, Proof

MOST = 1_000
"""Letters of a kind that are kept; past it, the oldest goes of the peer that delivered the most."""
AGE_S = 600.0
"""How long one is kept."""
MOST_ANSWERED = 50
"""Letters of one answer: the newest."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe asks for: the letters of a kind to an address since a moment (trio's clock), with numbers beyond
    `after`, waiting so long for one. With `proven`, mails only whose proofs are there."""

    to: str
    since: float
    wait_s: float = 0.0
    kind: LetterKind = "mail"
    after: int = 0
    proven: bool = False


class MailStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server right now: where it listens, for which domains, mails kept and taken, and what was lost or
    refused, by cause."""

    listen: str
    domains: list[str]
    kept: int
    taken: int
    lost: dict[str, int]


class Box:
    """Holds letters. Times are trio's clock."""

    def __init__(self, most: int = MOST, age_s: float = AGE_S) -> None:
        self._most, self._age_s = most, age_s
        self._letters: deque[tuple[float, Letter]] = deque()
        self._came = trio.Event()
        self._numbered = 0
        self._taken = {"mail": 0, "sms": 0, "webhook": 0}
        self.lost = {
            "pushed_out": 0, "wrong_recipient": 0, "too_large": 0, "connections": 0, "unreadable": 0, "unproven": 0,
        }  # fmt: skip

    def __len__(self) -> int:
        return len(self._letters)

    @property
    def taken(self) -> int:
        """Mails that were taken."""
        return self._taken["mail"]

    def kept(self, kind: LetterKind) -> int:
        """Letters of a kind that are here."""
        return sum(letter.kind == kind for _, letter in self._letters)

    def has(self, kind: LetterKind, id: str) -> bool:  # noqa: A002
        """Whether one of a kind with this id is here."""
        return any(letter.kind == kind and letter.id == id for _, letter in self._letters)

    def put_nowait(self, letter: Letter) -> int:
        """Takes a letter, and wakes who waits. Returns the number that it has from now on."""
        now = trio.current_time()
        self._drop_old(now)
        if self.kept(letter.kind) >= self._most:
            self._push_out(letter.kind)
            self.lost["pushed_out"] += 1
        self._numbered += 1
        self._taken[letter.kind] += 1
        numbered = msgspec.structs.replace(letter, number=self._numbered, received_at=wall_ns(), age_s=0.0)
        self._letters.append((now, numbered))
        self._wake()
        return self._numbered

    def forget_refused(self, to: str) -> None:
        """Drops what tells of refused webhooks of one name."""
        self._letters = deque(each for each in self._letters if not (each[1].refused and each[1].to == to))

    def prove(self, number: int, proofs: Sequence[Proof]) -> None:
        """Adds the proofs of a mail, if it is still here."""
        for place, (arrived, letter) in enumerate(self._letters):
            if letter.number == number:
                self._letters[place] = (arrived, msgspec.structs.replace(letter, proofs=list(proofs)))
                self._wake()
                return

    def find(self, asked: Asked) -> list[Letter]:
        """The letters that are asked for, oldest first."""
        now = trio.current_time()
        self._drop_old(now)
        found = [
            msgspec.structs.replace(letter, age_s=now - arrived)
            for arrived, letter in self._letters
            if letter.to == asked.to
            and letter.kind == asked.kind
            and arrived >= asked.since
            and letter.number > asked.after
            and not (asked.proven and letter.proofs is None)
        ]
        return found[-MOST_ANSWERED:]

    async def wait(self, asked: Asked) -> list[Letter]:
        """As `find`, once there is one; never if none comes."""
        while not (found := self.find(asked)):
            await self._came.wait()
        return found

    def _wake(self) -> None:
        self._came.set()
        self._came = trio.Event()

    def _push_out(self, kind: LetterKind) -> None:
        """Who floods the box loses what is his own."""
        peers = {n: _sender(letter.peer) for n, (_, letter) in enumerate(self._letters) if letter.kind == kind}
        ((most, _),) = Counter(peers.values()).most_common(1)
        del self._letters[next(n for n, peer in peers.items() if peer == most)]

    def _drop_old(self, now: float) -> None:
        while self._letters and self._letters[0][0] < now - self._age_s:
            self._letters.popleft()


@lru_cache(MOST)
def _sender(peer: str) -> str:
    """Who an address belongs to: one host may have a whole /64 of IPv6."""
    try:
        ip = ip_address(peer)
    except ValueError:
        return peer
    if ip.version == 4:
        return peer
    return str(ip.ipv4_mapped or ip_network((int(ip) >> 64 << 64, 64)))
