"""What is asked of each probe right now, and who waits for it: the collector's side of GET /v1/asks.

Detection says whom to ask (collector.detect.asking.asks); here it is only held, for whoever polls. An answer is all
that stands for one probe, so a lost one costs no more than a moment, and what is no longer asked is gone from the
next.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import trio

from collector.detect.asking.asks import Ask as Asked
from parallax.asks import LONGEST_S, MAX_ASKS, Ask, Asks
from parallax.clock import NS, wall_ns

SPACING_S = 0.25
"""Between two answers to one probe."""
MAX_POLLS = 4
"""Questions of one probe that wait at a time: its last one, and those of connections that died unnoticed."""


class Asking:
    """Holds the asks. `publish` is called by detection, the rest by whoever serves probes."""

    def __init__(self, *, wall: Callable[[], int] = wall_ns) -> None:
        self._wall = wall
        self._asks: dict[str, list[Asked]] = {}
        self._changed = trio.Event()
        self._answered: dict[str, float] = {}
        self._polls: Counter[str] = Counter()

    def publish(self, asks: Iterable[Asked]) -> None:
        """These are all."""
        by_probe: dict[str, list[Asked]] = defaultdict(list)
        for ask in asks:
            if len(by_probe[ask.probe]) < MAX_ASKS:
                by_probe[ask.probe].append(ask)
        if by_probe != self._asks:
            self._asks = dict(by_probe)
            changed, self._changed = self._changed, trio.Event()
            changed.set()

    def of(self, probe: str) -> Asks:
        """What is asked of a probe now."""
        return asks_at(self._asks.get(probe, ()), self._wall())

    async def wait_other(self, probe: str, version: str) -> None:
        """Returns once something else is asked of the probe than this version, and no answer went to it a moment ago;
        what changes within that moment is one change."""
        await trio.sleep_until(self._answered.get(probe, float("-inf")) + SPACING_S)
        while self.of(probe).version == version:
            await self._changed.wait()

    def answer(self, probe: str) -> Asks:
        """What is asked of a probe now, for an answer to it."""
        self._answered[probe] = trio.current_time()
        return self.of(probe)

    @contextmanager
    def polling(self, probe: str) -> Iterator[bool]:
        """A question waits for as long as this is entered; gives whether it may."""
        self._polls[probe] += 1
        try:
            yield self._polls[probe] <= MAX_POLLS
        finally:
            self._polls[probe] -= 1
            if not self._polls[probe]:
                del self._polls[probe]


def asks_at(asked: Iterable[Asked], at: int) -> Asks:
    """What detection asks of one probe, as it is told to it at a time, ns since the Unix epoch. Pure."""
    asks = [
        Ask(
            id=ask.id,
            check=ask.check,
            target=ask.target,
            in_s=min(max(0.0, (ask.not_before - at) / NS), LONGEST_S),
            every_s=ask.every_ns / NS,
            left_s=min((ask.until - at) / NS, LONGEST_S),
            why=ask.why,
        )
        for ask in asked
        if ask.until > at
    ]
    return Asks(version=_version(asks), asks=asks)


def _version(asks: list[Ask]) -> str:
    if not asks:
        return ""
    text = "\x1e".join(f"{ask.id}\x1f{ask.check}\x1f{ask.target}\x1f{ask.every_s}" for ask in asks)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
