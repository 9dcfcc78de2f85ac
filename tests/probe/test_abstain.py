"""When an observation must not count, as a table."""

import pytest

from parallax.reasons import REASONS
from probe.abstain import UPLINK_REASONS, Conditions, abstain_for, family_of
from tests.fakes.observations import observation

FINE = Conditions(down={4: False, 6: False})
DOWN_4 = Conditions(down={4: True, 6: False})
DOWN_BOTH = Conditions(down={4: True, 6: True})
V4 = {"family": "4"}
V6 = {"family": "6"}


@pytest.mark.parametrize(
    ("reason", "dims", "conditions", "abstain"),
    [
        (None, V4, FINE, None),
        ("connect_timeout", V4, FINE, None),
        ("connect_timeout", V4, Conditions(), None),  # nothing is known of the uplink: that is no excuse
        ("connect_timeout", V4, DOWN_4, "uplink_v4"),
        ("connect_timeout", V6, DOWN_4, None),
        ("connect_timeout", V6, DOWN_BOTH, "uplink_v6"),
        ("connect_refused", V4, DOWN_4, None),  # somebody answered
        ("http_server_error", V4, DOWN_4, None),
        (None, V4, DOWN_4, None),
        ("dns_servfail", V4, DOWN_4, "uplink_v4"),
        ("dns_timeout", {}, DOWN_4, None),  # a lookup that could have gone over IPv6
        ("dns_timeout", {}, DOWN_BOTH, "uplink_v4"),
        ("dns_timeout", {}, Conditions(down={4: True}), "uplink_v4"),
        ("connect_unreachable", V6, Conditions(routed=frozenset({4})), "no_family"),
        ("connect_unreachable", V4, Conditions(routed=frozenset({4})), None),
        ("connect_unreachable", {}, Conditions(routed=frozenset({4})), None),  # a lookup goes by either
        ("connect_unreachable", {}, Conditions(routed=frozenset()), "no_family"),
        ("connect_refused", V6, Conditions(routed=frozenset({4})), None),  # a network beside this host answered
        ("connect_unreachable", V4, Conditions(routed=frozenset(), down={4: True}), "uplink_v4"),
        (None, V4, Conditions(lag_s=0.21), "overload"),
        (None, V4, Conditions(lag_s=0.19), None),
        ("connect_timeout", V4, Conditions(lag_s=1, down={4: True}), "overload"),
        (None, V4, Conditions(stepped_s=-3), "clock_stepped"),
        (None, V4, Conditions(stepped_s=0.1), None),
        (None, V4, Conditions(skewed=True), "clock_skewed"),
        (None, V4, Conditions(unsynchronised=True), "clock_unsynchronised"),
        (None, V4, Conditions(skewed=True, unsynchronised=True), "clock_skewed"),
    ],
)
def test_the_table(reason: str | None, dims: dict[str, str], conditions: Conditions, abstain: str | None) -> None:
    made = observation(reason=reason, dims=dims, subject="a.example")
    assert abstain_for(made, conditions) == abstain


@pytest.mark.parametrize(
    ("resolvers", "abstain"),
    [
        (["192.0.2.53:53"], "uplink_v4"),
        (["192.0.2.53:53", "[2001:db8::53]:53"], None),  # IPv6 works, so that resolver itself is silent
        (["[2001:db8::53]:53"], None),
        (["127.0.0.53:53"], None),  # it has whatever uplink there is
    ],
)
def test_a_lookup_goes_by_the_families_of_its_resolvers(resolvers: list[str], abstain: str | None) -> None:
    tries = [{"resolver": resolver, "type": "A", "outcome": "timeout"} for resolver in resolvers]
    made = observation(reason="dns_timeout", fault="resolver", dims={}, findings={"lookup": tries})
    assert abstain_for(made, DOWN_4) == abstain


def test_what_a_run_says_itself_stays() -> None:
    assert abstain_for(observation(abstain="no_family"), DOWN_BOTH) == "no_family"


def test_every_timeout_and_every_fault_of_the_network_asks_for_the_uplink() -> None:
    assert set(REASONS) >= UPLINK_REASONS
    silent = {word for word, reason in REASONS.items() if word.endswith("_timeout") or reason.fault == "network"}
    assert silent <= UPLINK_REASONS


@pytest.mark.parametrize(
    ("dims", "family"), [({"family": "4"}, 4), ({"family": "6"}, 6), ({}, None), ({"family": "x"}, None)]
)
def test_the_family_of_an_observation(dims: dict[str, str], family: int | None) -> None:
    assert family_of(observation(dims=dims)) == family
