"""docs/alerts.md says what is so."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from collector.alerts import outcomes
from collector.alerts.message import rendered
from collector.alerts.receivers import RECEIVERS
from collector.events import FaultDomain, Risk, RiskChanged, Runway
from parallax import standard_webhooks
from parallax.clock import NS, wall_ns
from parallax.plan.alert_texts import NAMES
from parallax.plan.types import Component
from tests.fakes.events import AT, incident
from tests.fakes.notifications import EVERY, notification

TEXT = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text("utf-8")
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)[number]


def test_the_example_is_what_is_sent() -> None:
    told = notification(incident().data, components={"Sign-in": Component(name="Sign-in", owner="identity team")})
    assert json.loads(block("json")) == json.loads(rendered(told).body)


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
    told = notification(RiskChanged(change="updated", risk=known), phase="update", key="r1", components={})
    assert json.loads(block("json", 1)) == json.loads(rendered(told).body)


@pytest.mark.parametrize("name", ["notice", "failover.recommended", "readiness.lost"])
def test_the_fields_of_what_has_no_example_are_told(name: str) -> None:
    sent = json.loads(rendered(EVERY[name]).body)
    assert sent["type"].startswith(name)
    assert [key for key in sent["data"] if f"`{key}`" not in TEXT] == []


def test_every_kind_and_every_name_of_a_template_has_its_line() -> None:
    text = (Path(__file__).parents[3] / "docs" / "receivers.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", text, re.M) == list(RECEIVERS)
    assert dict(re.findall(r"^\| `\{([a-z]+)\}` \| (.*) \|$", text, re.M)) == NAMES


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
    seconds = {"s": 1, "min": 60, "h": 3600}
    slow = re.findall(r"(\d+) (s|min|h)\b", TEXT.partition("| slow | ")[2].partition(":")[0])
    assert [int(number) * seconds[unit] for number, unit in slow] == list(outcomes.SLOW_PAUSES_S)
    assert f"older than {outcomes.GIVE_UP_S / 3600:.0f} h is given up" in TEXT
    for status in outcomes.BY_STATUS:
        if status != 425:
            assert str(status) in TEXT
