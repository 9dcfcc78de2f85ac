"""The kind `dns.resolve`: a name at named resolvers, with each resolver's control name beside it (RFC 1034, RFC 8914).

The name is asked once. The control is shared between the names of a check, so that T names at R resolvers cost
R x (T + 1) queries: while names resolve, one that was fine a moment ago is enough. It proves nothing about a name that
fails now: then it is asked at that moment, before the name's own time is over.
"""

from typing import get_args

import msgspec
import trio

from parallax.clock import NS, to_ns
from parallax.plan.dns_specs import AddressType, ResolveSpec
from parallax.plan.types import Resolver
from parallax.values import Endpoint, dns_name
from probe.capabilities import need_of
from probe.checks.dns_findings import extended_errors, plain
from probe.checks.resolve_classes import (
    WITHOUT_ANSWER,
    control_class,
    late_like_stale,
    outcome_class,
    reply_class,
    ttl_stands_still,
)
from probe.checks.resolve_judge import judge, judge_together
from probe.dns.answer import values_at
from probe.dns.client import Asked, Client, Server, ask
from probe.dns.message import Query, Record, load_types
from probe.dns.resolvers import Control, Resolvers, Trace, address_of, server_of
from probe.kind import NOWHERE, Subject
from probe.remaining import left_s
from probe.sites.name_servers import site_of_identity
from probe.sites.site import note_site
from probe.tape import Tape
from probe.tools import Tools

__all__ = ["find", "judge", "judge_together", "load", "run"]

KEPT_S = 30.0
"""How long a control that was fine is good enough for names that resolve."""
KEPT_BAD_S = 3.0
"""How long one that failed is for names that fail, too."""
LATE_S = 0.3
"""A name that has not answered by then has its control asked beside it."""
GRACE_S = 0.5
"""How long a control is still waited for once the name has resolved."""
MOST_SNOOP_S = 0.5
MOST_CD_S = 1.5
MAX_ANSWERS = 50
TRACE_S = 7 * 86400.0


def load(target: str) -> None:
    """What reads the records."""
    load_types(get_args(AddressType))


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Whom one attempt asks."""

    resolver: Resolver | None
    """None: the check names a resolver that the plan does not have."""
    hosts_own: bool = False
    """Whether it is one of the resolvers of the probe's host."""


async def find(spec: ResolveSpec, target: str, tape: Tape, tools: Tools) -> list[Subject]:
    """One subject a resolver: those that the check names, else all of the plan, else the host's own."""
    named = {resolver.name: resolver for resolver in tools.named_resolvers}
    if spec.resolvers:
        chosen = _able({name: Task(resolver=named.get(name)) for name in dict.fromkeys(spec.resolvers)}, tools)
    elif named:
        chosen = _able({name: Task(resolver=resolver) for name, resolver in named.items()}, tools)
    else:
        chosen = {
            str(address): Task(resolver=Resolver(name=str(address), address=Endpoint(address)), hosts_own=True)
            for address in tools.resolvers
        }
    if not chosen:
        tape.fail("no_resolver", 'no resolver is known; add a [[resolver]] to the plan, or "resolvers" to the config')
    return [_subject(target, name, task) for name, task in chosen.items()]


def _able(chosen: dict[str, Task], tools: Tools) -> dict[str, Task]:
    """Those that this host can ask: to ask one by a way that is closed here would blame the resolver."""
    able = {
        name: task
        for name, task in chosen.items()
        if task.resolver is None or need_of(task.resolver) not in tools.lacks
    }
    return able or chosen  # a run that lacks all is not begun (probe.capabilities)


def _subject(target: str, name: str, task: Task) -> Subject:
    resolver = task.resolver
    if resolver is None:
        return Subject(target=target, host=name, name=name, dims={"resolver": name}, task=task)
    dims = {"resolver": name, "transport": resolver.transport}
    address = resolver.address.address or NOWHERE
    return Subject(target=target, host=resolver.address.host, address=address, name=name, dims=dims, task=task)


