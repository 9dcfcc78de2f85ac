"""Whether the addresses of one name show certificates that should not differ. Pure.

Many certificates for one name are normal: a front end with many machines has a key in each, and a renewal takes a while
to reach them all. What is not: another CA, other names, or an address that the renewal has passed by.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

OVERDUE = 0.25
"""A certificate with less than this share of its life left, where another address has a newer one, was passed by:
automatic renewal comes with a third left (RFC 9773 and common practice), and reaches all machines within hours."""
AHEAD = 1 / 6
"""Newer by this share of its life: certificates of one issuance differ by minutes."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The leaf at one address, from its findings."""

    address: str
    sha256: str
    issued_by: str
    names: frozenset[str]
    names_count: int
    not_before: str
    not_after: str
    days_left: float


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """What a run's addresses show. `certificates`: one entry each, most addresses first. `odd`: by address, in what it
    differs from what most have: issuer, names, older."""

    certificates: list[dict[str, Any]] = []
    odd: Mapping[str, list[str]] = {}


def shown_at(address: str, findings: Mapping[str, Any]) -> Shown | None:
    """None where no certificate came that could be read."""
    chain = findings.get("chain")
    leaf = chain[0] if chain else None
    if not isinstance(leaf, dict) or "sha256" not in leaf:
        return None
    return Shown(
        address=address,
        sha256=leaf["sha256"],
        issued_by=str(findings.get("issued_by", leaf["issuer"])),
        names=frozenset(leaf["names"]),
        names_count=leaf["names_count"],
        not_before=leaf["not_before"],
        not_after=leaf["not_after"],
        days_left=findings["days_left"],
    )


def compare(shown: Sequence[Shown]) -> Differing:
    """The reference is what most addresses have; of two that as many have, the one issued later."""
    groups: dict[str, list[Shown]] = {}
    for each in shown:
        groups.setdefault(each.sha256, []).append(each)
    if len(groups) < 2:
        return Differing()
    ordered = sorted(groups.values(), key=lambda group: (-len(group), *(-ord(c) for c in group[0].not_before)))
    newest = max((group[0] for group in ordered), key=lambda each: each.not_before)
    odd = {}
    for group in ordered:
        how = _how(group[0], ordered[0][0], newest)
        if how:
            odd.update({each.address: how for each in group})
    certificates = [
        {
            "sha256": group[0].sha256,
            "addresses": [each.address for each in group],
            "issued_by": group[0].issued_by,
            "not_before": group[0].not_before,
            "not_after": group[0].not_after,
        }
        for group in ordered
    ]
    return Differing(certificates=certificates, odd=odd)


def _how(one: Shown, reference: Shown, newest: Shown) -> list[str]:
    how = []
    if one.issued_by != reference.issued_by:
        how.append("issuer")
    if one.names != reference.names or one.names_count != reference.names_count:
        how.append("names")
    begins = _day(one.not_before)
    life = _day(one.not_after) - begins
    if _day(newest.not_before) - begins > life * AHEAD and one.days_left < life * OVERDUE:
        how.append("older")
    return how


def _day(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() / 86400
