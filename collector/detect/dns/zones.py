"""What is known of zones: which operators serve them, and since when nobody saw those alive. With it what resolvers
hold, where chains lead, what comparisons said: the ground under runway, readiness and stale answers. Pure.

A cut is a zone and the operators that were seen to serve it. Which of them the delegation names is taken from what
probes read at the parent: from most of them, and from two where there are two, as one probe alone may be shown another
parent.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from collector.board import ChainBoard
from collector.detect.dns.caches import Cache, note_answers
from collector.detect.dns.chains import Chain, boards_of, note_chain
from collector.detect.dns.parity import Compared, note_parity
from collector.detect.dns.serials import Serials, note_serial
from collector.detect.view import CheckView, View, ip_of
from parallax.clock import NS
from parallax.observation import Observation
from parallax.operators import operator_of, registrable

MAX_ZONES = 2000
MAX_OPERATORS = 20
MAX_SERVERS = 64
MAX_PROBES = 64
MAX_LABEL = 100
LEFT_NS = 2 * 86400 * NS
"""No cache follows a delegation of before for longer: 172800 s is the longest TTL that parents give."""


class ZoneCut(msgspec.Struct):
    """A zone. Times are ns since the Unix epoch."""

    operators: dict[str, int] = {}
    """When each operator was last seen to answer for it; 0: it never was."""
    servers: dict[str, str] = {}
    """By the name of a server: its operator."""
    ns: tuple[str, ...] = ()
    """The delegation's servers at the parent, sorted."""
    dissent: dict[str, tuple[str, ...]] = {}
    """Probes that last saw another delegation there, and which."""
    heard: dict[str, int] = {}
    """When each probe last saw a delegation."""
    left: dict[str, int] = {}
    """Servers that the delegation named before, and since when it does not."""
    every_ns: int = 0
    """How long a word on its servers is fresh: so old may be what is known of them while all is well."""
    at: int = 0


class Zones(msgspec.Struct):
    """Part of the state, hence plain values, bounded."""

    cuts: dict[str, ZoneCut] = {}
    serving: dict[str, tuple[str, ...]] = {}
    """By zone: the operators that its delegation names."""
    caches: dict[str, Cache] = {}
    """By probe and resolver."""
    chains: dict[str, Chain] = {}
    """By check and name."""
    compared: dict[str, Compared] = {}
    """By check of parity."""
    serials: dict[str, Serials] = {}
    """By zone and operator."""


def note_zones(zones: Zones, view: View, check: CheckView, probe: str, observation: Observation, at: int) -> None:
    """Takes one observation of a check of DNS; `at` is when it was measured, by the collector's clock."""
    if observation.target not in check.targets or (check.probes and probe not in check.probes):
        return
    match check.kind:
        case "dns.zone" if observation.subject == "delegation":
            _note_delegation(zones, view, check, probe, observation, at)
        case "dns.zone":
            _note_server(zones, view, check, observation.target, observation, at)
            _note_serial(zones, view, observation, at)
        case "dns" if check.role == "authoritative":
            _note_server(zones, view, check, registrable(check.query), observation, at)
        case "dns" | "dns.resolve":
            note_answers(
                zones.caches, view, check, probe, observation, at, alive=lambda owner: last_alive(zones, owner)
            )
        case "dns.chain":
            note_chain(zones.chains, check, probe, observation, at)
        case "dns.parity":
            note_parity(zones.compared, check, probe, observation, at)
        case _:
            pass


def rewind(zones: Zones, at: int) -> None:
    """The collector's clock was put back: all that lay later is now, and what resolvers hold is to be learnt anew."""
    zones.caches.clear()
    zones.serials.clear()
    for cut in zones.cuts.values():
        cut.at = min(cut.at, at)
        cut.operators = {name: min(seen, at) for name, seen in cut.operators.items()}
        cut.heard = {name: min(seen, at) for name, seen in cut.heard.items()}
        cut.left = {name: min(since, at) for name, since in cut.left.items()}
    for chain in zones.chains.values():
        chain.at, chain.since = min(chain.at, at), min(chain.since, at)
        for said in chain.said.values():
            said.at = min(said.at, at)
    for compared in zones.compared.values():
        compared.at, compared.since = min(compared.at, at), min(compared.since, at)
        for word in compared.said.values():
            word.at, word.known_at = min(word.at, at), min(word.known_at, at)


def zone_at(zones: Zones, name: str) -> str:
    """The longest zone known that a name is in; empty if there is none."""
    labels = name.split(".")
    for start in range(len(labels)):
        if (zone := ".".join(labels[start:])) in zones.cuts:
            return zone
    return ""


def last_alive(zones: Zones, name: str) -> tuple[int, int]:
    """When any probe last saw the zone of a name answered by an operator that serves it, and how old that may be while
    all is well; zeros for a zone whose servers nobody watches."""
    cut = zones.cuts.get(zone := zone_at(zones, name))
    if cut is None or not cut.every_ns:
        return 0, 0
    serving = zones.serving.get(zone)
    return max(
        (at for name, at in cut.operators.items() if serving is None or name in serving), default=0
    ), cut.every_ns


def hosted_by(zones: Zones, view: View) -> dict[str, frozenset[str]]:
    """By zone: the operators that serve it now. Chains add the zones that no check watches."""
    found: dict[str, frozenset[str]] = {}
    for chain in zones.chains.values():
        for hop in chain.shown.hops if chain.shown else ():
            if hop.zone and hop.operators:
                found[hop.zone] = frozenset(hop.operators)
    for zone, cut in zones.cuts.items():
        serving = zones.serving.get(zone)
        if serving is None:
            serving = tuple(name for name in cut.operators if not view.stands_by(name))
        if serving:
            found[zone] = frozenset(serving)
    return found


