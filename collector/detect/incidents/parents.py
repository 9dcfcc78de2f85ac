"""Which incident explains another one. Pure.

What fails in the same way at one place is one incident, by the places that its subjects share (`incidents.py`): the
names that no longer resolve under a zone whose operator is dark are in that one. What fails in another way there (a
front end of a region that is down refuses requests, say) stays an incident of its own, as it may be its own fault; but
it has a parent, and nobody is told of it beside that one.
"""

from collector.detect.incidents.joining import place_of
from collector.detect.places import spot_of
from collector.detect.state import MAX_MEMBERS, Case, State
from collector.detect.view import View


def parent_of(state: State, view: View, case: Case) -> str:
    """The open incident at whose fault domain all of this one's subjects are; the one it has as long as that is open;
    "" for none. No incident has a parent that has one itself."""
    known = case.shown.parent
    if known and known in state.open:
        return known
    own = case.shown.id
    if any(other.shown.parent == own for other in state.open.values()):
        return ""
    elders = {
        place: other.shown.id
        for other in state.open.values()
        if other is not case
        and other.kin == "failure"
        and case.kin != "failure"
        and not other.shown.probes
        and not other.shown.parent
        and other.pending != "opened"
        and (place := place_of(other))
    }
    if not elders:
        return ""
    shared: set[str] | None = None
    for name in case.bad[:MAX_MEMBERS]:
        spot = spot_of(state, view, name)
        if spot is None:
            continue
        places = set(elders) & set(spot.places)
        shared = places if shared is None else shared & places
        if not shared:
            return ""
    return next((id_ for place, id_ in elders.items() if place in (shared or ())), "")
