"""The two clocks, and which is for what.

The wall clock stamps (`wall_ns`): when something was scheduled, started, received. trio's clock measures: every
duration, period and timeout (`trio.current_time`), so that virtual time works in tests and a stepped wall clock
changes no measurement.

Several simulated hosts can live in one process, each with a wall clock that is as wrong as its own `HostClock` says:
tasks and worker threads inherit it from whoever starts them. The log's times stay true.
"""

import time
from contextvars import ContextVar
from datetime import UTC, datetime

NS = 1_000_000_000


class HostClock:
    """How far the wall clock of a simulated host runs ahead, ns; it may be set at any time."""

    __slots__ = ("ahead_ns",)

    def __init__(self, ahead_ns: int = 0) -> None:
        self.ahead_ns = ahead_ns


_host: ContextVar[HostClock] = ContextVar("parallax_host_clock", default=HostClock())  # noqa: B039  # never changed


def use_host_clock(clock: HostClock) -> None:
    """From here on in this task, and in all that it starts, `wall_ns` is the time of that host."""
    _host.set(clock)


def wall_ns() -> int:
    """Now, in nanoseconds since the Unix epoch, UTC."""
    return time.time_ns() + _host.get().ahead_ns


def rfc3339(at: int) -> str:
    """Nanoseconds since the Unix epoch as 2026-11-22T01:36:03.250Z (RFC 3339); cut, not rounded, to milliseconds.
    Raises ValueError, OverflowError or OSError for what no calendar has."""
    seconds, rest = divmod(at, NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03}Z"


def to_ns(seconds: float) -> int:
    """A span in seconds as whole nanoseconds."""
    return round(seconds * NS)
