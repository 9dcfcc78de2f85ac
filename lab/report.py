"""The truth beside what was said: for each fault that the lab injected, when it was suspected, confirmed, named and
cleared, and what was blamed wrongly meanwhile. Pure: the log of faults and the events of the collector come in.

An incident belongs to the fault whose domain it names at any time of its life, if that was in force when it began (or
had just been mended: what is late is still its own); one that names no fault's domain, to the fault that was broken
last before it began. What it was called while it was called wrongly is told with the span.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import msgspec

from collector.events import CheckChanged, Event, Incident, IncidentChanged, ProbeChanged
from lab.faults import FAULTS, Fault
from lab.truth import Fact
from parallax.clock import NS

TAIL_NS = 90 * NS
"""So long after its mending an incident may still begin because of a fault: caches run out, words get old."""
_PROBE = "probe "
NOWHERE = "nowhere yet"
"""The place of an incident without a domain."""


class Blame(msgspec.Struct, frozen=True, kw_only=True):
    """Where else the fault was said to be. Seconds; `after_s` is from the break on."""

    domain: str
    title: str
    after_s: float
    for_s: float | None
    """None: to the end of what is known."""


class FaultReport(msgspec.Struct, frozen=True, kw_only=True):
    """One break of one fault. Spans are seconds after the break, `cleared_s` after the mending; None where it did not
    come to that."""

    fault: str
    actor: str
    broken_at: int
    mended_at: int | None = None
    suspected_s: float | None = None
    """The first subject or probe that was doubted."""
    confirmed_s: float | None = None
    """The first incident, or the event that is to say it."""
    named_s: float | None = None
    """It was said to be where it is."""
    said: str = ""
    """Where it was said to be at last."""
    title: str = ""
    cleared_s: float | None = None
    blamed: tuple[Blame, ...] = ()
    probes: tuple[str, ...] = ()
    """Probes that were said to be in trouble of their own meanwhile. That is no claim about what was broken: eight of
    them and a world share one machine, and where that is busy they say so, and abstain."""
    incidents: int = 0
    expected: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether it was named, and nothing else blamed."""
        return self.named_s is not None and not self.blamed


class _Life(msgspec.Struct, kw_only=True):
    """An incident from event to event: what it was called from when on."""

    id: str
    began_at: int
    """The first failing attempt, or when it was opened where that is earlier."""
    said: list[tuple[int, str, str]]
    """When, domain (empty while another incident explains it), title."""
    opened_at: list[int]
    """And reopened."""
    resolved_at: int | None = None


def report_of(facts: Sequence[Fact], events: Iterable[Event]) -> list[FaultReport]:
    """The oldest first. Both are in the order in which they were written."""
    spans = _spans(facts)
    told = list(events)
    lives = _lives(told)
    owned: dict[int, list[_Life]] = {}
    for life in lives:
        owner = _owner(spans, life)
        if owner is not None:
            owned.setdefault(owner, []).append(life)
    troubled = [life for life in lives if _is_of_probe(life)]
    return [
        _report(fact, mended_at, told, owned.get(n, []), [life for life in troubled if _lasts_into(life, fact)])
        for n, (fact, mended_at) in enumerate(spans)
    ]


def _lasts_into(life: _Life, fact: Fact) -> bool:
    return life.began_at < fact.at and (life.resolved_at is None or life.resolved_at > fact.at)


def _spans(facts: Sequence[Fact]) -> list[tuple[Fact, int | None]]:
    """Each break, and when it was mended."""
    spans: list[tuple[Fact, int | None]] = []
    under_way: dict[str, int] = {}
    for fact in sorted(facts, key=lambda fact: fact.at):
        if fact.do == "break" and fact.fault in FAULTS:
            under_way[fact.fault] = len(spans)
            spans.append((fact, None))
        elif fact.do == "mend" and fact.fault in under_way:
            place = under_way.pop(fact.fault)
            spans[place] = (spans[place][0], fact.at)
    return spans


def _lives(events: list[Event]) -> list[_Life]:
    lives: dict[str, _Life] = {}
    for event in events:
        if not isinstance(event.data, IncidentChanged):
            continue
        incident, change = event.data.incident, event.data.change
        life = lives.get(incident.id)
        if life is None or change == "reopened":
            key = f"{incident.id} {event.at}" if life is not None else incident.id
            if life is not None:
                lives[key] = life
            life = lives[incident.id] = _Life(id=incident.id, began_at=_began(incident, event), said=[], opened_at=[])
        if change in ("opened", "reopened"):
            life.opened_at.append(event.at)
        if change in ("monitoring", "resolved"):  # the all-clear; what follows on it only closes it
            life.resolved_at = life.resolved_at or event.at
        elif life.resolved_at is None:
            life.said.append((event.at, _domain(incident), incident.title))
    return sorted((life for life in lives.values() if life.said), key=lambda life: life.said[0][0])


def _began(incident: Incident, event: Event) -> int:
    change = event.data.change if isinstance(event.data, IncidentChanged) else ""
    return event.at if change != "opened" else min(incident.started_at, event.at)


def _domain(incident: Incident) -> str:
    if incident.parent:
        return ""
    return str(incident.domain) if incident.domain is not None else NOWHERE


def _owner(spans: list[tuple[Fact, int | None]], life: _Life) -> int | None:
    """The number of the fault that an incident is told of; None: it began when nothing was broken."""
    # A first failing attempt may be a hair older than the note of the break, by another clock.
    near = [
        number
        for number, (fact, mended_at) in enumerate(spans)
        if fact.at <= life.said[0][0] and (mended_at is None or life.began_at <= mended_at + TAIL_NS)
    ]
    named = [n for n in near if any(_fits(FAULTS[spans[n][0].fault], domain) for _, domain, _ in life.said)]
    return max(named or near, key=lambda n: spans[n][0].at, default=None)


