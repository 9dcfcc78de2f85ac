"""How long the primary has been well, and how long it must be before traffic goes back: slow back.

A fixed wait is wrong for most outages: too short for one that relapses every quarter of an hour, too long for one that
is simply over. What is known at the moment is how the trouble went so far. Whoever was well for at most g minutes
between two relapses is likely to relapse within as many again; twice the longest gap covers that, within bounds: the
upper one keeps the standby from serving for ever. Of a first outage no gap is known; the middle of the bounds, by their
ratio, is the wait that is wrong by the least factor. It is the ski rental problem, where waiting as long as a pair of
switches costs is within twice of what hindsight would have paid (Karlin et al., Algorithmica 3, 1988); docs/failover.md
has the measurements.
"""

import math

from collector.failover.move import word_of
from collector.failover.types import GroupState, Policy, Situation
from parallax.clock import NS

SAME_TROUBLE_NS = 3600 * NS
"""What fails again after longer health than this, and than the longest wait, is another trouble."""
RELAPSES = 20


def note_health(state: GroupState, policy: Policy, situation: Situation) -> None:
    """Counts the primary's health on. Time in which nobody can tell is neither health nor its end."""
    now = situation.now
    word = word_of(situation, policy.primary)
    if situation.blind or word.standing == "unknown":
        if state.well_since and state.looked_at:
            state.well_since = min(state.well_since + max(now - state.looked_at, 0), now)
    elif word.standing == "up":
        if not state.well_since:
            state.well_since = min(word.since, now) or now
    elif state.well_since or not state.relapses:
        _relapse(state, policy, max(min(word.since, now), state.well_since))


def hold(state: GroupState, policy: Policy, situation: Situation) -> int:
    """How long the primary must be well without a break before it serves again, ns. An incident that its own vendor
    reports doubles it, within the same bound."""
    low, high = policy.hold_ns
    needed = min(max(2 * state.longest_gap, low), high) if state.longest_gap else math.isqrt(low * high)
    return min(2 * needed, high) if situation.vendor_open else needed


def well_for(state: GroupState, now: int) -> int:
    """How long the primary has been well without a break, ns."""
    return max(now - state.well_since, 0) if state.well_since else 0


def _relapse(state: GroupState, policy: Policy, at: int) -> None:
    gap = at - state.well_since if state.well_since else 0
    if gap > max(SAME_TROUBLE_NS, policy.hold_ns[1]):
        state.relapses, state.longest_gap = [], 0
    elif state.relapses:
        state.longest_gap = max(state.longest_gap, gap)
    state.relapses = [*state.relapses, at][-RELAPSES:]
    state.well_since = 0
