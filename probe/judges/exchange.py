"""Verdicts on an exchange that brought no answer, by its outcome alone (probe.dns.client.Asked). Pure."""

from parallax.reasons import REASONS, Fault
from probe.judges.connection import ABSTAINS, BY_FAILURE
from probe.verdict import Verdict

NOT_SENT = frozenset({"over_budget", "not_allowed", "local_error"})
"""Outcomes of exchanges that never left this host."""
OURS = NOT_SENT | {"unreachable"}
"""Outcomes that, where all servers of a side share them, say nothing of that side."""

_BY_OUTCOME = {
    "timeout": "dns_timeout",
    "bad_replies": "dns_bad_replies",
    "malformed": "dns_malformed",
    "too_large": "dns_too_large",
    "http_content_type": "http_header",
    "certificate": "tls_untrusted",
    **BY_FAILURE,
}
"""Outcome to reason; an outcome that is not here is a reason's own word (tls_expired, http_status)."""


def reason_of(outcome: str) -> str:
    """The reason word for an outcome other than "ok"."""
    return _BY_OUTCOME.get(outcome) or (outcome if outcome in REASONS else "probe_error")


def judge_outcome(outcome: str, whose: Fault | None = None) -> Verdict:
    """`whose` side it is where the other side is at fault; the reason's own if left out."""
    reason = reason_of(outcome)
    return Verdict(reason, whose if REASONS[reason].fault == "target" else None, abstain=ABSTAINS.get(outcome))
