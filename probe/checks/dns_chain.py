"""The kind `dns.chain`: the aliases from a name to its addresses, hop by hop at the authoritative servers, so that a
fault has a hop and an operator.

At each hop all servers of the name's zone are asked side by side, once. As soon as one has answered, the others have a
moment more (GRACE_S) before the walk goes on; what they say later is still written down. So a dark server beside good
ones costs no time, and the walk's way does not hang on which was first by a hair.

Where a hop fails, its zone is found once more from the parent: a delegation that is remembered may be old (`stale`).
"""

from collections.abc import Iterator
from typing import Any

import trio

from parallax.plan.dns_specs import ChainSpec
from parallax.values import Address
from probe.abstain import NO_FAMILY
from probe.checks.chain_hop import (
    MAX_TEXT,
    MAX_VALUES,
    Said,
    Together,
    min_ttl_by_operator,
    said,
    shared_fate,
    signature,
    together,
)
from probe.dns.client import Asked, Server, ask
from probe.dns.cuts import Cut, WalkFailed
from probe.dns.message import Query, load_types
from probe.dns.walk import delegation, zone_of
from probe.dns.walked import Walked
from probe.judges.connection import judge_connection
from probe.judges.exchange import OURS, judge_outcome
from probe.kind import Subject
from probe.remaining import left_s
from probe.sites.name_servers import site_of_identity
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict

QUERY_S = 1.5
GRACE_S = 0.3
MOST_ASKED = 16
"""Addresses of one zone that are asked; of more, others each time."""


def load(target: str) -> None:
    """What reads the records."""
    load_types(("DNAME", "HTTPS", "MX", "TXT", "SOA", "NS"))


async def find(spec: ChainSpec, target: str, tape: Tape, tools: Tools) -> list[Subject]:
    """The name itself."""
    return [Subject(target=target, host=target, name=target)]


