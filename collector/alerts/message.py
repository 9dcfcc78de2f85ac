"""What a receiver is sent: an event as JSON in the form of Standard Webhooks, `{"type", "timestamp", "data"}`. Pure.

`data` begins with a line for people. Times are RFC 3339 in UTC. Lists and texts are bounded, so that a message stays
under 20 kB as the specification wants; `data.cut` says how many entries of which list were left out.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from collector.alerts.facts import clean, facts_of
from collector.alerts.notification import Notification
from collector.alerts.wording import words_of
from collector.events import (
    Affected,
    Conclusion,
    FailoverChanged,
    FaultDomain,
    Incident,
    IncidentChanged,
    Noticed,
    ReadinessChanged,
    RiskChanged,
    Runway,
    Told,
)
from collector.routing.facts import RISK_SEVERITY
from parallax.clock import NS, rfc3339
from parallax.plan.types import Component

LARGEST = 20_000
"""Octets of a body, at most."""
_MOST = {
    "because": 6,
    "alternatives": 6,
    "before": 20,
    "after": 20,
    "held": 20,
    "checks": 20,
    "components": 20,
    "probes": 50,
    "reasons": 10,
    "rules": 10,
    "evidence": 20,
}
_LINE, _TEXT = 300, 150
"""Characters of a line for people, and of a name."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent. `id` is the event's, whatever else changes between two tries."""

    id: str
    body: bytes


def rendered(notification: Notification, templates: Mapping[str, str] = {}) -> Message:
    """The message of an alert, or of a test. `templates` are the receiver's own texts."""
    alert, words = notification.alert, words_of(notification, templates)
    if alert is None or not alert.of:
        return trial_message(notification.receiver, notification.id, notification.at)
    told = alert.of[-1]
    around = {
        "dedup_key": notification.key,
        "phase": notification.phase,
        "tier": alert.tier,
        "link": words.link or None,
        "todo": words.todo,
        "also": list(words.also),
    }
    if words.body:
        around["text"] = words.body
    return Message(id=notification.id, body=_body(notification, told, words.line, around))


def _body(notification: Notification, told: Told, summary: str, around: dict[str, Any]) -> bytes:
    """The JSON, with what of it fits."""
    for share in (1.0, 0.5, 0.25, 0.1, 0.0):
        shown = _Shown(share, notification.components)
        says = shown.told(told.data, told.at, missed=notification.missed)
        data = {"summary": summary} | says | around | {"cut": shown.cut}
        body = msgspec.json.encode({"type": told.type, "timestamp": rfc3339(told.at), "data": data})
        if len(body) < LARGEST:
            break
    return body


def trial_message(receiver: str, id: str, at: int) -> Message:  # noqa: A002
    """A message that says nothing but that messages come through."""
    data = {"summary": f"A test of the receiver {receiver}: nothing is wrong", "receiver": receiver, "dedup_key": id}
    body = msgspec.json.encode({"type": "test", "timestamp": rfc3339(at), "data": data})
    return Message(id=id, body=body)


