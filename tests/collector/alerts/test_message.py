"""Messages: what they say, in which form, and how long they get."""

import json
from collections.abc import Iterable

import msgspec
import pytest

from collector.alerts.message import LARGEST, Message, rendered, trial_message
from collector.alerts.notification import Notification
from collector.events import Affected, AlertRouted, Event, Evidence, FaultDomain, IncidentChanged
from parallax.clock import NS, rfc3339
from parallax.plan.types import Component
from parallax.values import Url
from tests.fakes.alerts import routed
from tests.fakes.events import AT, incident, risk


def message_of(event: Event, components: Iterable[Component] = (), *, missed: bool = False) -> Message:
    """The message of a conclusion's own alert."""
    alert = routed(event).data
    assert isinstance(alert, AlertRouted)
    named = {component.name: component for component in components}
    told = Notification(
        id=event.id,
        at=event.at,
        phase=alert.phase,
        alert=alert,
        key=alert.key,
        receiver="ops",
        components=named,
        missed=missed,
    )
    return rendered(told)


DARK = "DNS operator dns-a is dark (Sign-in)"
SINCE = "since 22:13:20 UTC; 4 of 5 probes in 3 networks failed within 9.0 s"


def test_an_incident_as_it_is_sent() -> None:
    component = Component(name="Sign-in", owner="identity team", runbook=Url("https://wiki.example.org/sign-in"))
    message = message_of(incident(), [component])
    assert message.id == "i1-opened"
    assert json.loads(message.body) == {
        "type": "incident.opened",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "data": {
            "summary": f"{DARK}; {SINCE}; runbook: https://wiki.example.org/sign-in; owner: identity team",
            "incident": "i1",
            "status": "open",
            "stage": "investigating",
            "severity": "critical",
            "title": "DNS operator dns-a is dark",
            "what": "it is opened",
            "started_at": "2023-11-14T22:13:20.000Z",
            "opened_at": "2023-11-14T22:13:20.000Z",
            "updated_at": "2023-11-14T22:13:20.000Z",
            "over_at": None,
            "resolved_at": None,
            "impact": "full_outage",
            "components": [
                {"name": "Sign-in", "owner": "identity team", "runbook": "https://wiki.example.org/sign-in"}
            ],
            "fault_domain": {"kind": "operator", "name": "dns-a", "certain": True},
            "because": [],
            "alternatives": [],
            "parent": None,
            "acknowledged_by": None,
            "evidence": {
                "summary": "4 of 5 probes in 3 networks failed within 9.0 s",
                "failing": 4,
                "voters": 5,
                "networks": 3,
                "span_s": 9.0,
                "abstaining": 0,
                "silent": 0,
                "single_vantage": False,
                "reasons": {"dns_timeout": 4},
            },
            "checks": [
                {
                    "check": "api",
                    "kind": "http",
                    "target": "t",
                    "subject": "s",
                    "state": "down",
                    "since": "2023-11-14T22:13:20.000Z",
                    "reason": "http_status",
                }
            ],
            "probes": [],
            "dedup_key": "i1",
            "phase": "trigger",
            "tier": "page",
            "link": None,
            "todo": "",
            "also": [],
            "cut": {},
        },
    }
    assert next(iter(json.loads(message.body)["data"])) == "summary"


def test_an_update_says_what_is_new_and_the_name_once() -> None:
    event = incident(change="updated")
    assert isinstance(event.data, IncidentChanged)
    what = f"{event.data.incident.title}; hurts Mail"
    told = msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, what=what))
    assert json.loads(message_of(told).body)["data"]["summary"] == (f"Update: {DARK}; {SINCE}; hurts Mail")


@pytest.mark.parametrize(
    ("change", "missed", "summary"),
    [
        ("updated", False, f"Update: {DARK}; {SINCE}; it is updated"),
        ("reopened", False, f"Again: {DARK}; {SINCE}; it is reopened"),
        (
            "monitoring",
            False,
            "Over after 4 min, being watched: DNS operator dns-a is dark (Sign-in); it is monitoring",
        ),
        (
            "monitoring",
            True,
            "Over before you could be told, lasted 4 min: DNS operator dns-a is dark (Sign-in); it is monitoring",
        ),
        ("resolved", False, f"Over after 4 min: {DARK}; it is resolved"),
        (
            "resolved",
            True,
            "Over before you could be told, lasted 4 min: DNS operator dns-a is dark (Sign-in); it is resolved",
        ),
    ],
)
def test_the_line_for_people(change: str, missed: bool, summary: str) -> None:
    data = json.loads(message_of(incident(change=change), missed=missed).body)["data"]  # type: ignore[arg-type]
    assert data["summary"] == summary
    assert data["status"] == ("resolved" if change == "resolved" else "open")
    assert data["dedup_key"] == "i1"


def test_a_risk_as_it_is_sent() -> None:
    raised = json.loads(message_of(risk()).body)
    assert raised["type"] == "risk.raised"
    assert raised["data"]["summary"] == (
        "Risk: the certificate of front expires; users may feel it in 1 h (Sign-in); since 22:13:20 UTC"
    )
    assert (raised["data"]["dedup_key"], raised["data"]["severity"]) == ("r1", "warning")
    assert raised["data"]["expected_at"] == rfc3339(AT + 3600 * NS)
    cleared = json.loads(message_of(risk(change="cleared", since=AT - 90 * NS)).body)
    assert cleared["data"]["summary"] == "Risk is over after 1 min: the certificate of front expires (Sign-in)"
    assert cleared["data"]["resolved_at"] == rfc3339(AT)


def test_a_risk_without_a_date() -> None:
    data = json.loads(message_of(risk(expected_at=None)).body)["data"]
    assert (data["summary"], data["expected_at"]) == (
        "Risk: the certificate of front expires (Sign-in); since 22:13:20 UTC",
        None,
    )


def test_long_lists_are_cut_and_the_cut_is_told() -> None:
    affected = Affected(check="c", kind="dns", target="t", subject="s", state="down", since=AT, reason="dns_timeout")
    data = json.loads(message_of(incident(checks=(affected,) * 33, probes=("p",) * 60)).body)["data"]
    assert (len(data["checks"]), len(data["probes"])) == (20, 50)
    assert data["cut"] == {"checks": 13, "probes": 10}


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f525", "\x01", '"', "\\", "\u2028"])
def test_no_message_reaches_20_kb(letter: str) -> None:
    long = letter * 4000
    affected = Affected(check=long, kind=long, target=long, subject=long, state="down", since=AT, reason="timeout")
    evidence = Evidence(failing=500, voters=500, networks=9, span_ns=1, reasons={f"r{n}": n for n in range(300)})
    event = incident(
        title=long,
        checks=(affected,) * 500,
        components=tuple(f"{n}{long}" for n in range(500)),
        probes=(long,) * 500,
        evidence=evidence,
        domain=FaultDomain(kind="zone", name=long),
    )
    plan = [Component(name=f"{n}{long}", owner=long, runbook=Url("https://a.example/" + "x" * 4000)) for n in range(9)]
    message = message_of(event, iter(plan))
    assert len(message.body) < LARGEST
    assert json.loads(message.body)["data"]["cut"]["checks"] >= 480


def test_no_control_character_comes_through() -> None:
    data = json.loads(message_of(incident(title="a\nb\x1b[2Jc")).body)["data"]
    assert data["title"] == "a b [2Jc"


def test_the_trial_message() -> None:
    message = trial_message("ops", "test-1", AT)
    assert (message.id, json.loads(message.body)["type"]) == ("test-1", "test")
