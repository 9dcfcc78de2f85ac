"""How a server of series stands, as `parallax status`, /metrics and the page show it."""

import msgspec


class SinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a server of series stands. Counts are since the start of the process."""

    name: str
    kind: str
    inputs: int
    """The last record of `inputs` that it has acknowledged."""
    events: int
    behind: int
    """Records that wait for it."""
    behind_s: float
    """How old the oldest of them is about; 0 where none waits."""
    written: int
    rejected: int
    """Points that it refused for good: `why` says what it said."""
    why: list[str]
    missed: int
    """Records that the journals dropped before they were read."""
    unreadable: int
    folded: int
    """Tags' values and series that were past their bounds."""
    replays: int
    """How often the last seconds were written again, as the server was another process."""
    gauges_lost: int
    problem: str | None
    """Why nothing can be written now."""
    failing_s: float | None = None