async def run(spec: ResolveSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Asks one resolver for the name, and for its control. Phases: `lookup` where the resolver is given by a name,
    `snoop` at the owner's own, `query`, after a SERVFAIL `query_cd`, and `control` where that is waited for."""
    task: Task = subject.task
    resolver = task.resolver
    if resolver is None:
        tape.fail("unsupported", f"the plan has no [[resolver]] {subject.host!r} that this probe can read")
        return
    if resolver.transport == "doq":
        tape.fail("unsupported", "DNS over QUIC is not built yet; ask over dot or doh")
        return
    address = subject.address or await address_of(resolver, tools, tape)
    if not address:
        tape.fail("resolver_without_address")
        return
    tape.material["resolver"] = address
    tape.dims.update(address=address.ip, family=str(address.family))
    if address.family not in tools.families:
        tape.fail("no_family")
        return
    server = msgspec.structs.replace(server_of(resolver, address), hosts_own=task.hosts_own)
    await _Attempt(spec, subject.target, resolver, server, tools.dns, tape).run()


class _Attempt:
    """One name at one resolver."""

    def __init__(
        self, spec: ResolveSpec, name: str, resolver: Resolver, server: Server, client: Client, tape: Tape
    ) -> None:
        self._spec, self._name, self._resolver = spec, name, resolver
        self._server, self._client, self._tape = server, client, tape
        self._remembered = client.memory.of(Resolvers)
        self._resolved: bool | None = None
        """Whether the name resolved; None until that is known."""
        self._known = trio.Event()
        self._key = f"{resolver.name} {server.address} {resolver.transport}"

    async def run(self) -> None:
        query = Query(name=self._name, type=self._spec.type, recurse=True)
        if self._resolver.own:
            with self._tape.phase("snoop"):
                await self._snoop()
        async with trio.open_nursery() as nursery:
            if self._resolver.control is not None:
                nursery.start_soon(self._control, self._resolver.control)
            with self._tape.phase("query"):
                asked = await ask(query, self._server, self._client, left_s())
            word = self._class(asked)
            self._note(asked, word)
            self._resolved = word not in WITHOUT_ANSWER
            self._known.set()
            if word == "servfail" and left_s() > 0:
                with self._tape.phase("query_cd"):
                    await self._without_checking(query)
            if self._resolver.control is not None:
                self._tape.enter("control")
                if self._resolved:
                    nursery.cancel_scope.deadline = min(nursery.cancel_scope.deadline, trio.current_time() + GRACE_S)
        self._tape.leave()
        self._hint(asked)

    def _class(self, asked: Asked) -> str:
        if asked.reply is None:
            return outcome_class(asked.outcome)
        return reply_class(self._spec, self._name, asked.reply)

    def _note(self, asked: Asked, word: str) -> None:
        tape, reply = self._tape, asked.reply
        tape.note(**{"class": word})
        tape.note(
            outcome=None if asked.ok else asked.outcome,
            detail=asked.detail or None,
            rtt_ns=asked.rtt_ns,
            bad_replies=asked.bad_replies or None,
            edns_broken=asked.edns_broken or None,
            tcp_fallback=asked.tcp_fallback or None,
        )
        if reply is None:
            return
        tape.material["values"] = values_at(reply.answers, self._name, self._spec.type)
        note_site(tape, site_of_identity(reply.nsid, self._server.name), reply.nsid)
        tape.note(
            rcode=reply.rcode,
            flags=list(reply.flags),
            answers=[plain(record) for record in reply.answers[:MAX_ANSWERS]],
            answer_count=len(reply.answers),
            min_ttl=min((record.ttl for record in reply.answers), default=None),
            size=reply.size,
            ede=extended_errors(reply),
        )
        if word in ("fresh", "stale_definite"):
            for record in reply.answers[:MAX_ANSWERS]:
                self._remember(record)

    def _remember(self, record: Record) -> None:
        """The names met belong to the inventory of their zones: what a resolver made up does not get this far."""
        for text in (record.owner, record.text if record.type == "CNAME" else ""):
            if text and _is_name(text):
                self._client.memory.names.note(text.lower().removesuffix("."))

    async def _snoop(self) -> None:
        """What the cache holds, without fetching it. Unbound refuses that to others than its owner, with extended
        error 20; PowerDNS and BIND answer."""
        query = Query(name=self._name, type=self._spec.type, recurse=False)
        asked = await ask(query, self._server, self._client, min(MOST_SNOOP_S, left_s() / 4))
        reply = asked.reply
        self._tape.note(snoop=reply.rcode if reply else asked.outcome)
        if reply is not None and reply.rcode in ("NOERROR", "NXDOMAIN"):
            held = {record.owner: record.ttl for record in reversed(reply.answers[:MAX_ANSWERS])}
            self._tape.note(cached=held)

    async def _without_checking(self, query: Query) -> None:
        """Whether it is validation that fails: then the resolver has the data, and hands it out if told not to
        validate (RFC 4035 section 3.2.2)."""
        unchecked = msgspec.structs.replace(query, checking_disabled=True)
        asked = await ask(unchecked, self._server, self._client, left_s(MOST_CD_S))
        self._tape.note(unchecked=asked.reply.rcode if asked.reply else asked.outcome)
        if asked.reply is not None and asked.reply.rcode == "NOERROR" and asked.reply.answers:
            self._tape.note(**{"class": "dnssec_bogus"})

    async def _control(self, name: str) -> None:
        """Notes how the control went: a kept one where that says enough, else asked now."""
        kept = self._remembered.controls.stale(self._key)
        age_s = trio.current_time() - kept.at if kept else float("inf")
        if kept and kept.ok and age_s < KEPT_S:
            with trio.move_on_after(LATE_S):
                await self._known.wait()
            if self._resolved:
                self._note_control(name, kept, age_s)
                return
        if kept and not kept.ok and age_s < KEPT_BAD_S:
            self._note_control(name, kept, age_s)
            return
        self._tape.note(control={"name": name, "class": "late"})  # stays if the attempt ends before it
        began = trio.current_time()
        under_way = self._remembered.controls_under_way
        if (others := under_way.get(self._key)) is not None:  # another name of this moment asks
            await others.wait()
            control = self._remembered.controls.stale(self._key)
            if control and control.at >= began:
                self._note_control(name, control, 0.0)
                return
        under_way[self._key] = ended = trio.Event()
        try:
            asked = await ask(Query(name=name, type="A", recurse=True), self._server, self._client, left_s())
            word = control_class(asked.outcome, asked.reply)
            control = Control(word, asked.duration_ns, trio.current_time())
            if word != "not_asked":
                self._remembered.controls.put(self._key, control, control.at + KEPT_S)
        finally:
            ended.set()
            if under_way.get(self._key) is ended:
                del under_way[self._key]
        self._note_control(name, control, 0.0)

    def _note_control(self, name: str, control: Control, age_s: float) -> None:
        found = {"name": name, "class": control.word, "duration_ns": control.duration_ns}
        self._tape.note(control=found | ({"age_ns": to_ns(age_s)} if age_s else {}))

    def _hint(self, asked: Asked) -> None:
        """What makes an answer look stale that does not say that it is."""
        if asked.reply is None or self._tape.findings["class"] not in ("fresh", "stale_definite"):
            return
        still = [record.owner for record in asked.reply.answers[:MAX_ANSWERS] if self._stands_still(record)]
        control = self._tape.findings.get("control", {})
        control_ns = control.get("duration_ns") if control.get("class") == "ok" else None
        late = late_like_stale(asked.duration_ns / NS, None if control_ns is None else control_ns / NS)
        hints = ["ttl"] * bool(still) + ["latency"] * late
        if hints:
            self._tape.note(stale_hints=hints)
            if self._tape.findings["class"] == "fresh":
                self._tape.note(**{"class": "stale_suspected"})

    def _stands_still(self, record: Record) -> bool:
        traces, now = self._remembered.traces, trio.current_time()
        key = f"{self._key} {record.owner} {record.type}"
        before = traces.stale(key)
        largest = max(record.ttl, before.largest if before else 0)
        since = before.since if before and before.ttl == record.ttl else now
        still = before is not None and ttl_stands_still(record.ttl, now - since, now - before.at, largest)
        traces.put(key, Trace(ttl=record.ttl, since=since, at=now, largest=largest), now + TRACE_S)
        return still


def _is_name(text: str) -> bool:
    try:
        dns_name(text)
    except ValueError:
        return False
    return True
