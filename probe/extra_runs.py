"""What collectors ask this probe to look at now, and whether it may. Pure: the caller tells the time (trio's clock).

A run that is asked for is a run like any other, but at another time. However much is asked, and by however many:

- a pair is never run sooner after the start of its last run than its floor: 15 s for what others run, 2 s else;
- the extra runs of a pair are a twentieth of those of its grid at most, and half a day's of them may be used at once:
  so no day has more than a tenth more;
- at a host that others run, all pairs together have what the grids leave of this probe's share of the fleet's;
- all pairs together have ROOM such runs at once, and RATE a second after that.

For what others run, the floor holds between an asked run and the next tick, too: such a tick is put off until then. It
holds from when on the pair is in force, as nobody knows what ran before; and through a plan that is without it, or
collectors could get around it by theirs.
"""

from collections.abc import Iterable, Mapping

import msgspec

from parallax.asks import LONGEST_S, MAX_ASKS, WHY, Ask
from parallax.observation import Observation
from probe.buckets import Buckets, Limit
from probe.schedule import Pair

FLOOR_S = 2.0
EXTERNAL_FLOOR_S = 15.0
SHORTEST_EVERY_S = 4.0
SHARE = 0.05
ROOM, RATE = 40.0, 4.0
BURST_S = 30.0
"""So many seconds' worth of what is spare at a host may be used at once."""
LATER_S = 1.0
"""When a run that found no room is thought of again."""
DAY_S = 86_400.0
NOT_TOLD = "over_budget"
"""A run of the grid that cannot be afforded says so; one more than the grid has says nothing."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often a pair may be run at all, seconds; and its grid's period."""

    floor_s: float
    period_s: float
    host: str = ""
    """Whose host it is, where others run it."""
    spare: float | None = None
    """Runs a second that the fleet's grids leave to this probe there (parallax.plan.loads); None: nobody counts."""


class ExtraRun(msgspec.Struct, frozen=True):
    """A run that is to begin now. `why` is a word; "" for a tick that was put off."""

    pair: Pair
    why: str


class _Standing(msgspec.Struct):
    """An ask, and from when until when it stands."""

    ask: Ask
    since: float
    until: float


