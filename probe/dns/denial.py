"""Proofs that something is not there, by NSEC and NSEC3 (RFC 4035 section 5.4, RFC 5155 section 8): records in, states
out. Pure. Whose signatures hold is for the caller to say."""

import hashlib
from base64 import b32hexencode
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from probe.dns.dnssec import name_of
from probe.dns.message import Record

if TYPE_CHECKING:
    import dns.name

MOST_ITERATIONS = 500
"""Of NSEC3 hashing. RFC 9276 asks for 0; resolvers give up somewhere above 50."""

Denial = Literal["proven", "unsigned", "unproven", "unsupported"]


def check_denial(
    authority: Sequence[Record], name: str, rdtype: str, rcode: str, zone: str, proven: Iterable[tuple[str, str]]
) -> Denial:
    """Whether the authority section proves that the name has no such record (also RFC 9824).

    `proven` are the (owner, type) of sets in it whose signatures hold: only those count. `name` is under
    `zone`, `rcode` NOERROR (no such type) or NXDOMAIN."""
    sound = set(proven)
    nsec = [r for r in authority if r.type == "NSEC" and (r.owner, r.type) in sound]
    nsec3 = [r for r in authority if r.type == "NSEC3" and (r.owner, r.type) in sound]
    if not nsec and not nsec3:
        return "unproven" if any(r.type in ("NSEC", "NSEC3") for r in authority) else "unsigned"
    try:
        if nsec:
            return "proven" if _nsec_proves(nsec, name_of(name), rdtype, rcode, name_of(zone)) else "unproven"
        return _nsec3_proves(nsec3, name_of(name), rdtype, rcode, name_of(zone))
    except ValueError:
        return "unproven"


def _nsec_proves(records: list[Record], name: "dns.name.Name", rdtype: str, rcode: str, zone: "dns.name.Name") -> bool:
    spans = []
    for record in records:
        text, *types = record.text.split()
        following = name_of(text)
        if following.is_subdomain(zone):  # one that leads out of the zone says nothing of it
            spans.append((name_of(record.owner), following, types))
    at = [types for owner, _, types in spans if owner == name]
    if rcode == "NOERROR" or any("NXNAME" in types for types in at):
        if any(rdtype not in types and "CNAME" not in types for types in at):
            return True
        # An empty non-terminal: the next name is below this one.
        covers = [following for owner, following, _ in spans if _between(owner, name, following, zone)]
        if any(following.is_subdomain(name) for following in covers):
            return True
        wild = _wildcard_of(name, spans, zone)
        return bool(covers) and any(
            owner == wild and rdtype not in types and "CNAME" not in types for owner, _, types in spans
        )
    if not any(_between(owner, name, following, zone) for owner, following, _ in spans):
        return False
    wild = _wildcard_of(name, spans, zone)
    return any(_between(owner, wild, following, zone) for owner, following, _ in spans)


def _wildcard_of(name: "dns.name.Name", spans: list[Any], zone: "dns.name.Name") -> "dns.name.Name":
    """The wildcard at the closest encloser, which the NSEC that covers a name gives away: the longest name that it
    shares with either end."""
    import dns.name

    best = zone
    for owner, following, _ in spans:
        if _between(owner, name, following, zone):
            for end in (owner, following):
                _, _, shared = name.fullcompare(end)
                encloser = name.split(shared)[1]
                if encloser.is_subdomain(best):
                    best = encloser
    return dns.name.Name((b"*", *best.labels))


def _between(owner: "dns.name.Name", name: "dns.name.Name", following: "dns.name.Name", zone: "dns.name.Name") -> bool:
    """Whether a name falls strictly between two in the canonical order (RFC 4034 6.1); the last one leads to the
    apex."""
    return bool(owner < name and (name < following or following == zone))


def _nsec3_proves(
    records: list[Record], name: "dns.name.Name", rdtype: str, rcode: str, zone: "dns.name.Name"
) -> Denial:
    import dns.name

    spans: dict[str, tuple[str, list[str]]] = {}
    salt, rounds = "-", 0
    for record in records:
        algorithm, _flags, iterations, salt, following, *types = record.text.split()
        rounds = int(iterations)
        if algorithm != "1" or rounds > MOST_ITERATIONS:
            return "unsupported"
        spans[record.owner.partition(".")[0].upper()] = (following.upper(), types)

    def hashed(of: "dns.name.Name") -> str:
        return _hash(of, salt, rounds)

    def covered(of: "dns.name.Name") -> bool:
        at = hashed(of)
        return any(start < at < end if start < end else at > start or at < end for start, (end, _) in spans.items())

    at = spans.get(hashed(name))
    if at is not None:
        return "proven" if rdtype not in at[1] and "CNAME" not in at[1] and rcode == "NOERROR" else "unproven"
    next_closer = name
    while next_closer != zone:
        encloser = next_closer.parent()
        if hashed(encloser) in spans:
            if not covered(next_closer):
                return "unproven"
            wild = dns.name.Name((b"*", *encloser.labels))
            if rcode == "NXDOMAIN":
                return "proven" if covered(wild) else "unproven"
            types = spans.get(hashed(wild), ("", [rdtype]))[1]
            return "proven" if rdtype not in types and "CNAME" not in types else "unproven"
        next_closer = encloser
    return "unproven"


def wildcard_proven(
    authority: Sequence[Record], name: str, labels: int, zone: str, proven: Iterable[tuple[str, str]]
) -> Denial:
    """Whether the authority section proves that a wildcard may answer for the name: nothing closer is there (RFC 4035
    5.3.4). `labels` is what the answer's signature counts."""
    import dns.name

    full = name_of(name)
    next_closer = dns.name.Name(full.labels[-(labels + 2) :])
    sound = set(proven)
    signed = [r for r in authority if r.type in ("NSEC", "NSEC3")]
    records = [r for r in signed if (r.owner, r.type) in sound]
    if not signed:
        return "unsigned"
    origin = name_of(zone)
    try:
        for record in records:
            following, *rest = record.text.split()
            if record.type == "NSEC" and _between(name_of(record.owner), full, name_of(following), origin):
                return "proven"
            if record.type == "NSEC3" and _covers_hash(record, [following, *rest], next_closer):
                return "proven"
    except ValueError:
        pass
    return "unproven"


def _covers_hash(record: Record, parts: list[str], name: "dns.name.Name") -> bool:
    algorithm, _, iterations, salt, following = parts[:5]
    if algorithm != "1" or int(iterations) > MOST_ITERATIONS:
        return False
    at = _hash(name, salt, int(iterations))
    start, end = record.owner.partition(".")[0].upper(), following.upper()
    return start < at < end if start < end else at > start or at < end


def _hash(name: "dns.name.Name", salt: str, rounds: int) -> str:
    """RFC 5155 section 5; `salt` in hex, "-" for none. Raises ValueError."""
    wire, grain = name.canonicalize().to_wire() or b"", b"" if salt == "-" else bytes.fromhex(salt)
    digest = hashlib.sha1(wire + grain, usedforsecurity=False).digest()
    for _ in range(rounds):
        digest = hashlib.sha1(digest + grain, usedforsecurity=False).digest()
    return b32hexencode(digest).decode("ascii")
