"""What is known of where a fault is: the domain, what it rests on, why, and what else it may be. Pure."""

import msgspec

from collector.detect.places import Spot
from collector.events import FaultDomain
from collector.locate import AMBIGUOUS_NATS, Cause, Located, Place, Row, sentences

MAX_ALTERNATIVES = 5
MAX_BESIDE = 3
"""Other causes that are told beside the one."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The domain, the subjects that it rests on, and how many of how many of its parts fail."""

    domain: FaultDomain
    spots: tuple[Spot, ...]
    failing: int = 0
    of: int = 0
    over: str = ""
    """Where only one way of asking fails: "TCP", "IPv6"."""
    addresses: bool = False
    """The parts that are counted are addresses, not servers."""
    in_doubt: int = 0
    """Further parts that may be failing too: the domain is what it will be if they do."""
    because: tuple[str, ...] = ()
    """Why it is there, in sentences without a final stop."""
    alternatives: tuple[FaultDomain, ...] = ()
    """Where else it may be, the likeliest first."""
    margin: float = 0.0
    """How far the next best place is behind, in nats; 0 where the domain was not inferred."""


def reasoned(finding: Finding, located: Located, rows: list[Row], cause: Cause | None = None) -> Finding:
    """With its reasons, and with what else the rows would bear out; it is certain no longer where they would. `cause`
    is the one that it was made of, where it was inferred."""
    domain = finding.domain
    own = cause or next((cause for cause in located.causes if _same(cause.place, domain)), None)
    others = [cause.place for cause in located.causes if cause is not own]
    place = own.place if own else next((each for row in rows for each in row.places if _same(each, domain)), None)
    beside = _beside(place, others, finding) if place else []
    found: dict[FaultDomain, float] = {}
    for each, behind in own.rivals if own else [(each, 0.0) for each in others]:
        if (other := _as_domain(each, finding)) is not None:
            found.setdefault(other, behind)
    near = tuple(other for other, behind in found.items() if behind <= AMBIGUOUS_NATS)
    return msgspec.structs.replace(
        finding,
        domain=msgspec.structs.replace(domain, certain=domain.certain and not (own and near)),
        because=sentences(place, rows, beside, over=_family(finding.over)) if place else (),
        alternatives=near[:MAX_ALTERNATIVES],
        margin=min(found.values(), default=own.gain) if own else 0.0,
    )


def _beside(place: Place, others: list[Place], finding: Finding) -> list[Place]:
    """Of the other causes: broken witnesses, and more of the same; and the other hosts that fail with one. Another kind
    of place is the next best word for what the first leaves open, and no finding."""
    found = [each for each in others if each != place and each.kind in ("vantage", "network", place.kind)]
    if finding.domain.kind == "endpoint":
        hosts = dict.fromkeys(spot.host for spot in finding.spots if spot.host != finding.domain.name)
        found += [each for host in hosts if (each := Place("endpoint", host)) not in found]
    return found[:MAX_BESIDE]


def _family(over: str) -> str:
    return over if over.startswith("IP") else ""


def _same(place: Place, domain: FaultDomain) -> bool:
    return place == (domain.kind, domain.name)


def _as_domain(place: Place, finding: Finding) -> FaultDomain | None:
    """None for what is no other place: a part of the domain where that has but one, a zone around it, its own host."""
    domain, (kind, name) = finding.domain, place
    match kind:
        case "vantage":
            return FaultDomain(kind="probe", name=name, certain=False)
        case "family" | "application" | "certificate":
            return None
        case "address" if {spot.ip for spot in finding.spots if spot.ip} == {name}:
            return None
        case "endpoint" if {spot.host for spot in finding.spots} == {name}:
            return None
        case "zone" if domain.kind == "zone" and (_within(name, domain.name) or _within(domain.name, name)):
            return None
        case _ if (kind, name) == (domain.kind, domain.name):
            return None
    return FaultDomain(kind=kind, name=name, certain=False)


def _within(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")
