"""A move's curve: the share of parent servers and resolvers on the new set over time, as an SVG path. Pure."""

import msgspec

from collector.board import MoveBoard

WIDTH, HEIGHT = 600, 120
"""Of the drawing; CSS scales it."""


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Two stepped lines over time, from the start to now or the end. `bound` is where the predicted bound lies, None
    where it is not known or lies beyond the right edge."""

    parents: str
    resolvers: str
    bound: float | None
    until: int


def curve(move: MoveBoard, now: int) -> Curve:
    """The curve of a move."""
    until = max(move.ended_at or now, move.started_at + 1)
    if move.ended_at is None and move.bound_at is not None:  # what is to come is seen coming
        until = max(until, min(move.bound_at, now + (now - move.started_at) + 60_000_000_000))
    last = (
        move.ended_at or now,
        _per_mille(move.parents),
        _per_mille(move.resolvers),
    )
    points = [point for point in move.points if point[0] <= last[0]] + [last]

    def x(at: int) -> float:
        return round((at - move.started_at) / (until - move.started_at) * WIDTH, 1)

    def path(column: int) -> str:
        steps, before = [f"M0 {_y(points[0][column])}"], points[0][column]
        for point in points:
            steps.append(f"H{max(x(point[0]), 0)}")
            if point[column] != before:
                before = point[column]
                steps.append(f"V{_y(before)}")
        return "".join(steps)

    bound = None if move.bound_at is None else x(move.bound_at)
    return Curve(
        parents=path(1), resolvers=path(2), bound=bound if bound is not None and bound <= WIDTH else None, until=until
    )


def _y(per_mille: int) -> float:
    return round(HEIGHT - min(max(per_mille, 0), 1000) / 1000 * HEIGHT, 1)


def _per_mille(counts: tuple[int, int]) -> int:
    return round(counts[0] / counts[1] * 1000) if counts[1] else 0
