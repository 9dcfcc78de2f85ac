"""What a script expects, and whether it came about. Pure: events and messages in, verdicts out.

`JUDGES` has one judge for each key of [expect].
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from collector.events import (
    AlertPhase,
    CheckChanged,
    ComponentChanged,
    DomainKind,
    Event,
    FailoverChanged,
    Incident,
    IncidentChanged,
    RiskChanged,
    Tier,
)
from parallax.clock import NS
from parallax.plan.failover_types import Failover

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86400)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Cause = Literal["dns-operator", "zone", "name-server", "resolver", "region", "address", "endpoint", "network", "probe"]
NEVER = "never"


class Expect(msgspec.Struct, frozen=True, kw_only=True):
    """[expect]: what is to come about. Seconds count from the start of the window; a key that is left out expects
    nothing."""

    first_down_s: Seconds | None = None
    """A check is said to be down after at most this."""
    hazard_named_s: Seconds | None = None
    """An incident names what is broken after at most this."""
    full_outage_s: Seconds | None = None
    """A component is said to be in full outage after at most this."""
    status_post_s: Seconds | None = None
    """The first line that a status page could publish: a component's or an incident's, after at most this."""
    cause: Cause | None = None
    """What kind of thing the first incident blames in the end."""
    no_region_blamed: bool | None = None
    """Whether no incident ever blames a region."""
    runway_shown: bool | None = None
    """Whether it is said how long caches carry the names."""
    fallback_email_gap_known_before: bool | None = None
    """Whether it was known before the start that the fallback lacks mail records."""
    corroborated_by: list[str] = []
    """Checks that bear the first incident out within a minute of the start: they are in it."""
    outages_detected: Share | None = None
    """The share of outages, at least, of which a check is said to be down or degraded while they last."""
    pages: Count | None = None
    """How many incidents the receiver is paged for that is paged most."""
    failover: Literal["blocked", "recommended", "done"] | None = None
    """What comes of the wish to fail over: a rule forbids it and nobody is told to switch; people are told, or it is
    commanded; it takes effect."""
    region_failover: bool | None = None
    """Whether a group of regions or addresses is to be switched: recommended, or commanded."""
    switchovers_max: Count | None = None
    """How often the serving member changes, at most."""
    user_bad_minutes_max: Seconds | None = None
    """For how many minutes users have no service, at most."""
    back_on_primary_within_minutes: Seconds | None = None
    """How long after the end traffic is back, at most."""


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """What was really broken, ns since the Unix epoch."""

    what: str
    """ "operator dns-a"."""
    start: int
    end: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a receiver would have got."""

    at: int
    receiver: str
    key: str
    """What it is about: an incident's or a risk's id."""
    type: str
    summary: str
    phase: AlertPhase = "trigger"
    tier: Tier = "page"


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What came of playing. `start` and `end` are the window's, ns since the Unix epoch."""

    start: int
    end: int
    events: Sequence[Event]
    told: Sequence[Told]
    outages: Sequence[Outage]
    records: int = 0
    observations: int = 0
    kinds: Mapping[str, str] = {}
    """By check: its kind."""
    groups: Mapping[str, Failover] = {}
    """The failover groups of the plan."""
    bad_minutes: float | None = None
    """For how long users had no service; None where nobody knows whom traffic reached."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation."""

    name: str
    expected: Any
    observed: Any
    met: bool


Judge = Callable[[Any, Played], tuple[Any, bool]]
"""What is expected, and what was played, to what was observed and whether it is met."""


def outcomes_of(expect: Expect, played: Played) -> list[Outcome]:
    """In the order of `Expect`; only those that the script has."""
    found = []
    for name, judge in JUDGES.items():
        expected = getattr(expect, name)
        if expected is None or expected == []:
            continue
        observed, met = judge(expected, played)
        found.append(Outcome(name=name, expected=expected, observed=observed, met=met))
    return found