class _Shown:
    """One rendering, with a share of the usual bounds; `cut` counts what was left out."""

    def __init__(self, share: float, components: Mapping[str, Component]) -> None:
        self._share, self._components = share, components
        self.cut: dict[str, int] = {}

    def told(self, data: Conclusion, at: int, *, missed: bool) -> dict[str, Any]:
        """What a conclusion says, by its type."""
        if isinstance(data, IncidentChanged):
            return self.incident(data)
        if isinstance(data, RiskChanged):
            return self.risk(data, at)
        if isinstance(data, Noticed):
            return self.notice(data)
        if isinstance(data, FailoverChanged):
            return self.failover(data)
        if isinstance(data, ReadinessChanged):
            return self.readiness(data)
        facts = facts_of(data, at, missed=missed)
        return {"why": _line(facts.what), "components": self._named(facts.components)}

    def incident(self, change: IncidentChanged) -> dict[str, Any]:
        known, over = change.incident, change.incident.resolved_at
        return {
            "incident": known.id,
            "status": "open" if over is None else "resolved",
            "stage": known.stage,
            "severity": known.severity,
            "title": _line(known.title),
            "what": _line(change.what),
            "started_at": rfc3339(known.started_at),
            "opened_at": rfc3339(known.opened_at),
            "updated_at": rfc3339(known.updated_at),
            "over_at": None if known.over_at is None else rfc3339(known.over_at),
            "resolved_at": None if over is None else rfc3339(over),
            "impact": known.impact,
            "components": self._named(known.components),
            "fault_domain": _domain(known.domain),
            "because": [_line(each) for each in self._some("because", known.because)],
            "alternatives": [_domain(each) for each in self._some("alternatives", known.alternatives)],
            "parent": known.parent or None,
            "acknowledged_by": _text(known.human.acknowledged_by) or None,
            "evidence": self._evidence(known),
            "checks": [_affected(each) for each in self._some("checks", known.checks)],
            "probes": [_text(probe) for probe in self._some("probes", known.probes)],
        }

    def risk(self, change: RiskChanged, at: int) -> dict[str, Any]:
        known, over = change.risk, change.change == "cleared"
        return {
            "risk": known.id,
            "status": "resolved" if over else "open",
            "severity": RISK_SEVERITY,
            "title": _line(known.title),
            "why": _line(known.why),
            "since": rfc3339(known.since),
            "expected_at": None if known.expected_at is None else rfc3339(known.expected_at),
            "runway": self._runway(known.runway),
            "resolved_at": rfc3339(at) if over else None,
            "components": self._named(known.components),
            "fault_domain": _domain(known.domain),
            "check": _text(known.check),
        }

    def _runway(self, runway: Runway | None) -> dict[str, Any] | None:
        """How long caches carry it; None for a risk that no cache puts off."""
        if runway is None:
            return None
        return {
            "names": [_text(name) for name in self._some("held", runway.names)],
            "earliest_at": None if runway.earliest_at is None else rfc3339(runway.earliest_at),
            "latest_at": None if runway.latest_at is None else rfc3339(runway.latest_at),
            "sampled_resolvers": runway.sampled,
            "expired_resolvers": runway.expired,
            "stale_resolvers": runway.stale,
            "users": runway.users,
        }

    def notice(self, known: Noticed) -> dict[str, Any]:
        return {
            "notice": known.word,
            "severity": known.severity,
            "title": _line(known.title),
            "why": _line(known.why),
            "target": _text(known.target),
            "before": [_text(name) for name in self._some("before", known.before)],
            "after": [_text(name) for name in self._some("after", known.after)],
            "components": self._named(known.components),
            "fault_domain": _domain(known.domain),
            "check": _text(known.check),
        }

    def failover(self, known: FailoverChanged) -> dict[str, Any]:
        return {
            "failover": known.group,
            "word": known.word,
            "direction": known.direction or None,
            "severity": known.severity,
            "title": _line(known.title),
            "why": _line(known.why),
            "from": _text(known.source) or None,
            "to": _text(known.target) or None,
            "incident": known.incident,
            "epoch": known.epoch,
            "expected_current": _text(known.expected_current) or None,
            "not_after": None if known.not_after is None else rfc3339(known.not_after),
            "dry_run": known.dry_run,
            "actions": [_text(name) for name in known.actions],
            "rules": [
                {
                    "id": rule.id,
                    "ok": rule.ok,
                    "why": _line(rule.why),
                    "overridden_by": _line(rule.overridden_by) or None,
                }
                for rule in self._some("rules", known.rules)
            ],
            "evidence": {
                _text(name): _line(text) for name, text in self._some("evidence", tuple(known.evidence.items()))
            },
            "started_at": None if known.started_at is None else rfc3339(known.started_at),
            "duration_s": round(known.duration_ns / NS, 3),
            "dwell_s": round(known.dwell_ns / NS, 3),
            "hurt": known.hurt,
            "flaps": known.flaps,
            "actor": _text(known.actor) or None,
            "components": self._named(known.components),
        }

    def readiness(self, known: ReadinessChanged) -> dict[str, Any]:
        return {
            "failover": known.group,
            "member": _text(known.member),
            "ready": known.word == "restored",
            "title": _line(known.title),
            "why": _line(known.why),
            "components": self._named(known.components),
        }

    def _named(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        found = []
        for name in self._some("components", names):
            each: dict[str, Any] = {"name": _text(name)}
            component = self._components.get(name)
            if component and component.owner:
                each["owner"] = _text(component.owner)
            if component and component.runbook and len(component.runbook) <= _LINE:  # half a URL is none
                each["runbook"] = str(component.runbook)
            found.append(each)
        return found

    def _evidence(self, known: Incident) -> dict[str, Any] | None:
        evidence = known.evidence
        if evidence is None:
            return None
        return {
            "summary": _line(evidence.words),
            "failing": evidence.failing,
            "voters": evidence.voters,
            "networks": evidence.networks,
            "span_s": round(evidence.span_ns / NS, 3),
            "abstaining": evidence.abstaining,
            "silent": evidence.silent,
            "single_vantage": evidence.single,
            "reasons": dict(self._some("reasons", tuple(evidence.reasons.items()))),
        }

    def _some(self, name: str, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        kept = entries[: int(_MOST[name] * self._share)]
        if len(kept) < len(entries):
            self.cut[name] = len(entries) - len(kept)
        return kept


def _domain(domain: FaultDomain | None) -> dict[str, Any] | None:
    return None if domain is None else {"kind": domain.kind, "name": _text(domain.name), "certain": domain.certain}


def _affected(each: Affected) -> dict[str, Any]:
    return {
        "check": _text(each.check),
        "kind": _text(each.kind),
        "target": _text(each.target),
        "subject": _text(each.subject),
        "state": each.state,
        "since": rfc3339(each.since),
        "reason": each.reason,
    }


def _line(text: str) -> str:
    return clean(text, _LINE)


def _text(text: str) -> str:
    return clean(text, _TEXT)
