"""Failover groups, record by record: what probes see of them is noted, and what follows is told after each record."""

from collector.detect.state import State
from collector.detect.switching.memory import Switching
from collector.detect.view import CheckView, View
from collector.events import EventData
from collector.inputs import ActionInput, CommandInput
from parallax.observation import Observation


def note_switching(
    switching: Switching, view: View, check: CheckView, probe: str, observation: Observation, at: int
) -> None:
    """Takes in what an observation shows of who serves. Called for each that counts: it must cost next to nothing for
    a check that no group has."""


def command_switching(switching: Switching, view: View, command: CommandInput, now: int) -> None:
    """Takes what a person commanded or pushed (freeze, thaw, override, drill, standby_fact); words of others change
    nothing."""


def note_action(switching: Switching, view: View, action: ActionInput, now: int) -> None:
    """Takes in what came of an action, or of the look whether it could be carried out."""


def tell_switching(state: State, view: View, told: list[EventData]) -> None:
    """Says what changed of the groups: switchovers, readiness, decisions. After incidents were told, so that causes are
    known."""


def rewind_switching(switching: Switching, at: int) -> None:
    """The collector's clock was put back: all that lay later is now."""
