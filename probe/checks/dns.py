"""The `dns` check: one query to one server or resolver (RFC 1035), and what its answer is worth."""

from typing import Any, get_args

import msgspec

from parallax.plan.specs import DnsSpec, RecordType
from probe.checks.dns_findings import MAX_TEXT, extended_errors, plain
from probe.dns.answer import is_alias, values_at
from probe.dns.client import Server, exchange
from probe.dns.ede import FILTERED, ZONE_IS_BROKEN
from probe.dns.exchange import Heard, NoReply
from probe.dns.message import Query, Reply, comparable, load_types
from probe.judges.connection import judge_connection
from probe.kind import Subject
from probe.sites.name_servers import site_of_identity
from probe.sites.site import note_site
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict

MAX_ANSWERS = 50


def prepare(target: str, tools: Tools) -> None:
    """What reads the records, of whatever type."""
    load_types(get_args(RecordType))


async def run(spec: DnsSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Asks once. Phases: over UDP `query`, and `tcp_connect`, `tcp_query` after a truncated answer; over TCP `connect`
    and `query`."""
    tape.dims.update({"transport": spec.transport, "resolver" if spec.role == "resolver" else "server": subject.host})
    query = Query(name=spec.query, type=spec.type, recurse=spec.role == "resolver")
    heard = Heard(tape.enter)
    try:
        server = Server(address=subject.address, transport=spec.transport)
        _note(tape, spec, await exchange(query, server, tools.dns, heard))
        tape.leave()
    except NoReply as none:
        tape.fail(none.failure, str(none))
    finally:
        if heard.truncated is not None:
            if "rcode" not in tape.findings:
                _note(tape, spec, heard.truncated)
            tape.note(tcp_fallback=True)
        tape.note(bad_replies=heard.bad_replies or None, edns_broken=heard.edns_broken or None, rtt_ns=heard.rtt_ns)


def _note(tape: Tape, spec: DnsSpec, reply: Reply) -> None:
    """Writes a reply down."""
    # Whole and uncut, for judge alone: the findings are bounded.
    tape.material["values"] = values_at(reply.answers, spec.query, spec.type)
    tape.material["alias"] = is_alias(reply.answers, spec.query)
    note_site(tape, site_of_identity(reply.nsid, tape.dims.get("server", "")), reply.nsid)
    tape.note(
        rcode=reply.rcode,
        flags=list(reply.flags),
        answers=[plain(record) for record in reply.answers[:MAX_ANSWERS]],
        answer_count=len(reply.answers),
        min_ttl=min((record.ttl for record in reply.answers), default=None),
        size=reply.size,
        edns=reply.edns,
        ede=extended_errors(reply),
    )


def judge(spec: DnsSpec, evidence: Evidence) -> Verdict | None:
    """What the answer, or its absence, means. At a resolver, what the server itself did wrong is the resolver's fault,
    and what the zone says is the target's."""
    if evidence.failure is not None:
        verdict = _judge_failure(evidence)
        return _at_resolver(verdict) if verdict is not None and spec.role == "resolver" else verdict
    return _judge_resolver(spec, evidence) if spec.role == "resolver" else _judge_authority(spec, evidence)


def _judge_failure(evidence: Evidence) -> Verdict | None:
    failure, phase = evidence.failure, evidence.phase
    bad_replies = evidence.findings.get("bad_replies")
    if bad_replies and phase == "query" and failure in ("timeout", "closed"):
        return Verdict("dns_malformed" if set(bad_replies) == {"unreadable"} else "dns_bad_replies")
    if phase in ("tcp_connect", "tcp_query") and failure in ("timeout", "refused", "unreachable", "reset", "closed"):
        return Verdict("dns_truncated")
    if failure in ("malformed", "too_large"):
        return Verdict(f"dns_{failure}")
    return judge_connection(evidence)


def _at_resolver(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, fault="resolver") if verdict.side == "target" else verdict


def _judge_authority(spec: DnsSpec, evidence: Evidence) -> Verdict | None:
    rcode = evidence.findings["rcode"]
    if rcode in ("NOERROR", "NXDOMAIN") and "AA" not in evidence.findings["flags"]:
        return Verdict("dns_not_authoritative")
    return _judge_rcode(spec, rcode) or _judge_values(spec, evidence, alias_is_enough=True)


def _judge_resolver(spec: DnsSpec, evidence: Evidence) -> Verdict | None:
    rcode = evidence.findings["rcode"]
    verdict = _judge_rcode(spec, rcode) or _judge_values(spec, evidence, alias_is_enough=False)
    if verdict is None:
        return None
    extended = {error["code"] for error in evidence.findings.get("ede", ())}
    if rcode == "SERVFAIL" and extended & ZONE_IS_BROKEN:
        return verdict
    own_doing = rcode not in ("NOERROR", "NXDOMAIN") or bool(extended & FILTERED)
    return _at_resolver(verdict) if own_doing else verdict


_BY_RCODE = {"NXDOMAIN": "dns_nxdomain", "SERVFAIL": "dns_servfail", "REFUSED": "dns_refused"}


def _judge_rcode(spec: DnsSpec, rcode: str) -> Verdict | None:
    wanted = spec.expect.rcode if spec.expect else "NOERROR"
    if rcode == wanted:
        return None
    reason = "dns_wrong_answer" if rcode == "NOERROR" else _BY_RCODE.get(rcode, "dns_rcode")
    return Verdict(reason, note=_expected(spec))


def _judge_values(spec: DnsSpec, evidence: Evidence, *, alias_is_enough: bool) -> Verdict | None:
    """The records of a NOERROR answer, or of an NXDOMAIN that the plan expects. Without values in the plan, some record
    must be there, unless the plan names the response code: then that is all it asks."""
    found: list[str] = evidence.material["values"]
    if spec.expect is None:
        return None if found or (alias_is_enough and evidence.material["alias"]) else Verdict("dns_nodata")
    if not spec.expect.values:
        return None
    if not found:
        return Verdict("dns_nodata", note=_expected(spec))
    try:
        wanted = {comparable(spec.type, value) for value in spec.expect.values}
    except ValueError:  # the plan's value is no data of this type: no answer can be right
        return Verdict("dns_wrong_answer", "config", note=_expected(spec))
    same = {_comparable(spec.type, text) for text in found} == wanted
    return None if same else Verdict("dns_wrong_answer", note=_expected(spec))


def _expected(spec: DnsSpec) -> dict[str, Any]:
    """What the plan asks for, to stand beside the answers; nothing if the plan says nothing."""
    if spec.expect is None:
        return {}
    values = [value[:MAX_TEXT] for value in spec.expect.values[:MAX_ANSWERS]]
    return {"expected": {"rcode": spec.expect.rcode, "values": values}}


def _comparable(rdtype: str, text: str) -> str:
    try:
        return comparable(rdtype, text)
    except ValueError:
        return text
