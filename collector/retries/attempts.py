"""One attempt as a client library would have met it. Pure.

A library knows no reasons: it sees that there was no connection, no answer in time, or a status. What only a check
sees (the answer is another than it should be) is a failure here too, and one that no library tries again.
"""

from typing import Literal

import msgspec

from parallax.plan.types import Outcome
from parallax.reasons import REASONS

Met = Literal["ok", "other"] | Outcome
"""`other`: there was an answer, and it was not as it should be."""

THROTTLED = frozenset({"http_throttled", "oauth_throttled", "signin_account_throttled"})
_OUTSIDE = frozenset({"probe", "config", "blocked"})
_CONNECTION = ("connect_", "connection_", "tls_", "lookup_", "dns_")
_BROKEN = frozenset({"http_malformed", "http_truncated", "http_bad_encoding"})


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. `at` is its start, wall clock, ns since the Unix epoch; `met` is None where it says nothing of the
    target: the probe, the plan, or a wall against robots stood in the way."""

    at: int
    duration_ns: int
    probe: str
    target: str
    subject: str
    run: str
    attempt: int
    """1 for the first."""
    met: Met | None
    method: str | None = None
    """Of the request that failed; None where nobody said, as of one that did not fail."""
    retry_after_s: float | None = None

    @property
    def ended(self) -> int:
        return self.at + max(self.duration_ns, 0)


def outcome_of(reason: str | None, fault: str | None, status: int | None) -> Met | None:
    """What a client would have met. `status` is that of the last response, which may be an earlier one than what
    failed: so a reason that names the connection comes first."""
    if reason is None:
        return "ok"
    if reason in THROTTLED:
        return "429"
    if fault in _OUTSIDE:
        return None
    known = REASONS.get(reason)
    if known is not None and known.soft:
        return "ok"
    if reason.endswith("_timeout"):
        return "timeout"
    if reason.startswith(_CONNECTION) or reason in _BROKEN:
        return "network"
    if status == 429:
        return "429"
    if reason == "http_server_error" or (status is not None and status >= 500):
        return "5xx"
    return "4xx" if status is not None and status >= 400 else "other"
