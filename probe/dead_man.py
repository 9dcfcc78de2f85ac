"""Whether this probe must page by itself, as no collector can be reached that would. Pure.

Whoever watches needs watching: where a collector is gone, nobody says so but those that talk to it. A probe that has
reached no collector for a while, and whose own uplink is fine, pages with a key that all probes share, so that many of
them make one page.
"""

from typing import Literal

import msgspec

KEY = "collector-down"
"""The deduplication key, the same from every probe."""
AGAIN_S = 300.0
"""How often it is said again while it lasts: another probe, which reaches a collector, may have closed the page."""
CALM_S = 30.0
"""How long a collector must take batches again before the page is closed."""

Say = Literal["trigger", "resolve"]


class DeadMan(msgspec.Struct, kw_only=True):
    """What is remembered between two looks. Times are seconds of one monotonic clock."""

    after_s: float
    """How long no collector may have taken anything."""
    calm_s: float = CALM_S
    reached_at: float
    """When one last did; at first, when the probe began."""
    back_at: float | None = None
    """Since when one does again, while the page is open."""
    said_at: float | None = None
    """When the page was last triggered; None while none is open."""


def reached(man: DeadMan, now: float) -> None:
    """A collector has taken something."""
    man.reached_at = now
    if man.said_at is not None and man.back_at is None:
        man.back_at = now


def due(man: DeadMan, now: float, *, uplink: bool) -> Say | None:
    """What is to be said now. `uplink`: the probe's controls say that its own way out is fine; without that it can tell
    nothing of the collector, and says nothing."""
    gone = now - man.reached_at >= man.after_s
    if gone:
        man.back_at = None
        if uplink and (man.said_at is None or now - man.said_at >= AGAIN_S):
            return "trigger"
    elif man.said_at is not None and man.back_at is not None and man.reached_at - man.back_at >= man.calm_s:
        return "resolve"
    return None


def said(man: DeadMan, say: Say, now: float) -> None:
    """It was said, and taken. What could not be sent stays due."""
    man.said_at = now if say == "trigger" else None
    if say == "resolve":
        man.back_at = None
