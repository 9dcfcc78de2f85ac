"""Spans of time in words that people read. Pure."""

from parallax.clock import NS


def lasting(ns: int) -> str:
    """How long something has lasted, in at most two units: "9 s", "3 min", "2 h 5 min", "3 d 4 h". Cut, not rounded,
    so that no clock that counts on from it goes back; the page's live.js says it alike."""
    seconds = max(ns, 0) // NS
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def lasting_exactly(ns: int) -> str:
    """The same to the second: "9 s", "10 min 34 s", "2 h 0 min 5 s"."""
    minutes, left = divmod(max(ns, 0) // NS, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (hours + minutes > 0)
    return " ".join((*parts, f"{left} s"))


def measured(ns: int) -> str:
    """How long a measurement took: "8.4 ms", "230 ms", "1.25 s", "12.3 s"."""
    ms = ns / 1_000_000
    if ms < 1000:
        return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"
    return f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.1f} s"
