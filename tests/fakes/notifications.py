"""Notifications of every type of event, for tests of what renders them."""

from typing import Any, Literal

import msgspec

from collector.alerts.notification import Notification
from collector.events import (
    AlertRouted,
    Conclusion,
    Evidence,
    Extent,
    FailoverChanged,
    FaultDomain,
    Human,
    Noticed,
    ReadinessChanged,
    RuleOutcome,
    Runway,
    Told,
)
from parallax.clock import NS
from parallax.plan.types import Component
from parallax.values import Url
from tests.fakes.events import AT, incident, risk

Phase = Literal["trigger", "update", "resolve", "notice"]
COMPONENTS = {
    "Sign-in": Component(
        name="Sign-in", owner="identity team", runbook=Url("https://wiki.example.org/sign-in"), checks=["api"]
    )
}
LINK = "https://parallax.example.org/incident/i1"
EVIDENCE = Evidence(
    failing=9, voters=10, networks=5, span_ns=9 * NS, reasons={"dns_timeout": 9},
    extent=Extent(share=0.9, low=0.7, high=0.98),
)  # fmt: skip
RUNWAY = Runway(
    names=("front.example.org",), earliest_at=AT + 50 * NS, latest_at=AT + 290 * NS, sampled=24, expired=3
)  # fmt: skip
RULES = (
    RuleOutcome(id="S1", ok=False, why="eu-2 has not been ready for 10 min"),
    RuleOutcome(id="S2", ok=True, why="somebody serves"),
)


def notification(*data: Conclusion, phase: Phase = "trigger", key: str = "i1", **more: Any) -> Notification:
    """An alert that says these things, the newest last."""
    told = tuple(Told(id=f"e{number}", at=AT, data=each) for number, each in enumerate(data))
    alert = AlertRouted(
        key=key, about=data[-1].type, phase=phase, tier=more.pop("tier", "page"),
        severity=more.pop("severity", "critical"), lane="fast", of=told, to=("ops",),
    )  # fmt: skip
    plain: dict[str, Any] = {"components": COMPONENTS, "link": LINK}
    return Notification(id=f"a-{key}", at=AT, phase=phase, alert=alert, key=key, receiver="ops", **(plain | more))


def changed(change: Any = "opened", **more: Any) -> Conclusion:
    """An incident's change."""
    data: Conclusion = incident(change=change, **({"evidence": EVIDENCE} | more)).data  # type: ignore[assignment]
    return data


def at_risk(change: Any = "raised", **more: Any) -> Conclusion:
    data: Conclusion = risk(change=change, **more).data  # type: ignore[assignment]
    return data


def failover(word: Any = "recommended", **more: Any) -> FailoverChanged:
    plain: dict[str, Any] = {
        "group": "regions", "direction": "failover", "source": "eu-1", "target": "eu-2", "incident": "i1",
        "title": "regions should be switched from eu-1 to eu-2", "why": "region eu-1 fails", "severity": "critical",
        "components": ("Sign-in",), "rules": RULES, "epoch": 42, "expected_current": "eu-1",
        "evidence": {"failing": "9", "voters": "10", "cause": "region eu-1"},
    }  # fmt: skip
    return FailoverChanged(word=word, **(plain | more))


NOTICE = Noticed(
    word="site_lost", title="the anycast site fra is gone", severity="warning", target="192.0.2.1",
    before=("ams", "fra"), after=("ams",), components=("Sign-in",), why="no probe reaches it",
)  # fmt: skip
TEST = Notification(id="test-1", at=AT, phase="test", alert=None, key="test-1", receiver="ops")

EVERY: dict[str, Notification] = {
    "incident.opened": notification(changed()),
    "incident.acknowledged": notification(
        changed("updated", human=Human(acknowledged_at=AT, acknowledged_by="ann")), phase="update"
    ),
    "incident.reopened": notification(changed("reopened"), phase="update"),
    "incident.monitoring": notification(changed("monitoring"), phase="update"),
    "incident.resolved": notification(changed("resolved"), phase="resolve"),
    "incident.missed": notification(changed("resolved"), phase="resolve", missed=True),
    "risk.raised": notification(
        at_risk(title="DNS operator dns-a is dark", expected_at=AT + 50 * NS, runway=RUNWAY,
                domain=FaultDomain(kind="operator", name="dns-a")), key="r1", severity="warning",
    ),
    "risk.cleared": notification(at_risk("cleared", since=AT - 90 * NS), key="r1", phase="resolve", severity="warning"),
    "notice": notification(NOTICE, key="n1", phase="notice", severity="warning", tier="ticket"),
    "failover.recommended": notification(failover(), key="regions/failover"),
    "failover.blocked": notification(failover("blocked", title="regions cannot be switched"), key="regions/failover"),
    "failover.effective": notification(
        failover("effective", title="regions is served by eu-2"), key="regions/failover", phase="resolve"
    ),
    "readiness.lost": notification(
        ReadinessChanged(
            word="lost", group="regions", member="eu-2", title="standby eu-2 of regions is not ready",
            why="its certificate does not cover auth.example.org", components=("Sign-in",),
        ), key="regions/eu-2", severity="warning", tier="ticket",
    ),
    "grouped": notification(changed(), at_risk(), failover(), changed("updated"), phase="update"),
    "test": TEST,
}  # fmt: skip
"""A notification for each thing that is said of."""

NASTY = "a\r\nBcc: x@example.org\n<!channel> @everyone <b>&amp; *bold* [x](http://evil.example) `c` \u202e~|\x1b[2J"
"""What a target might put into a reason or a name."""


def nasty(length: int = 4000) -> Notification:
    """An alert whose every text is long and hostile."""
    text = (NASTY * (length // len(NASTY) + 1))[:length]
    event = changed(
        title=text, components=tuple(f"{n}{text}" for n in range(50)), domain=FaultDomain(kind="zone", name=text)
    )
    plan = {
        f"{n}{text}": Component(name="c", owner=text, runbook=Url("https://a.example/" + "x" * 200)) for n in range(9)
    }
    told = notification(*[event] * 30, key=text[:600], components=plan, link=LINK)
    return msgspec.structs.replace(told, receiver=text)
