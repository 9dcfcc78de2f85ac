"""The kind `dns.zone`: every name server of a zone, found from the parent's delegation at every run, and the delegation
itself.

Subjects: "delegation"; each address of each server over UDP, named by the address, and now and then over TCP, named
"<address>/tcp"; and each server whose name leads to no address, named by it. Where the parent cannot be reached, the
servers known from before are watched all the same.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import trio

from parallax.plan.dns_specs import ZoneSpec
from parallax.values import Address
from probe.checks import zone_delegation, zone_server
from probe.checks.zone_delegation import AtParent
from probe.checks.zone_last import DATA_PERIOD_S, Last, due, last_of
from probe.checks.zone_server import AtServer
from probe.dns.cuts import Delegation, Host, NameServer, WalkFailed
from probe.dns.record import load_types
from probe.dns.walk import addresses_of, delegation, operator_of
from probe.judges.connection import judge_connection
from probe.kind import Subject
from probe.side_by_side import side_by_side
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict

DELEGATION = "delegation"
MOST_ADDRESSES = 64
WALK_SHARE = 0.9
"""Of the time that `find` has."""


class Unresolved(msgspec.Struct, frozen=True, kw_only=True):
    """A server without an address: why, as in probe.dns.cuts.NameServer."""

    failure: str


def load(target: str) -> None:
    """What reads DS records."""
    load_types(("DS",))


async def find(spec: ZoneSpec, target: str, tape: Tape, tools: Tools) -> list[Subject]:
    """Walks to the delegation and gives the subjects of this run. Phase `walk`."""
    last = last_of(spec, tools.memory)
    began = trio.current_time()
    deadline = began + (trio.current_effective_deadline() - began) * WALK_SHARE

    def left_s() -> float:
        return max(0.0, deadline - trio.current_time())

    further: dict[str, Host] = {}

    async def one(name: str) -> None:
        further[name] = await addresses_of(name, tools, left_s())

    with tape.phase("walk"):
        found = await delegation(spec.zone, tools, left_s())
        if isinstance(found, Delegation):
            last.met(found, trio.current_time())
        own = last.only_child()
        await side_by_side(one, {*own, *(endpoint.host for endpoint in spec.servers)})
    servers = list(last.delegation.servers) if last.delegation else []
    servers += [_server(further[name], 53, tools) for name in own]
    servers += [_server(further[endpoint.host], endpoint.port, tools) for endpoint in spec.servers]
    return list(_subjects(spec, target, found, servers, last, tape, tools))


def _server(host: Host, port: int, tools: Tools) -> NameServer:
    addresses = tuple(Address.of(ip, port) for ip in host.ips)
    mine = tuple(address for address in addresses if address.family in tools.families)
    for address in mine:
        tools.memory.budget.belongs(str(address), operator_of(host.name, address.ip, tools.operators))
    return NameServer(name=host.name, addresses=mine, failure=host.failure)


def _subjects(
    spec: ZoneSpec,
    target: str,
    found: Delegation | WalkFailed,
    servers: Sequence[NameServer],
    last: Last,
    tape: Tape,
    tools: Tools,
) -> Iterator[Subject]:
    now = trio.current_time()
    places = list(_places(servers))[:MOST_ADDRESSES]
    task = AtParent(found=found, children=tuple(address for _, address in places), ask_children=last.ns_due(now))
    yield Subject(target=target, host=target, name=DELEGATION, dims={"zone": target}, task=task, after=tape)
    data = spec.data is not None and due(last.data_at, DATA_PERIOD_S, now)
    last.data_at = now if data else last.data_at
    over_tcp = bool(places) and due(last.tcp_at, spec.tcp_period, now)
    last.tcp_at = now if over_tcp else last.tcp_at
    last.forget({address for _, address in places})
    again, last.again = last.again, set()
    for server, address in places:
        dims = {"server": server, "operator": operator_of(server, address.ip, tools.operators), "zone": target}
        yield Subject(
            target=target,
            host=server,
            address=address,
            name=str(address),
            dims={**dims, "transport": "udp"},
            task=AtServer(data=data),
        )
        if over_tcp or address in again:
            yield Subject(
                target=target,
                host=server,
                address=address,
                name=f"{address}/tcp",
                dims={**dims, "transport": "tcp"},
                task=AtServer(transport="tcp"),
            )
    for each in {server.name: server for server in servers}.values():
        if each.failure is not None and not each.addresses and not _other_family(each, tools):
            dims = {"server": each.name, "operator": operator_of(each.name, "", tools.operators), "zone": target}
            yield Subject(
                target=target, host=each.name, name=each.name, dims=dims, task=Unresolved(failure=each.failure)
            )


def _places(servers: Iterable[NameServer]) -> Iterator[tuple[str, Address]]:
    """Each address once, with the first server's name that leads to it."""
    seen: set[Address] = set()
    for server in servers:
        for address in server.addresses:
            if address not in seen:
                seen.add(address)
                yield server.name, address


def _other_family(server: NameServer, tools: Tools) -> bool:
    """It may well have addresses of the family that this probe lacks: the probe has nothing to say of it."""
    return server.failure == "no_address" and len(tools.families) == 1


async def run(spec: ZoneSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """One attempt at one subject."""
    task = subject.task
    if isinstance(task, AtServer):
        well = False
        try:
            await zone_server.run(spec, subject, tape, tools)
            well = tape.findings.get("class") == "auth_answer"
        finally:
            last_of(spec, tools.memory).asked(subject.address, task.transport, well=well)
    elif isinstance(task, AtParent):
        await zone_delegation.run(spec, subject, tape, tools)
    else:
        tape.material["task"] = task
        tape.note(**{"class": task.failure})


def judge(spec: ZoneSpec, evidence: Evidence) -> Verdict | None:
    """What one subject's evidence means."""
    task = evidence.material.get("task")
    if isinstance(task, AtServer):
        return zone_server.judge(evidence)
    if isinstance(task, Unresolved):
        abstain = task.failure if task.failure == "over_budget" else None
        return Verdict("dns_server_unresolvable", abstain=abstain)
    if isinstance(task, AtParent) and evidence.failure in (None, "timeout"):
        return zone_delegation.judge(evidence)
    return judge_connection(evidence) or Verdict("probe_error")


def judge_together(spec: ZoneSpec, gathered: Sequence[Evidence]) -> list[Verdict | None]:
    """Each on its own, but that a box on the way that answers for every server makes none of them lame. Such a box may
    stand in the way of one family or transport alone."""
    ways: dict[tuple[int, str], list[Evidence]] = {}
    for evidence in gathered:
        task = evidence.material.get("task")
        if isinstance(task, AtServer):
            ways.setdefault((evidence.material["address"].family, task.transport), []).append(evidence)
    boxed = {id(evidence) for asked in ways.values() if zone_server.intercepted(asked) for evidence in asked}
    return [Verdict("dns_intercepted") if id(evidence) in boxed else judge(spec, evidence) for evidence in gathered]
