"""Operators of one zone as members of a group: how one stands that the zone is no longer delegated to."""

from typing import Any

import msgspec
import pytest

from collector.events import AlertRouted, FailoverChanged
from parallax.observation import Observation
from parallax.plan.types import Check
from tests.collector.detect.zone_world import PLAN, ZONE, Vendor

GROUP = f"""
[[failover]]
name = "operators of {ZONE}"
kind = "dns-operator"
check = "zone"
also = ["parity"]
members = [{{ name = "dns-a" }}, {{ name = "dns-b" }}]
primary = "dns-a"
hold = ["1m", "2m"]
"""


MAIL = 'kind = "dns.mail"\nperiod = "15s"'


class Moved(Vendor):
    """The delegation says whose the name servers are, and each run is one of its own."""

    def observe(self, probe: str, check: str, target: str, subject: str, **changes: Any) -> Observation:
        found = super().observe(probe, check, target, subject, **changes)
        return msgspec.structs.replace(found, run=f"{probe} {self.t}"[:16])

    def _world(self, probe: str, check: Check, target: str, subject: str, t: float) -> dict[str, Any]:
        found = super()._world(probe, check, target, subject, t)
        if check.kind == "dns.zone" and subject == "delegation":
            found["findings"]["operators"] = [self.delegated]
        return found


def said(vendor: Moved) -> list[FailoverChanged]:
    return [event.data for event in vendor.events if isinstance(event.data, FailoverChanged)]


def moved_away() -> Moved:
    """dns-a is dark, and the zone is delegated to dns-b; what is known of mail at dns-a is from before."""
    vendor = Moved(PLAN.replace(MAIL, MAIL.replace("15s", "120s")) + GROUP)
    vendor.mail_at = {"dns-a", "dns-b"}
    vendor.run(120)
    vendor.dark = {"dns-a"}
    vendor.run(240)
    vendor.delegated = "dns-b"
    vendor.run(60)
    assert [each.target for each in said(vendor) if each.word == "switched"] == ["dns-b"]
    return vendor


def test_nobody_goes_back_to_an_operator_that_does_not_answer() -> None:
    vendor = moved_away()
    vendor.run(400)
    after = [(each.direction, each.word) for each in said(vendor)]
    assert ("failback", "recommended") not in after
    assert ("failback", "blocked") not in after
    (group,) = vendor.board.groups
    assert {member.name: member.standing for member in group.members}["dns-a"] in ("down", "unknown")


RECEIVER = """
[[receiver]]
name = "ops"
kind = "webhook"
url = "https://hooks.example.org/x"
address = "192.0.2.99:443"
key = "secret:HOOK"
"""


def alerts(vendor: Moved) -> list[str]:
    """What people were told."""
    routed = [event.data for event in vendor.events if isinstance(event.data, AlertRouted)]
    return [f"{each.phase} {each.about} {each.tier}" for each in routed if each.to]


def test_without_a_group_the_risk_itself_is_told() -> None:
    vendor = Moved(PLAN + RECEIVER)
    vendor.run(60)
    assert alerts(vendor) == ["trigger risk.raised ticket"]


@pytest.mark.slow
def test_a_fallback_that_is_not_ready_is_one_ticket_for_as_long_as_a_group_tells_of_it() -> None:
    vendor = Moved(PLAN + GROUP + RECEIVER)
    vendor.run(670)
    [risk] = vendor.board.risks
    assert risk.title.startswith("Fallback dns-b is not ready")
    assert risk.failover == f"operators of {ZONE}"
    assert alerts(vendor) == ["trigger readiness.lost ticket"]
    vendor.put_plan(PLAN + RECEIVER)
    vendor.run(30)
    assert alerts(vendor)[0] == "trigger readiness.lost ticket"
    assert sorted(alerts(vendor)[1:]) == ["resolve readiness.restored ticket", "trigger risk.updated ticket"]
    vendor.put_plan(PLAN + GROUP + RECEIVER)
    vendor.mail_at = {"dns-a", "dns-b"}
    vendor.run(60)
    assert alerts(vendor)[3:] == ["resolve risk.cleared ticket"], "who was told by itself is told its end by itself"
