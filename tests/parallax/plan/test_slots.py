"""Slots: whose turn it is when."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.plan.load import load_plan
from parallax.plan.slots import network_of, slots_of
from parallax.plan.types import Probe

PLAN = Path(__file__).parents[3] / "lab" / "plan.toml"


def probes(networks: str) -> list[Probe]:
    """A probe for each letter: "aab" is two in network a, one in b."""
    return [Probe(id=f"{network}{number}", provider=network) for number, network in enumerate(networks)]


def order(fleet: list[Probe]) -> list[str]:
    """The networks in their order."""
    slots = slots_of(fleet)
    by_id = {probe.id: network_of(probe) for probe in fleet}
    return [by_id[name] for name, _ in sorted(slots.items(), key=lambda item: item[1][0])]


def neighbours(networks: list[str]) -> int:
    """How often two neighbours, going round, are of one network."""
    return sum(a == b for a, b in zip(networks, [*networks[1:], networks[0]], strict=True)) if networks[1:] else 0


@pytest.mark.parametrize(
    ("probe", "network"),
    [
        (Probe(id="p", provider="aws", asn=16509), "AS16509"),
        (Probe(id="p", provider="aws"), "aws"),
        (Probe(id="p"), "probe p"),
    ],
)
def test_whose_trouble_a_probe_shares(probe: Probe, network: str) -> None:
    assert network_of(probe) == network


@pytest.mark.parametrize(
    ("networks", "same"),
    [("", 0), ("a", 0), ("ab", 0), ("aa", 2), ("aab", 1), ("aabb", 0), ("aabbc", 0), ("aaabb", 1), ("aaaab", 3),
     ("aaabbb", 0), ("aaabbc", 0), ("aabbccc", 0), ("aaaabbcc", 0), ("aaaaaabb", 4), ("abcdefgh", 0)],
)  # fmt: skip
def test_neighbours_are_of_other_networks_where_that_can_be(networks: str, same: int) -> None:
    assert neighbours(order(probes(networks))) == same


@given(st.text("abcdefg", min_size=2, max_size=40))
def test_no_more_neighbours_of_one_network_than_there_must_be(networks: str) -> None:
    fleet = probes(networks)
    slots = slots_of(fleet)
    assert sorted(slots.values()) == [(place, len(fleet)) for place in range(len(fleet))]
    most = max(Counter(networks).values())
    assert neighbours(order(fleet)) == max(0, 2 * most - len(networks))


@given(st.text("abcde", min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_the_plan_says_nothing(networks: str, chance: object) -> None:
    fleet = probes(networks)
    mixed = list(fleet)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert slots_of(mixed) == slots_of(fleet)


@given(st.text("abcd", min_size=4, max_size=24))
def test_each_network_is_spread_over_the_period(networks: str) -> None:
    """Where none has more than half, a third of the period in a row has about a third of every network's probes."""
    many = Counter(networks)
    if 2 * max(many.values()) > len(networks):
        return
    found = order(probes(networks))
    window = max(1, len(found) // 3)
    for network, number in many.items():
        for start in range(len(found)):
            seen = sum(found[(start + k) % len(found)] == network for k in range(window))
            assert seen <= number * window / len(found) + 2


def test_a_probe_that_joins_or_leaves_moves_few() -> None:
    fleet = probes("aabbccddeeffgh" * 2)
    kept = total = 0
    for gone in fleet:
        rest = [probe for probe in fleet if probe is not gone]
        kept += len(pairs(fleet, {gone.id}) & pairs(rest, set()))
        total += len(rest)
    assert kept / total > 0.7, "of three neighbours, two stay"


def pairs(fleet: list[Probe], without: set[str]) -> set[tuple[str, str]]:
    """Who follows whom."""
    slots = slots_of(fleet)
    names = [name for name in sorted(slots, key=lambda name: slots[name]) if name not in without]
    return set(zip(names, [*names[1:], names[0]], strict=True))


def test_the_labs_probes_take_turns() -> None:
    found = order(load_plan(PLAN).probe)
    assert len(found) == 8
    assert neighbours(found) == 0


def test_a_large_fleet_is_put_in_order_at_once() -> None:
    fleet = [Probe(id=f"p{n}", asn=64496 + n % 97) for n in range(400)]
    assert neighbours(order(fleet)) == 0
