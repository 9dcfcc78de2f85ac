"""Nights in which a primary fails now and then: spans of outage, drawn by a seed. Times in seconds since its start."""

import random
from collections.abc import Callable, Iterator, Mapping

Span = tuple[float, float]
MIN = 60.0
STARTS = (0.0, 25 * MIN, 80 * MIN)
"""Of 6 August 2025, after 02:30: starts that are public (02:55, 03:50)..."""
OVER = 101 * MIN
"""...and when it was over (04:11)."""
LEAST = MIN


def single(rng: random.Random) -> list[Span]:
    """One long outage."""
    return [(0.0, 45 * MIN)]


def august(rng: random.Random) -> list[Span]:
    """Outages of 5 to 10 min with 5 to 20 min between them, three of which begin when it is known that they did; none
    after 04:11."""
    found: list[Span] = []
    starts = list(STARTS)
    while starts:
        start = starts.pop(0)
        after = starts[0] if starts else OVER
        least = 5 * MIN if starts else 0.0
        end = min(start + rng.uniform(5, 10) * MIN, max(start + LEAST, after - least))
        found.append((start, min(end, OVER)))
        following = end + rng.uniform(5, 20) * MIN
        if following <= after - least - LEAST:
            starts.insert(0, following)
    return found


def slow(rng: random.Random) -> list[Span]:
    """Outages of 5 to 10 min with 20 to 60 min between them, for five hours."""
    return list(_flapping(rng, (5, 10), (20, 60), 300 * MIN))


def fast(rng: random.Random) -> list[Span]:
    """Outages of 1 to 5 min with as much between them, for an hour and a half."""
    return list(_flapping(rng, (1, 5), (1, 5), 90 * MIN))


def _flapping(rng: random.Random, outage: Span, gap: Span, until: float) -> Iterator[Span]:
    at = 0.0
    while at < until:
        end = at + rng.uniform(*outage) * MIN
        yield at, end
        at = end + rng.uniform(*gap) * MIN


REGIMES: Mapping[str, Callable[[random.Random], list[Span]]] = {
    "one outage of 45 min": single,
    "6 August 2025": august,
    "slow flap, 20 to 60 min": slow,
    "fast flap, 1 to 5 min": fast,
}
