"""What people ordered about alerts, from a journal of inputs: silences, and windows of maintenance. Blocking."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from collector.inputs import CommandInput, InputError, PlanInput, PlanStateInput, decode_input
from collector.recording import last_state, read_kinds
from collector.routing.rehearsal import Ordered
from collector.routing.silences import SILENCE, SILENCE_END, command_silences
from collector.routing.state import Routing
from parallax.plan.load import load_plan_source
from parallax.plan.source import PlanErrors, PlanSource

MOST = 100_000
"""Records that are looked at."""


def silenced_before(events: Path, orders: Iterable[Ordered]) -> int:
    """How many silences there were before these, by what detection has counted up to now."""
    state, trial = last_state(events), Routing()
    for each in orders:
        if each.command is not None:
            command_silences(trial, each.command, each.at)
    return max(state.routing.silenced - trial.silenced, 0) if state is not None else 0


def orders_in(file: Path) -> Iterator[Ordered]:
    """All that an inputs.db has of it, the oldest first. A plan that this version does not read is passed over. Raises
    RecordingError."""
    texts: dict[str, PlanInput] = {}
    for record in read_kinds(file, ("command", "plan", "plan_state"), MOST):
        try:
            value = decode_input(record)
        except InputError:
            continue
        match value:
            case CommandInput() if value.word in (SILENCE, SILENCE_END):
                yield Ordered(at=record.at_ns, command=value)
            case PlanInput():
                texts[value.digest] = value
            case PlanStateInput() if value.change == "promoted" and value.digest in texts:
                try:
                    plan = load_plan_source(PlanSource(texts[value.digest].files))
                except PlanErrors:
                    continue
                yield Ordered(at=record.at_ns, windows=tuple(plan.maintenance))
            case PlanStateInput() if value.change in ("rejected", "withdrawn"):
                texts.pop(value.digest, None)
