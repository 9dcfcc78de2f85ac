"""Catchments: which site of an anycast address answers which probe, and what changes in it. Pure."""

import msgspec

from collector.board import CatchmentBoard
from collector.detect.view import CheckView, View
from collector.events import EventData
from parallax.observation import Observation


class Catchments(msgspec.Struct):
    """Part of the state, hence plain values, bounded."""


def note_catchments(
    catchments: Catchments, view: View, check: CheckView, probe: str, observation: Observation, at: int
) -> None:
    """Takes one observation; `at` is when it was measured, by the collector's clock."""


def tell_catchments(catchments: Catchments, view: View, now: int, told: list[EventData]) -> None:
    """Says what changed; called at every tick."""


def catchments_of(catchments: Catchments, view: View, now: int) -> tuple[CatchmentBoard, ...]:
    """As they are now, by address."""
    return ()
