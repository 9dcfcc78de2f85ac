"""The `dns.dnssec` check: whether a zone's signatures hold: at its parent, at each operator, through each resolver.

Operators sign on their own, or hold copies that grow old, so each is an attempt of its own, at one of its servers by
turns. Resolvers show what users get: whether they validate, and whether they refuse the zone.
"""

import secrets
from typing import Any

import msgspec
import trio

from parallax.clock import wall_ns
from parallax.plan.dns_specs import DnssecSpec
from probe.bounded import Bounded
from probe.checks.dnssec_evidence import read_signatures
from probe.checks.dnssec_judge import judge
from probe.checks.view_subjects import at_operator, at_resolver
from probe.dns import dnssec
from probe.dns.client import Asked, Server, ask_again
from probe.dns.cuts import Cut, Delegation, WalkFailed
from probe.dns.message import Query, load_types
from probe.dns.views import OperatorView, ResolverView, views_of
from probe.dns.walk import delegation
from probe.kind import Subject
from probe.remaining import left_s
from probe.sites.name_servers import site_of_identity
from probe.sites.site import note_site
from probe.tape import Tape
from probe.tools import Tools

__all__ = ["find", "judge", "load", "run"]

QUERY_S = 2.4
MOST_TEXTS = 20
LONGEST_NAME = 253
MOST_ZONES = 10_000


class _DsSets:
    """Part of a probe's memory."""

    def __init__(self) -> None:
        self.last: Bounded[tuple[str, ...]] = Bounded(MOST_ZONES)
        """By zone: the DS set that its parent had when it last had one."""


class _AtParent(msgspec.Struct, frozen=True):
    """The subject "delegation". `server` is one that should have the keys."""

    found: Delegation | WalkFailed
    server: Server | None


class _AtOperator(msgspec.Struct, frozen=True):
    view: OperatorView
    ds: tuple[str, ...] | None
    """Of the parent; None where it is not known."""


class _AtResolver(msgspec.Struct, frozen=True):
    view: ResolverView


def load(target: str) -> None:
    """What verifies, and the records' data."""
    dnssec.load()
    load_types(("SOA", "DNSKEY", "DS", "RRSIG", "NSEC", "NSEC3"))


async def find(spec: DnssecSpec, target: str, tape: Tape, tools: Tools) -> list[Subject]:
    """The delegation, then the operators that serve the zone, then the resolvers."""
    zone = spec.zone
    views = await views_of(zone, delegation, spec.operators, f"dnssec {zone}", tools)
    found = views.walked
    assert not isinstance(found, Cut)
    server = next((view.server for view in views.operators if view.server is not None), None)
    at_parent = _AtParent(found, server)
    return [
        Subject(target=target, host=target, name="delegation", dims={"zone": zone}, task=at_parent),
        *(at_operator(target, view, zone, _AtOperator(view, _ds(found))) for view in views.operators),
        *(at_resolver(target, view, _AtResolver(view)) for view in views.resolvers),
    ]


def _ds(found: Delegation | WalkFailed) -> tuple[str, ...] | None:
    """The parent's DS set; None where none of its servers said."""
    if isinstance(found, WalkFailed) or not any(_said_ds(each) for each in found.parents):
        return None
    return found.ds


def _said_ds(says: Any) -> bool:
    return says.ds_failure is None and says.failure is None


