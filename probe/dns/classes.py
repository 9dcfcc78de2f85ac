"""What a reply of a server that should be authoritative is worth. Pure.

A server is authoritative for a zone when it says so (the AA bit) in an answer about it (RFC 1034 section 4.3.2). One
that a delegation names and that answers otherwise is lame (RFC 1912 section 2.8); the classes tell how.
"""

import msgspec

from probe.dns.message import Record, Reply
from probe.dns.names import is_below, is_under, target_of

ANSWERS = frozenset({"auth_answer", "auth_nodata", "auth_nxdomain"})
"""The classes of a server that serves the zone."""


def auth_class(reply: Reply, zone: str, name: str, rdtype: str) -> str:
    """The class of a reply to (name, type), asked as one of the zone's servers; the name is in the zone.

    auth_answer, auth_nodata, auth_nxdomain; referral_down; lame_upward, lame_self, lame_cached, lame_empty,
    lame_refused, lame_servfail, lame_notauth, lame_nxdomain_nonaa; rcode_<any other>.
    """
    authoritative = "AA" in reply.flags
    if reply.rcode == "NXDOMAIN":
        return "auth_nxdomain" if authoritative else "lame_nxdomain_nonaa"
    if reply.rcode != "NOERROR":
        return _BY_RCODE.get(reply.rcode, f"rcode_{reply.rcode.lower()}")
    if authoritative:
        return "auth_answer" if any(_answers(record, name, rdtype) for record in reply.answers) else "auth_nodata"
    if reply.answers:
        return "lame_cached"
    owners = [record.owner for record in reply.authority if record.type == "NS"]
    if any(is_below(owner, zone) and is_under(name, owner) for owner in owners):
        return "referral_down"
    if any(is_below(zone, owner) for owner in owners):
        return "lame_upward"
    if zone in owners:
        return "lame_self"
    return "lame_cached" if reply.authority else "lame_empty"


_BY_RCODE = {"REFUSED": "lame_refused", "SERVFAIL": "lame_servfail", "NOTAUTH": "lame_notauth"}


def _answers(record: Record, name: str, rdtype: str) -> bool:
    if record.type == "DNAME":  # RFC 6672: it answers for every name below it
        return is_below(name, record.owner) or (rdtype == "DNAME" and record.owner == name)
    return record.owner == name and record.type in (rdtype, "CNAME")


class Referral(msgspec.Struct, frozen=True, kw_only=True):
    """A delegation as a reply carries it. `glue`: server name to IP addresses, only of names that the referring zone
    may speak for (RFC 2181 section 5.4.1)."""

    zone: str
    ns: tuple[str, ...]
    glue: dict[str, tuple[str, ...]]
    ttl: int


def referral(reply: Reply, zone: str, name: str) -> Referral | None:
    """Where a reply of one of the zone's servers leads on towards the name: strictly down, else None."""
    if reply.rcode != "NOERROR" or reply.answers or any(record.type == "SOA" for record in reply.authority):
        return None
    owners = {record.owner for record in reply.authority if record.type == "NS"}
    towards = [owner for owner in owners if is_below(owner, zone) and is_under(name, owner)]
    if not towards:
        return None
    return _delegated(max(towards, key=len), reply.authority, reply, zone)


def own_delegation(reply: Reply, zone: str, within: str) -> Referral | None:
    """A zone's own NS set, of a reply to (zone, NS) with authority; None where it has none. `within` is the zone whose
    servers were asked, which bounds what glue is believed."""
    if reply.rcode != "NOERROR" or "AA" not in reply.flags:
        return None
    if not any(record.type == "NS" and record.owner == zone for record in reply.answers):
        return None
    return _delegated(zone, reply.answers, reply, within)


def soa_owner(reply: Reply) -> str | None:
    """The zone that a negative answer is from (RFC 2308 section 3)."""
    return next((record.owner for record in reply.authority if record.type == "SOA"), None)


def _delegated(owner: str, section: tuple[Record, ...], reply: Reply, within: str) -> Referral:
    records = [record for record in section if record.type == "NS" and record.owner == owner]
    names = sorted({target_of(record.text) for record in records})[:MOST_SERVERS]
    glue: dict[str, tuple[str, ...]] = {}
    together = 0
    for record in reply.additional:
        if record.type in ("A", "AAAA") and record.owner in names and is_under(record.owner, within):
            known = glue.get(record.owner, ())
            if len(known) < MOST_GLUE and together < MOST_TOGETHER and record.text not in known:
                together += 1
                glue[record.owner] = tuple(sorted((*known, record.text)))
    return Referral(zone=owner, ns=tuple(names), glue=glue, ttl=min(record.ttl for record in records))


MOST_SERVERS, MOST_GLUE, MOST_TOGETHER = 32, 16, 128
"""More servers of one zone, addresses of one server, and of all of them, are not looked at: cuts are remembered."""
