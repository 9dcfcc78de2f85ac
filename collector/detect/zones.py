"""What is known of zones, their operators and what resolvers hold of them: the ground under runway, readiness and stale
answers. Pure.
"""

import msgspec

from collector.board import ChainBoard, FallbackBoard
from collector.detect.view import CheckView, View
from parallax.observation import Observation


class Zones(msgspec.Struct):
    """Part of the state, hence plain values, bounded."""


def note_zones(zones: Zones, view: View, check: CheckView, probe: str, observation: Observation, at: int) -> None:
    """Takes one observation of a check of DNS; `at` is when it was measured, by the collector's clock."""


def fallbacks_of(zones: Zones, view: View, now: int) -> tuple[FallbackBoard, ...]:
    """How the operators stand that are to take over."""
    return ()


def chains_of(zones: Zones, view: View, now: int) -> tuple[ChainBoard, ...]:
    """Where names lead."""
    return ()
