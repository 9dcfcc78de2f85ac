"""States, events, moments and spans in the words that people read. Pure.

A state is always a word; its tone (a name that style.css knows) only repeats it in colour and symbol. Moments are ns
since the Unix epoch and are shown in UTC.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

import msgspec

from collector.board import Latest
from collector.events import (
    AlertRouted,
    CheckChanged,
    ComponentChanged,
    Event,
    FailoverChanged,
    FaultDomain,
    IncidentChanged,
    IncidentNoted,
    Moment,
    Noticed,
    ProbeChanged,
    ReadinessChanged,
    RiskChanged,
)
from collector.history.tables import FLOW_KINDS
from parallax.clock import NS, rfc3339
from parallax.reasons import REASONS
from parallax.spans import lasting, measured

Tone = Literal["ok", "soft", "part", "bad", "warn", "plan", "none"]
"""ok; degraded; partly out; out; suspected or at risk; under maintenance; nothing known."""


class Look(msgspec.Struct, frozen=True):
    """How a state is shown."""

    word: str
    tone: Tone


LOOKS: Mapping[str, Look] = {
    # of a check or subject
    "up": Look("up", "ok"),
    "suspected": Look("suspected", "warn"),
    "degraded": Look("degraded", "soft"),
    "down": Look("down", "bad"),
    "unknown": Look("unknown", "none"),
    # of a component
    "operational": Look("operational", "ok"),
    "degraded_performance": Look("degraded performance", "soft"),
    "partial_outage": Look("partial outage", "part"),
    "full_outage": Look("full outage", "bad"),
    "under_maintenance": Look("under maintenance", "plan"),
    "not_measured": Look("not measured", "none"),
    # of a probe
    "healthy": Look("healthy", "ok"),
    "unhealthy": Look("unhealthy", "warn"),
    "silent": Look("silent", "none"),
    # of an incident
    "critical": Look("critical", "bad"),
    "warning": Look("warning", "soft"),
    "info": Look("info", "plan"),
    "open": Look("open", "bad"),
    "resolved": Look("resolved", "ok"),
    "investigating": Look("investigating", "bad"),
    "reopened": Look("reopened", "bad"),
    "identified": Look("identified", "soft"),
    "monitoring": Look("monitoring", "plan"),
    # of what one probe said last
    "ok": Look("ok", "ok"),
    "slow": Look("degraded", "soft"),
    "failed": Look("failed", "bad"),
    "kept_out": Look("blocked", "warn"),
    "misset": Look("stopped by the config", "none"),
    "troubled": Look("stopped by the probe", "none"),
    "abstained": Look("abstained", "none"),
    "stale": Look("too old", "none"),
}
"""Every state that there is."""
_OF_FAULT = {"blocked": "kept_out", "config": "misset", "probe": "troubled"}
"""What failed, and is not the target's."""
COUNTED = frozenset({"ok", "slow", "failed", "kept_out"})
FAILING = frozenset({"failed", "kept_out"})
"""Of what one probe said last: what says something of the target, and what says that it cannot be used."""
WORST: tuple[Tone, ...] = ("bad", "part", "soft", "warn", "plan", "ok", "none")


def look(state: str) -> Look:
    """How a state is shown; a state of a later version is shown as its own word."""
    return LOOKS.get(state) or Look(state.replace("_", " "), "none")


def latest_state(latest: Latest) -> str:
    """What one probe said last, as a key of LOOKS."""
    if not latest.fresh:
        return "stale"
    if latest.abstain is not None:
        return "abstained"
    if latest.reason is None:
        return "ok"
    return "slow" if latest.soft else _OF_FAULT.get(latest.fault or "", "failed")


def iso(at: int) -> str:
    """For `datetime` attributes, to the millisecond; "" for what no calendar has."""
    try:
        return rfc3339(at)
    except (ValueError, OverflowError, OSError):
        return ""


def clock_time(at: int, now: int) -> str:
    """ "12:03:04" on the day of `now`, else "21 Nov 12:03:04", else "21 Nov 2025 12:03:04"; UTC."""
    try:
        moment, today = datetime.fromtimestamp(at / NS, UTC), datetime.fromtimestamp(now / NS, UTC)
    except (ValueError, OverflowError, OSError):
        return "no known time"
    if moment.date() == today.date():
        return f"{moment:%H:%M:%S}"
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{moment.day} {_MONTHS[moment.month - 1]}{year} {moment:%H:%M:%S}"


def relative(at: int, now: int) -> str:
    """ "3 min ago", "in 2 h", "just now"."""
    if abs(now - at) < NS:
        return "just now"
    return f"{lasting(now - at)} ago" if at < now else f"in {lasting(at - now)}"


def seconds(value: float | None) -> str:
    """A number of seconds with a sign where negative: "0.012 s", "-90 s"; "not known" for None."""
    if value is None:
        return "not known"
    return f"{value:.3f} s" if abs(value) < 1 else f"{value:.1f} s" if abs(value) < 10 else f"{value:.0f} s"


def measured_ns(ns: int) -> str:
    """A measured span: "23.4 ms"."""
    return measured(ns)


def per_cent(part: int, of: int) -> str:
    """ "3 of 8 (38 %)"; "none" of none."""
    return f"{part} of {of} ({part / of:.0%})".replace("%", " %") if of else "none"


