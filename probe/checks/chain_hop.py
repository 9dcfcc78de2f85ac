"""One hop of a chain of aliases: what the name servers of its zone say together, and where it leads. Pure.

Only what stands at the current name is taken; a server's further records are about zones that are not its own to speak
for (RFC 2181 section 5.4.1). A hop is dark or lame only where no server answers with authority. Where servers disagree
(a change under way), the most of them count; the finding says so.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from parallax.values import DnsName
from probe.dns.classes import ANSWERS, auth_class
from probe.dns.client import Asked
from probe.dns.message import Record
from probe.dns.names import is_below, target_of

State = Literal["alias", "end", "nodata", "nxdomain", "delegated", "lame", "dark"]
_BEST_FIRST: tuple[State, ...] = ("alias", "end", "delegated", "nodata", "nxdomain", "lame", "dark")
MAX_VALUES = 20
MAX_TEXT = 255


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one server, or all of a zone together, says at a name."""

    state: State
    word: str
    """The class of the answer, or how the exchange failed."""
    type: str = ""
    """Of an alias: CNAME, DNAME, HTTPS (alias mode, RFC 9460 section 2.4.2)."""
    target: str = ""
    values: tuple[str, ...] = ()
    """The data at the end of the chain, sorted."""
    ttl: int = 0
    boxed: bool = False
    """It is as a resolver answers: with a record, with recursion on offer, without authority."""


class Together(msgspec.Struct, frozen=True, kw_only=True):
    """The servers of a zone at one name."""

    said: Said
    disagree: bool = False
    """Servers with authority say different things."""
    word: str = ""
    """Where the hop is dark: the one failure that all servers share, or what kept some from being asked; else ""."""
    boxed: bool = False
    """Each of several servers answers as a resolver does: something on the way answers in their place."""


def said(asked: Asked, zone: str, name: str, rdtype: str) -> Said:
    """One exchange with one of the zone's servers."""
    if asked.reply is None:
        return Said(state="dark", word=asked.outcome)
    word = auth_class(asked.reply, zone, name, rdtype)
    if word == "referral_down":
        return Said(state="delegated", word=word)
    if word not in ANSWERS:
        return Said(state="lame", word=word, boxed=word == "lame_cached" and "RA" in asked.reply.flags)
    found = asked.reply.answers
    alias = _alias(found, name, rdtype)
    if alias is not None:
        kind, target, ttl = alias
        return Said(state="alias", word=word, type=kind, target=target, ttl=ttl)
    own = [record for record in found if record.owner == name and record.type == rdtype]
    if own:
        values = tuple(sorted(record.text for record in own))
        return Said(state="end", word=word, type=rdtype, values=values, ttl=min(record.ttl for record in own))
    return Said(state="nxdomain" if word == "auth_nxdomain" else "nodata", word=word)


def together(each: Iterable[Said]) -> Together:
    """What the servers of a zone come to. Nothing said at all is a dark hop."""
    heard = list(each)
    best = [one for one in heard if one.state not in ("lame", "dark")]
    if best:
        votes: dict[tuple[State, str], list[Said]] = {}
        for one in best:
            votes.setdefault((one.state, one.target), []).append(one)
        # Ties go to the answer that helps more, then to the name that sorts first: the same from run to run.
        ranked = sorted(votes.items(), key=lambda item: (-len(item[1]), _BEST_FIRST.index(item[0][0]), item[0][1]))
        winners = ranked[0][1]
        values = tuple(sorted({value for one in winners for value in one.values}))
        whole = msgspec.structs.replace(winners[0], values=values, ttl=min(one.ttl for one in winners))
        return Together(said=whole, disagree=len(votes) > 1)
    lame = next((one for one in heard if one.state == "lame"), None)
    if lame is not None:
        return Together(said=lame, boxed=len(heard) > 1 and all(one.boxed for one in heard))
    words = {one.word for one in heard}
    kept = sorted(words & {"over_budget", "local_error"}) or (words if len(words) == 1 else [""])
    return Together(said=Said(state="dark", word="dark"), word=next(iter(kept)))


def signature(hops: Sequence[Mapping[str, Any]]) -> str:
    """One short text per list of owner and target, whatever the addresses at the end are."""
    text = "\n".join(f"{hop['owner']} {hop.get('target', '')}" for hop in hops)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shared_fate(hops: Sequence[Mapping[str, Any]]) -> list[str]:
    """The operators of two zones of the chain, or more: one of them dark breaks it in several places."""
    zones: dict[str, set[str]] = {}
    for hop in hops:
        for operator in _operators(hop):
            zones.setdefault(operator, set()).add(hop.get("zone", ""))
    return sorted(operator for operator, its in zones.items() if len(its) > 1)


def min_ttl_by_operator(hops: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The lowest TTL among the records of the chain that each operator hosts: past it after that operator went dark, no
    cache that holds to TTLs has them all."""
    lowest: dict[str, int] = {}
    for hop in hops:
        for operator in _operators(hop) if "ttl" in hop else ():
            lowest[operator] = min(hop["ttl"], lowest.get(operator, hop["ttl"]))
    return lowest


def _operators(hop: Mapping[str, Any]) -> list[str]:
    return hop.get("operators") or [operator for operator in [hop.get("operator")] if operator]


def _alias(found: Sequence[Record], name: str, rdtype: str) -> tuple[str, str, int] | None:
    """(type, target, TTL) of the alias at the name."""
    for record in found:
        if record.owner == name and record.type == "CNAME" and rdtype != "CNAME":
            above = [r for r in found if r.type == "DNAME" and is_below(name, r.owner)]
            target = _name(record.text)
            if target is not None:
                # A DNAME's CNAME is made for the answer, often with a TTL of 0 (RFC 6672 section 3.1).
                return ("DNAME", target, above[0].ttl) if above else ("CNAME", target, record.ttl)
    for record in found:
        if record.type == "DNAME" and is_below(name, record.owner):
            target = _name(f"{name.removesuffix(record.owner)}{record.text}")
            if target is not None:
                return "DNAME", target, record.ttl
    for record in found:
        if record.owner == name and record.type == rdtype == "HTTPS" and record.text.startswith("0 "):
            target = _name(record.text.split()[1])
            if target is not None and target != ".":  # "." is the name itself: there is no service (RFC 9460, 2.5.1)
                return "HTTPS", target, record.ttl
    return None


def _name(text: str) -> str | None:
    """The target as a name that can be asked for; None where it is none that anybody has."""
    try:
        return str(DnsName.parse(target_of(text)))
    except ValueError:
        return None
