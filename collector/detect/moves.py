"""Moves: a change of a delegation or a chain on its way through parent servers and resolvers. Pure."""

import msgspec

from collector.board import MoveBoard
from collector.detect.view import CheckView, View
from collector.events import EventData
from collector.inputs import CommandInput
from parallax.observation import Observation


class Moves(msgspec.Struct):
    """Part of the state, hence plain values, bounded."""


def note_moves(moves: Moves, view: View, check: CheckView, probe: str, observation: Observation, at: int) -> None:
    """Takes one observation of a check of DNS; `at` is when it was measured, by the collector's clock."""


def command_moves(moves: Moves, view: View, command: CommandInput, now: int) -> None:
    """Starts or ends a move as a person says."""


def tell_moves(moves: Moves, view: View, now: int, told: list[EventData]) -> None:
    """Says what changed; called at every tick."""


def moves_of(moves: Moves, now: int) -> tuple[MoveBoard, ...]:
    """Those under way, and those that ended of late, the newest first."""
    return ()