def _after_s(at: int | None, played: Played) -> Any:
    return NEVER if at is None else round((at - played.start) / NS, 1)


def _within(find: Callable[[Played], int | None]) -> Judge:
    """Met where the moment that is found is no later than so many seconds after the start."""

    def judge(expected: float, played: Played) -> tuple[Any, bool]:
        at = find(played)
        return _after_s(at, played), at is not None and at <= played.start + expected * NS

    return judge


def _first(played: Played, fits: Callable[[Any], bool]) -> int | None:
    return next((event.at for event in played.events if event.at >= played.start and fits(event.data)), None)


def _first_down(played: Played) -> int | None:
    return _first(played, lambda data: isinstance(data, CheckChanged) and data.state == "down")


def _named(played: Played) -> int | None:
    """When what really is broken first is blamed."""
    broken = {outage.what for outage in played.outages}
    return _first(
        played,
        lambda data: (
            isinstance(data, IncidentChanged)
            and data.incident.domain is not None
            and str(data.incident.domain) in broken
        ),
    )


def _full(played: Played) -> int | None:
    return _first(played, lambda data: isinstance(data, ComponentChanged) and data.state == "full_outage")


def _posted(played: Played) -> int | None:
    return _first(
        played,
        lambda data: (
            (isinstance(data, IncidentChanged) and data.change == "opened" and not data.incident.probes)
            or (isinstance(data, ComponentChanged) and data.state not in ("operational", "unknown", "not_measured"))
        ),
    )


def _incidents(played: Played) -> list[tuple[int, Incident]]:
    """Every word on an incident that began after the start, but for those of probes."""
    return [
        (event.at, event.data.incident)
        for event in played.events
        if isinstance(event.data, IncidentChanged)
        and event.data.incident.opened_at >= played.start
        and not event.data.incident.probes
    ]


def _cause(expected: str, played: Played) -> tuple[Any, bool]:
    said = _incidents(played)
    own = [incident for _, incident in said if incident.id == said[0][1].id]
    kinds: list[DomainKind] = [incident.domain.kind for incident in own if incident.domain is not None]
    kind = kinds[-1] if kinds else None
    observed = {None: NEVER, "operator": "dns-operator"}.get(kind, (kind or "").replace("_", "-"))
    return observed, observed == expected


def _no_region(expected: bool, played: Played) -> tuple[Any, bool]:
    blamed = sorted(
        {
            incident.domain.name
            for _, incident in _incidents(played)
            if incident.domain is not None and incident.domain.kind == "region"
        }
    )
    return (not blamed if not blamed else f"blamed: {', '.join(blamed)}"), (not blamed) == expected


def _runway(expected: bool, played: Played) -> tuple[Any, bool]:
    at = _first(played, lambda data: isinstance(data, RiskChanged) and data.risk.runway is not None)
    return (False if at is None else f"after {_after_s(at, played):g} s"), (at is not None) == expected


def _gap_known(expected: bool, played: Played) -> tuple[Any, bool]:
    known = any(
        event.at < played.start
        and isinstance(event.data, CheckChanged)
        and event.data.kind == "dns.parity"
        and event.data.state in ("down", "degraded")
        for event in played.events
    )
    return known, known == expected


def _corroborated(expected: list[str], played: Played) -> tuple[Any, bool]:
    """By what the incident lists, and by what checks themselves say of it."""
    said = _incidents(played)
    own, until = (said[0][1].id if said else ""), played.start + 60 * NS
    seen = {affected.check for at, each in said if at <= until and each.id == own for affected in each.checks}
    for event in played.events:
        if isinstance(event.data, CheckChanged) and event.data.incident == own and event.at <= until:
            seen.add(event.data.check)
    return sorted(seen & set(expected)), set(expected) <= seen


