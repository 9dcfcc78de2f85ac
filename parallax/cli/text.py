"""Text for a terminal."""

from parallax.clock import NS


def clean(value: object) -> str:
    """Text from the network without control, format or other unprintable characters."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value))


def span(ns: int) -> str:
    """A measured span in the unit that reads best."""
    if ns >= 10 * NS:
        return f"{ns / NS:.1f} s"
    return f"{ns / 1e6:.1f} ms" if ns < NS else f"{ns / NS:.2f} s"


def lasting(ns: int | None) -> str:
    """A span for people: 40 s, 12 min, 3.5 h."""
    seconds = (ns or 0) / NS
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
