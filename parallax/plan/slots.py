"""Whose turn it is when: the order in which a fleet's probes take a check's period. Pure.

Samples of one target should come from other networks one after the other, evenly over the period: then the first sees
an outage after a period divided by the number of probes, and the second, which must not share the first one's
trouble, as soon again. So each network's probes are spread evenly over the cycle, and no two neighbours, the last and
the first among them, are in one network where that can be avoided. It cannot where one network has more than half of
the probes; then the others stand apart from each other, evenly between its own.

The order follows from ids and networks alone. Where a probe joins or leaves, most of the others keep their neighbours,
as every probe's place in the cycle is its network's share plus a hash, whoever else there is.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from parallax.plan.types import Probe


def network_of(probe: Probe) -> str:
    """Whose trouble a probe shares: its autonomous system, else its provider; where nobody says, its own."""
    if probe.asn is not None:
        return f"AS{probe.asn}"
    return probe.provider or f"probe {probe.id}"


def slots_of(probes: Iterable[Probe]) -> dict[str, tuple[int, int]]:
    """By id: the probe's place in the period, and how many places there are."""
    order = _order(tuple(sorted((probe.id, network_of(probe)) for probe in probes)))
    return {name: (place, len(order)) for place, name in enumerate(order)}


@lru_cache(maxsize=256)
def _order(members: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The ids in their order, from (id, network) in any fixed order."""
    by_network: dict[str, list[str]] = {}
    for name, network in sorted(members, key=lambda each: (_hash(each[0]), each)):
        by_network.setdefault(network, []).append(name)
    if not by_network:
        return ()
    most = max(by_network, key=lambda network: (len(by_network[network]), network))
    if 2 * len(by_network[most]) > len(members):
        rest = {network: names for network, names in by_network.items() if network != most}
        return _between(by_network[most], [name for _, _, name in _turns(rest)])
    return _apart(_turns(by_network))


def _turns(by_network: dict[str, list[str]]) -> list[tuple[float, str, str]]:
    """(place in the cycle from 0 to 1, network, id), the first first: each network's probes evenly, from a place of the
    network's own."""
    turns = []
    for network, names in by_network.items():
        shift = _hash(network)
        turns += [((number + shift) / len(names), network, name) for number, name in enumerate(names)]
    return sorted(turns)


def _apart(turns: Sequence[tuple[float, str, str]]) -> tuple[str, ...]:
    """The turns in about their order, with no two neighbours of one network. At each place stands the first in order
    with which the rest can still be kept apart; no network has more than half, so there always is one."""
    waiting = list(turns)
    left = Counter(network for _, network, _ in turns)
    order: list[tuple[str, str]] = []
    while waiting:
        first = order[0][0] if order else None
        last = order[-1][0] if order else None
        at = next(
            (at for at, (_, network, _) in enumerate(waiting) if network != last and _fits(left, network, first)), 0
        )
        _, network, name = waiting.pop(at)
        left[network] -= 1
        order.append((network, name))
    return tuple(name for _, name in order)


def _fits(left: Counter[str], chosen: str, first: str | None) -> bool:
    """Whether what is left after `chosen` has its turn can be kept apart: between the chosen and the first, who is the
    last one's neighbour, a network has every other place at most."""
    first = first or chosen
    places = left.total() - 1
    for network, number in left.items():
        number -= network == chosen
        free = places - (network == chosen) - (network == first)
        if number > max(0, (free + 1) // 2):
            return False
    return True


def _between(most: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The others, evenly among those of the network that has more than half."""
    size = len(most) + len(others)
    places = {number * size // len(others): name for number, name in enumerate(others)} if others else {}
    rest = iter(most)
    return tuple(places.get(place) or next(rest) for place in range(size))


def _hash(text: str) -> float:
    """From 0 to 1, the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48
