"""Verdicts on a lookup that gave no address, and on attempts that it left no time for. Pure."""

from typing import Any

import msgspec

from probe.dns.ede import BOGUS, ZONE_IS_BROKEN
from probe.judges.connection import BY_FAILURE, judge_connection
from probe.tape import Evidence
from probe.verdict import Verdict

_BY_OUTCOME = {
    "SERVFAIL": "dns_servfail",
    "REFUSED": "dns_refused",
    "malformed": "dns_malformed",
    "too_large": "dns_too_large",
    "timeout": "dns_timeout",
    **BY_FAILURE,
}
"""Outcome of a try to reason, the most telling first: a resolver that answers says more than one that is silent."""


def judge_lookup(evidence: Evidence) -> Verdict | None:
    """Why a lookup gave no address; None if it gave one. A name that does not exist or has no address is its zone's
    side, a resolver that gives no answer is the resolver's."""
    if evidence.findings.get("addresses"):
        return None
    if evidence.failure == "no_resolver":
        return Verdict("local_error", "config")
    if evidence.failure not in (None, "timeout"):
        return judge_connection(evidence)
    tries: list[dict[str, Any]] = evidence.findings.get("lookup", [])
    outcomes = {each["outcome"] for each in tries}
    if "NXDOMAIN" in outcomes:
        return Verdict("dns_nxdomain")
    answered = {each["type"] for each in tries if each["outcome"] == "NOERROR"}
    open_tries = [each for each in tries if each["type"] not in answered]
    if not open_tries:
        return Verdict("lookup_no_address")
    return _judge_tries(open_tries)


def _judge_tries(tries: list[dict[str, Any]]) -> Verdict:
    outcomes = {each["outcome"] for each in tries}
    outcome, reason = next(
        ((outcome, reason) for outcome, reason in _BY_OUTCOME.items() if outcome in outcomes), ("", "dns_rcode")
    )
    verdict = Verdict(reason)
    said = {code for each in tries for code in each.get("ede", ())} if outcome == "SERVFAIL" else set()
    if said & BOGUS:
        return Verdict("dns_bogus")
    return verdict if said & ZONE_IS_BROKEN or verdict.side != "target" else Verdict(reason, "resolver")


def judge_lost_time(verdict: Verdict, evidence: Evidence) -> Verdict:
    """The verdict on an attempt that follows a lookup. Where time was short and more than half of it went into the
    lookup, the target is not to blame, but the resolver, as for a lookup that fails."""
    ran_out = verdict.reason.endswith("_timeout") and verdict.side == "target"
    late = ran_out and 2 * evidence.spent_ns("lookup") > evidence.duration_ns
    return msgspec.structs.replace(verdict, fault="resolver") if late else verdict
