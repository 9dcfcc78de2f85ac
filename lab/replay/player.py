"""Records of `inputs` through detection and routing, one after the other. Pure, but for what the source does.

The step is the collector's own, and so is what decides who would have been told. Time is what the records say.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from collector.board import Board
from collector.detect import State, board_of, initial, step
from collector.events import AlertRouted, Event
from lab.replay.expectations import Told
from lab.replay.words import words_of
from parallax.journal import Record
from parallax.plan.failover_types import Failover
from parallax.plan.load import load_plan_source
from parallax.plan.source import PlanErrors, PlanSource
from parallax.plan.types import Plan

SEED = "0000000000000000"
"""Of the events' ids, where no recording says another."""
MAX_EVENTS = 200_000
"""Past it the oldest go, and are counted."""


class Player:
    """Plays; `events`, `told` and `board` are what came of it so far."""

    def __init__(self, seed: str = SEED) -> None:
        self.state: State = initial(seed)
        self.events: list[Event] = []
        self.told: list[Told] = []
        self.records = self.observations = self.dropped = 0

    def put(self, record: Record) -> list[Event]:
        """What a record led to."""
        self.state, events = step(self.state, record)
        self.records += 1
        self.observations += record.count if record.kind == "batch" else 0
        self.events += events
        if len(self.events) > MAX_EVENTS:
            cut = len(self.events) - MAX_EVENTS
            del self.events[:cut]
            self.dropped += cut
        for event in events:
            if isinstance(event.data, AlertRouted):
                self._tell(event, event.data)
        return events

    @property
    def board(self) -> Board:
        return board_of(self.state)

    @property
    def plan(self) -> Plan | None:
        """The plan in force, by the records."""
        return _plan_of(self.state.plan)

    @property
    def kinds(self) -> Mapping[str, str]:
        """By check: its kind."""
        return {check.name: check.kind for check in self.plan.check} if self.plan else {}

    @property
    def groups(self) -> Mapping[str, Failover]:
        """The failover groups of the plan in force."""
        return {group.name: group for group in self.plan.failover} if self.plan else {}

    def _tell(self, event: Event, routed: AlertRouted) -> None:
        """Every receiver takes at once what it would be sent."""
        summary = words_of(routed.of[-1]) if routed.of else ""
        self.told += [
            Told(
                at=event.at,
                receiver=receiver,
                key=routed.key,
                type=routed.about,
                summary=summary,
                phase=routed.phase,
                tier=routed.tier,
            )
            for receiver in routed.to
        ]


def play(records: Iterable[Record], player: Player) -> None:
    """All of them."""
    for record in records:
        player.put(record)


@lru_cache(maxsize=8)
def _plan_of(texts: tuple[tuple[str, str], ...]) -> Plan | None:
    try:
        return load_plan_source(PlanSource(dict(texts))) if texts else None
    except PlanErrors:
        return None
