"""docs/alerts.md says what is so."""

import json
import re
from pathlib import Path
from typing import Any

from collector.alerts import outcomes, standard_webhooks
from collector.alerts.message import message_of
from parallax.clock import NS, wall_ns
from parallax.plan.types import Component
from tests.fakes.events import incident

TEXT = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text("utf-8")
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def block(language: str) -> str:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)[0]


def test_the_example_is_what_is_sent() -> None:
    message = message_of(incident(), [Component(name="Sign-in", owner="identity team")])
    assert json.loads(block("json")) == json.loads(message.body)


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
