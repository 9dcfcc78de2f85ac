"""Which incident explains another one."""

from typing import Any

import pytest

from collector.events import Incident
from tests.collector.detect.world import ACCOUNTS, AUTH, EU, PLAN, US, Lab


def dark(lab: Lab, servers: int = 4) -> None:
    for n in range(servers):
        lab.fails("dns_timeout", subject=f"192.0.2.1{n}", check="name servers")


def after(*broken: dict[str, Any], lookups: str = "", servers: int = 4, plan: str = PLAN) -> list[Incident]:
    """What is open once these fail half a minute after the operator went dark; the oldest first."""
    lab = Lab(plan)
    lab.run(20)
    dark(lab, servers)
    lab.run(20)
    for host in (AUTH, ACCOUNTS) if lookups else ():
        lab.lookups["*", host] = lookups
    for each in broken:
        lab.fails(**each)
    lab.run(20)
    return sorted(lab.board.incidents, key=lambda incident: incident.opened_at)


@pytest.mark.parametrize("reason", ["dns_timeout", "dns_nxdomain"])
def test_hosts_whose_lookup_fails_under_a_dark_operator_are_in_its_incident(reason: str) -> None:
    [incident] = after(lookups=reason)
    assert str(incident.domain) == "operator dns-a"
    assert (incident.severity, incident.impact) == ("critical", "full_outage")
    assert {each.check for each in incident.checks} == {"name servers", "front door", "api", "sign-in page"}


@pytest.mark.parametrize("reason", ["dns_timeout", "dns_nxdomain"])
def test_names_that_resolvers_no_longer_give_are_in_it_too(reason: str) -> None:
    [incident] = after({"reason": reason, "check": "resolvers"}, {"reason": reason, "check": "customer"})
    assert str(incident.domain) == "operator dns-a"
    assert {each.check for each in incident.checks} == {"name servers", "resolvers", "customer"}


@pytest.mark.parametrize("reason", ["first_byte_timeout", "http_throttled"])
def test_a_host_that_fails_as_a_whole_under_a_dark_operator_has_its_incident_for_a_parent(reason: str) -> None:
    outer, inner = after({"reason": reason, "check": "api"})
    assert str(outer.domain) == "operator dns-a"
    assert (inner.parent, outer.parent) == (outer.id, "")


def test_one_region_of_it_is_another_matter() -> None:
    _, other = after({"reason": "connect_timeout", "subject": f"{EU}:443"})
    assert other.parent == ""


def test_a_host_elsewhere_is_another_matter() -> None:
    plan = PLAN + (
        '[[check]]\nname = "elsewhere"\nkind = "http"\nexternal = false\ntargets = ["https://192.0.2.99/"]\n'
    )
    _, other = after({"reason": "first_byte_timeout", "check": "elsewhere"}, plan=plan)
    assert other.parent == ""


def test_one_server_that_is_dark_explains_nothing_of_the_hosts() -> None:
    _, other = after({"reason": "first_byte_timeout", "check": "api"}, servers=1)
    assert other.parent == ""


def test_what_began_long_before_is_not_explained_by_it() -> None:
    lab = Lab()
    lab.run(20)
    lab.fails("first_byte_timeout", check="api")
    lab.run(50)
    dark(lab)
    lab.run(20)
    assert {incident.parent for incident in lab.board.incidents} == {""}
    assert len(lab.board.incidents) == 2


def test_what_turns_out_to_be_a_region_has_no_parent_any_more() -> None:
    lab = Lab()
    lab.run(20)
    dark(lab)
    lab.run(20)
    everywhere = lab.fails("first_byte_timeout", check="api")
    lab.run(20)
    [inner] = [incident for incident in lab.board.incidents if incident.parent]
    lab.mend(everywhere)
    for check in ("api", "front door", "sign-in page"):
        lab.fails("first_byte_timeout", check=check, subject=f"{US}:443")
    lab.run(150)
    [again] = [incident for incident in lab.board.incidents if incident.id == inner.id]
    assert (str(again.domain), again.parent) == ("region us-east", "")
