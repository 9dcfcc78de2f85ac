"""The delegation of a zone as one subject: what the parent says, what the zone's own servers say, what resolvers hold.
`run` gathers, `judge` is pure."""

from typing import Any

import msgspec
import trio

from parallax.plan.dns_specs import ZoneSpec
from parallax.values import Address
from probe.checks.zone_compare import in_domain, problems_of, worst
from probe.checks.zone_last import ChildSays, Last, last_of
from probe.checks.zone_server import QUERY_S
from probe.dns.classes import ANSWERS, auth_class
from probe.dns.client import Server, ask, ask_again
from probe.dns.cuts import Delegation, ParentSays, WalkFailed
from probe.dns.message import Query
from probe.dns.names import target_of
from probe.dns.views import ResolverView, resolver_views
from probe.judges.exchange import judge_outcome
from probe.kind import Subject
from probe.remaining import KEPT_S, left_s
from probe.side_by_side import side_by_side
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict

MOST_RESOLVERS = 32
MOST_CHILDREN = 32
MOST_GLUED = 8
MOST_FORMER = 4
MOST_NAMES = 32
MAX_TEXT = 255


class AtParent(msgspec.Struct, frozen=True, kw_only=True):
    """What the walk came to, for the run that looks at the delegation."""

    found: Delegation | WalkFailed
    children: tuple[Address, ...] = ()
    """The zone's servers, as far as they are known."""
    ask_children: bool = True
    """Whether it is time to ask them for the zone's NS set."""


