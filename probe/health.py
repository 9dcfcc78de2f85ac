"""The probe's own health, gathered: what it says of a run, and how long an observation is held until it is known.

An observation that could come from a dead uplink waits, a second and a half at most, for a control check begun after
it: so the verdict on the uplink is there before the observation is cut into a batch. One that only repeats what was
seen before takes the last check's word, so that a target that is down for hours does not load the controls.
"""

from collections.abc import Callable, Mapping

import msgspec
import trio

from parallax.clock import NS, wall_ns
from parallax.log import get_log
from parallax.observation import Observation
from parallax.values import Address, Family
from probe.abstain import Conditions, abstain_for, asks_for_uplink, family_of, unanswered
from probe.clocks import SKEW_S, ClockSync, Exchange, Offsets, read_clock_sync
from probe.egress import routed_families
from probe.lag import Beat
from probe.resolvers import Ask, Resolvers
from probe.runner import Span
from probe.uplink import FAILING_PACE_S, LAST_ANSWER_S, SHORTEST_PACE_S, Dial, Uplink, by_family

HOLD_S = SHORTEST_PACE_S + LAST_ANSWER_S + 0.1
"""Long enough for a check that had to keep its distance from one that began just before the uplink died."""
CLOCK_PACE_S = 30.0
MAX_FAILING = 10_000
HUNG = "first_byte_timeout"
"""What an attempt that still waits may turn out to be, and a dead uplink could look like."""
_log = get_log(__name__)


class Health:
    """Uplinks, event loop and clock of this host. `serve` keeps them watched."""

    def __init__(
        self,
        dial: Dial,
        *,
        ask: Ask | None = None,
        wall: Callable[[], int] = wall_ns,
        clock_sync: Callable[[], ClockSync] = read_clock_sync,
        routed: Callable[[], frozenset[Family]] = routed_families,
    ) -> None:
        self._wall, self._read_clock_sync, self._routed = wall, clock_sync, routed
        self._resolvers = Resolvers(ask) if ask is not None else None
        self.uplinks: Mapping[Family, Uplink] = {4: Uplink([], dial), 6: Uplink([], dial)}
        self.offsets = Offsets()
        self.beat = Beat(self._stepped, wall)
        self.clock_sync = clock_sync()
        self._failing: set[tuple[str, str, str]] = set()

    def use_controls(self, controls: list[Address]) -> None:
        """Puts the plan's (or config's) control targets in force."""
        for family, uplink in self.uplinks.items():
            uplink.replace(by_family(controls, family))

    async def serve(self) -> None:
        """Watches until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.beat.serve)
            for uplink in self.uplinks.values():
                nursery.start_soon(uplink.serve)
            while True:
                self.clock_sync = self._read_clock_sync()
                await trio.sleep(CLOCK_PACE_S)

    async def settle(self, observations: list[Observation], span: Span) -> list[Observation]:
        """The observations of one run with `abstain` set, after at most HOLD_S; where a lookup got no answer, after
        ANSWERS_WITHIN_S more."""
        asking = [observation for observation in observations if asks_for_uplink(observation)]
        if asking:
            async with trio.open_nursery() as nursery:
                for observation in asking:
                    nursery.start_soon(self._wait_uplink, observation, span)
        for observation in observations:
            self._remember(observation)
        conditions = self._conditions(span)
        if self._resolvers is not None and (asked := [each for o in observations for each in unanswered(o)]):
            silent = await self._resolvers.silent(asked)
            conditions = msgspec.structs.replace(conditions, resolvers_silent=silent)
        if any(observation.reason == "connect_unreachable" for observation in observations):
            conditions = msgspec.structs.replace(conditions, routed=self._routed())
        return [msgspec.structs.replace(o, abstain=abstain_for(o, conditions)) for o in observations]

    def vouches_for(self, waiting: Observation) -> bool:
        """Whether nothing is known of the probe itself that would explain why this still waits."""
        now = trio.current_time()
        hung = msgspec.structs.replace(waiting, reason=HUNG, abstain=None)
        return abstain_for(hung, self._conditions(Span(now - waiting.duration_ns / NS, now))) is None

    def _conditions(self, span: Span) -> Conditions:
        """How the probe was during a run. Routes take two sockets to find out: only who needs them asks."""
        offset_s = self.offsets.offset_s(trio.current_time())
        return Conditions(
            lag_s=self.beat.worst_since(span.started),
            stepped_s=span.stepped_s,
            down={f: u.was_down(span.started) for f, u in self.uplinks.items() if u.up is not None},
            skewed=offset_s is not None and abs(offset_s) > SKEW_S,
            unsynchronised=offset_s is None and self.clock_sync.synchronised is False,
        )

    def vouch(self, collector: str, offset_s: float, within_s: float) -> None:
        """A collector's clock as the Date of an answer tells it, before there was an exchange of batches."""
        self.offsets.add(collector, Exchange(offset_s, within_s), trio.current_time())

    async def _wait_uplink(self, observation: Observation, span: Span) -> None:
        family = family_of(observation)
        known = _key(observation) in self._failing
        since = span.ended - FAILING_PACE_S if known else span.ended
        async with trio.open_nursery() as nursery:
            for uplink in [self.uplinks[family]] if family else self.uplinks.values():
                nursery.start_soon(uplink.wait_checked, since, HOLD_S, not known)

    def _remember(self, observation: Observation) -> None:
        key = _key(observation)
        if not asks_for_uplink(observation):
            self._failing.discard(key)
        elif len(self._failing) < MAX_FAILING:
            self._failing.add(key)

    def _stepped(self, jump_s: float) -> None:
        _log.warning("the wall clock was stepped", by_s=round(jump_s, 3))
        self.offsets.forget()


def _key(observation: Observation) -> tuple[str, str, str]:
    return observation.check, observation.target, observation.subject
