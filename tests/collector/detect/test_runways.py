"""Which record sets a runway counts, and whom a fault is held against once a zone has moved."""

from typing import Any

from parallax.clock import NS
from parallax.plan.types import Check
from tests.collector.detect.scenes import T0
from tests.collector.detect.zone_world import ALIAS, AUTH, PLAN, ZONE, Vendor

CUSTOMER = PLAN.replace(f'names = ["{AUTH}", ', f'names = ["{ALIAS}", "{AUTH}", ')


def test_an_alias_that_another_operator_hosts_does_not_shorten_it() -> None:
    """clerk.acme.example is dns-c's, and can be fetched anew as often as one likes; what it leads to is dns-a's."""
    world = Vendor(CUSTOMER)
    world.mail_at.add("dns-b")

    def rule(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        if check.name != "names":
            return {}
        alias = {"owner": ALIAS, "type": "CNAME", "ttl": 5, "text": f"{AUTH}."}
        address = {"owner": AUTH, "type": "A", "ttl": int(400 - t), "text": "203.0.113.10"}
        return {"findings": {"answers": [alias, address] if target == ALIAS else [address]}}

    world.rule(rule)
    world.run(60)
    world.dark = {"dns-a"}
    world.run(30)
    [risk] = world.board.risks
    assert risk.runway is not None
    assert ALIAS in risk.runway.names
    assert {held.owner for held in risk.runway.held} == {AUTH}
    assert risk.runway.earliest_at is not None
    assert 398 <= (risk.runway.earliest_at - T0) / NS <= 401
    assert risk.runway.expired == 0


def test_an_operator_that_took_over_stands_by_no_more() -> None:
    world = Vendor()
    world.mail_at.add("dns-b")
    world.run(60)
    world.delegated = "dns-b"
    world.run(200)
    assert world.incidents() == []
    world.dark = {"dns-b"}
    world.run(30)
    [incident] = world.incidents()
    assert incident.title == "DNS operator dns-b is dark: 4 of 4 name-server addresses do not answer"
    [risk] = [risk for risk in world.board.risks if risk.runway]
    assert risk.title == incident.title


class Served(Vendor):
    """Where a second operator serves the zone as well."""

    def finds(self, probe: str, check: Check, target: str) -> list[tuple[str, dict[str, str]]]:
        more = [
            (f"192.0.2.3{n}:53", {"server": f"ns{n}.dns-c.example", "operator": "dns-c", "zone": ZONE}) for n in (1, 2)
        ]
        return [*super().finds(probe, check, target), *(more if check.name == "zone" else [])]


def test_a_zone_that_a_second_operator_serves_is_not_cut_off() -> None:
    world = Served()
    world.mail_at.add("dns-b")
    names = sorted({f"ns{n}.dns-a.example" for n in range(1, 5)} | {"ns1.dns-c.example", "ns2.dns-c.example"})

    def rule(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        if check.name == "zone" and subject == "delegation":
            return {"findings": {"parent": "example", "ns": names, "ttl": 3600}}
        return {"findings": {"class": "auth_answer"}} if subject.startswith("192.0.2.3") else {}

    world.rule(rule)
    world.run(60)
    world.dark = {"dns-a"}
    world.run(30)
    [incident] = world.incidents()
    assert incident.title == "DNS operator dns-a is dark: 8 of 8 name-server addresses do not answer"
    assert [risk for risk in world.board.risks if risk.runway] == [], "dns-c goes on"
