"""What an alert says, in words for people: one line, and the figures behind it. Pure; every kind of receiver words by
this, and escapes for itself.

The line says what, where, since when, whose fault, what share of vantages, how long caches carry it, and what to do, in
that order: its first 120 characters tell the essence, as much as a phone's locked screen or a text message shows.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from collector.alerts.notification import Notification
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
    Tier,
    Told,
)
from parallax.clock import NS
from parallax.plan.alert_texts import fill
from parallax.spans import lasting

LONGEST_LINE = 900
"""Characters of the one line."""
LONGEST_TITLE = 300
MOST_MORE = 10
"""Of an alert that says several things, how many earlier ones have a line of their own."""
_MOST_NAMES = 5
_DAY_NS = 20 * 3600 * NS

Status = Literal["open", "resolved", "notice", "test"]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """An alert in words. Every text is one line, bounded, and empty where there is nothing to say."""

    line: str
    """The one line, without the link."""
    title: str
    """What it is, and in which state: "Over after 4 min: DNS operator dns-a is dark"."""
    type: str
    """incident.opened, failover.recommended, ..., test."""
    status: Status
    severity: Severity
    tier: Tier
    key: str
    at: int
    """ns since the Unix epoch."""
    since_ns: int | None = None
    """When it began."""
    until_ns: int | None = None
    """When it ended."""
    components: tuple[str, ...] = ()
    since: str = ""
    lasting: str = ""
    domain: str = ""
    share: str = ""
    runway: str = ""
    todo: str = ""
    owner: str = ""
    runbooks: tuple[str, ...] = ()
    link: str = ""
    what: str = ""
    """What is new."""
    more: tuple[str, ...] = ()
    """The other things that it says, a title each."""
    more_left: int = 0
    """How many of them had no room."""
    body: str = ""
    """The owner's own text below the line, where there is a template for it; may have several lines."""

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The figures behind the line, each with its name; none that is empty."""
        named = (
            ("Components", ", ".join(self.components)),
            ("Since", f"{self.since} ({self.lasting})" if self.since and self.lasting else self.since),
            ("Fault", self.domain),
            ("Seen by", self.share),
            ("Runway", self.runway),
            ("What is new", self.what),
            ("What to do", self.todo),
            ("Owner", self.owner),
            ("Runbook", ", ".join(self.runbooks)),
        )
        return tuple((name, text) for name, text in named if text)

    @property
    def also(self) -> tuple[str, ...]:
        """`more`, and how many had no room."""
        return (*self.more, f"and {self.more_left} more") if self.more_left else self.more


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
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


def words_of(notification: Notification, templates: Mapping[str, str] = {}) -> Words:
    """An alert in words; `templates` are the receiver's own, by place. A template never fails: what has a fault was
    refused with the plan."""
    alert = notification.alert
    if alert is None or not alert.of:
        line = f"A test of the receiver {clean(notification.receiver)}: nothing is wrong"
        words = Words(
            line=line, title=line, type="test", status="test", severity="info", tier="log", key=notification.key,
            at=notification.at, link=notification.link,
        )  # fmt: skip
        return _templated(words, templates)
    told = alert.of[-1]
    facts = facts_of(told.data, told.at, missed=notification.missed)
    earlier = [clean(facts_of(each.data, each.at).head, LONGEST_TITLE) for each in reversed(alert.of[:-1])]
    every = [each.data for each in reversed(alert.of)]
    names = tuple(dict.fromkeys(name for data in every for name in _components_of(data)))
    components = tuple(clean(name, 100) for name in (facts.components or names))
    known = [notification.components[name] for name in (facts.components or names) if name in notification.components]
    runbooks = tuple(
        dict.fromkeys(str(each.runbook) for each in known if each.runbook is not None and len(each.runbook) <= 300)
    )[:_MOST_NAMES]
    owner = _listed(dict.fromkeys(clean(each.owner, 100) for each in known if each.owner))
    over = alert.phase == "resolve"
    until = facts.until if facts.until is not None else (told.at if over else None)
    words = Words(
        line="",
        title=clean(facts.head, LONGEST_TITLE),
        type=told.type,
        status="resolved" if over else "notice" if alert.phase == "notice" else "open",
        severity=facts.severity or alert.severity,
        tier=alert.tier,
        key=notification.key,
        at=told.at,
        since_ns=facts.since,
        until_ns=until,
        components=components[:_MOST_NAMES],
        since="" if facts.since is None else clock_words(facts.since, told.at),
        lasting="" if facts.since is None else lasting((until or told.at) - facts.since),
        domain=clean(facts.fault or _fault(facts.domain), 200),
        share=clean(facts.share or _first(_share_of(data) for data in every), 200),
        runway=clean(facts.runway or _first(_runway_of(data, told.at) for data in every), 200),
        todo=clean(facts.todo or _first(_todo_of(data) for data in every), LONGEST_TITLE),
        owner=owner,
        runbooks=runbooks,
        link=notification.link,
        what=clean(facts.what, LONGEST_TITLE),
        more=tuple(earlier[:MOST_MORE]),
        more_left=max(0, len(earlier) - MOST_MORE),
    )
    return _templated(msgspec.structs.replace(words, line=_line(words)), templates)


def facts_of(data: Conclusion, at: int, *, missed: bool = False) -> "_Facts":
    """What a conclusion says, before it is cut to any measure."""
    if isinstance(data, IncidentChanged):
        known = data.incident
        return _Facts(
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
        return _Facts(
            head=risk_head(data.risk, at, over=over, missed=missed),
            components=data.risk.components,
            since=data.risk.since,
            until=at if over else None,
            domain=data.risk.domain,
            runway="" if over else _runway(data.risk, at),
            what=data.risk.why,
        )
    if isinstance(data, Noticed):
        return _Facts(
            head=data.title, severity=data.severity, components=data.components, domain=data.domain, what=data.why
        )
    if isinstance(data, FailoverChanged):
        return _Facts(
            head=failover_head(data),
            severity=data.severity,
            components=data.components,
            since=data.started_at,
            fault=clean(data.evidence.get("cause", "")),
            share=_of(data.evidence),
            todo=_todo_of(data),
            what=data.why,
        )
    if isinstance(data, ReadinessChanged):
        lost = data.word == "lost"
        return _Facts(
            head=data.title,
            components=data.components,
            what=data.why,
            todo=f"make {data.member} ready: failover of {data.group} would be blocked" if lost else "",
        )
    if isinstance(data, ProbeChanged):
        return _Facts(head=f"Probe {data.probe} is {data.state}", since=data.since, what=data.why)
    if isinstance(data, ComponentChanged):
        state = data.state.replace("_", " ")
        return _Facts(head=f"{data.component}: {state}", components=(data.component,), since=data.since, what=data.why)
    if isinstance(data, CheckChanged):
        head = f"{data.check} at {data.subject} is {data.state}"
        return _Facts(head=head, since=data.since, share=_share(data.evidence), what=data.why)
    assert isinstance(data, IncidentNoted)
    return _Facts(
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


def clock_words(at: int, now: int) -> str:
    """A moment for people, in UTC; with its day where that is not plain."""
    moment = datetime.fromtimestamp(at // NS, UTC)
    return f"{moment:%H:%M:%S} UTC" if abs(now - at) < _DAY_NS else f"{moment:%Y-%m-%d %H:%M} UTC"


def _line(words: Words) -> str:
    """Of what it is made; what was said before it in the line is not said again."""
    head = words.title
    where = [name for name in words.components if name not in head]
    if where:
        head += f" ({', '.join(where)})"
    parts = [head]
    over = words.until_ns is not None
    if words.since and not over:
        parts.append(f"since {words.since}")
    if words.domain and words.domain not in head:
        parts.append(f"fault: {words.domain}")
    if words.share and not over:
        parts.append(words.share)
    if words.runway and words.runway not in head:
        parts.append(words.runway)
    if words.what and words.what not in head:
        parts.append(words.what)
    if words.todo and not over:
        parts.append(f"to do: {words.todo}")
    if words.runbooks and not over:
        parts.append(f"runbook: {words.runbooks[0]}")
    if words.owner:
        parts.append(f"owner: {words.owner}")
    if words.more:
        parts.append(f"and {len(words.more) + words.more_left} more")
    return cut("; ".join(parts), LONGEST_LINE)


def _templated(words: Words, templates: Mapping[str, str]) -> Words:
    if not templates:
        return words
    values = {
        "line": words.line, "title": words.title, "components": ", ".join(words.components), "tier": words.tier,
        "severity": words.severity, "status": words.status, "type": words.type, "since": words.since,
        "lasting": words.lasting, "domain": words.domain, "share": words.share, "runway": words.runway,
        "todo": words.todo, "owner": words.owner, "runbook": ", ".join(words.runbooks), "link": words.link,
        "key": words.key, "what": words.what,
    }  # fmt: skip
    if summary := templates.get("summary"):
        words = msgspec.structs.replace(words, line=clean(fill(summary, values), LONGEST_LINE))
    if body := templates.get("body"):
        lines = fill(body, values | {"line": words.line}).split("\n")
        words = msgspec.structs.replace(words, body="\n".join(clean(line, 2000) for line in lines)[:8000])
    return words


def _fault(domain: FaultDomain | None) -> str:
    if domain is None:
        return ""
    return str(domain) if domain.certain else f"{domain}, not certain"


def _share(evidence: Evidence | None) -> str:
    if evidence is None:
        return ""
    return evidence.words if evidence.extent is None else evidence.extent.words


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


def _todo_of(data: Conclusion) -> str:
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
    return ""


def _share_of(data: Conclusion) -> str:
    if isinstance(data, IncidentChanged):
        return _share(data.incident.evidence)
    return _of(data.evidence) if isinstance(data, FailoverChanged) else ""


def _runway_of(data: Conclusion, at: int) -> str:
    return _runway(data.risk, at) if isinstance(data, RiskChanged) and data.change != "cleared" else ""


def _components_of(data: Conclusion) -> tuple[str, ...]:
    if isinstance(data, IncidentChanged | IncidentNoted):
        return data.incident.components
    if isinstance(data, RiskChanged):
        return data.risk.components
    return data.components if isinstance(data, Noticed | FailoverChanged | ReadinessChanged) else ()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(list(names)[:_MOST_NAMES])


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def newest(notification: Notification) -> Told | None:
    """The newest of what an alert says; None for a test."""
    return notification.alert.of[-1] if notification.alert is not None and notification.alert.of else None
