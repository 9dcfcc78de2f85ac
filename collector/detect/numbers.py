"""Numbers and times in what probes say. Pure."""

from datetime import datetime
from functools import lru_cache

from parallax.clock import NS

LAST_NS = 2**63 - 1
"""No time is later: a certificate without an end says 31 Dec 9999 (RFC 5280 section 4.1.2.5), and no snapshot holds
that many ns."""


def whole(value: object, below: int) -> int | None:
    """A whole number from 0 up to below this; None for anything else, also for True, which is an int to Python: a
    snapshot would hold it, and could not be read back."""
    return value if type(value) is int and 0 <= value < below else None


def instant(text: object) -> int:
    """A time as RFC 3339 has it, in ns since the Unix epoch; 0 for what is none."""
    return _parse(text) if isinstance(text, str) and len(text) < 40 else 0


@lru_cache(maxsize=1000)
def _parse(text: str) -> int:
    try:
        return min(max(int(datetime.fromisoformat(text).timestamp()) * NS, 1), LAST_NS)
    except (ValueError, OverflowError, OSError):
        return 0
