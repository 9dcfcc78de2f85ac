"""Name servers that a zone has left: until when they still matter. Pure.

Once a delegation names other servers, probes ask those; of the ones before, nobody has a word any more. That matters as
long as resolvers hold the delegation of before: what is dark then fails their users once the data runs out. After that
nothing hangs on those servers, and what was wrong with them is over, mended or not.
"""

from collector.detect.dns.moving import Move
from collector.detect.dns.sights import under_way
from collector.detect.dns.zones import left_at, zone_at
from collector.detect.places import VIEWS
from collector.detect.state import Key, State
from collector.detect.view import CheckView, View

UNDELEGATED = "the zone is no longer delegated to it"


def has_left(state: State, check: CheckView, key: Key) -> int:
    """Since when the zone of a name server is not delegated to it, or to the operator at which a check looks; 0 where
    it is, or never was."""
    if check.kind == "dns.zone" and key.server:
        return left_at(state.zones, key.target, key.server, state.now)
    if check.kind not in VIEWS or not key.apart:
        return 0
    zone = zone_at(state.zones, key.zone or key.target)
    if not zone or key.operator in state.zones.serving.get(zone, (key.operator,)):
        return 0
    cut = state.zones.cuts[zone]
    own = [server for server in cut.left if cut.servers.get(server) == key.operator]
    return max((left_at(state.zones, zone, server, state.now) for server in own), default=0)


def is_done_with(state: State, view: View, check: CheckView, key: Key, since: int) -> bool:
    """Whether nothing hangs any more on a server that its zone has left. Each probe has a turn first, as it may be that
    most still ask it: because the zone itself names it, or by the plan."""
    if state.now - since < check.fresh_ns:
        return False
    asking = sum(vote.at >= state.now - check.fresh_ns for vote in key.votes.values())
    looking = [name for name in check.probes or view.probes or state.probes if name in state.probes]
    if asking and 2 * asking >= sum(state.probes[name].state != "silent" for name in looking):
        return False
    return not is_still_used(state, key)


def is_still_used(state: State, key: Key) -> bool:
    """Whether sampled resolvers still hold a delegation to a server that was failing when the zone left it."""
    move = under_way(state.moves, "delegation", key.target) if key.server else None
    if move is None or key.server not in move.old or key.counts_as != "down" or _serves(state, key):
        return False
    return bool(behind(move, state.now))


def behind(move: Move, now: int) -> frozenset[str]:
    """The caches, by probe and resolver, that a move has not reached."""
    return frozenset(
        name for name, stand in move.resolvers.items() if stand.on == "old" and stand.until + 2 * move.fresh_ns >= now
    )


def _serves(state: State, key: Key) -> bool:
    """Whether it was seen to serve the zone since: some of the former servers are looked at, by turns."""
    place = state.moves.places.get(f"delegation {key.target}")
    serving = place.servers.get(key.address) if place is not None else None
    return serving is not None and not serving.bad and serving.ok_at > key.spoke_at
