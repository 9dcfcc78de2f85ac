"""The key under which people know an alert, where two collectors may tell them of it. Pure.

Each collector numbers its incidents and risks by itself, so an id tells a pager nothing about the other's. What both
conclude alike, as both get the same observations, is where the fault is and when it began, by the probes' clocks. The
key is a digest of that, the hour for the moment: two that do not hear each other still page once between them. What
they may conclude a little differently (who else is hurt, how badly) is no part of it.
"""

import hashlib

from collector.events import FaultDomain, IncidentChanged, RiskChanged
from collector.routing.facts import own
from collector.routing.state import Alert
from parallax.clock import NS

SPAN_NS = 3600 * NS
"""The change point is rounded to it. Back within an hour of its end is the same incident; and two that put one change
point a few seconds apart differ once in hundreds of times."""


def shared_key(alert: Alert) -> str:
    """The same at both collectors for the same outage, wherever that can be derived. Keys of failover groups are made
    of names, and the same as they are."""
    match own(alert).data:
        case IncidentChanged(incident=known):
            first = min(
                known.checks, key=lambda each: (each.since, each.check, each.target, each.subject), default=None
            )
            member = f"{first.check}\0{first.target}" if first is not None else known.title
            return _digest("incident", _place(known.domain) or member, known.started_at)
        case RiskChanged(risk=risk):
            return _digest("risk", _place(risk.domain) or f"{risk.check}\0{risk.title}", risk.since)
    return alert.key


def _place(domain: FaultDomain | None) -> str:
    """Also where it is not certain: who fails and who passes is the same for both; who failed first is not."""
    return str(domain) if domain is not None else ""


def _digest(sort: str, place: str, at: int) -> str:
    words = f"{sort}\0{place}\0{at // SPAN_NS}"
    return f"{sort}-{hashlib.blake2b(words.encode(), digest_size=8).hexdigest()}"