class ExtraRuns:
    """What is asked. Every run is to be told by `began`, asked for or not."""

    def __init__(self, buckets: Buckets | None = None) -> None:
        self._buckets = buckets or Buckets()
        self._paces: Mapping[Pair, Pace] = {}
        self._standing: dict[str, dict[tuple[str, Pair], _Standing]] = {}
        self._began: dict[Pair, float] = {}
        self._asked: set[Pair] = set()
        """Pairs whose last run was asked for, or put off."""
        self._owed: set[Pair] = set()
        self._not_before: dict[Pair, float] = {}
        self.refused = 0
        """Runs that were asked for and are beyond what may be."""

    def use(self, paces: Mapping[Pair, Pace], now: float) -> None:
        """Puts the plan's pairs in force: those that may be asked for."""
        for pair, pace in paces.items():
            if pair not in self._paces and pair not in self._began and pace.floor_s >= EXTERNAL_FLOOR_S:
                self._not_before[pair] = now + pace.floor_s
        self._paces = dict(paces)
        for pair in [each for each in self._not_before if each not in paces]:
            del self._not_before[pair]
        for pair in [p for p, at in self._began.items() if p not in paces and at + EXTERNAL_FLOOR_S <= now]:
            del self._began[pair]
        self._asked &= self._began.keys()
        self._owed &= paces.keys()

    def replace(self, collector: str, asks: Iterable[Ask], now: float) -> None:
        """This is all that the collector asks now. What it asked before and asks still goes on."""
        before, standing = self._standing.get(collector, {}), dict[tuple[str, Pair], _Standing]()
        for ask in list(asks)[:MAX_ASKS]:
            until, since = now + min(ask.left_s, LONGEST_S), now + max(0.0, ask.in_s)
            if not now < until or not since < until:
                continue
            name = ask.id, Pair(ask.check, ask.target)
            standing[name] = _Standing(ask, before[name].since if name in before else since, until)
        self._standing[collector] = standing

    def began(self, pair: Pair, now: float, *, asked: bool = False) -> None:
        """A run of the pair begins."""
        if pair not in self._paces:
            return
        self._began[pair] = now
        self._owed.discard(pair)
        self._not_before.pop(pair, None)
        (self._asked.add if asked else self._asked.discard)(pair)

    def puts_off(self, pair: Pair, now: float) -> bool:
        """Whether a tick of the grid comes too soon after a run that was asked for: then it is due later."""
        pace = self._paces.get(pair)
        if pace is None or pair not in self._asked or pace.floor_s < EXTERNAL_FLOOR_S:
            return False
        if now >= self._began[pair] + pace.floor_s:
            return False
        self._owed.add(pair)
        return True

    def wait_a_moment(self, pair: Pair, now: float) -> None:
        """There was no room for its run."""
        self._not_before[pair] = now + LATER_S

    def take(self, now: float) -> list[ExtraRun]:
        """The runs that are due, each once: `began` says that it was begun, `wait_a_moment` that it could not be."""
        self._drop_old(now)
        found = []
        for pair, (at, why) in self._due().items():
            if at > now:
                continue
            if why and self._buckets.take(self._limits(pair), now) is not None:
                self.refused += 1
                self._not_before[pair] = now + LATER_S
                continue
            found.append(ExtraRun(pair, why))
        return found

    def next_at(self) -> float | None:
        """When the next is due; None if nothing is asked."""
        return min((at for at, _ in self._due().values()), default=None)

    def _due(self) -> dict[Pair, tuple[float, str]]:
        """When each is due, and why."""
        due = {
            pair: (max(self._began[pair] + self._paces[pair].floor_s, self._not_before.get(pair, 0.0)), "")
            for pair in self._owed
        }
        for standing in self._standing.values():
            for (_, pair), each in standing.items():
                at = self._due_at(pair, each)
                if at is not None and at < each.until and (pair not in due or at < due[pair][0]):
                    due[pair] = at, each.ask.why if each.ask.why in WHY else "asked"
        return due

    def _due_at(self, pair: Pair, standing: _Standing) -> float | None:
        pace = self._paces.get(pair)
        if pace is None:
            return None
        last = self._began.get(pair, float("-inf"))
        if last < standing.since:
            at = max(standing.since, last + pace.floor_s)
        elif standing.ask.every_s > 0:
            at = last + max(standing.ask.every_s, pace.floor_s, SHORTEST_EVERY_S)
        else:
            return None
        return max(at, self._not_before.get(pair, at))

    def _limits(self, pair: Pair) -> list[Limit]:
        rate = SHARE / self._paces[pair].period_s
        own = Limit(key=f"{pair.check}\x1f{pair.target}", room=max(1.0, rate * DAY_S), rate=rate)
        return [own, *_spare(self._paces[pair]), Limit(key="", room=ROOM, rate=RATE)]

    def _drop_old(self, now: float) -> None:
        for collector, standing in self._standing.items():
            if any(each.until <= now for each in standing.values()):
                self._standing[collector] = {name: each for name, each in standing.items() if each.until > now}


def _spare(pace: Pace) -> list[Limit]:
    """What this probe may ask of a host beside its grid, so that the fleet as a whole stays within the plan's bound."""
    if pace.spare is None:
        return []
    room = max(1.0, pace.spare * BURST_S) if pace.spare > 0 else 0.0
    return [Limit(key=f"host {pace.host}", room=room, rate=pace.spare)]


def told(observations: list[Observation], why: str) -> list[Observation]:
    """What a run that was asked for says: that it was. What it could not afford says nothing, as it has no tick."""
    return [
        msgspec.structs.replace(o, findings={**o.findings, "asked": why}) for o in observations if o.abstain != NOT_TOLD
    ]
