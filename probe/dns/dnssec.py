"""Signatures and keys (RFC 4034, RFC 4035): records in, states out. Pure. The probe's importer of what verifies.

dnspython does the cryptography; what a state means for the zone is for the check to judge. Everything that a stranger
can make long is bounded: signatures and keys tried (a message full of keys with one tag costs a validator dearly).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from probe.dns.message import Record

if TYPE_CHECKING:
    import dns.name
    import dns.rrset

State = Literal["ok", "expired", "not_yet_valid", "sig_invalid", "unknown_key", "unsupported", "unsigned", "unreadable"]
"""Of a record set: a signature holds; or why none does, the most telling first. `unsupported`: only algorithms that
this probe does not know or must not use (RFC 8624)."""

SKEW_S = 300
"""A signature that begins at most this far in the future is put down to the clocks."""
MOST_KEYS = 24
MOST_DS = 8
MOST_READ = 48
"""Signatures of one name that are read to find those of one type."""
MOST_SIGNATURES = 8
MOST_VERIFICATIONS = 8
MOST_TOGETHER = 24
"""Verifications of all sets that one server shows (CVE-2023-50387: where all keys share a tag, each signature fits
each of them). A sound zone needs one a set."""
LARGEST_KEY = 1028
"""Octets of a key's data: RSA of 4096 bits (RFC 3110) and whatever is shorter. A longer one costs ten times as much,
and nobody signs with one."""
LONGEST_EXPONENT = 8
"""Octets of an RSA key's exponent; in use is 65537."""
_ZONE_KEY = 0x0100
_RSA = frozenset({1, 5, 7, 8, 10})

_TELLING: tuple[State, ...] = ("expired", "not_yet_valid", "sig_invalid", "unknown_key", "unsupported", "unreadable")


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """What the signatures of one record set come to."""

    owner: str
    type: str
    state: State
    expires_at: int | None = None
    """When the last good signature ends, or, without one, when the last one did: ns since the Unix epoch."""
    validity_s: int | None = None
    """From beginning to end of that signature."""
    skewed: bool = False
    """It holds for a clock that is a few minutes fast only."""
    beyond: bool = False
    """The TTL outlives the signature: caches may hold what validators refuse (RFC 4035 section 5.3.3)."""
    algorithms: tuple[int, ...] = ()
    """Of the good signatures."""
    labels: int | None = None
    """Labels that the signer counted: fewer than the owner has where a wildcard made the record."""


class DsState(msgspec.Struct, frozen=True, kw_only=True):
    """One DS record, and whether a key fits it."""

    tag: int
    algorithm: int
    digest: int
    matches: bool


class Room:
    """How many verifications are left, of all that share it."""

    def __init__(self, most: int = MOST_TOGETHER) -> None:
        self.left = most


def load() -> None:
    """Imports what verifies; 70 ms that would else stand in the first run."""
    import dns.dnssec
    import dns.rdtypes.ANY.DNSKEY
    import dns.rdtypes.ANY.DS
    import dns.rdtypes.ANY.NSEC
    import dns.rdtypes.ANY.NSEC3
    import dns.rdtypes.ANY.RRSIG  # noqa: F401


def ds_states(ds_texts: Iterable[str], dnskey_texts: Iterable[str], zone: str) -> list[DsState]:
    """Each DS of the parent, and whether one of the zone's keys has its tag, algorithm and digest (RFC 4034 5.2).

    Texts are record data in presentation form; what is no such data fits nothing and is left out."""
    keys = _rdatas("DNSKEY", dnskey_texts, MOST_KEYS)
    return [
        DsState(
            tag=ds.key_tag,
            algorithm=int(ds.algorithm),
            digest=int(ds.digest_type),
            matches=any(_fits(ds, key, zone) for key in keys),
        )
        for ds in _rdatas("DS", ds_texts, MOST_DS)
    ]


def vouched(ds_texts: Iterable[str], dnskey_texts: Iterable[str], zone: str) -> list[str]:
    """The keys that a DS of the parent fits: those that a validator begins with."""
    known = _rdatas("DS", ds_texts, MOST_DS)
    keys = _rdatas("DNSKEY", dnskey_texts, MOST_KEYS)
    return [key.to_text() for key in keys if any(_fits(ds, key, zone) for ds in known)]


def key_facts(dnskey_texts: Iterable[str]) -> list[dict[str, int]]:
    """Tag, algorithm and flags of each key, as plain values."""
    import dns.dnssec

    keys = _rdatas("DNSKEY", dnskey_texts, MOST_KEYS)
    return [{"tag": dns.dnssec.key_id(key), "algorithm": int(key.algorithm), "flags": int(key.flags)} for key in keys]


def _fits(ds: Any, key: Any, zone: str) -> bool:
    import dns.dnssec
    import dns.exception

    if key.algorithm != ds.algorithm or not key.flags & _ZONE_KEY or dns.dnssec.key_id(key) != ds.key_tag:
        return False
    try:
        made = dns.dnssec.make_ds(name_of(zone), key, ds.digest_type, validating=True)
    except (dns.exception.DNSException, ValueError):
        return False  # a digest that must not be relied on, or is unknown
    return bool(made.digest == ds.digest)


