"""The parent's delegation beside the zone's own NS set (RFC 1034 section 4.2.2: they should be the same). Pure."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import ip_network

from parallax.values import Address
from probe.checks.zone_last import ChildSays
from probe.dns.cuts import Delegation
from probe.dns.names import is_under

BROKEN = ("no_server", "glue_missing")
"""Problems with which resolvers cannot find the zone, or not all of its servers."""
WRONG = ("total_mismatch", "parent_extra_ns", "glue_mismatch", "ns_is_cname", "ns_unresolvable")
INCONSISTENT = ("parent_inconsistent", "child_inconsistent", "ds_inconsistent")
NOTICES = ("child_extra_ns", "ns_single_prefix")
"""What is worth knowing, and no fault."""

_BY_FAILURE = {"glue_missing": "glue_missing", "is_alias": "ns_is_cname"}
_UNKNOWN = frozenset({"timeout", "over_budget", "too_deep"})
"""Ways not to find a server that say nothing of it."""
_PREFIX = {4: 24, 6: 48}
Note = Callable[[str, object], None]


def problems_of(
    found: Delegation, children: Mapping[Address, ChildSays], glue_differs: Mapping[str, tuple[str, ...]]
) -> dict[str, list[str]]:
    """The problems by word, each with the names or addresses that it is about. Of servers that did not answer nothing
    is claimed. Of `children` those count that the parent names: an operator that the zone has left, or that is to take
    over, serves an NS set of its own, and nobody is led there."""
    delegated = set(found.cut.addresses)
    children = {address: each for address, each in children.items() if address in delegated}
    told = [each for each in found.parents if each.failure is None]
    from_child = {name for each in children.values() for name in each.ns if each.failure is None}
    parent = set(found.ns)
    # A server of both zones gives the zone's own set, also where the parent's has another.
    own_words = [each for each in told if not each.answers_for_child]
    problems: dict[str, list[str]] = {}

    def note(word: str, about: object) -> None:
        problems.setdefault(word, []).append(str(about))

    for server in found.servers:
        if server.failure is not None and server.failure not in _UNKNOWN:
            note(_BY_FAILURE.get(server.failure, "ns_unresolvable"), server.name)
    if found.servers and all(server.failure is not None and server.failure not in _UNKNOWN for server in found.servers):
        note("no_server", found.zone)
    if from_child and own_words:
        if not parent & from_child:
            note("total_mismatch", ", ".join(sorted(from_child)))
        else:
            for name in sorted(parent - from_child):
                note("parent_extra_ns", name)
            for name in sorted(from_child - parent):
                note("child_extra_ns", name)
    for name, ips in sorted(glue_differs.items()):
        note("glue_mismatch", f"{name} is {' '.join(ips)}")
    _inconsistent(found, children, note)
    if (prefix := _single_prefix(found)) is not None:
        note("ns_single_prefix", prefix)
    return problems


def _inconsistent(found: Delegation, children: Mapping[Address, ChildSays], note: Note) -> None:
    answers = [each for each in found.parents if each.failure is None and not each.answers_for_child]
    silent_no = [each for each in found.parents if each.failure == "no_delegation"]
    if len({each.ns for each in answers}) + bool(silent_no) > 1:
        for each in (*answers, *silent_no):
            note("parent_inconsistent", f"{each.address.ip} {' '.join(each.ns) or 'no delegation'}")
    known_ds = {each.ds for each in found.parents if each.failure is None and each.ds_failure is None}
    if len(known_ds) > 1:
        note("ds_inconsistent", found.zone)
    sets = {each.ns for each in children.values() if each.failure is None}
    if len(sets) > 1:
        for address, says in sorted(children.items()):
            if says.failure is None:
                note("child_inconsistent", f"{address.ip} {' '.join(says.ns)}")


def _single_prefix(found: Delegation) -> str | None:
    """The network that all servers share, where there is more than one address (RFC 2182 section 3.1)."""
    addresses = found.cut.addresses
    networks = {_network(each) for each in addresses}
    return networks.pop() if len(addresses) > 1 and len(networks) == 1 else None


@lru_cache(4096)
def _network(address: Address) -> str:
    # Kept: making one takes longer than a query, and the addresses are the same at every run.
    return str(ip_network(f"{address.ip}/{_PREFIX[address.family]}", strict=False))


def in_domain(found: Delegation) -> list[str]:
    """The servers whose names are in the zone itself: only glue leads to them."""
    return [name for name in found.ns if is_under(name, found.zone)]


def worst(problems: Mapping[str, object]) -> str | None:
    """The reason word of the worst problem, if one is a fault at all."""
    for words, reason in (
        (BROKEN, "dns_delegation_broken"),
        (WRONG, "dns_delegation_wrong"),
        (INCONSISTENT, "dns_delegation_inconsistent"),
    ):
        if any(word in problems for word in words):
            return reason
    return None
