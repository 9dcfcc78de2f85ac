"""How much of the caller's time is left."""

import math

import trio

KEPT_S = 0.05
"""What is kept back by default: time to write down how it ended."""


def left_s(most_s: float = math.inf, *, kept_s: float = KEPT_S) -> float:
    """Seconds until the caller's deadline, less what is kept back; `most_s` at most. So an exchange ends by its own
    clock, and says how, before it is cancelled from outside."""
    return max(0.0, min(most_s, trio.current_effective_deadline() - trio.current_time() - kept_s))