def count(number: int, noun: str, plural: str = "") -> str:
    """ "1 probe", "2 probes"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(names: tuple[str, ...] | list[str], most: int = 4) -> str:
    """ "a, b and c"; past `most`: "a, b, c, d and 3 more"."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def domain(where: FaultDomain | None) -> str:
    """The fault domain: "DNS operator dns-a", "region us-east (likely)"."""
    if where is None:
        return "not located yet"
    kind = {"operator": "DNS operator", "site": "anycast site"}.get(where.kind, where.kind.replace("_", " "))
    return f"{kind} {where.name}" + ("" if where.certain else " (likely; another place would explain it as well)")


def meaning(reason: str) -> str:
    """What a reason word says; the word itself where a later version made it."""
    known = REASONS.get(reason)
    return known.meaning if known else reason.replace("_", " ")


def where_to_look(reason: str) -> str:
    """The first thing to look at; "" for a word that is not known here."""
    known = REASONS.get(reason)
    return known.look if known else ""


def telling(outcome: str) -> Look:
    """What came of telling somebody of an alert."""
    return _TELLINGS.get(outcome) or Look(outcome.replace("_", " "), "none")


def is_link(text: str | None) -> bool:
    """Whether a text of the plan may be made a link: what a browser runs or opens on this host is none."""
    return text is not None and text.lower().startswith(("https://", "http://"))


def check_path(name: str) -> str:
    """The page of a check; whatever is in its name stays one segment."""
    return f"/check/{quote(name, safe='')}"


def flow_path(name: str, kind: str) -> str | None:
    """Where a check's runs stand as waterfalls; None for a kind that has no steps."""
    return f"/sign-in?check={quote(name, safe='')}" if kind in FLOW_KINDS else None


def incident_path(id_: str) -> str:
    return f"/incident/{quote(id_, safe='')}"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One event for people: a line, and what backs it."""

    tone: Tone
    word: str
    what: str
    more: str = ""
    check: str | None = None
    """Its check, to link to."""


def tell(event: Event) -> Told:
    """An event as a line of a timeline."""
    match event.data:
        case CheckChanged() as data:
            where = data.subject if data.subject == data.target else f"{data.subject} ({data.target})"
            why = data.why or (meaning(data.reason) if data.reason else "")
            shown = look(data.state)
            return Told(
                tone=shown.tone,
                word=shown.word,
                what=f"at {where}" + (f": {why}" if why else ""),
                more=data.evidence.words,
                check=data.check,
            )
        case IncidentChanged() as data:
            tone: Tone = "ok" if data.change in ("resolved", "monitoring") else look(data.incident.severity).tone
            return Told(tone=tone, word=f"incident {data.change}", what=data.what)
        case IncidentNoted() as data:
            return tell_moment(data.moment)
        case RiskChanged() as data:
            tone = "ok" if data.change == "cleared" else "warn"
            return Told(tone=tone, word=f"risk {data.change}", what=data.risk.title, more=data.risk.why)
        case ProbeChanged() as data:
            shown = look(data.state)
            return Told(tone=shown.tone, word=shown.word, what=f"probe {data.probe}", more=data.why)
        case ComponentChanged() as data:
            shown = look(data.state)
            before = look(data.before).word
            return Told(tone=shown.tone, word=shown.word, what=f"{data.component}, before: {before}", more=data.why)
        case Noticed() as data:
            return Told(
                tone=look(data.severity).tone if data.severity != "info" else "none",
                word=data.word.replace("_", " "),
                what=data.title,
                more=data.why,
                check=data.check or None,
            )
        case FailoverChanged() as data:
            tone = "none" if data.severity == "info" else look(data.severity).tone
            return Told(tone=tone, word=data.type.replace("_", " ").replace(".", " "), what=data.title, more=data.why)
        case ReadinessChanged() as data:
            tone = "ok" if data.word == "restored" else "warn"
            return Told(tone=tone, word=f"readiness {data.word}", what=data.title, more=data.why)
        case AlertRouted() as data:
            kept = "; ".join(f"{each.receiver}: {each.why}" for each in data.suppressed)
            told = f"to {', '.join(data.to)}" if data.to else "to nobody"
            return Told(
                tone="plan", word=f"{data.tier} {data.phase}", what=told, more=f"not told: {kept}" if kept else ""
            )


def tell_moment(moment: Moment) -> Told:
    """What an incident's own timeline says, as a line of it."""
    said = f" by {moment.actor}" if moment.actor else ""
    tone: Tone = _MOMENTS.get(moment.what, "none")
    return Told(tone=tone, word=moment.what.replace("_", " ") + said, what=moment.text)


_TELLINGS: Mapping[str, Look] = {
    "sent": Look("sent", "ok"),
    "retried": Look("tried again", "warn"),
    "given_up": Look("given up", "bad"),
    "left_out": Look("told by a later one", "none"),
    "waiting": Look("not yet", "plan"),
}
_MOMENTS: Mapping[str, Tone] = {
    "began": "bad",
    "detected": "bad",
    "reopened": "bad",
    "identified": "soft",
    "monitoring": "ok",
    "resolved": "ok",
    "acknowledged": "plan",
    "note": "plan",
    "switched": "plan",
    "effective": "plan",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
