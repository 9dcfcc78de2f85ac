"""What the answers of one operator say of its signatures: answers in, states out. Pure, and slow: some 0.1 ms a
signature."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from probe.dns.client import Asked
from probe.dns.denial import Denial, check_denial, wildcard_proven
from probe.dns.dnssec import DsState, Room, Signed, check_rrset, ds_states, key_facts, vouched
from probe.dns.message import Record, Reply

MOST_SETS = 8
NS = 10**9

DenialState = Denial | Literal["bad_signature", "unasked"]


class Signatures(msgspec.Struct, frozen=True, kw_only=True):
    """What one server shows. `keys` without any key: the zone is not signed there."""

    keys: tuple[dict[str, int], ...] = ()
    ds: tuple[DsState, ...] = ()
    by_parent: Signed | None = None
    """The key set, by the keys alone that the parent vouches for; None without a DS set."""
    sets: tuple[Signed, ...] = ()
    """The key set, the SOA and what proves that a name is not there, by the zone's keys."""
    denial: DenialState = "unasked"
    at: int = 0
    """When it was seen: ns since the Unix epoch."""

    @property
    def left_s(self) -> int:
        """How long the first good signature to end still holds; 0 without one."""
        first = self.first_to_end
        return (first.expires_at - self.at) // NS if first is not None and first.expires_at is not None else 0

    @property
    def signed(self) -> bool:
        return bool(self.keys) or any(each.state != "unsigned" for each in self.sets)

    @property
    def missing_algorithms(self) -> list[int]:
        """Of the DS set, those that sign nothing in the key set (RFC 4035 section 2.2)."""
        signing = next((each.algorithms for each in self.sets if each.type == "DNSKEY"), ())
        return sorted({each.algorithm for each in self.ds} - set(signing))

    @property
    def first_to_end(self) -> Signed | None:
        """The set whose good signatures end first."""
        good = [each for each in self.sets if each.state == "ok" and each.expires_at is not None]
        return min(good, key=lambda each: each.expires_at or 0, default=None)

    def as_findings(self) -> dict[str, Any]:
        """Plain values for an observation."""
        first = self.first_to_end
        found: dict[str, Any] = {
            "signed": self.signed,
            "keys": list(self.keys),
            "ds": [msgspec.to_builtins(each) for each in self.ds],
            "signatures": [_plain(each) for each in self.sets],
            "denial": self.denial,
        }
        if first is not None and first.expires_at is not None:
            found |= {
                "expires_at": first.expires_at,
                "rrsig_expires_in_s": self.left_s,
                "validity_s": first.validity_s,
            }
        return {key: value for key, value in found.items() if value not in ([], None)}


def _plain(signed: Signed) -> dict[str, Any]:
    found = {"owner": signed.owner, "type": signed.type, "state": signed.state, "expires_at": signed.expires_at}
    found |= {"skewed": signed.skewed or None, "beyond": signed.beyond or None}
    return {key: value for key, value in found.items() if value is not None}


def read_signatures(
    zone: str, absent: str, gathered: Mapping[str, Asked], ds: tuple[str, ...] | None, now_ns: int
) -> Signatures:
    """`gathered` has the answers to SOA, DNSKEY and, as denial, to a name that is not there; `ds` is the parent's set,
    None if it is not known."""
    room = Room()
    keys: list[str] = []
    sets: list[Signed] = []
    by_parent = None
    states: list[DsState] = []
    answer = _reply(gathered, "DNSKEY")
    if answer is not None:
        keys = [record.text for record in answer.answers if record.type == "DNSKEY" and record.owner == zone]
        states = ds_states(ds or (), keys, zone)
        if keys:
            sets.append(check_rrset(answer.answers, zone, "DNSKEY", zone, keys, now_ns, room))
            if ds:
                trusted = vouched(ds, keys, zone)
                by_parent = check_rrset(answer.answers, zone, "DNSKEY", zone, trusted, now_ns, room)
    answer = _reply(gathered, "SOA")
    if answer is not None and any(record.type == "SOA" and record.owner == zone for record in answer.answers):
        sets.append(check_rrset(answer.answers, zone, "SOA", zone, keys, now_ns, room))
    denial: DenialState = "unasked"
    answer = _reply(gathered, "denial")
    if answer is not None and keys:
        denial, proofs = _denial(answer, absent, zone, keys, now_ns, room)
        sets += proofs
    return Signatures(
        keys=tuple(key_facts(keys)), ds=tuple(states), by_parent=by_parent, sets=tuple(sets), denial=denial, at=now_ns
    )


def _reply(gathered: Mapping[str, Asked], word: str) -> Reply | None:
    asked = gathered.get(word)
    if asked is None or asked.reply is None or "AA" not in asked.reply.flags:
        return None
    return asked.reply if asked.reply.rcode in ("NOERROR", "NXDOMAIN") else None


def _denial(
    reply: Reply, absent: str, zone: str, keys: list[str], now_ns: int, room: Room
) -> tuple[DenialState, list[Signed]]:
    """A name made up just now is not there, unless a wildcard answers for it; either way the answer has a proof."""
    proofs = [
        check_rrset(reply.authority, owner, rdtype, zone, keys, now_ns, room)
        for owner, rdtype in _sets(reply.authority)
    ]
    proven = [(proof.owner, proof.type) for proof in proofs if proof.state == "ok"]
    found = [record for record in reply.answers if record.owner == absent and record.type in ("A", "CNAME")]
    if found:
        signed = check_rrset(reply.answers, absent, found[0].type, zone, keys, now_ns, room)
        if signed.state != "ok" or signed.labels is None:
            return ("unsigned" if signed.state == "unsigned" else "bad_signature"), [signed, *proofs]
        state = wildcard_proven(reply.authority, absent, signed.labels, zone, proven)
        return state, [signed, *proofs]
    state = check_denial(reply.authority, absent, "A", reply.rcode, zone, proven)
    broken = any(proof.state not in ("ok", "unsigned") for proof in proofs)
    return ("bad_signature" if state == "unproven" and broken else state), proofs


def _sets(records: tuple[Record, ...]) -> list[tuple[str, str]]:
    found = {(record.owner, record.type): None for record in records if record.type in ("NSEC", "NSEC3")}
    return list(found)[:MOST_SETS]
