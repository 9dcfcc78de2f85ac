"""What an owner is told of actions and receivers that are right."""

import pytest

from parallax.plan.action_rules import action_notes
from parallax.plan.alert_types import Receiver
from parallax.plan.failover_types import Action, Failover, Member
from parallax.plan.receivers import receiver_notes
from parallax.plan.types import Plan
from parallax.values import Address, Url

GROUP = Failover(
    name="api", kind="region", check="api", members=[Member(name="a"), Member(name="b")], primary="a", actions=["act"]
)


@pytest.mark.parametrize(
    ("url", "address", "says"),
    [
        ("https://automation.test/", None, "has no address: it is looked up, by the DNS that may be what is down"),
        ("https://automation.test/", "192.0.2.80:443", ""),
        ("https://192.0.2.80/", None, ""),
        ("http://localhost:9/", None, ""),
    ],
)
def test_a_command_that_needs_the_dns_is_told_of(url: str, address: str | None, says: str) -> None:
    action = Action(name="act", kind="command", url=Url(url), address=Address(address) if address else None)
    notes = action_notes(Plan(action=[action], failover=[GROUP]))
    assert [note.partition(" has ")[1:] for note in notes] == ([(" has ", says.removeprefix("has "))] if says else [])


def test_an_action_of_no_group_is_told_of() -> None:
    (note,) = action_notes(Plan(action=[Action(name="act", kind="dns-update")]))
    assert "is carried out for no [[failover]]" in note


@pytest.mark.parametrize(("others", "is_told"), [((), True), (("heartbeat",), True), (("webhook",), False)])
def test_an_only_receiver_is_told_of(others: tuple[str, ...], is_told: bool) -> None:
    kinds = ("webhook", *others)
    receivers = [
        Receiver(name=f"to {number}", kind=kind, address=Address("192.0.2.44:443")) for number, kind in enumerate(kinds)
    ]
    assert [" is the only one: " in note for note in receiver_notes(Plan(receiver=receivers))] == [True] * is_told