def _is_of_probe(life: _Life) -> bool:
    return all(domain.startswith(_PROBE) for _, domain, _ in life.said)


def _fits(fault: Fault, domain: str) -> bool:
    return any(fnmatchcase(domain, each) for each in fault.domains)


def _report(
    fact: Fact, mended_at: int | None, events: list[Event], lives: list[_Life], before: list[_Life]
) -> FaultReport:
    """`before`: of probes whose trouble is older than the break."""
    fault = FAULTS[fact.fault]
    until = mended_at + TAIL_NS if mended_at is not None else None
    during = [event for event in events if fact.at <= event.at and (until is None or event.at <= until)]
    said_by = next((event.at for event in during if event.type in fault.says), None)
    of_probes = [
        life for life in lives if _is_of_probe(life) and not any(_fits(fault, said) for _, said, _ in life.said)
    ]
    lives = [life for life in lives if life not in of_probes]
    named = [at for life in lives for at, domain, _ in life.said if _fits(fault, domain)]
    named_at = min(named, default=said_by)
    confirmed_at = min((at for life in lives for at in life.opened_at), default=said_by)
    suspected = [event.at for event in during if _doubts(event, fact.at) and (not mended_at or event.at <= mended_at)]
    if lives or said_by is not None:
        suspected += [confirmed_at] if confirmed_at is not None else []
    blamed = tuple(blame for life in lives for blame in _blames(fault, life, fact.at))
    if not fault.incident:
        suspected = [confirmed_at] if confirmed_at is not None else []
    right = next((life for life in lives if any(_fits(fault, domain) for _, domain, _ in life.said)), None)
    shown = right or (lives[0] if lives else None)
    return FaultReport(
        fault=fact.fault,
        actor=fact.actor,
        broken_at=fact.at,
        mended_at=mended_at,
        suspected_s=_after(min(suspected, default=None), fact.at),
        confirmed_s=_after(confirmed_at, fact.at),
        named_s=_after(named_at, fact.at),
        said=shown.said[-1][1] if shown else "",
        title=shown.said[-1][2] if shown else "",
        cleared_s=_cleared(lives, mended_at),
        blamed=blamed,
        probes=tuple(dict.fromkeys(life.said[-1][1].removeprefix(_PROBE) for life in (*before, *of_probes))),
        incidents=len({life.id for life in lives}),
        expected=fault.domains or fault.says,
    )


def _doubts(event: Event, since: int) -> bool:
    """Whether it doubts something that was well until then."""
    match event.data:
        case CheckChanged(state=state):
            return state in ("suspected", "degraded", "down") and event.data.since >= since - NS
        case ProbeChanged(state=state):
            return state != "healthy"
    return False


def _blames(fault: Fault, life: _Life, broken_at: int) -> Iterable[Blame]:
    """What an incident was called that was wrong; what was said twice in a row is one."""
    ends = [at for at, _, _ in life.said[1:]] + [life.resolved_at]
    spans: list[tuple[int, int | None, str, str]] = []
    for (at, domain, title), end in zip(life.said, ends, strict=True):
        if spans and spans[-1][2] == domain:
            spans[-1] = (spans[-1][0], end, domain, title)
        else:
            spans.append((at, end, domain, title))
    for at, end, domain, title in spans:
        right = not domain or _fits(fault, domain) or (domain == NOWHERE and fault.incident)
        if not right and end != at:
            for_s = None if end is None else _after(end, at)
            yield Blame(domain=domain, title=title, after_s=_after(at, broken_at) or 0.0, for_s=for_s)


def _cleared(lives: list[_Life], mended_at: int | None) -> float | None:
    if mended_at is None or not lives or any(life.resolved_at is None for life in lives):
        return None
    return _after(max(life.resolved_at or 0 for life in lives), mended_at)


def _after(at: int | None, since: int) -> float | None:
    return None if at is None else round((at - since) / NS, 1)


_HEAD = (
    "fault",
    "broken (UTC)",
    "suspected",
    "confirmed",
    "named",
    "cleared",
    "said to be at",
    "blamed wrongly",
    "probes",
)


def report_table(found: Sequence[FaultReport]) -> list[str]:
    """For people: a line for each break, and what it comes to in all."""
    if not found:
        return ["nothing was broken yet; parallax lab list has what can be"]
    rows = [_HEAD, *(_row(each) for each in found)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, "", _sum(found)]


def _row(each: FaultReport) -> tuple[str, ...]:
    at = datetime.fromtimestamp(each.broken_at // NS, UTC).strftime("%m-%d %H:%M:%S")
    cleared = "still broken" if each.mended_at is None else _seconds(each.cleared_s)
    blamed = "; ".join(f"{b.domain} after {b.after_s:.0f} s{_for(b.for_s)}" for b in each.blamed)
    probes = f"{len(each.probes)} in trouble" if each.probes else ""
    spans = (each.suspected_s, each.confirmed_s, each.named_s)
    return (
        each.fault,
        at,
        *(_seconds(span) for span in spans),
        cleared,
        each.said or "-",
        blamed or "nothing",
        probes or "well",
    )


def _seconds(span: float | None) -> str:
    return "-" if span is None else f"{span:.1f} s"


def _for(span: float | None) -> str:
    return "" if span is None else f" for {span:.0f} s"


def _sum(found: Sequence[FaultReport]) -> str:
    named = sorted(each.named_s for each in found if each.named_s is not None)
    blamed = sum(bool(each.blamed) for each in found)
    middle = f", in {named[(len(named) - 1) // 2]:.1f} s (median)" if named else ""
    return f"{len(named)} of {len(found)} named rightly{middle}; something else blamed beside or before: {blamed}"
