"""What an owner is told of actions that are right."""

import pytest

from parallax.plan.action_rules import action_notes
from parallax.plan.failover_types import Action, Failover, Member
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
