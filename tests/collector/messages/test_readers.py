"""A probe may read what its part of the plan waits for, and no other letter."""

import random
import re
import time
from collections import Counter
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


def test_an_sms_that_a_preset_waits_for() -> None:
    user = {"name": "synthetic-{probe}", "password": "secret:PW", "sms": {"to": "+1 500 555 0006"}}
    client = {"id": "synthetic", "redirect_uri": "https://probe.invalid/cb"}
    spec = {"name": "flow", "kind": "signin", "use": "oidc.password", "issuer": "https://sso.example", "client": client}
    known = convert_check({**spec, "user": user, "timeout": "20s", "period": "5m"})
    assert not isinstance(known, Unsupported), known
    assert may_read([known], "fra-1", "sms", "+15005550006")
    assert not may_read([known], "fra-1", "sms", "+15005550007")
    assert not may_read([known], "fra-1", "mail", "+15005550006")


def waits_for(to: str) -> Check:
    ask = STEP | {"capture": {name: {"json": f"$.{name}"} for name in "abcdef"}}
    table = {"name": "codes", "kind": "signin", "timeout": "30s", "period": "9m"}
    made = convert_check(table | {"step": [ask, {"name": "m", "mail": {"to": to}}]})
    assert not isinstance(made, Unsupported), made
    return made


def test_gaps_are_filled_by_anything_but_another_mailbox() -> None:
    chance = random.Random(7)
    pieces = ["{a}", "{b}", "{c}", "x", "-", "xy", "{probe}", "{run}"]
    runs = {"{probe}": "x-1", "{run}": "0123456789abcdef"}
    met = Counter[bool]()
    for _ in range(600):
        to = [chance.choice(pieces) for _ in range(chance.randint(1, 6))]
        plain = "".join(
            {"{probe}": "x-1", "{run}": "[0-9a-f]{16}"}.get(p, r"[^@\s]+" if p[0] == "{" else p) for p in to
        )
        checks = [waits_for("".join(to) + "@mx.example")]
        for _ in range(20):
            said = "".join(runs.get(p) or chance.choice(["x", "-", "xy", "y-"]) if p[0] == "{" else p for p in to)
            said = said if chance.random() < 0.5 else said.replace(chance.choice("xy-"), "", 1) or "x"
            may = may_read(checks, "x-1", "mail", f"{said}@mx.example")
            assert may is (re.fullmatch(plain, said) is not None), (to, said)
            met[may] += 1
    assert min(met[True], met[False]) > 500


def test_an_address_of_a_probes_making_takes_no_time() -> None:
    checks = [waits_for("{a}{b}{c}{d}{e}{f}-{a}-{b}-{c}@mx.example")]
    before = time.process_time()
    assert not may_read(checks, "fra-1", "mail", "-" * 240 + "@my.example")
    assert time.process_time() - before < 3
