"""Verdicts on the connection itself, which every kind over a socket shares: failure word and phase to reason. Pure."""

from probe.tape import Evidence
from probe.verdict import Verdict

BY_FAILURE = {
    "refused": "connect_refused",
    "unreachable": "connect_unreachable",
    "reset": "connection_reset",
    "closed": "connection_closed",
    "not_allowed": "address_not_allowed",
    "local_error": "local_error",
    "bug": "probe_error",
    "unsupported": "unsupported",
    "over_budget": "over_budget",
    "secret_missing": "secret_missing",
    "secret_withheld": "secret_withheld",
    "value_missing": "value_missing",
}

ABSTAINS = {"over_budget": "over_budget"}
"""Reasons with which an observation says nothing of its subject: why it must not count."""

_BY_OPEN_PHASE = {
    "connect": "connect_timeout",
    "hello": "tls_timeout",
    "tls": "tls_timeout",
    "query": "dns_timeout",
    "tcp_connect": "dns_truncated",
    "tcp_query": "dns_truncated",
    "send": "send_timeout",
    "first_byte": "first_byte_timeout",
    "body": "body_timeout",
}


def judge_connection(evidence: Evidence) -> Verdict | None:
    """The verdict where the attempt failed in a way that all kinds share; None where the kind must look further."""
    if evidence.failure == "timeout":
        return Verdict(_BY_OPEN_PHASE.get(evidence.phase or "", "overrun"))
    reason = BY_FAILURE.get(evidence.failure or "")
    return Verdict(reason, abstain=ABSTAINS.get(reason)) if reason else None