def ds_matches(ds_texts: Iterable[str], dnskey_texts: Iterable[str], zone: str) -> bool:
    """Whether a validator finds a key of the zone that the parent vouches for; False without a DS or a key."""
    return any(state.matches for state in ds_states(ds_texts, dnskey_texts, zone))


def check_rrset(
    records: Sequence[Record],
    owner: str,
    rdtype: str,
    zone: str,
    dnskey_texts: Iterable[str],
    now_ns: int,
    together: Room | None = None,
) -> Signed:
    """What the signatures over the records of this owner and type come to, by the zone's keys, at a wall time.

    `records` is a section with its RRSIGs. Only signatures by the zone itself count."""
    import dns.dnssec
    import dns.exception
    import dns.rrset

    texts = [record for record in records if record.owner == owner and record.type == rdtype]
    signatures = [
        rdata
        for rdata in _rdatas("RRSIG", [r.text for r in records if r.owner == owner and r.type == "RRSIG"], MOST_READ)
        if _covers(rdata, rdtype)
    ][:MOST_SIGNATURES]
    if not signatures:
        return Signed(owner=owner, type=rdtype, state="unsigned")
    try:
        # A signature is over the TTL that it says itself.
        rrset = dns.rrset.from_text_list(name_of(owner), 0, "IN", rdtype, [record.text for record in texts])
        origin = name_of(zone)
    except (dns.exception.DNSException, ValueError):
        return Signed(owner=owner, type=rdtype, state="unreadable")
    keys = [(key, dns.dnssec.key_id(key)) for key in _rdatas("DNSKEY", dnskey_texts, MOST_KEYS)]
    together = together or Room()
    now_s, room = now_ns // 10**9, MOST_VERIFICATIONS
    good: list[tuple[State, Any]] = []
    bad: list[tuple[State, Any]] = []
    for signature in signatures:
        fitting = [
            key
            for key, tag in keys
            if key.algorithm == signature.algorithm
            and key.flags & _ZONE_KEY
            and key.protocol == 3
            and signature.signer == origin
            and tag == signature.key_tag
        ][: min(room, together.left)]
        state: State = "unknown_key"
        if signature.expiration < now_s:
            state = "expired"
        elif signature.inception > now_s + SKEW_S:
            state = "not_yet_valid"
        elif fitting:
            room -= len(fitting)
            together.left -= len(fitting)
            state = _verify(rrset, signature, fitting, origin)
        (good if state == "ok" else bad).append((state, signature))
    if good:
        last = max((signature for _, signature in good), key=lambda signature: signature.expiration)
        return Signed(
            owner=owner,
            type=rdtype,
            state="ok",
            expires_at=last.expiration * 10**9,
            validity_s=last.expiration - last.inception,
            skewed=all(signature.inception > now_s for _, signature in good),
            beyond=max((record.ttl for record in texts), default=0) > last.expiration - now_s,
            algorithms=tuple(sorted({int(signature.algorithm) for _, signature in good})),
            labels=last.labels,
        )
    state = min((state for state, _ in bad), key=_TELLING.index)
    last = max((signature for its, signature in bad if its == state), key=lambda signature: signature.expiration)
    return Signed(
        owner=owner,
        type=rdtype,
        state=state,
        expires_at=last.expiration * 10**9,
        validity_s=last.expiration - last.inception,
        labels=last.labels,
    )


def _verify(rrset: "dns.rrset.RRset", signature: Any, keys: list[Any], origin: "dns.name.Name") -> State:
    import dns.dnssec
    import dns.exception
    import dns.rdataset

    allowed = [key for key in keys if not _is_costly(key) and dns.dnssec.default_policy.ok_to_validate(key)]
    if not allowed:
        return "unsupported"
    known = dns.rdataset.from_rdata_list(0, allowed)
    try:
        # The times were looked at before; this is about the octets.
        dns.dnssec.validate_rrsig(rrset, signature, {origin: known}, now=signature.inception)
    except dns.exception.UnsupportedAlgorithm:
        return "unsupported"
    except (dns.exception.DNSException, ValueError):
        return "sig_invalid"
    return "ok"


def _is_costly(key: Any) -> bool:
    """Whether verifying by it takes much longer than by any key that is in use."""
    if len(key.key) > LARGEST_KEY:
        return True
    return key.algorithm in _RSA and not 0 < key.key[0] <= LONGEST_EXPONENT


def _covers(signature: Any, rdtype: str) -> bool:
    import dns.rdatatype

    return bool(signature.type_covered == dns.rdatatype.from_text(rdtype))


def name_of(text: str) -> "dns.name.Name":
    """Raises ValueError."""
    import dns.exception
    import dns.name

    try:
        return dns.name.from_text(text)
    except dns.exception.DNSException as error:
        raise ValueError(f"{text!r} is no name: {error}") from None


def _rdatas(rdtype: str, texts: Iterable[str], most: int) -> list[Any]:
    """The data that can be read, of the first so many."""
    read = (_rdata(rdtype, text) for text in islice(texts, most))
    return [each for each in read if each is not None]


@lru_cache(maxsize=64)
def _rdata(rdtype: str, text: str) -> Any:
    """None for what is no such data. Kept: the keys of a zone are looked at for each of its sets."""
    import dns.exception
    import dns.rdata

    try:
        return dns.rdata.from_text("IN", rdtype, text)
    except (dns.exception.DNSException, ValueError):
        return None
