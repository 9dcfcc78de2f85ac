"""What the evidence of `dns.dnssec` is worth: a word for each way in which a chain of trust breaks. Pure."""

from typing import Any

from parallax.plan.dns_specs import DnssecSpec
from parallax.reasons import REASONS
from probe.abstain import NO_FAMILY
from probe.checks.dnssec_evidence import Signatures
from probe.dns.ede import BOGUS, ZONE_IS_BROKEN
from probe.judges.connection import ABSTAINS, BY_FAILURE
from probe.judges.exchange import judge_outcome
from probe.tape import Evidence
from probe.verdict import Verdict

DAY_S = 86_400
LEAST_WARNING_S = 3 * DAY_S
_BY_STATE = {
    "expired": "dnssec_expired",
    "not_yet_valid": "dnssec_not_yet_valid",
    "sig_invalid": "dnssec_sig_invalid",
    "unknown_key": "dnssec_unknown_key",
    "unsigned": "dnssec_unsigned",
    "unreadable": "dnssec_sig_invalid",
    "unsupported": "dnssec_unsupported",
}
_BY_RCODE = {"SERVFAIL": "dns_servfail", "REFUSED": "dns_refused", "NXDOMAIN": "dns_nxdomain"}


def judge(spec: DnssecSpec, evidence: Evidence) -> Verdict | None:
    """By what the subject is: the parent, an operator, a resolver."""
    role = evidence.material.get("role")
    if evidence.failure is not None and (evidence.failure != "timeout" or role is None):
        reason = BY_FAILURE.get(evidence.failure, "dns_timeout" if role else "overrun")
        return Verdict(reason, abstain=ABSTAINS.get(evidence.failure))
    if role == "parent":
        return _judge_parent(spec, evidence)
    return _judge_operator(spec, evidence) if role == "operator" else _judge_resolver(evidence)


def _judge_parent(spec: DnssecSpec, evidence: Evidence) -> Verdict | None:
    material, findings = evidence.material, evidence.findings
    if "walk" in material:
        if material["walk"] == "no_delegation":
            return Verdict("dns_no_delegation")
        if material["walk"] == "over_budget":
            return judge_outcome("over_budget")
        if material["walk"] == "no_address" and material["one_family"]:
            return Verdict("dns_parent_unreachable", "probe", abstain=NO_FAMILY)
        return Verdict("dns_parent_unreachable")
    if not material["told"]:
        return Verdict("dns_parent_unreachable", note={"because": "no server of the parent says what the DS set is"})
    if not material["ds"]:
        if spec.signed or (spec.signed is None and "vanished" in findings):
            because = "the DS set has vanished" if "vanished" in findings else "the parent has no DS record"
            return Verdict("dnssec_insecure", note={"because": because})
        return None
    if material.get("matches") is False:
        return Verdict("dnssec_ds_no_match", note={"because": "no key that is served fits a DS record"})
    return Verdict("dnssec_parents_differ") if material["differ"] else None


def _judge_operator(spec: DnssecSpec, evidence: Evidence) -> Verdict | None:
    material = evidence.material
    if material.get("outcome") == "no_address":
        return Verdict("dns_server_unresolvable")
    gathered = material.get("gathered", {})
    read: Signatures | None = material.get("signatures")
    ds = material["ds"]
    unanswered = next((v for word in ("SOA", "DNSKEY") if (v := _unanswered(gathered.get(word))) is not None), None)
    if read is None:
        return unanswered or Verdict("dns_timeout")
    bogus = _bogus(spec, read, ds) if gathered.get("DNSKEY") is not None else None
    if bogus is not None and not REASONS[bogus.reason].soft and _unanswered(gathered.get("DNSKEY")) is None:
        return bogus
    return unanswered or bogus


