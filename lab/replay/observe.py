"""What a probe would have seen of a script's world, by kind of check. The words are those of the probe's own judges.

A kind here gives what came of one run: a subject, its labels and findings, a reason. How a real run gathers that is
the probe's matter (`probe.checks`); detection cannot tell the two apart by what it reads.
"""

from collections.abc import Callable, Iterator

import msgspec

from lab.replay.observe_dns import see_chain, see_mail, see_parity, see_resolve, see_zone
from lab.replay.observe_http import see_dialled, see_flow
from lab.replay.seen import Run, Seen


def observe(run: Run) -> list[Seen]:
    """What a run sees. A probe whose own line is dead sees nothing answer, and says so of everything."""
    if run.world.mode("probe", run.probe.id, run.at) == "dark":
        return [_unanswered(run, seen) for seen in KINDS[run.check.kind](run)]
    return list(KINDS[run.check.kind](run))


def _unanswered(run: Run, seen: Seen) -> Seen:
    reason = "dns_timeout" if run.check.kind.startswith("dns") else "connect_timeout"
    return msgspec.structs.replace(seen, reason=reason, fault=None, findings={}, duration_ns=run.late_ns)


KINDS: dict[str, Callable[[Run], Iterator[Seen]]] = {
    "dns.zone": see_zone,
    "dns.resolve": see_resolve,
    "dns.chain": see_chain,
    "dns.parity": see_parity,
    "dns.mail": see_mail,
    "tls": see_dialled,
    "http": see_dialled,
    "oidc": see_flow,
    "signin": see_flow,
}
"""The kinds that a script can play."""