async def run(spec: DnssecSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Asks for what the subject has to show; the signatures are verified once the attempt is over."""
    task = subject.task
    if isinstance(task, _AtParent):
        await _at_parent(spec, task, tape, tools)
    elif isinstance(task, _AtOperator):
        await _at_operator(spec, task, tape, tools)
    else:
        await _at_resolver(spec, task, tape, tools)


async def _at_parent(spec: DnssecSpec, task: _AtParent, tape: Tape, tools: Tools) -> None:
    tape.material["role"] = "parent"
    found = task.found
    if isinstance(found, WalkFailed):
        tape.material.update(walk=found.word, one_family=len(tools.families) == 1)
        tape.note(detail=found.detail or f"the walk ended at {found.zone}", walk=found.word)
        return
    told = [says for says in found.parents if _said_ds(says)]
    tape.note(
        parent=found.parent,
        parents={
            says.address.ip: list(says.ds)[:MOST_TEXTS] if _said_ds(says) else says.ds_failure or says.failure
            for says in found.parents
        },
        ds_count=len(found.ds),
    )
    tape.material.update(ds=found.ds, told=bool(told), differ=len({says.ds for says in told}) > 1)
    if told:
        kept = tools.memory.of(_DsSets).last
        before = kept.stale(spec.zone)
        if before and not found.ds:
            tape.note(vanished=list(before)[:MOST_TEXTS])
        elif found.ds:
            kept.put(spec.zone, found.ds, float("inf"))
    if not found.ds or task.server is None:
        return
    with tape.phase("query"):
        asked = await _ask(Query(name=spec.zone, type="DNSKEY", recurse=False, dnssec=True), task.server, tools)
    if asked.reply is None or asked.reply.rcode != "NOERROR" or "AA" not in asked.reply.flags:
        return  # its own subject says so
    reply, zone = asked.reply, spec.zone

    def read() -> dict[str, Any]:
        keys = [record.text for record in reply.answers if record.type == "DNSKEY" and record.owner == zone]
        states = dnssec.ds_states(found.ds, keys, zone)
        tape.material["matches"] = any(state.matches for state in states)
        return {"ds": [msgspec.to_builtins(state) for state in states]}

    tape.read_later(read)


async def _at_operator(spec: DnssecSpec, task: _AtOperator, tape: Tape, tools: Tools) -> None:
    tape.material.update(role="operator", ds=task.ds)
    server = task.view.server
    if server is None:
        tape.material["outcome"] = "no_address"
        return
    absent = _made_up(spec.zone)
    queries = {
        "DNSKEY": Query(name=spec.zone, type="DNSKEY", recurse=False, dnssec=True),
        "SOA": Query(name=spec.zone, type="SOA", recurse=False, dnssec=True),
        "denial": Query(name=absent, type="A", recurse=False, dnssec=True),
    }
    gathered: dict[str, Asked] = {}
    tape.material["gathered"] = gathered
    now_ns = wall_ns()

    async def one(word: str) -> None:
        gathered[word] = await _ask(queries[word], server, tools)

    with tape.phase("query"):
        await one("SOA")  # alone: a server that is silent is not asked for the rest
        if gathered["SOA"].reply is not None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one, "DNSKEY")
                nursery.start_soon(one, "denial")
    nsid = gathered["SOA"].reply.nsid if gathered["SOA"].reply is not None else None
    note_site(tape, site_of_identity(nsid or b"", server.name), nsid)

    def read() -> dict[str, Any]:
        signatures = read_signatures(spec.zone, absent, gathered, task.ds, now_ns)
        tape.material["signatures"] = signatures
        return signatures.as_findings()

    tape.read_later(read)


def _made_up(zone: str) -> str:
    """A name of the zone that is not there, if it is not served by a wildcard; as long as there is room for."""
    label = secrets.token_hex(6)[: max(1, LONGEST_NAME - len(zone) - 1)]
    return f"{label}.{zone}"


async def _at_resolver(spec: DnssecSpec, task: _AtResolver, tape: Tape, tools: Tools) -> None:
    tape.material["role"] = "resolver"
    server = task.view.server
    if server is None:
        tape.material["outcome"] = "no_address"
        return
    query = Query(name=spec.zone, type="SOA", recurse=True, dnssec=True)
    with tape.phase("query"):
        asked = await _ask(query, server, tools)
    tape.material["outcome"] = asked.outcome
    reply = asked.reply
    if reply is None:
        tape.note(detail=asked.detail or None)
        return
    note_site(tape, site_of_identity(reply.nsid or b"", server.name), reply.nsid)
    tape.note(rcode=reply.rcode, validated="AD" in reply.flags, ede=[code for code, _ in reply.ede][:10] or None)
    if reply.rcode == "SERVFAIL":
        with tape.phase("unchecked"):
            unchecked = await _ask(msgspec.structs.replace(query, checking_disabled=True), server, tools)
        tape.note(unchecked=unchecked.reply.rcode if unchecked.reply is not None else unchecked.outcome)


async def _ask(query: Query, server: Server, tools: Tools) -> Asked:
    return await ask_again(query, server, tools.dns, left_s(QUERY_S))
