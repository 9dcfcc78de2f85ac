"""docs/actions.md says what is so, and its receiver does what it says."""

import json
from typing import Any

import msgspec
import pytest

from collector.actions.actor import Command
from collector.actions.carrying import TRIES_S
from collector.actions.command import command_body, result_of
from collector.events import FailoverChanged, RuleOutcome
from parallax.clock import NS
from parallax.dialling.post import Answer
from parallax.standard_webhooks import headers, key_of
from tests.parts.owner_automation import KEY, TEXT, OwnerAutomation, block

AT = 1_785_983_414 * NS
DATA = FailoverChanged(
    word="command",
    group="sign-in",
    direction="failover",
    source="us-east",
    target="eu-west",
    title="sign-in is switched from us-east to eu-west",
    why="us-east is down, eu-west is ready",
    incident="i1",
    components=("Sign-in",),
    epoch=42,
    expected_current="us-east",
    not_after=AT + 60 * NS,
    rules=(RuleOutcome(id="S1", ok=True, why="eu-west is ready"),),
    evidence={"failing": "14 of 14"},
)


class Owner(OwnerAutomation):
    """The docs' receiver, and whoever commands it."""

    def __init__(self) -> None:
        super().__init__("us-east", 41)

    def told(self, id: str = "e1", *, key: str = KEY, sent_s: float = 0, now_s: float = 0, **changes: Any) -> int:  # noqa: A002
        body = command_body(Command(id=id, at=AT, data=msgspec.structs.replace(DATA, **changes)))
        given = headers(key_of(key), id, AT // NS + round(sent_s), body)
        return self.take(given, body, AT / NS + now_s)


def test_the_example_is_what_is_sent():
    assert json.loads(block("json")) == json.loads(command_body(Command(id="e1", at=AT, data=DATA)))


def test_it_is_carried_out_once():
    owner = Owner()
    assert [owner.told(), owner.told()] == [204, 204]
    assert owner.switched == ["eu-west"]
    assert owner.told("e2", epoch=43, source="eu-west", expected_current="eu-west", target="us-east") == 204
    assert owner.switched == ["eu-west", "us-east"]


def test_a_dry_run_moves_nothing():
    owner = Owner()
    assert owner.told("look-1", dry_run=True, incident=None) == 204
    assert owner.told("look-2", dry_run=True, expected_current="eu-west") == 409
    assert (owner.switched, owner.state["epoch"]) == ([], 41)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"epoch": 41}, 409),
        ({"epoch": 3}, 409),
        ({"expected_current": "eu-west"}, 409),
        ({"now_s": 61, "sent_s": 61}, 409),
        ({"sent_s": -301}, 401),
        ({"key": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, 401),
    ],
)
def test_what_is_late_stale_or_forged_is_refused(changes: dict[str, Any], status: int):
    owner = Owner()
    assert owner.told(**changes) == status
    assert owner.switched == []
    if status == 409:
        assert result_of(Answer(status=status), dry_run=False).then == "stop"


@pytest.mark.parametrize("given", [{}, {"webhook-id": "e", "webhook-timestamp": "no", "webhook-signature": ""}])
def test_garbage_is_refused(given: dict[str, str]):
    assert Owner().take(given, b"\xff", 0.0) == 400


def test_the_tries_are_said():
    assert ", ".join(f"{at:.0f}" for at in TRIES_S) + " s" in TEXT
