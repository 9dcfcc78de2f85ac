"""The closed list of reason words: what failed, whose side it is on, and what to look at next.

A word names the layer first and the failure second. `fault` is where one attempt puts it; a check's `judge` may name
another side where its kind knows better (a silent server is the target, a silent resolver is the resolver). On the
wire a reason is a string, so that a newer probe can report to an older collector; only the writer's list is closed.
A soft reason means degraded: answered, but not as it should be.
"""

from parallax.reasons import connection, dns, dnssec, http, mail, oidc, probe, signin, tls
from parallax.reasons.reason import Fault, Reason

__all__ = ["REASONS", "Fault", "Reason"]

REASONS: dict[str, Reason] = {
    **dns.REASONS,
    **mail.REASONS,
    **dnssec.REASONS,
    **connection.REASONS,
    **tls.REASONS,
    **http.REASONS,
    **signin.REASONS,
    **oidc.REASONS,
    **probe.REASONS,
}
