"""Two servers' answers to one question side by side: what differs, how bad it is, and what to say of it. Pure.

Values are compared as sets, names without regard to case, a TXT record's strings joined; TTLs apart. What differs by
nature is left out: the SOA (each operator numbers its own), the keys of DNSSEC (whether they fit the parent is another
question), and the name servers, which must include the fallback's own instead.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, get_args

import msgspec

from parallax.plan.inventory import APEX, SEVERITIES, Item, Purpose, Severity
from probe.dns.message import Record, Reply, comparable

Kind = Literal["data", "nodata", "nxdomain", "fails", "unknown"]
Class = Literal[
    "missing",
    "fails",
    "different",
    "ns_without_fallback",
    "caa_stricter",
    "extra",
    "wildcard",
    "nxdomain_vs_nodata",
    "ttl_drift",
]
CLASSES: tuple[Class, ...] = get_args(Class)
"""Worst first."""
_LOW: frozenset[Class] = frozenset({"extra", "wildcard", "nxdomain_vs_nodata", "ttl_drift"})
_EXEMPT = frozenset({"SOA", "NS", "DNSKEY", "CDS", "CDNSKEY"})

WILDCARD = "*"
MAX_VALUES = 8
MAX_TEXT = 120


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one side says to a question. "fails": it answers, but not with the zone's data (`word`: refused, servfail,
    lame); "unknown": no answer came, and nothing is claimed."""

    kind: Kind
    type: str = ""
    """Of the data: the type asked for, CNAME where the name is an alias, NS where it is delegated further."""
    values: frozenset[str] = frozenset()
    ttl: int = 0
    word: str = ""


UNKNOWN = Seen(kind="unknown")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `name` is the label below the zone, "@" the zone itself, "*" names that nobody made."""

    name: str
    type: str
    cls: Class
    severity: Severity
    purpose: Purpose
    primary: tuple[str, ...]
    """The values, at most MAX_VALUES of MAX_TEXT characters; without any, what was said instead."""
    fallback: tuple[str, ...]
    what: str = ""
    """What is wrong with it, where the class does not say."""

    def as_finding(self) -> dict[str, object]:
        """For the observation."""
        plain: dict[str, object] = {
            "name": self.name,
            "type": self.type,
            "class": self.cls,
            "severity": self.severity,
            "purpose": self.purpose,
            "primary": list(self.primary),
            "fallback": list(self.fallback),
        }
        return plain | ({"what": self.what} if self.what else {})


def seen(reply: Reply, name: str, rdtype: str, zone: str) -> Seen:
    """What an authoritative server's reply says of a name of its zone."""
    if "AA" in reply.flags:
        own = [record for record in reply.answers if record.owner == name]
        for wanted in (rdtype, "CNAME"):  # a DNAME above brings a CNAME at the name (RFC 6672)
            if found := [record for record in own if record.type == wanted]:
                return _data(wanted, found)
        if reply.rcode == "NXDOMAIN":
            return Seen(kind="nxdomain")
        if reply.rcode == "NOERROR":
            return Seen(kind="nodata")
    elif reply.rcode == "NOERROR" and not reply.answers:
        below = [r for r in reply.authority if r.type == "NS" and r.owner != zone and _at_or_above(r.owner, name, zone)]
        if below:
            return _data("NS", below)
    return Seen(kind="fails", word=reply.rcode.lower() if reply.rcode not in ("NOERROR", "NXDOMAIN") else "lame")


def compare(item: Item, primary: Seen, fallback: Seen, *, differing: bool = False) -> Row | None:
    """The difference that the two answers make, None where there is none or none can be told. `differing`: the name's
    values differ by design, and only its presence is looked at."""
    if "unknown" in (primary.kind, fallback.kind) or primary.kind == "fails":
        return None
    there, here = primary.kind == "data", fallback.kind == "data"
    make = _row_maker(item, primary, fallback)
    if item.label == WILDCARD:
        same = primary.kind == fallback.kind and (differing or primary.values == fallback.values)
        return None if same else make("wildcard")
    if fallback.kind == "fails":
        return make("fails", what=fallback.word) if there else None
    if item.type in _EXEMPT and item.label == APEX:
        return None
    if there and here:
        return _both(item, primary, fallback, differing, make)
    if there:
        return make("missing")
    if here:
        return make("caa_stricter" if item.type == "CAA" else "extra")
    return make("nxdomain_vs_nodata") if primary.kind != fallback.kind else None


