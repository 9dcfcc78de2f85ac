"""What one conclusion says, each type in its own way: what it is and where it stands, whose fault, how much of it, what
to do. Pure; `wording` makes the line of it.
"""

from collections.abc import Mapping

import msgspec

from collector.events import (
    CheckChanged,
    ComponentChanged,
    Conclusion,
    Evidence,
    FailoverChanged,
    FaultDomain,
    IncidentChanged,
    IncidentNoted,
    Noticed,
    ProbeChanged,
    ReadinessChanged,
    Risk,
    RiskChanged,
    Severity,
)
from collector.failover.types import CAUSES
from parallax.spans import lasting

LONGEST_TITLE = 300


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What one conclusion says."""

    head: str
    severity: Severity | None = None
    components: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    domain: FaultDomain | None = None
    fault: str = ""
    share: str = ""
    runway: str = ""
    todo: str = ""
    what: str = ""


def facts_of(data: Conclusion, at: int, *, missed: bool = False) -> Facts:
    """What a conclusion says, before it is cut to any measure."""
    if isinstance(data, IncidentChanged):
        known = data.incident
        return Facts(
            head=incident_head(data, missed=missed),
            severity=known.severity,
            components=known.components,
            since=known.started_at,
            until=known.ended_at if data.change in ("monitoring", "resolved") else None,
            domain=known.domain,
            fault="" if known.domain else "not known yet",
            share=_share(known.evidence),
            what="" if data.change == "opened" else data.what.removeprefix(known.title).removeprefix("; "),
        )
    if isinstance(data, RiskChanged):
        over = data.change == "cleared"
        return Facts(
            head=risk_head(data.risk, at, over=over, missed=missed),
            components=data.risk.components,
            since=data.risk.since,
            until=at if over else None,
            domain=data.risk.domain,
            runway="" if over else _runway(data.risk, at),
            what=data.risk.why,
        )
    if isinstance(data, Noticed):
        return Facts(
            head=data.title, severity=data.severity, components=data.components, domain=data.domain, what=data.why
        )
    if isinstance(data, FailoverChanged):
        return Facts(
            head=failover_head(data),
            severity=data.severity,
            components=data.components,
            since=data.started_at,
            fault=clean(_cause(data.evidence.get("cause", ""))),
            share=_of(data.evidence),
            todo=todo_words(data),
            what=data.why,
        )
    if isinstance(data, ReadinessChanged):
        lost = data.word == "lost"
        return Facts(
            head=data.title,
            components=data.components,
            what=data.why,
            todo=f"make {data.member} ready: failover of {data.group} would be blocked" if lost else "",
        )
    if isinstance(data, ProbeChanged):
        return Facts(head=f"Probe {data.probe} is {data.state}", since=data.since, what=data.why)
    if isinstance(data, ComponentChanged):
        state = data.state.replace("_", " ")
        return Facts(head=f"{data.component}: {state}", components=(data.component,), since=data.since, what=data.why)
    if isinstance(data, CheckChanged):
        head = f"{data.check} at {data.subject} is {data.state}"
        return Facts(head=head, since=data.since, share=_share(data.evidence), what=data.why)
    assert isinstance(data, IncidentNoted)
    return Facts(
        head=data.incident.title,
        severity=data.incident.severity,
        components=data.incident.components,
        since=data.incident.started_at,
        domain=data.incident.domain,
        what=data.moment.text,
    )


def incident_head(change: IncidentChanged, *, missed: bool = False) -> str:
    """What an incident is, and where it stands."""
    known, ended = change.incident, change.incident.ended_at
    title = clean(known.title, LONGEST_TITLE)
    if ended is None or change.change in ("opened", "updated", "reopened"):
        return {"updated": "Update: ", "reopened": "Again: "}.get(change.change, "") + title
    span = lasting(ended - known.started_at)
    if missed:
        return f"Over before you could be told, lasted {span}: {title}"
    if change.change == "monitoring":
        return f"Over after {span}, being watched: {title}"
    if known.over_at is not None and known.resolved_at is not None and known.over_at < known.resolved_at:
        return f"Resolved, calm for {lasting(known.resolved_at - known.over_at)} (it lasted {span}): {title}"
    return f"Over after {span}: {title}"


def risk_head(known: Risk, at: int, *, over: bool, missed: bool = False) -> str:
    """What a risk is, and when users may feel it."""
    title = clean(known.title, LONGEST_TITLE)
    if over:
        return f"{'Risk was' if missed else 'Risk is'} over after {lasting(at - known.since)}: {title}"
    if known.expected_at is None:
        return f"Risk: {title}"
    return f"Risk: {title}; users may feel it in {lasting(known.expected_at - at)}"


_FAILOVER_HEADS: dict[str, str] = {
    "recommended": "Switch recommended",
    "command": "Switch commanded",
    "blocked": "Switch blocked",
    "not_effective": "Switch without effect",
    "failed": "Switch failed",
    "both_bad": "Nobody to switch to",
    "both_serving": "Two serve where one should",
}


def failover_head(data: FailoverChanged) -> str:
    """What is said of a group, and of which one."""
    word = _FAILOVER_HEADS.get(data.word, "Failover")
    group = "" if data.group in data.title else f" ({data.group})"
    return f"{'Drill: ' if data.dry_run else ''}{word}: {clean(data.title, LONGEST_TITLE)}{group}"


def clean(text: str, most: int = LONGEST_TITLE) -> str:
    """The text on one line, bounded, without what a terminal or a header would act on, nor what turns the direction of
    writing."""
    plain = "".join(c if c.isprintable() else " " for c in text[: most + 1])
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def cut(text: str, most: int) -> str:
    """The text in at most so many characters, with an ellipsis where it was cut."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"