async def run(spec: ChainSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Follows the chain to its end, or to where it breaks. Phases: `walk` (finding a hop's zone) and `query`, in turns;
    the last `query` waits for the servers that have not answered yet."""
    async with trio.open_nursery() as nursery:
        chain = _Chain(spec, tape, tools, nursery)
        try:
            await chain.follow(subject.target)
        finally:
            chain.note()
    chain.note()  # those that answered late
    tape.leave()


class _Chain:
    """One walk along the aliases. `hops` are findings from the start: they survive a timeout."""

    def __init__(self, spec: ChainSpec, tape: Tape, tools: Tools, nursery: trio.Nursery) -> None:
        self._spec, self._tape, self._tools, self._nursery = spec, tape, tools, nursery
        self._hops: list[dict[str, Any]] = []
        self._heard: list[dict[Address, Said]] = []
        self._followed = False
        """Every hop was answered with authority: what leads where is known to the end."""

    async def follow(self, start: str) -> None:
        self._tape.note(hops=self._hops)
        name, met = start, {start}
        self._tools.memory.names.note(start)
        for _ in range(self._spec.max_hops + 1):
            found = await self._hop(name)
            if found is None or found.said.state != "alias":
                return
            name = found.said.target
            self._tools.memory.names.note(name)
            if name in met:
                self._end("loop", followed=True)
                return
            met.add(name)
        self._end("too_long", followed=True)

    async def _hop(self, name: str) -> Together | None:
        """One hop; None, or a state other than alias, where the chain ends here."""
        hop: dict[str, Any] = {"owner": name, "servers": {}}
        self._hops.append(hop)
        self._heard.append({})
        cut = await self._zone(name, hop)
        if cut is None:
            return None
        found = await self._ask(name, cut, hop)
        if found.said.state not in ("alias", "end"):
            found = await self._once_more(name, cut, hop, found)
        one = found.said
        if one.state in ("alias", "end"):
            hop.update(type=one.type, ttl=one.ttl)
        if one.state == "alias":
            hop["target"] = one.target
            return found
        if one.state == "end":
            self._tape.note(end=[value[:MAX_TEXT] for value in one.values[:MAX_VALUES]])
        elif one.state == "dark" and found.word in OURS:
            self._tape.note(failure=found.word)
        self._tape.note(intercepted=found.boxed or None)
        self._end(
            "lame" if one.state == "delegated" else one.state, followed=one.state in ("end", "nodata", "nxdomain")
        )
        return found

    async def _zone(self, name: str, hop: dict[str, Any]) -> Cut | None:
        """The name's zone, written down; None, and the chain ends, where it cannot be found."""
        self._tape.enter("walk")
        found = await zone_of(name, self._tools, left_s() / 2)
        if isinstance(found, WalkFailed):
            known = self._tools.memory.of(Walked).cuts.stale(found.zone) or Cut(zone=found.zone)
            _write_zone(hop, known)
            if found.word not in ("dark", "lame", "timeout") or not known.addresses:
                self._tape.note(walk=found.word, detail=found.detail or None)
                if found.word in OURS:
                    self._tape.note(failure=found.word)
                self._tape.material["other_family"] = found.word == "no_address" and self._other_family(known)
                self._end("lame" if found.word == "lame" else "dark")
                return None
            found = known  # the walk ended at servers that fail: they are the hop's, and are asked like any others
        _write_zone(hop, found)
        return found

    def _other_family(self, cut: Cut) -> bool:
        """Whether the zone's servers may well have addresses, of the family that this probe lacks."""
        hosts = [self._tools.memory.of(Walked).hosts.stale(server.name) for server in cut.servers]
        failures = {host.failure for host in hosts if host is not None}
        none_at_all = cut.zone == "." and not cut.servers  # no root of this family
        return len(self._tools.families) == 1 and (failures == {"no_address"} or none_at_all)

    async def _once_more(self, name: str, cut: Cut, hop: dict[str, Any], before: Together) -> Together:
        """The hop by the delegation as the parent has it now, if that leads elsewhere."""
        self._tape.enter("walk")
        if before.said.state == "delegated":  # the zone was cut further below
            fresh = await zone_of(name, self._tools, left_s() / 2, fresh=True)
        else:
            delegated = await delegation(cut.zone, self._tools, left_s() / 2)
            fresh = delegated if isinstance(delegated, WalkFailed) else delegated.cut
        if isinstance(fresh, WalkFailed):
            self._tape.note(walk=fresh.word, detail=fresh.detail or None)
            return before
        if not set(fresh.addresses) - set(cut.addresses):
            return before
        _write_zone(hop, fresh)
        found = await self._ask(name, fresh, hop)
        if found.said.state in ("alias", "end") and before.said.state != "delegated":
            self._tape.note(stale=name)
        return found

    async def _ask(self, name: str, cut: Cut, hop: dict[str, Any]) -> Together:
        """All servers of the zone that were not asked yet, side by side; ends before the last one has answered."""
        self._tape.enter("query")
        heard: dict[Address, Said] = {}
        self._heard[-1] = heard
        addresses = self._some(cut)
        names = {address: server.name for server in cut.servers for address in server.addresses}
        timeout_s = min(QUERY_S, left_s() * 0.8)
        results, told = trio.open_memory_channel[Said](len(addresses) or 1)

        async def one(address: Address) -> None:
            query = Query(name=name, type=self._spec.type, recurse=False)
            asked = await ask(query, Server(address=address), self._tools.dns, timeout_s)
            heard[address] = said(asked, cut.zone, name, self._spec.type)
            hop["servers"][str(address)] = heard[address].word
            self._note_site(hop, names[address], address, asked)
            results.send_nowait(heard[address])

        for address in addresses:
            hop["servers"].setdefault(str(address), "timeout")
            self._nursery.start_soon(one, address)
        grace = trio.CancelScope()
        with grace:
            for _ in addresses:
                if (await told.receive()).state in ("alias", "end") and grace.deadline == float("inf"):
                    grace.deadline = trio.current_time() + GRACE_S
        return together(heard.values())

    def _note_site(self, hop: dict[str, Any], server: str, address: Address, asked: Asked) -> None:
        site = site_of_identity(asked.reply.nsid, server) if asked.reply is not None else None
        if site is not None:
            hop.setdefault("sites", {})[str(address)] = site.name

    def _some(self, cut: Cut) -> list[Address]:
        found = list(cut.addresses)
        if len(found) <= MOST_ASKED:
            return found
        turn = self._tools.memory.turn(f"dns.chain {cut.zone}") * MOST_ASKED % len(found)
        return (found[turn:] + found[:turn])[:MOST_ASKED]

    def _end(self, how: str, *, followed: bool = False) -> None:
        self._tape.note(ended=how)
        self._followed = followed
        if how != "end":
            self._at(self._hops[-1])

    def _at(self, hop: dict[str, Any]) -> None:
        """Labels of where the fault is."""
        whose = None if "intercepted" in self._tape.findings else hop.get("operator")
        named = {"hop": hop["owner"], "zone": hop.get("zone"), "operator": whose}
        self._tape.dims.update({key: value for key, value in named.items() if value})

    def note(self) -> None:
        """What the hops come to together."""
        targets = [hop["target"] for hop in self._hops if "target" in hop]
        sites = self._hops[-1].get("sites", {}) if self._hops else {}
        self._tape.site = sites[min(sites)] if sites else None
        expected = [name for name in self._spec.expect if name not in (self._hops[0]["owner"] if self._hops else "",)]
        stray = next(_strays(self._spec, targets), None)
        ended = self._tape.findings.get("ended")
        if stray is not None and ended == "end":  # where the chain breaks, that is the fault
            self._at(next(hop for hop in self._hops if hop.get("target") == stray))
        self._tape.note(
            signature=signature(self._hops) if self._followed else None,
            shared_fate=shared_fate(self._hops) or None,
            min_ttl_by_operator=min_ttl_by_operator(self._hops) or None,
            workaround=next((name for name in targets if name in self._spec.workaround), None),
            unexpected=stray,
            flattened=(bool(expected) and not targets and ended == "end") or None,
            disagree=[
                hop["owner"]
                for hop, heard in zip(self._hops, self._heard, strict=True)
                if together(heard.values()).disagree
            ]
            or None,
        )


def _write_zone(hop: dict[str, Any], cut: Cut) -> None:
    operators = list(dict.fromkeys(server.operator for server in cut.servers if server.operator))
    hop.update(zone=cut.zone, operator=", ".join(operators))
    hop.pop("operators", None)
    if len(operators) > 1:
        hop["operators"] = operators


def _strays(spec: ChainSpec, targets: list[str]) -> Iterator[str]:
    if spec.expect:
        known = {*spec.expect, *spec.workaround}
        yield from (target for target in targets if target not in known)


_BY_END = {
    "dark": "dns_hop_dark",
    "lame": "dns_hop_lame",
    "nxdomain": "dns_hop_nxdomain",
    "nodata": "dns_hop_nodata",
    "loop": "dns_chain_loop",
    "too_long": "dns_chain_too_long",
}


def judge(spec: ChainSpec, evidence: Evidence) -> Verdict | None:
    """Where the chain breaks, else whether it is the one that the plan expects."""
    findings = evidence.findings
    ended = findings.get("ended")
    if evidence.failure not in (None, "timeout"):
        return judge_connection(evidence)
    if ended is None:  # the time ran out at this hop
        return Verdict("dns_hop_dark")
    if findings.get("failure") in OURS:
        return judge_outcome(findings["failure"])
    if ended == "dark" and findings.get("walk") == "no_address":
        return Verdict("dns_hop_dark", abstain=NO_FAMILY if evidence.material.get("other_family") else None)
    if ended == "dark" and findings["hops"][-1].get("zone") == ".":
        return Verdict("dns_hop_dark", "network")  # not one root server answers: nobody else would notice less
    if ended == "lame" and ("intercepted" in findings or findings["hops"][-1].get("zone") == "."):
        return Verdict("dns_intercepted")
    if ended in _BY_END:
        return Verdict(_BY_END[ended])
    if "unexpected" in findings:
        return Verdict("dns_chain_unexpected")
    if "stale" in findings:
        return Verdict("dns_delegation_stale")
    return Verdict("dns_chain_flattened") if "flattened" in findings else None
