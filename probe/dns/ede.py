"""Extended errors (RFC 8914) by what they say of whose side failed. Data only."""

FILTERED = frozenset({15, 16, 17, 18})
"""A resolver says that the answer is its own policy."""
BOGUS = frozenset({6, 7, 8, 9, 10, 11, 12})
"""A resolver says that the zone's signatures do not hold."""
ZONE_IS_BROKEN = BOGUS | {22, 23}
"""A resolver says that the zone's side fails: bogus DNSSEC, no reachable authority."""
