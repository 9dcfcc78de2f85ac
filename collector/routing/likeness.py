"""Which alert of the other collector is which of one's own: ids differ, as each concludes for itself. Pure."""

from collections.abc import Iterable, Sequence

from collector.events import FailoverChanged, IncidentChanged, ReadinessChanged, RiskChanged
from collector.peer_word import MOST_MEMBERS, PeerAlert
from collector.routing.facts import own
from collector.routing.state import Alert
from collector.routing.titles import title_of

SURE = 1000.0


def shown(alert: Alert) -> PeerAlert:
    """An alert as it is shown to the other collector."""
    data = own(alert).data
    sort, components, domain, members = "notice", tuple[str, ...](), "", tuple[tuple[str, str], ...]()
    match data:
        case IncidentChanged():
            known = data.incident
            sort, components, domain = "incident", known.components, str(known.domain or "")
            members = tuple(dict.fromkeys((each.check, each.target) for each in known.checks))
        case RiskChanged():
            sort, components, domain = "risk", tuple(data.risk.components), str(data.risk.domain or "")
            members = ((data.risk.check, data.risk.title),)
        case FailoverChanged():
            sort = "failover"
        case ReadinessChanged():
            sort = "readiness"
    return PeerAlert(
        key=alert.key,
        sort=sort,
        title=title_of(data)[:200],
        components=components,
        domain=domain,
        members=members[:MOST_MEMBERS],
        told_as=alert.told_as,
        told_at=alert.told_at,
    )


def likeness(one: PeerAlert, other: PeerAlert) -> float:
    """How much they have in common; 0: nothing that tells. Keys of failover groups are made of names, and the same."""
    if one.sort != other.sort:
        return 0.0
    if {one.key, *one.told_as} & {other.key, *other.told_as}:
        return SURE
    if one.sort not in ("incident", "risk"):
        return 0.0
    common = len(set(one.members) & set(other.members))
    touches = one.components == other.components or bool(set(one.components) & set(other.components))
    same_place = bool(one.domain) and one.domain == other.domain and touches
    if one.sort == "risk" and not same_place:
        return 0.0
    return common + (0.5 if same_place else 0.0)


def pairs(ours: Iterable[Alert], theirs: Sequence[PeerAlert]) -> dict[str, PeerAlert]:
    """By our key, theirs that is the same: each at most once, the likest first, and what is open before what ended."""
    candidates = []
    for place, alert in enumerate(ours):
        mine = shown(alert)
        for number, other in enumerate(theirs):
            like = likeness(mine, other)
            if like:
                candidates.append((-like, alert.stage == "closed", place, number, alert.key))
    found: dict[str, PeerAlert] = {}
    used: set[int] = set()
    for _, _, _, number, key in sorted(candidates):
        if key not in found and number not in used:
            found[key] = theirs[number]
            used.add(number)
    return found