def _bogus(spec: DnssecSpec, read: Signatures, ds: tuple[str, ...] | None) -> Verdict | None:
    """What a validator makes of it. Without a DS set nobody validates: then it matters only where the plan wants the
    zone signed."""
    if not read.signed:
        return Verdict("dnssec_unsigned") if ds or spec.signed else None
    if ds is not None and not ds and not spec.signed:
        return None
    if read.by_parent is not None:
        if not any(state.matches for state in read.ds):
            return _said("dnssec_ds_no_match", f"none of {_count(len(read.ds), 'DS record')} fits a key")
        if read.by_parent.state != "ok":
            return _said(_BY_STATE[read.by_parent.state], "the key set, by the keys that the parent vouches for")
    for signed in read.sets:
        if signed.state != "ok" and signed.state != "unsupported" and signed.type not in ("NSEC", "NSEC3"):
            return _said(_BY_STATE[signed.state], f"{signed.owner} {signed.type}")
    if ds and (missing := read.missing_algorithms):
        return _said("dnssec_alg_missing", f"algorithm {', '.join(map(str, missing))} of the DS set signs no key set")
    if read.denial not in ("proven", "unasked", "unsupported"):
        bad = next((each for each in read.sets if each.type in ("NSEC", "NSEC3") and each.state != "ok"), None)
        if bad is not None and bad.state in ("expired", "not_yet_valid", "sig_invalid", "unknown_key"):
            return _said(_BY_STATE[bad.state], f"{bad.owner} {bad.type}")
        return _said("dnssec_denial_broken", f"a name that is not there: {read.denial.replace('_', ' ')}")
    return _soft(read)


def _soft(read: Signatures) -> Verdict | None:
    if any(signed.state == "unsupported" for signed in read.sets):
        return Verdict("dnssec_unsupported")
    first = read.first_to_end
    level = expiry_level(read.left_s, first.validity_s) if first is not None and first.validity_s else None
    if first is not None and level is not None:
        note = {"expiry": level, "because": f"{first.owner} {first.type} in {read.left_s // 3600} h"}
        return Verdict("dnssec_expires_soon", note=note)
    beyond = next((signed for signed in read.sets if signed.beyond), None)
    return _said("dnssec_ttl_beyond", f"{beyond.owner} {beyond.type}") if beyond is not None else None


def expiry_level(left_s: int, validity_s: int) -> str | None:
    """How soon is soon: "warn" below a quarter of the validity, and three days at least; "critical" below one day.

    A signer that makes signatures for a few days only renews them by the day: for those it is a quarter, and an eighth,
    of what they last."""
    short = validity_s < 4 * LEAST_WARNING_S
    warn = validity_s / 4 if short else max(LEAST_WARNING_S, validity_s / 4)
    critical = min(DAY_S, validity_s / 8)
    return "critical" if left_s < critical else "warn" if left_s < warn else None


def _judge_resolver(evidence: Evidence) -> Verdict | None:
    findings, outcome = evidence.findings, evidence.material.get("outcome", "timeout")
    if outcome == "no_address":
        return Verdict("dns_resolver_down")
    if outcome != "ok":
        return judge_outcome(outcome, "resolver")
    rcode, extended = findings["rcode"], set(findings.get("ede", ()))
    if rcode == "SERVFAIL" and (extended & BOGUS or findings.get("unchecked") == "NOERROR"):
        return Verdict("dns_bogus")
    if rcode == "NOERROR":
        return None
    target = rcode == "NXDOMAIN" or (rcode == "SERVFAIL" and extended & ZONE_IS_BROKEN)
    return Verdict(_BY_RCODE.get(rcode, "dns_rcode"), "target" if target else "resolver")


def _unanswered(asked: Any) -> Verdict | None:
    if asked is None:
        return None
    if asked.reply is None:
        return judge_outcome(asked.outcome)
    if asked.reply.rcode != "NOERROR":
        return Verdict(_BY_RCODE.get(asked.reply.rcode, "dns_rcode"))
    if "AA" not in asked.reply.flags:
        return Verdict("dns_not_authoritative")
    soa = asked.query.type != "SOA" or any(record.type == "SOA" for record in asked.reply.answers)
    return None if soa else Verdict("dns_nodata")


def _said(reason: str, because: str) -> Verdict:
    return Verdict(reason, note={"because": because})


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")
