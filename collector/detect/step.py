"""One record into the state."""

from collector.detect.state import State
from collector.events import Event
from parallax.journal import Record


def step(state: State, record: Record) -> tuple[State, list[Event]]:
    """The state after a record of `inputs`, and what it led to. Never raises: a record that does not decode changes
    nothing but the position."""
    state.position, state.now = record.position, max(state.now, record.at_ns)
    return state, []
