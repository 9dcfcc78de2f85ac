"""A probe may read what its part of the plan waits for, and no other letter."""

from typing import Any

import pytest

from collector.messages import may_read
from parallax.plan.checks import Unsupported, convert_check
from parallax.plan.types import Check

STEP = {"name": "ask", "request": {"post": "https://sso.example.com/send"}}


def check(*steps: dict[str, Any], user: str | None = None, mail: bool = False) -> Check:
    spec: dict[str, Any] = {"name": "codes", "kind": "signin", "step": [STEP, *steps], "timeout": "30s", "period": "9m"}
    if user:
        spec["user"] = {"name": "synthetic-{probe}", "address": user}
    if mail:
        spec["user"]["mail"] = {}
    made = convert_check(spec)
    assert not isinstance(made, Unsupported), made
    return made


MAIL = {"name": "mail", "mail": {}}
OWN, RUN = "{user.name}@mx.example", "Probe+{run}@mx.example"


@pytest.mark.parametrize(
    ("checks", "to", "may"),
    [
        ([check(MAIL, user=OWN)], "synthetic-fra-1@mx.example", True),
        ([check(MAIL, user=OWN)], "synthetic-fra-2@mx.example", False),
        ([check(MAIL, user=OWN)], "synthetic-fra-1-2@mx.example", False),
        ([check(MAIL, user=RUN)], "probe+0123456789abcdef@mx.example", True),
        ([check(MAIL, user=RUN)], "probe+synthetic-fra-2@mx.example", False),
        ([check(user=RUN)], "probe+0123456789abcdef@mx.example", False),  # it waits for no mail
        ([check(user=RUN, mail=True)], "probe+0123456789abcdef@mx.example", True),
        ([check({"name": "m", "mail": {"to": "{check}-{probe}@mx.example"}})], "codes-fra-1@mx.example", True),
        ([check({"name": "m", "mail": {"to": "x.y@mx.example"}})], "xzy@mx.example", False),
        ([check({"name": "m", "mail": {"to": "x.y@mx.example"}})], "x.y@mx.example", True),
        ([], "x.y@mx.example", False),
    ],
)
def test_mails(checks: list[Check], to: str, may: bool) -> None:
    assert may_read(checks, "fra-1", "mail", to) is may


def test_sms_and_webhooks() -> None:
    checks = [
        check({"name": "s", "sms": {"to": "+1 500 555 0006"}}),
        check({"name": "w", "webhook": {"hook": "events"}}),
    ]
    assert may_read(checks, "fra-1", "sms", "+15005550006")
    assert may_read(checks, "fra-1", "webhook", "events")
    for kind, to in (("sms", "+15005550007"), ("webhook", "+15005550006"), ("mail", "events"), ("webhook", "event")):
        assert not may_read(checks, "fra-1", kind, to)  # type: ignore[arg-type]
