"""When a [[maintenance]] window is open. Pure."""

from parallax.clock import NS
from parallax.plan.alert_types import Maintenance


def is_open(window: Maintenance, now_ns: int) -> bool:
    """Whether it is worked on at this moment, ns since the Unix epoch."""
    if window.start is None or window.end is None:
        return False
    return window.start.timestamp() * NS <= now_ns < window.end.timestamp() * NS
