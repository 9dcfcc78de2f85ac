"""How far a probe's clock is off, from the times of its last exchanges. Pure.

One exchange tells `received - sent`: the collector's clock minus the probe's, plus the way of the request, which is
between nothing and the whole round trip. The way only ever adds, so the smallest of the last exchanges is the best
one (the minimum filter of NTP, RFC 5905 section 10), and a probe is called skewed only where no possible way explains
what was seen. So a slow handshake or a lost packet makes nobody skewed.
"""

from collections.abc import Sequence

import msgspec

from parallax.clock import NS

SKEWED_NS = 2 * NS
WINDOW = 8
"""Exchanges that are looked at."""


class Exchange(msgspec.Struct, frozen=True):
    """One sending: wall clocks in ns since the Unix epoch; the last round trip in ns, None if not known yet."""

    sent_at: int
    received_at: int
    round_trip: int | None


class Offset(msgspec.Struct, frozen=True):
    """`offset_ns` is what to add to the probe's times to get the collector's; None where nothing is known."""

    offset_ns: int | None
    skewed: bool


def estimate(exchanges: Sequence[Exchange]) -> Offset:
    """The offset of a probe's clock from its last exchanges (any number, in any order)."""
    if not exchanges:
        return Offset(None, skewed=False)
    offset = min(e.received_at - e.sent_at - (e.round_trip or 0) // 2 for e in exchanges)
    at_most = min(e.received_at - e.sent_at for e in exchanges)
    timed = [e.received_at - e.sent_at - e.round_trip for e in exchanges if e.round_trip is not None]
    behind = bool(timed) and min(*timed, at_most) > SKEWED_NS
    return Offset(offset, skewed=behind or at_most < -SKEWED_NS)
