"""The collector's clock was put back: what lay later than it says now is now."""

from collector.failover.types import GroupState

_TIMES = (
    "since",
    "decided_at",
    "well_since",
    "said_at",
    "drilled_at",
    "looked_at",
    "away_since",
    "worse_since",
    "apart_since",
    "needless_since",
    "pending_since",
    "hindered_until",
    "both_bad_at",
    "drill_started_at",
    "drill_stay_at",
)


def rewind(state: GroupState, at: int) -> None:
    """No moment that the state remembers is later than `at`, ns since the Unix epoch."""
    for name in _TIMES:
        setattr(state, name, min(getattr(state, name), at))
    state.moves = [min(each, at) for each in state.moves]
    state.relapses = [min(each, at) for each in state.relapses]
    for saying in state.heard.values():
        saying.so_at = min(saying.so_at, at)
        saying.times = [min(each, at) for each in saying.times]
