"""The world map: the board's probes as pins, each with what it says of itself and what fails as seen from it. Pure."""

import msgspec

from collector.board import Board, ProbeBoard
from collector.web.geo import HEIGHT, RADIUS, WIDTH, Pin, place_pins
from collector.web.words import COUNTED, FAILING, Tone, count, latest_state, look


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A probe's pin as it is drawn. Colour, shape and title all say the state."""

    pin: Pin
    tone: Tone
    shape: str
    """SVG path data, around (0, 0)."""
    title: str
    failing: bool
    """Something fails as seen from here, known risks aside: the pin has a ring."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    width: float
    height: float
    radius: float
    marks: tuple[Mark, ...]
    key: tuple[tuple[str, str], ...]
    """State and shape, of those that are on the map."""
    elsewhere: tuple[str, ...]
    """Probes whose place the plan does not say."""


def world(board: Board) -> World:
    """The map of a board."""
    placed = [(probe, probe.location) for probe in board.probes if probe.location is not None]
    pins = place_pins([(probe.id, location) for probe, location in placed])
    seen, ringed = views(board), _ringed(board)
    marks = tuple(
        _mark(probe, pin, *seen.get(probe.id, (0, 0)), ringed=probe.id in ringed)
        for (probe, _), pin in zip(placed, pins, strict=True)
    )
    # A ring and a loud tone must not lie under a quiet neighbour: what is drawn last is on top.
    return World(
        width=WIDTH,
        height=HEIGHT,
        radius=RADIUS,
        marks=tuple(sorted(marks, key=lambda mark: (mark.failing, mark.tone != "ok"))),
        key=tuple((state, path) for state, path in _SHAPES.items() if any(p.state == state for p, _ in placed)),
        elsewhere=tuple(probe.id for probe in board.probes if probe.location is None),
    )


def views(board: Board) -> dict[str, tuple[int, int]]:
    """By probe: how many subjects fail as seen from it, and of how many it has a fresh word that counts."""
    found: dict[str, tuple[int, int]] = {}
    for check in board.checks:
        for subject in check.subjects:
            for latest in subject.latest:
                if (state := latest_state(latest)) in COUNTED:
                    failing, all_ = found.get(latest.probe, (0, 0))
                    found[latest.probe] = (failing + (state in FAILING), all_ + 1)
    return found


def _ringed(board: Board) -> set[str]:
    """Those who see a failure. What is a risk and no incident hurts nobody, and may last for weeks: rings that are
    always there say nothing. What has turned and is in no incident is such a one, at an operator that stands by."""
    risky = {risk.check for risk in board.risks}
    return {
        latest.probe
        for check in board.checks
        for subject in check.subjects
        if subject.incident is not None or (check.name not in risky and subject.state not in ("down", "degraded"))
        for latest in subject.latest
        if latest_state(latest) in FAILING
    }


def _mark(probe: ProbeBoard, pin: Pin, failing: int, counted: int, *, ringed: bool) -> Mark:
    shown = look(probe.state)
    where = f" in {probe.region}" if probe.region else ""
    seen = f"; {failing} of {count(counted, 'subject')} {'fails' if failing == 1 else 'fail'} as seen from it"
    return Mark(
        pin=pin,
        tone=shown.tone,
        shape=_SHAPES.get(probe.state, _SHAPES["unknown"]),
        title=f"{probe.id}{where}: {shown.word}" + (seen if counted else ""),
        failing=ringed,
    )


_SHAPES = {
    "healthy": "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0z",  # a disc
    "unhealthy": "M0-9L9 7H-9z",  # a triangle
    "silent": "M-7-7H7V7H-7zM-3-3V3H3V-3z",  # a square with a hole
    "unknown": "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0zM-4 0a4 4 0 1 1 8 0a4 4 0 1 1-8 0z",  # a ring
}