def zone_among(hosts: Mapping[str, Any], name: str) -> str:
    """The longest of these zones that a name is in; empty if it is in none."""
    labels = name.split(".")
    return next((zone for start in range(len(labels)) if (zone := ".".join(labels[start:])) in hosts), "")


def _cut(zones: Zones, zone: str, at: int) -> ZoneCut:
    cut = zones.cuts.get(zone)
    if cut is None:
        if len(zones.cuts) >= MAX_ZONES:
            oldest = min(zones.cuts, key=lambda name: zones.cuts[name].at)
            del zones.cuts[oldest]
            zones.serving.pop(oldest, None)
        cut = zones.cuts[zone] = ZoneCut()
    cut.at = max(cut.at, at)
    return cut


def _note_server(zones: Zones, view: View, check: CheckView, zone: str, observation: Observation, at: int) -> None:
    """Which operator a server of the zone belongs to, and that it answers."""
    dims = observation.dims
    server = (dims.get("server") or (check.targets[observation.target].host if check.kind == "dns" else ""))[:255]
    if not server or observation.subject == server:  # its name has no address
        return
    operator = whose(view, server, observation)
    cut = _cut(zones, zone, at)
    cut.every_ns = max(cut.every_ns, check.fresh_ns)
    if len(cut.servers) < MAX_SERVERS or server in cut.servers:
        cut.servers[server] = operator
    if operator in cut.operators or len(cut.operators) < MAX_OPERATORS:
        answered = at if observation.reason is None else 0
        cut.operators[operator] = max(cut.operators.get(operator, 0), answered)


def _note_serial(zones: Zones, view: View, observation: Observation, at: int) -> None:
    """Of operators that the delegation names or the plan knows: there are no more than one probe can make up."""
    operator = whose(view, observation.dims.get("server", "")[:255], observation)
    serving = zones.serving.get(observation.target)
    if serving is None or operator in serving or any(each.name == operator for each in view.operators):
        note_serial(zones.serials, view, operator, observation, at)


def whose(view: View, server: str, observation: Observation) -> str:
    """What to call the operator of a server: by the plan, else by the server's name. The probe's own word is not taken:
    one that errs would move a server to another operator for all."""
    ip = observation.dims.get("address", "")[:MAX_LABEL] or ip_of(observation.subject)
    known = view.operator_of(server, ip)
    return known.name if known else operator_of(server, ip, ())


def _note_delegation(zones: Zones, view: View, check: CheckView, probe: str, observation: Observation, at: int) -> None:
    found = observation.findings.get("ns")
    if not isinstance(found, list) or not found:
        return
    ns = tuple(sorted({text[:255].lower().rstrip(".") for text in found[:MAX_SERVERS] if isinstance(text, str)}))
    if not ns:
        return
    cut = _cut(zones, observation.target, at)
    if at < cut.heard.get(probe, 0):
        return
    if len(cut.heard) >= MAX_PROBES and probe not in cut.heard:
        oldest = min(cut.heard, key=lambda name: cut.heard[name])
        del cut.heard[oldest]
        cut.dissent.pop(oldest, None)
    cut.heard[probe] = at
    if ns == cut.ns:
        cut.dissent.pop(probe, None)
    else:
        cut.dissent[probe] = ns
        fresh = [name for name, heard_at in cut.heard.items() if at - heard_at <= check.fresh_ns]
        seeing = sum(cut.dissent.get(name) == ns for name in fresh)
        staying = sum(name not in cut.dissent for name in fresh)
        if seeing >= min(2, len(check.probes or view.probes) or 1) and seeing > staying:
            _move(cut, ns, at)
    if cut.ns:
        zones.serving[observation.target] = tuple(dict.fromkeys(_operators(view, cut, cut.ns)))


def _move(cut: ZoneCut, ns: tuple[str, ...], at: int) -> None:
    """The delegation names other servers from now on."""
    before, cut.ns = cut.ns, ns
    left = {**cut.left, **{server: at for server in before if server not in cut.left}}
    left = {server: since for server, since in left.items() if server not in ns and at - since <= LEFT_NS}
    cut.left = dict(list(left.items())[-MAX_SERVERS:])
    cut.dissent = {
        name: cut.dissent.get(name, before) for name in cut.heard if cut.dissent.get(name, before) not in (ns, ())
    }


def left_at(zones: Zones, zone: str, server: str, now: int) -> int:
    """Since when the zone's delegation names a server no more; 0 where it does, or never did."""
    cut = zones.cuts.get(zone)
    since = cut.left.get(server, 0) if cut is not None else 0
    return since if now - since <= LEFT_NS else 0


def _operators(view: View, cut: ZoneCut, servers: Iterable[str]) -> Iterable[str]:
    for server in servers:
        yield cut.servers.get(server) or operator_of(server, "", view.operators)


def chains_of(zones: Zones, view: View, now: int) -> tuple[ChainBoard, ...]:
    """Where names lead."""
    carried = {
        sample.name
        for cache in zones.caches.values()
        for sample in cache.samples.values()
        if sample.stale and now <= sample.fresh_until
    }
    return boards_of(zones.chains, view, now, frozenset(carried))
