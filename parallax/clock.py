"""The two clocks, and which is for what.

The wall clock stamps (`wall_ns`): when something was scheduled, started, received. trio's clock measures: every
duration, period and timeout (`trio.current_time`), so that virtual time works in tests and a stepped wall clock
changes no measurement.
"""

import time

NS = 1_000_000_000


def wall_ns() -> int:
    """Now, in nanoseconds since the Unix epoch, UTC."""
    return time.time_ns()


def to_ns(seconds: float) -> int:
    """A span in seconds as whole nanoseconds."""
    return round(seconds * NS)