def worst_first(rows: Iterable[Row]) -> list[Row]:
    """The rows without those that another one implies, the worst first."""
    found: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        key = (row.name, row.type, row.cls)
        if key not in found or SEVERITIES.index(row.severity) < SEVERITIES.index(found[key].severity):
            found[key] = row  # an alias comes as the answer to every type; it is one difference
    gone = {row.name for row in found.values() if row.cls in ("missing", "extra", "fails")}
    other = {row.name for row in found.values() if row.cls == "different"}
    kept = [
        row
        for row in found.values()
        if not (row.cls == "nxdomain_vs_nodata" and row.name in gone)
        # An alias at one side only answers every type there, which the difference of one type says already.
        and not (row.cls in ("missing", "extra") and row.type == "CNAME" and row.name in other)
    ]
    return sorted(kept, key=lambda row: (SEVERITIES.index(row.severity), CLASSES.index(row.cls)))


def ns_row(fallback: Seen, servers_of_fallback: Callable[[str], bool]) -> Row | None:
    """The zone's name servers as the fallback has them must include one of its own: resolvers that follow the zone's
    own NS records would else go back to the operator that is dark."""
    if fallback.kind != "data" or any(servers_of_fallback(name) for name in fallback.values):
        return None
    return Row(
        name=APEX,
        type="NS",
        cls="ns_without_fallback",
        severity="high",
        purpose="policy",
        primary=(),
        fallback=_shown(fallback),
    )


def _both(item: Item, primary: Seen, fallback: Seen, differing: bool, make: "_Make") -> Row | None:
    if differing:
        return None
    if primary.type != fallback.type or primary.values != fallback.values:
        if item.type == "CAA" and primary.type == fallback.type:
            forbidden = caa_forbids(primary.values, fallback.values)
            return (
                make("caa_stricter", what=", ".join(sorted(forbidden))[:MAX_TEXT])
                if forbidden
                else make("different", "low")
            )
        if item.type == "TXT" and item.label == APEX and _policy(primary.values) == _policy(fallback.values):
            return make("different", "low")  # tokens by which a zone is shown to be someone's: no service rests on them
        return make("different")
    return make("ttl_drift") if primary.ttl != fallback.ttl else None


def caa_forbids(primary: frozenset[str], fallback: frozenset[str]) -> set[str]:
    """The certificate authorities that the first set of CAA records lets issue and the second does not (RFC 8659)."""
    forbidden: set[str] = set()
    for tag in ("issue", "issuewild"):
        ours, theirs = _issuers(primary, tag), _issuers(fallback, tag)
        if theirs is not None:
            forbidden |= {"any other"} if ours is None else ours - theirs
    return forbidden


def _issuers(records: frozenset[str], tag: str) -> set[str] | None:
    """Who may issue; None: anybody. Without issuewild, issue holds for wildcards as well (RFC 8659 section 4.3)."""
    found: dict[str, set[str]] = {}
    for record in records:
        _, its_tag, value = (*record.split(None, 2), "", "", "")[:3]
        found.setdefault(its_tag.lower(), set()).add(value.strip('"').split(";")[0].strip().lower())
    own = found.get(tag, found.get("issue"))
    return None if own is None else own - {""}


def _policy(values: frozenset[str]) -> set[str]:
    return {value for value in values if value.lower().startswith("v=")}


def _data(rdtype: str, records: Sequence[Record]) -> Seen:
    values = frozenset(_comparable(rdtype, record.text) for record in records)
    return Seen(kind="data", type=rdtype, values=values, ttl=min(record.ttl for record in records))


def _comparable(rdtype: str, text: str) -> str:
    try:
        found = comparable(rdtype, text)
    except ValueError:
        found = text
    return found.removesuffix(".") if rdtype in ("CNAME", "NS") and found != "." else found


def _at_or_above(owner: str, name: str, zone: str) -> bool:
    return (owner == name or name.endswith(f".{owner}")) and (zone == "." or owner.endswith(f".{zone}"))


_Make = Callable[..., Row]


def _row_maker(item: Item, primary: Seen, fallback: Seen) -> _Make:
    def make(cls: Class, severity: Severity | None = None, what: str = "") -> Row:
        drift = cls == "ttl_drift"
        return Row(
            name=item.label,
            type=primary.type or fallback.type or item.type,
            cls=cls,
            severity=severity or ("low" if cls in _LOW else item.severity),
            purpose=item.purpose,
            primary=(f"TTL {primary.ttl}",) if drift else _shown(primary),
            fallback=(f"TTL {fallback.ttl}",) if drift else _shown(fallback),
            what=what,
        )

    return make


def _shown(side: Seen) -> tuple[str, ...]:
    """Cut and bounded here already: a stranger may send much, and rows are kept until the end of the run."""
    if side.kind != "data":
        return (side.word or side.kind,)
    return tuple(value[:MAX_TEXT] for value in sorted(side.values)[:MAX_VALUES])
