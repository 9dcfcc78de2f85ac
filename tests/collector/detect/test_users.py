"""How many users an incident hurts, where the plan says for how many of them each probe stands."""

import json

import msgspec
import pytest

from collector.alerts.facts import facts_of
from collector.events import Extent, IncidentChanged
from parallax.cli.incident import story_lines
from tests.collector.detect.scenes import Scene, fleet

WEIGHTS = {
    "fra1": 0.3,
    "lon1": 0.3,
    "iad1": 0.1,
    "sjc1": 0.1,
    "sin1": 0.05,
    "nrt1": 0.05,
    "bom1": 0.05,
    "gru1": 0.05,
}
ASIA = {"sin1": 0.3, "bom1": 0.3, "fra1": 0.1, "lon1": 0.1, "iad1": 0.05, "sjc1": 0.05, "nrt1": 0.05, "gru1": 0.05}
REST = """
[defaults]
period = "10s"
timeout = "2s"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://a.example/"]
[[check]]
name = "servers"
kind = "dns"
external = false
targets = ["ns1.dns-a.example", "ns2.dns-a.example"]
query = "a.example"
[[component]]
name = "Sign-in"
checks = ["api"]
risks = ["servers"]
"""
ADDRESSES = {
    "a.example": ["192.0.2.1", "192.0.2.2"],
    "ns1.dns-a.example": ["198.51.100.1"],
    "ns2.dns-a.example": ["198.51.100.2"],
}
EUROPE = ["fra1", "lon1"]


def plan(weights: dict[str, float]) -> str:
    found = fleet()
    for name, weight in weights.items():
        found = found.replace(f'id = "{name}"\n', f'id = "{name}"\nweight = {weight}\n')
    return found + REST


def scene(weights: dict[str, float] = WEIGHTS) -> Scene:
    found = Scene(plan(weights), ADDRESSES)
    found.run(30)
    return found


def users(found: Scene) -> Extent | None:
    [incident] = found.board.incidents
    assert incident.evidence is not None
    return incident.evidence.users


def test_who_stands_for_most_users_makes_most_of_it() -> None:
    found = scene()
    found.fails("connect_timeout", check="api", probes=EUROPE)
    found.run(60)
    extent = users(found)
    assert extent is not None
    assert extent.of == "users"
    assert extent.share == pytest.approx(0.6, abs=0.01)
    assert extent.low < 0.6 < extent.high
    [incident] = found.board.incidents
    assert incident.evidence is not None
    assert incident.evidence.extent_words.startswith("60 % of users, likely ")
    assert incident.evidence.extent is not None
    assert incident.evidence.extent.share < 0.4, "of the vantages it is two of eight"
    [opened] = found.incidents()
    told = IncidentChanged(change="opened", what="", incident=opened)
    assert facts_of(told, found.now).share.startswith("60 % of users, likely "), "messages say it"
    lines = story_lines(json.loads(msgspec.json.encode(opened)), found.now)
    assert any(line.startswith("    extent 60 % of users, likely ") for line in lines), "and the terminal"


def test_half_of_the_addresses_is_half_of_the_users() -> None:
    found = scene()
    found.fails("connect_timeout", subject="192.0.2.1")
    found.run(40)
    extent = users(found)
    assert extent is not None
    assert extent.share == pytest.approx(0.5, abs=0.01)


def test_all_of_it_is_all_users() -> None:
    found = scene()
    found.fails("connect_timeout", check="api")
    found.run(40)
    extent = users(found)
    assert extent is not None
    assert (extent.share, extent.high) == (1.0, 1.0)
    assert extent.low > 0.8


@pytest.mark.parametrize("weights", [{}, {name: w for name, w in WEIGHTS.items() if name != "gru1"}])
def test_without_a_weight_for_each_who_looks_nothing_is_said_of_users(weights: dict[str, float]) -> None:
    found = scene(weights)
    found.fails("connect_timeout", check="api")
    found.run(40)
    assert users(found) is None


def test_users_behind_no_probe_that_has_a_word_may_be_hurt_or_not() -> None:
    found = scene()
    found.mute = {"gru1", "bom1", "iad1"}
    found.run(90)
    found.fails("connect_timeout", check="api")
    found.run(60)
    hurt = [each.evidence.users for each in found.board.incidents if each.evidence and not each.probes]
    [extent] = hurt
    assert extent is not None
    assert (extent.share, extent.high) == (1.0, 1.0)
    assert extent.low < 0.8, "a fifth of the users is behind those that are silent"


def test_where_too_few_are_seen_nothing_is_said() -> None:
    found = scene({name: weight / 3 for name, weight in WEIGHTS.items()})
    found.fails("connect_timeout", check="api")
    found.run(40)
    assert users(found) is None


def test_what_is_dark_behind_caches_hurts_no_users() -> None:
    found = scene()
    found.fails("dns_timeout", check="servers")
    found.run(40)
    assert users(found) is None


@pytest.mark.parametrize(
    ("weights", "broken", "state", "why"),
    [
        ({}, ["sin1", "bom1"], "degraded_performance", "degraded: api"),
        (ASIA, ["sin1", "bom1"], "partial_outage", "about 60 % of users' runs fail: api"),
        ({}, ["sin1", "bom1", "gru1"], "partial_outage", "about 36 % of runs fail: api"),
        (WEIGHTS, ["sin1", "bom1", "gru1"], "degraded_performance", "degraded: api"),
    ],
)
def test_what_a_component_is_called_goes_by_users_where_they_are_known(
    weights: dict[str, float], broken: list[str], state: str, why: str
) -> None:
    found = scene(weights)
    found.fails("connect_timeout", check="api", probes=broken)
    found.run(120)
    [component] = found.board.components
    assert (component.state, component.why) == (state, why)
    assert [incident.impact for incident in found.incidents()] == [state]


@pytest.mark.parametrize(("weight", "state"), [(0.1, "full_outage"), (0.5, "partial_outage")])
def test_hardly_any_user_gets_through_or_some_do(weight: float, state: str) -> None:
    rest = {name: (1 - weight) / 7 for name in WEIGHTS if name != "gru1"}
    found = scene({**rest, "gru1": weight})
    found.fails("connect_timeout", check="api", probes=rest)
    found.run(120)
    assert found.component("Sign-in") == state
