"""When a [[maintenance]] window is open. Pure."""

from parallax.clock import NS
from parallax.plan.alert_types import Maintenance


def is_open(window: Maintenance, now_ns: int) -> bool:
    """Whether it is worked on at this moment, ns since the Unix epoch."""
    return open_until(window, now_ns) is not None


def open_until(window: Maintenance, now_ns: int) -> int | None:
    """Until when it is worked on, ns since the Unix epoch; None where it is not worked on at this moment."""
    if window.start is None or window.end is None:
        return None
    end = int(window.end.timestamp() * NS)
    return end if window.start.timestamp() * NS <= now_ns < end else None
