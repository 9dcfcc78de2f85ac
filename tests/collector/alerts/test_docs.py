"""docs/alerts.md says what is so."""

import json
import re
from pathlib import Path
from typing import Any

from collector.alerts import outcomes, standard_webhooks
from collector.alerts.message import message_of
from collector.events import Event, FaultDomain, Noticed, Risk, RiskChanged, Runway
from parallax.clock import NS, wall_ns
from parallax.plan.types import Component
from tests.fakes.events import AT, incident

TEXT = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text("utf-8")
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)[number]


def test_the_example_is_what_is_sent() -> None:
    message = message_of(incident(), [Component(name="Sign-in", owner="identity team")])
    assert json.loads(block("json")) == json.loads(message.body)


def test_the_risk_is_what_is_sent() -> None:
    runway = Runway(
        names=("frontend-api.auth.example",),
        earliest_at=AT + 50 * NS,
        latest_at=AT + 290 * NS,
        sampled=24,
        expired=0,
        stale=3,
    )
    known = Risk(
        id="r1",
        title="DNS operator dns-a is dark",
        check="zone",
        components=("Sign-in",),
        since=AT,
        expected_at=AT + 50 * NS,
        why="resolvers carry it until what they hold runs out",
        domain=FaultDomain(kind="operator", name="dns-a"),
        runway=runway,
    )
    message = message_of(Event(id="e", at=AT, cause=1, data=RiskChanged(change="updated", risk=known)))
    assert json.loads(block("json", 1)) == json.loads(message.body)


def test_the_fields_of_a_notice_are_told() -> None:
    data = Noticed(word="site_lost", title="a site is gone", severity="warning")
    sent = json.loads(message_of(Event(id="e", at=AT, cause=1, data=data)).body)
    assert sent["type"] == "notice.site_lost"
    assert [key for key in sent["data"] if f"`{key}`" not in TEXT] == []


def test_the_code_verifies_what_is_signed() -> None:
    scope: dict[str, Any] = {}
    exec(block("python"), scope)
    at, body = wall_ns() // NS, b'{"type":"test"}'
    headers = standard_webhooks.headers(standard_webhooks.key_of(KEY), "e1", at, body)
    assert scope["is_genuine"](KEY, headers, body)
    assert not scope["is_genuine"](KEY, headers, body + b" ")
    assert not scope["is_genuine"](KEY, headers | {"webhook-timestamp": str(at - 301)}, body)


def test_the_table_has_the_lanes() -> None:
    assert ", ".join(f"{at:.0f}" for at in outcomes.FAST_S[1:]) + " s, every 30 s up to 15 min" in TEXT
    assert f"older than {outcomes.GIVE_UP_S / 3600:.0f} h is given up" in TEXT
    for status in outcomes.BY_STATUS:
        if status != 425:
            assert str(status) in TEXT