def cut_octets(text: str, most: int) -> str:
    """The text in at most so many octets of UTF-8, with an ellipsis where it was cut."""
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= most else raw[: most - 3].decode("utf-8", "ignore") + "…"


def fault_words(domain: FaultDomain | None) -> str:
    """Where the fault is; "" where nobody says."""
    if domain is None:
        return ""
    return str(domain) if domain.certain else f"{domain}, not certain"


def _share(evidence: Evidence | None) -> str:
    if evidence is None:
        return ""
    return evidence.extent_words or evidence.words


def _cause(word: str) -> str:
    """Of a failover group; a word of a later version stands as it is."""
    return next((text for cause, text in CAUSES.items() if cause == word), word)


def _of(evidence: Mapping[str, str]) -> str:
    """The share as a failover group's evidence says it."""
    if "failing" in evidence and "voters" in evidence:
        return f"{clean(evidence['failing'], 20)} of {clean(evidence['voters'], 20)} vantages fail"
    return ""


def _runway(risk: Risk, at: int) -> str:
    runway = risk.runway
    if runway is None:
        return ""
    ahead = [f"first {_ahead(runway.earliest_at, at)}"] if runway.earliest_at is not None else []
    ahead += [f"last {_ahead(runway.latest_at, at)}"] if runway.latest_at is not None else []
    empty = f"{runway.expired} of {runway.sampled} sampled resolvers have run out"
    return f"caches carry it: {', '.join([*ahead, empty])}"


def _ahead(moment: int, at: int) -> str:
    return f"in {lasting(moment - at)}" if moment > at else "is over"


def todo_words(data: Conclusion) -> str:
    """What a person should do, where the conclusion itself says it."""
    if not isinstance(data, FailoverChanged) or data.dry_run:
        return ""
    way = f"from {data.source} to {data.target}" if data.source else f"to {data.target}"
    if data.word == "recommended":
        return f"switch {data.group} {way}"
    if data.word == "blocked":
        broken = "; ".join(f"{rule.id} {rule.why}" for rule in data.rules if not rule.ok and not rule.overridden_by)
        return f"do not switch {data.group} {way} before this holds: {broken or data.why}"
    if data.word in ("not_effective", "failed"):
        return f"look whether {data.group} was switched {way}, and switch by hand"
    if data.word == "both_bad":
        return f"mend a member of {data.group}: traffic stays where it is until one is well"
    if data.word == "both_serving":
        return f"see which member of {data.group} should serve, and take the others out"
    return ""


def share_words(data: Conclusion) -> str:
    """How much of it fails."""
    if isinstance(data, IncidentChanged):
        return _share(data.incident.evidence)
    return _of(data.evidence) if isinstance(data, FailoverChanged) else ""


def runway_words(data: Conclusion, at: int) -> str:
    """How long caches carry it."""
    return _runway(data.risk, at) if isinstance(data, RiskChanged) and data.change != "cleared" else ""


def components_of(data: Conclusion) -> tuple[str, ...]:
    """The components that it is about."""
    if isinstance(data, IncidentChanged | IncidentNoted):
        return data.incident.components
    if isinstance(data, RiskChanged):
        return data.risk.components
    return data.components if isinstance(data, Noticed | FailoverChanged | ReadinessChanged) else ()
