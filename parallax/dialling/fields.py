"""Response headers that carry a time. Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

from parallax.dialling.http import Headers


def retry_after_s(headers: Headers, now_s: float) -> float | None:
    """`Retry-After` in seconds from now, whether written as seconds or as a date (RFC 9110 section 10.2.3); None if it
    is missing or unreadable. A date counts from the server's own `Date` if it sent one, else from `now_s`."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:10])  # 31 years say as much as more of them
    until = http_date(text)
    if until is None:
        return None
    return max(0.0, round(until - (http_date(headers.get("date", "")) or now_s), 1))


@lru_cache(256)
def http_date(text: str) -> float | None:
    """An HTTP date (RFC 9110 section 5.6.7) in seconds since the Unix epoch; None if it is none."""
    try:
        moment = parsedate_to_datetime(text[:100])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
