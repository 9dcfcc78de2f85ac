"""One state and the step that moves it on."""

import time
from collections.abc import Callable, Iterable

from collector.detect import State, board_of, encode_state, known_incidents, peer_word, step
from collector.detect.asking.asks import Ask, asks_of
from collector.detect.view import NOTHING, view_of
from collector.engine.values import Shown, Standing, Taken
from collector.events import Event
from parallax.journal import Record

LONGEST_S = 0.25
"""How long what was concluded may wait for the records read together with it."""

Step = Callable[[State, Record], tuple[State, list[Event]]]


class Core:
    """Takes records. What the step raises comes through, and leaves the state as it may be: load a good one then."""

    def __init__(self, state: State, step: Step = step) -> None:
        self._state, self._step = state, step
        self._asked: tuple[object, ...] | None = None

    def step(self, record: Record) -> list[Event]:
        """What one record led to."""
        self._state, events = self._step(self._state, record)
        return events

    def take(self, records: Iterable[Record], *, save: bool) -> Taken:
        """What records led to, as many as there is time for, at least one."""
        events: list[Event] = []
        until = time.monotonic() + LONGEST_S
        for record in records:
            events += self.step(record)
            if time.monotonic() >= until:
                break
        return self.taken(events, save=save)

    def taken(self, events: list[Event], *, save: bool) -> Taken:
        """What was concluded so far, with the state after it where that is worth to be saved."""
        return Taken(
            events=events,
            snapshot=encode_state(self._state) if events or save else None,
            standing=self.standing(),
        )

    def standing(self) -> Standing:
        """The state as the rest of the collector wants it after every piece of work."""
        state = self._state
        return Standing(
            position=state.position,
            planned=bool(state.plan),
            charge=state.routing.charge,
            silences=tuple(state.routing.silences.values()),
            serving={
                name: (group.decision.serving, group.decision.epoch) for name, group in state.switching.groups.items()
            },
            asks=self._asks(),
        )

    def shown(self) -> Shown:
        """The state as people see it."""
        state = self._state
        return Shown(board=board_of(state), incidents=known_incidents(state), peer_word=peer_word(state))

    def _asks(self) -> tuple[Ask, ...] | None:
        """They are many, and follow from few things: made anew only when those change."""
        state, asked = self._state, self._asked
        inquiries = state.inquiries.open.items()
        self._asked = state.digest, *((name, inquiry.number, inquiry.wide) for name, inquiry in inquiries)
        return None if self._asked == asked else asks_of(state, view_of(state.plan) or NOTHING)
