"""What a response is worth: the verdict of the kind `http`. Pure."""

from parallax.clock import NS
from parallax.plan.specs import HttpSpec
from parallax.reasons import Fault
from probe.http.assertions import Miss, misses, statuses_of
from probe.http.bot_walls import bot_wall
from probe.http.response import Answer
from probe.judges.connection import judge_connection
from probe.tape import Evidence
from probe.tls.handshake import judge_handshake
from probe.verdict import Verdict

ANSWER = "answer"
"""The key of the response in the tape's material."""
LOOKUP = "redirect_lookup"
"""The key of the verdict on a lookup that a redirect made necessary, if it failed."""


def judge(spec: HttpSpec, evidence: Evidence) -> Verdict | None:
    """Connection, handshake, a broken response, a bot wall, the status, the other assertions: the first that fails.

    A status that the plan asks for is never held against the response, nor is the page that came with it.
    """
    verdict = _judge_lookup(evidence) or judge_connection(evidence) or judge_handshake(evidence)
    verdict = verdict or judge_exchange(evidence)
    if verdict is not None:
        return verdict
    answer: Answer = evidence.material[ANSWER]
    missed = list(misses(spec.assertions, answer, evidence.duration_ns / NS))
    own_ns = evidence.duration_ns - evidence.spent_ns("lookup")
    verdict = _judge_status(spec, answer, missed)
    if verdict is not None:
        return verdict
    spoken = evidence.findings.get("http_version")
    if spec.version == "2" and spoken != "HTTP/2":
        return Verdict("http_version", note={"assertion": {"of": "version", "expected": "HTTP/2", "found": spoken}})
    rest = sorted(missed, key=lambda miss: miss.soft)  # stable: hard ones first, each in the plan's order
    return _verdict_of(rest[0], spec, own_ns) if rest else None


_BROKEN = {
    "malformed": "http_malformed",
    "truncated": "http_truncated",
    "too_large": "http_too_large",
    "bad_encoding": "http_bad_encoding",
    "unsendable": "http_unsendable",
    "redirect": "http_redirect",
    "redirect_loop": "http_redirect_loop",
}


def _judge_lookup(evidence: Evidence) -> Verdict | None:
    """The lookup of a host that a redirect led to; that of the target's own was over before."""
    if evidence.failure == "redirect_lookup":
        verdict: Verdict = evidence.material[LOOKUP]
        return verdict
    return Verdict("dns_timeout", "resolver") if evidence.failure == "timeout" and evidence.phase == "lookup" else None


def judge_exchange(evidence: Evidence) -> Verdict | None:
    """The verdict on a response that did not come whole; None where it did. For every kind that asks over HTTP."""
    reason = _BROKEN.get(evidence.failure or "")
    return Verdict(reason) if reason else None


def _judge_status(spec: HttpSpec, answer: Answer, missed: list[Miss]) -> Verdict | None:
    """The verdict on who answered and with what status; None where that is as it should be."""
    asked = {status for assertion in spec.assertions for status in statuses_of(assertion)}
    status = answer.status
    if status in asked and status >= 400:
        return None
    wall = bot_wall(answer)
    if wall is not None:
        return Verdict("http_challenge", note={"bot_wall": wall})
    if status in asked:
        return None
    miss = next((miss for miss in missed if miss.of == "status"), None)
    if status == 429:
        return Verdict("http_throttled")
    if miss is not None and miss.soft:
        return None  # degraded at most, as the plan says; whatever else fails is said first
    note = {"assertion": miss.as_finding()} if miss else {}
    if status == 403:
        return Verdict("http_forbidden", note=note)
    if status >= 500:
        return Verdict("http_server_error", note=note)
    return Verdict("http_status", note=note) if miss or status >= 400 else None


_MISSED = {
    "duration": "http_too_slow",
    "header": "http_header",
    "json": "http_json",
    "body": "http_body",
    "size": "http_size",
}


def _verdict_of(miss: Miss, spec: HttpSpec, own_ns: int) -> Verdict:
    """`own_ns` is what the run took but for the lookup: where only that made it too slow, the resolver did."""
    kind = miss.of.partition(" ")[0]
    longest = spec.assertions[miss.number - 1].duration
    fault: Fault | None = "resolver" if longest is not None and own_ns <= longest * NS else None
    soft = "http_slow" if kind == "duration" else "http_degraded"
    reason = soft if miss.soft else _MISSED[kind]
    return Verdict(reason, fault, note={"assertion": miss.as_finding()})
