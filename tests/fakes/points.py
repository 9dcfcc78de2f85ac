"""History's points for a check: a day or less of steps, with failures where a test wants them."""

from collections.abc import Iterable

from collector.history.types import Point
from parallax.clock import NS


def points(
    probes: Iterable[str],
    *,
    until: int,
    steps: int,
    step_s: int = 60,
    subject: str = "192.0.2.1:53",
    failing: Iterable[tuple[str, int]] = (),
    total: int = 2,
) -> tuple[Point, ...]:
    """`failing`: probe and how many steps before the last one; everything failed then."""
    dark = set(failing)
    made = []
    last = until // (step_s * NS) * step_s * NS
    for back in range(steps - 1, -1, -1):
        for number, probe in enumerate(probes):
            down = (probe, back) in dark
            p50 = (20 + 15 * number) * 1_000_000
            made.append(
                Point(
                    at=last - back * step_s * NS,
                    probe=probe,
                    subject=subject,
                    total=total,
                    failed=total if down else 0,
                    abstained=0,
                    p50_ns=None if down else p50,
                    p95_ns=None if down else p50 * 2,
                )
            )
    return tuple(made)