def _detected(expected: float, played: Played) -> tuple[Any, bool]:
    turned = [
        event.at
        for event in played.events
        if isinstance(event.data, CheckChanged) and event.data.state in ("down", "degraded")
    ]
    outages = [outage for outage in played.outages if outage.start < played.end]
    found = sum(any(outage.start <= at <= outage.end for at in turned) for outage in outages)
    return f"{found} of {len(outages)}", found >= expected * len(outages)


def _pages(expected: int, played: Played) -> tuple[Any, bool]:
    keys: dict[str, set[str]] = {}
    for told in played.told:
        paged = told.tier == "page" and told.phase != "resolve" and told.type.startswith("incident.")
        if told.at >= played.start and paged:
            keys.setdefault(told.receiver, set()).add(told.key)
    most = max(map(len, keys.values()), default=0)
    return most, most == expected


def _said(played: Played, *kinds: str) -> list[tuple[int, FailoverChanged]]:
    """What was said of failover groups since the start, of these kinds."""
    return [
        (event.at, event.data)
        for event in played.events
        if event.at >= played.start
        and isinstance(event.data, FailoverChanged)
        and (group := played.groups.get(event.data.group)) is not None
        and (not kinds or group.kind in kinds)
    ]


def _failover(expected: str, played: Played) -> tuple[Any, bool]:
    """The furthest that it came; beside "blocked" the rules that forbade it, of all that it was asked of."""
    out = [said for _, said in _said(played) if said.direction != "failback"]
    words = {said.word for said in out}
    if words & {"recommended", "command"}:
        came = "done" if "effective" in words else "recommended"
        return came, came == expected or expected == "recommended"
    stopped = [said for said in out if said.word in ("blocked", "both_bad")]
    rules = sorted({rule.id for said in stopped for rule in said.rules if not rule.ok and not rule.overridden_by})
    observed = f"blocked by {', '.join(rules)}" if rules else "blocked" if stopped else NEVER
    return observed, bool(rules) and expected == "blocked"


def _of_regions(expected: bool, played: Played) -> tuple[Any, bool]:
    moved = any(said.word in ("recommended", "command") for _, said in _said(played, "region", "address"))
    return moved, moved == expected


def _switchovers(expected: int, played: Played) -> tuple[Any, bool]:
    """Of the group that switched most."""
    counts: dict[str, int] = {}
    for _, said in _said(played):
        if said.word == "switched":
            counts[said.group] = counts.get(said.group, 0) + 1
    most = max(counts.values(), default=0)
    return most, most <= expected


def _bad_minutes(expected: float, played: Played) -> tuple[Any, bool]:
    if played.bad_minutes is None:
        return "nobody knows", False
    return round(played.bad_minutes, 2), played.bad_minutes <= expected


def _back(expected: float, played: Played) -> tuple[Any, bool]:
    """Of all groups the last; 0 where none was away at the end."""
    late = 0.0
    for name, group in played.groups.items():
        moves = [(at, said.target) for at, said in _said(played) if said.word == "switched" and said.group == name]
        away = bool(moves) and [target for at, target in moves if at <= played.end][-1:] not in ([], [group.primary])
        back = next((at for at, target in moves if at > played.end and target == group.primary), None)
        if (away and back is None) or (moves and moves[-1][1] != group.primary):
            return NEVER, False
        late = max(late, (back - played.end) / (60 * NS) if back is not None else 0.0)
    return round(late, 1), late <= expected


JUDGES: dict[str, Judge] = {
    "first_down_s": _within(_first_down),
    "hazard_named_s": _within(_named),
    "full_outage_s": _within(_full),
    "status_post_s": _within(_posted),
    "cause": _cause,
    "no_region_blamed": _no_region,
    "runway_shown": _runway,
    "fallback_email_gap_known_before": _gap_known,
    "corroborated_by": _corroborated,
    "outages_detected": _detected,
    "pages": _pages,
    "failover": _failover,
    "region_failover": _of_regions,
    "switchovers_max": _switchovers,
    "user_bad_minutes_max": _bad_minutes,
    "back_on_primary_within_minutes": _back,
}
"""By key of [expect]."""
