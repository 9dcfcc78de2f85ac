"""The verdict on one step of a flow. Pure: what ended it is on the tape, by the rules, the page or the wire."""

from probe.fault import Fault
from probe.http.judge import judge_exchange
from probe.judges.connection import judge_connection
from probe.judges.lookup import judge_lookup, judge_lost_time
from probe.signin.reply import CLEANING, ENDED, NO_ADDRESS, REMARKED
from probe.steps import CANCELLED
from probe.tape import Evidence
from probe.tls.handshake import judge_handshake
from probe.verdict import Verdict

_BETWEEN = (None, "pause", "mail")
"""Where a step is while it waits for nobody's answer; the phases of a request have words of their own."""


def judge(spec: object, evidence: Evidence) -> Verdict | None:
    """What ended the step; else the lookup, the connection, the handshake, a broken response; else what is odd about a
    step that did its work."""
    verdict = _judge(evidence)
    if verdict is None:
        return None
    if evidence.material.get(CLEANING) and not verdict.soft:
        return Verdict("signin_cleanup_failed", note={**verdict.note, "because": verdict.reason})
    return judge_lost_time(verdict, evidence)


def _judge(evidence: Evidence) -> Verdict | None:
    ended: Fault | None = evidence.material.get(ENDED)
    if ended is not None:
        return _verdict(ended)
    if evidence.failure == CANCELLED:
        return Verdict("signin_cancelled")
    if evidence.material.get(NO_ADDRESS) or (evidence.failure is not None and evidence.phase == "lookup"):
        return judge_lookup(evidence) or Verdict("lookup_no_address")
    if evidence.failure == "timeout" and evidence.phase in _BETWEEN:
        return Verdict("signin_timeout")
    verdict = judge_connection(evidence) or judge_handshake(evidence) or judge_exchange(evidence)
    remarked: Fault | None = evidence.material.get(REMARKED)
    return _verdict(remarked) if verdict is None and remarked is not None else verdict


def _verdict(fault: Fault) -> Verdict:
    return Verdict(fault.reason, fault.side, dict(fault.note), fault.abstain)
