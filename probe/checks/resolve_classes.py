"""What a resolver's answer is worth, and what its control name makes of a failure. Pure.

A name that does not resolve has three causes that must not be mixed: the resolver is down, the name is down, or this
probe's own network is. The control name, which others serve, tells the first two apart; the controls of all resolvers
together tell the third.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from parallax.plan.dns_specs import ResolveSpec
from probe.dns.answer import values_at
from probe.dns.ede import BOGUS, FILTERED, ZONE_IS_BROKEN
from probe.dns.message import Reply, comparable
from probe.judges.exchange import NOT_SENT

STALE = frozenset({3, 19})
"""Extended errors (RFC 8914) by which a resolver says that it hands out what has expired (RFC 8767)."""
NO_AUTHORITY = ZONE_IS_BROKEN - BOGUS
"""... that it reaches none of the zone's servers."""

WITHOUT_ANSWER = frozenset({"timeout", "no_answer", "servfail", "refused", "rcode", "no_reachable_authority"})
"""Classes of a name that did not resolve, for which the control is looked at."""

_PRIVATE = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::/127", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
"""RFC 1918, 6598, 1122, 3927, 4193, 4291. Addresses for documentation are not among them: they are nobody's."""


def reply_class(spec: ResolveSpec, name: str, reply: Reply) -> str:
    """The class of what a resolver said of a name: fresh, stale_definite, expected_negative, unexpected_nxdomain,
    unexpected_nodata, servfail, refused, rcode, filtered, dnssec_bogus, no_reachable_authority, rewritten,
    private_answer. The first that fits."""
    extended = {code for code, _ in reply.ede}
    if reply.rcode == "SERVFAIL":
        return _servfail_class(extended)
    if extended & FILTERED:
        return "filtered"
    if reply.rcode not in ("NOERROR", "NXDOMAIN"):
        return "refused" if reply.rcode == "REFUSED" else "rcode"
    if extended & STALE:
        return "stale_definite"
    if reply.rcode == "NXDOMAIN":
        return "unexpected_nxdomain"
    values = values_at(reply.answers, name, spec.type)
    if not values:
        # Most names have no IPv6 address, and nothing is wrong with them.
        return "expected_negative" if spec.type == "AAAA" and not spec.expect else "unexpected_nodata"
    if spec.expect:
        return "fresh" if _comparable(spec.type, values) <= _comparable(spec.type, spec.expect) else "rewritten"
    return "private_answer" if not spec.private and has_private(values) else "fresh"


def _servfail_class(extended: set[int]) -> str:
    if extended & BOGUS:
        return "dnssec_bogus"
    if extended & NO_AUTHORITY:
        return "no_reachable_authority"
    return "filtered" if extended & FILTERED else "servfail"


def outcome_class(outcome: str) -> str:
    """The class of an exchange that brought no reply."""
    return "timeout" if outcome in ("timeout", "bad_replies") else "no_answer"


def control_class(outcome: str, reply: Reply | None) -> str:
    """ "ok" where the resolver resolves, whatever it says of the control name; else how it fails."""
    if reply is None:
        return "not_asked" if outcome in NOT_SENT else outcome_class(outcome)
    if reply.rcode in ("NOERROR", "NXDOMAIN"):
        return "ok"
    return {"SERVFAIL": "servfail", "REFUSED": "refused"}.get(reply.rcode, "rcode")


def has_private(values: Sequence[str]) -> bool:
    """Whether one of the values is an address that only a private network has."""
    for value in values:
        try:
            address = ip_address(value)
        except ValueError:
            continue
        if any(address in network for network in _PRIVATE if network.version == address.version):
            return True
    return False


def _comparable(rdtype: str, values: Sequence[str]) -> set[str]:
    found = set()
    for value in values:
        try:
            found.add(comparable(rdtype, value))
        except ValueError:
            found.add(value)
    return found


STALE_TTL = 30
"""Seconds: the TTL that resolvers put on what has expired (RFC 8767 section 4)."""
CLIENT_TIMEOUT_S = (1.7, 2.0)
"""How long a resolver tries the authority before it hands out what has expired: 1.8 s (RFC 8767 section 5)."""
_CONTROL_AT_ONCE_S = 0.2
_SEEN_AGAIN_S = 5.0


def ttl_stands_still(ttl: int, stood_s: float, seen_s: float, largest: int) -> bool:
    """Whether a record's TTL says that it is stale: that of stale answers, for 5 s and more, with no count-down.

    `stood_s` is for how long this TTL has been seen, `seen_s` since when it was last seen before, `largest` the largest
    TTL seen of the record at this resolver. No single cache that counts down can look so within the record's own TTL.
    Several caches behind one address can, and one that fetches ahead of time: hence a suspicion, never more."""
    if ttl != min(STALE_TTL, largest) or stood_s < _SEEN_AGAIN_S:
        return False
    return seen_s < (largest if largest > STALE_TTL else 0.9 * largest)


def late_like_stale(duration_s: float, control_s: float | None) -> bool:
    """Whether the answer took as long as a resolver tries a dark authority, while the control came at once."""
    low, high = CLIENT_TIMEOUT_S
    return low <= duration_s <= high and control_s is not None and control_s < _CONTROL_AT_ONCE_S
