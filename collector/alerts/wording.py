"""What an alert says, in words for people: one line, and the figures behind it. Pure; every kind of receiver words by
this, and escapes for itself.

The line says what, where, since when, whose fault, what share of vantages, how long caches carry it, and what to do, in
that order: its first 120 characters tell the essence, as much as a phone's locked screen or a text message shows.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from collector.alerts.facts import (
    LONGEST_TITLE,
    clean,
    components_of,
    cut,
    facts_of,
    fault_words,
    runway_words,
    share_words,
    todo_words,
)
from collector.alerts.notification import Notification
from collector.events import (
    Severity,
    Tier,
    Told,
)
from parallax.clock import NS
from parallax.plan.alert_texts import fill
from parallax.spans import lasting

LONGEST_LINE = 900
"""Characters of the one line."""
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
    names = tuple(dict.fromkeys(name for data in every for name in components_of(data)))
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
        domain=clean(facts.fault or fault_words(facts.domain), 200),
        share=clean(facts.share or _first(share_words(data) for data in every), 200),
        runway=clean(facts.runway or _first(runway_words(data, told.at) for data in every), 200),
        todo=clean(facts.todo or _first(todo_words(data) for data in every), LONGEST_TITLE),
        owner=owner,
        runbooks=runbooks,
        link=notification.link,
        what=clean(facts.what, LONGEST_TITLE),
        more=tuple(earlier[:MOST_MORE]),
        more_left=max(0, len(earlier) - MOST_MORE),
    )
    return _templated(msgspec.structs.replace(words, line=_line(words)), templates)


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


def _listed(names: Iterable[str]) -> str:
    return ", ".join(list(names)[:_MOST_NAMES])


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def newest(notification: Notification) -> Told | None:
    """The newest of what an alert says; None for a test."""
    return notification.alert.of[-1] if notification.alert is not None and notification.alert.of else None
