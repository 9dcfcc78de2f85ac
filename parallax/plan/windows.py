"""When a [[maintenance]] window is open. Pure."""

from bisect import bisect_right

from parallax.clock import NS
from parallax.plan.alert_types import Maintenance
from parallax.plan.calendars import BEHIND, CalendarError, spans_near

_LONGEST_NS = int(BEHIND.total_seconds()) * NS


def is_open(window: Maintenance, now_ns: int) -> bool:
    """Whether it is worked on at this moment, ns since the Unix epoch."""
    return open_until(window, now_ns) is not None


def open_until(window: Maintenance, now_ns: int) -> int | None:
    """Until when it is worked on, ns since the Unix epoch; None where it is not worked on at this moment. A calendar
    that has come to be of no use has no windows."""
    if window.calendar:
        try:
            spans = spans_near(window.calendar, now_ns)
        except CalendarError:
            return None
        ends = []
        for start, end in reversed(spans[: bisect_right(spans, (now_ns, 1 << 63))]):
            if end > now_ns:
                ends.append(end)
            if start < now_ns - _LONGEST_NS:
                break
        return max(ends, default=None)
    if window.start is None or window.end is None:
        return None
    end = int(window.end.timestamp() * NS)
    return end if window.start.timestamp() * NS <= now_ns < end else None