async def run(spec: ZoneSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Phase `query`: the zone's servers and the resolvers, side by side; before it the walk's own."""
    task: AtParent = subject.task
    tape.material["task"] = task
    last = last_of(spec, tools.memory)
    _note_parents(task.found, tape)
    with tape.phase("query"):
        async with trio.open_nursery() as nursery:
            # What was heard when the time is over is judged; a resolver that is slow hides nothing.
            nursery.cancel_scope.deadline = trio.current_effective_deadline() - KEPT_S
            nursery.start_soon(_resolvers, spec, tape, tools)
            if task.children and task.ask_children:
                nursery.start_soon(_children, spec, task, last, tools)
            former = [address for address in last.former if address not in task.children]
            if former and trio.current_time() < last.former_until:
                nursery.start_soon(_former, spec, former, tape, tools)
    if last.children:
        tape.note(child_ns={str(at): _child(each) for at, each in sorted(last.children.items())})
    if isinstance(task.found, Delegation):
        problems = problems_of(task.found, last.children, last.glue_differs)
        tape.note(problems={word: about[:MOST_NAMES] for word, about in problems.items()} or None)


def _note_parents(found: Delegation | WalkFailed, tape: Tape) -> None:
    tape.note(parents={str(says.address): _parent(says) for says in found.parents} or None)
    tape.site = next((says.site for says in found.parents if says.site is not None), None)
    if isinstance(found, WalkFailed):
        tape.note(walk=found.word, at_zone=found.zone, detail=found.detail[:500] or None)
        return
    tape.dims["parent"] = found.parent
    tape.note(
        parent=found.parent,
        ns=list(found.ns),
        ds=list(found.ds),
        ttl=found.ttl,
        ds_failure=_ds_failure(found.parents),
        glue=_glue(found) or None,
        operators=sorted({server.operator for server in found.servers if server.operator}),
    )


def _parent(says: ParentSays) -> dict[str, Any]:
    site = {"site": says.site} if says.site is not None else {}
    if says.failure is not None:
        return {"failure": says.failure, **site}
    ds = {"ds": list(says.ds)} if says.ds_failure is None else {}
    own = {"answers_for_child": True} if says.answers_for_child else {}
    return {"ns": list(says.ns), "ttl": says.ttl, **ds, **own, **site}


def _child(says: ChildSays) -> dict[str, Any]:
    return {"failure": says.failure} if says.failure is not None else {"ns": list(says.ns), "ttl": says.ttl}


def _ds_failure(parents: tuple[ParentSays, ...]) -> str | None:
    failures = [says.ds_failure for says in parents]
    return None if None in failures else next(iter(failures), None)


def _glue(found: Delegation) -> dict[str, list[str]]:
    return {name: sorted({ip for says in found.parents for ip in says.glue.get(name, ())}) for name in in_domain(found)}


async def _children(spec: ZoneSpec, task: AtParent, last: Last, tools: Tools) -> None:
    """The zone's NS set at each of its servers, and what it says of the addresses that the parent has glue for."""
    says: dict[Address, ChildSays] = {}

    async def one(address: Address) -> None:
        says[address] = await _child_says(spec.zone, address, tools)

    async with trio.open_nursery() as nursery:
        for address in task.children[:MOST_CHILDREN]:
            nursery.start_soon(one, address)
    last.heard(says, trio.current_time())
    responsive = [address for address, each in sorted(says.items()) if each.failure is None]
    if isinstance(task.found, Delegation) and responsive:
        turn = tools.memory.turn(f"glue of {spec.zone}")
        last.glue_differs = await _glue_differs(task.found, responsive[turn % len(responsive)], tools)


async def _child_says(zone: str, address: Address, tools: Tools) -> ChildSays:
    query = Query(name=zone, type="NS", recurse=False)
    asked = await ask(query, Server(address=address), tools.dns, left_s(QUERY_S))
    if asked.reply is None:
        return ChildSays(failure=asked.outcome)
    word = auth_class(asked.reply, zone, zone, "NS")
    records = [record for record in asked.reply.answers if record.type == "NS" and record.owner == zone]
    if word != "auth_answer" or not records:
        return ChildSays(failure=word)
    names = sorted({target_of(record.text) for record in records})[:MOST_NAMES]
    return ChildSays(ns=tuple(names), ttl=min(record.ttl for record in records))


async def _glue_differs(found: Delegation, address: Address, tools: Tools) -> dict[str, tuple[str, ...]]:
    """The servers whose addresses in the zone are not those that the parent hands out."""
    own: dict[str, set[str]] = {}
    unknown: set[str] = set()

    async def one(name: str, rdtype: str) -> None:
        query = Query(name=name, type=rdtype, recurse=False)
        asked = await ask_again(query, Server(address=address), tools.dns, left_s(QUERY_S))
        if asked.reply is None or auth_class(asked.reply, found.zone, name, rdtype) not in ANSWERS:
            unknown.add(name)  # served elsewhere (a zone cut further down), or not heard
            return
        texts = {record.text for record in asked.reply.answers if record.owner == name and record.type == rdtype}
        own.setdefault(name, set()).update(texts)

    glue = _glue(found)
    names = [name for name, ips in glue.items() if ips][:MOST_GLUED]
    async with trio.open_nursery() as nursery:
        for name in names:
            for rdtype in ("A", "AAAA"):
                nursery.start_soon(one, name, rdtype)
    return {
        name: tuple(sorted(own[name]))
        for name in names
        if name not in unknown and own.get(name) is not None and own[name] != set(glue[name])
    }


async def _former(spec: ZoneSpec, former: list[Address], tape: Tape, tools: Tools) -> None:
    """Whether servers of the delegation before, which nothing names any more, still serve the zone: resolvers ask them
    until its TTL is over."""
    says: dict[str, str] = {}
    tape.note(former=says)
    turn = tools.memory.turn(f"former servers of {spec.zone}") % len(former)
    chosen = (former[turn:] + former[:turn])[:MOST_FORMER]

    async def one(address: Address) -> None:
        query = Query(name=spec.zone, type="SOA", recurse=False)
        asked = await ask(query, Server(address=address), tools.dns, left_s(QUERY_S))
        says[str(address)] = (
            asked.outcome if asked.reply is None else auth_class(asked.reply, spec.zone, spec.zone, "SOA")
        )

    async with trio.open_nursery() as nursery:
        for address in chosen:
            nursery.start_soon(one, address)


async def _resolvers(spec: ZoneSpec, tape: Tape, tools: Tools) -> None:
    """What each of the plan's resolvers holds: the zone's NS set, and whose data its answers come from."""
    if not tools.named_resolvers:
        return
    says: dict[str, dict[str, Any]] = {}
    tape.note(resolvers=says)
    async with trio.open_nursery() as nursery:
        for view in (await resolver_views(tools))[:MOST_RESOLVERS]:
            says[view.name] = {"failure": "timeout"}
            nursery.start_soon(_resolver, spec, view, says, tools)


async def _resolver(spec: ZoneSpec, view: ResolverView, says: dict[str, dict[str, Any]], tools: Tools) -> None:
    if view.server is None:
        says[view.name] = {"failure": "no_address"}
        return
    server, found = view.server, dict[str, Any]()

    async def one(question: tuple[str, str]) -> None:
        name, rdtype = question
        asked = await ask(Query(name=name, type=rdtype, recurse=True), server, tools.dns, left_s(QUERY_S))
        if rdtype == "NS":
            found["failure" if asked.reply is None else "rcode"] = (
                asked.outcome if asked.reply is None else asked.reply.rcode
            )
        records = [record for record in asked.reply.answers if record.type == rdtype] if asked.reply else []
        if records and rdtype == "NS":
            found["ns"] = sorted({target_of(record.text) for record in records})[:MOST_NAMES]
            found["ttl"] = min(record.ttl for record in records)
        elif records:
            found["marker"] = records[0].text.strip('"')[:MAX_TEXT]

    await side_by_side(one, [(spec.zone, "NS"), *([(spec.marker, "TXT")] if spec.marker is not None else [])])
    says[view.name] = found


def judge(evidence: Evidence) -> Verdict | None:
    """The delegation's worst problem. That it could not be read says nothing of what it holds."""
    task: AtParent = evidence.material["task"]
    if isinstance(task.found, WalkFailed):
        return _judge_walk(task.found)
    reason = worst(evidence.findings.get("problems", {}))
    return Verdict(reason) if reason else None


def _judge_walk(failed: WalkFailed) -> Verdict:
    if failed.word == "no_delegation":
        return Verdict("dns_no_delegation")
    if failed.word == "over_budget":
        return judge_outcome("over_budget")
    # Not one root server answers: that is no fault of theirs.
    return Verdict("dns_parent_unreachable", "network" if failed.zone == "." else None)
