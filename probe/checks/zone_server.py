"""One server of a zone at one address: its SOA, the data beside it, and what they say of the server. `run` gathers,
`judge` is pure."""

from collections.abc import Sequence
from typing import Any

import msgspec
import trio

from parallax.plan.dns_specs import ZoneSpec
from probe.checks.dns_findings import MAX_TEXT, extended_errors
from probe.dns.classes import ANSWERS, auth_class
from probe.dns.client import Asked, Server, Transport, ask
from probe.dns.message import Query, Reply
from probe.judges.exchange import judge_outcome
from probe.kind import Subject
from probe.remaining import left_s
from probe.sites.chaos import ask_identity
from probe.sites.name_servers import site_of_identity
from probe.sites.site import note_site
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict

QUERY_S = 3.0


class AtServer(msgspec.Struct, frozen=True, kw_only=True):
    """What a run asks one server's address."""

    transport: Transport = "udp"
    data: bool = False
    """Asks for the spec's data name too."""


async def run(spec: ZoneSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Asks for the SOA, and for the data beside it, once each. Phase `query`; `identity` where the site
    is asked for on its own."""
    task: AtServer = subject.task
    tape.material.update(task=task, address=subject.address, operator=subject.dims.get("operator", ""))
    server = Server(address=subject.address, name=subject.host, transport=task.transport)
    client = tools.dns
    soa = Query(name=spec.zone, type="SOA", recurse=False, zoneversion=True)

    async def ask_data(name: str) -> None:
        query = Query(name=name, type="A", recurse=False)
        tape.note(data=_data(spec, name, await ask(query, server, client, left_s(QUERY_S))))

    with tape.phase("query"):
        if task.data and spec.data is not None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask_data, spec.data)
                asked = await ask(soa, server, client, left_s(QUERY_S))
        else:
            asked = await ask(soa, server, client, left_s(QUERY_S))
        _note(spec, asked, subject.host, tape)
    reply = asked.reply
    if spec.chaos and task.transport == "udp" and reply is not None and not reply.nsid:
        with tape.phase("identity"):
            identity, _ = await ask_identity(server, tools.dns, left_s(QUERY_S))
        note_site(tape, site_of_identity(identity, subject.host))
        tape.note(identity=identity[:MAX_TEXT] if identity else None)


def _note(spec: ZoneSpec, asked: Asked, server: str, tape: Tape) -> None:
    tape.note(
        bad_replies=asked.bad_replies or None,
        edns_broken=asked.edns_broken or None,
        tcp_fallback=asked.tcp_fallback or None,
        detail=asked.detail[:500] or None,
    )
    if asked.reply is None:
        tape.note(**{"class": asked.outcome})
        tape.fail(asked.outcome, asked.detail)
        tape.material["last_phase"] = asked.phases[-1].name if asked.phases else "query"
        return
    reply = asked.reply
    note_site(tape, site_of_identity(reply.nsid, server), reply.nsid)
    tape.note(
        **{"class": auth_class(reply, spec.zone, spec.zone, "SOA")},
        rcode=reply.rcode,
        flags=list(reply.flags),
        aa="AA" in reply.flags,
        edns=reply.edns,
        size=reply.size,
        rtt_ns=asked.rtt_ns if asked.rtt_ns is not None else asked.duration_ns,
        zoneversion=reply.zoneversion,
        ede=extended_errors(reply),
        **_soa(spec.zone, reply),
    )


def _soa(zone: str, reply: Reply) -> dict[str, Any]:
    """The SOA's fields (RFC 1035 section 3.3.13), those that say how current a server is."""
    found = next((record for record in reply.answers if record.type == "SOA" and record.owner == zone), None)
    fields = found.text.split(" ") if found else []
    if found is None or len(fields) != 7 or not all(field.isdigit() for field in fields[2:]):
        return {}
    serial, refresh, _, expire, negative_ttl = map(int, fields[2:])
    return {
        "serial": serial,
        "mname": fields[0].lower().removesuffix(".")[:MAX_TEXT],
        "ttl": found.ttl,
        "refresh": refresh,
        "expire": expire,
        "negative_ttl": negative_ttl,
    }


def _data(spec: ZoneSpec, name: str, asked: Asked) -> dict[str, Any]:
    if asked.reply is None:
        return {"name": name, "class": asked.outcome}
    records = [record for record in asked.reply.answers if record.owner == name]
    said: dict[str, Any] = {"name": name, "class": auth_class(asked.reply, spec.zone, name, "A")}
    if records:
        said |= {"type": records[0].type, "ttl": min(record.ttl for record in records)}
    return said


def judge(evidence: Evidence) -> Verdict | None:
    """What one address's answers mean. A server that does not serve the zone is lame, whatever it says instead."""
    findings = evidence.findings
    if evidence.failure is not None:
        return _judge_failure(evidence)
    if findings["class"] != "auth_answer":
        return Verdict("dns_lame")
    data = findings.get("data", {}).get("class", "auth_answer")
    if data in _BY_DATA:
        return Verdict(_BY_DATA[data])
    if data not in ("auth_answer", "referral_down"):
        return Verdict("dns_lame_partly") if data.startswith(("lame_", "rcode_")) else judge_outcome(data)
    return Verdict("dns_edns_broken") if findings.get("edns_broken") else None


_BY_DATA = {"auth_nxdomain": "dns_nxdomain", "auth_nodata": "dns_nodata"}


def _judge_failure(evidence: Evidence) -> Verdict:
    if evidence.failure == "timeout" and evidence.material.get("last_phase") == "connect":
        return Verdict("connect_timeout")
    if evidence.failure == "timeout" and evidence.material.get("last_phase") in ("tcp_connect", "tcp_query"):
        return Verdict("dns_truncated")
    assert evidence.failure is not None
    return judge_outcome(evidence.failure)


def intercepted(asked: Sequence[Evidence]) -> bool:
    """Whether the servers of one family, asked over one transport, look as if one box on the way answered for them all:
    each of several addresses answers, none with authority, and each offers recursion; or they call themselves by one
    and the same NSID, though they are of several operators."""
    found = [evidence.findings for evidence in asked]
    if len({evidence.material["address"] for evidence in asked}) < 2:
        return False
    if any(evidence.failure is not None or evidence.findings["class"] in ANSWERS for evidence in asked):
        return False
    if all(each["class"] == "lame_cached" and "RA" in each["flags"] for each in found):
        return True
    names = {each.get("nsid") for each in found}
    operators = {evidence.material["operator"] for evidence in asked}
    return len(names) == 1 and None not in names and len(operators) > 1
