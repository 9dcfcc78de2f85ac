"""What a receiver is given to tell: an alert, and what it takes to word it. Each kind renders it its own way."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from collector.events import AlertRouted
from parallax.plan.types import Component

CHART_WORDS = "The last hour: by the minute, the share of vantages that failed"
"""What a chart shows, for whoever cannot see it."""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One alert for one receiver. `id` stays the same over all tries, over restarts, and on a second collector."""

    id: str
    at: int
    """When it was concluded, ns since the Unix epoch."""
    phase: Literal["trigger", "update", "resolve", "notice", "test"]
    alert: AlertRouted | None
    """None for a test."""
    key: str
    """The deduplication key."""
    receiver: str
    components: Mapping[str, Component] = {}
    """The plan's, by name: owners and runbooks."""
    missed: bool = False
    """The receiver was never told of the start, so the end tells it all."""
    link: str = ""
    """The page of the incident or the group; empty where the config has no `page`."""
    chart: bytes | None = None
    """A picture of the last hour (PNG), for the kinds that take one with the message."""
    chart_link: str = ""
    """Where that picture can be fetched, for the kinds that show one by its address; empty where it cannot."""
