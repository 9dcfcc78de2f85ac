"""What a dns.parity check compares: the names and record types of a zone, from the plan's keys and from what every zone
with mail and certificates may have. Pure. The collector counts a check's load with it, the probe asks by it."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from parallax.plan.dns_specs import ParitySpec

Purpose = Literal["sign-in", "mail", "policy", ""]
PURPOSES: tuple[str, ...] = ("sign-in", "mail", "policy")
"""Those that a plan may name."""
Severity = Literal["critical", "high", "low"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "low")
"""Worst first."""

MAX_NAMES = 1000
"""Names of one check: two servers are asked for each of them, for two or three types."""
APEX = "@"

_OF_PURPOSE: dict[Purpose, tuple[str, ...]] = {
    "sign-in": ("A", "AAAA", "HTTPS"),
    "mail": ("MX", "TXT", "A"),
    "policy": ("TXT", "CAA"),
    "": ("A", "AAAA", "TXT"),
}
_APEX_TYPES: tuple[tuple[str, Purpose], ...] = (
    ("NS", "policy"),
    ("DNSKEY", "policy"),
    ("MX", "mail"),
    ("TXT", "mail"),  # SPF, RFC 7208
    ("CAA", "policy"),
    ("A", ""),
    ("AAAA", ""),
    ("HTTPS", ""),
    ("CDS", "policy"),
)
_GENERATED: tuple[tuple[str, str], ...] = (
    ("_dmarc", "TXT"),  # RFC 9989
    ("_mta-sts", "TXT"),  # RFC 8461
    ("_smtp._tls", "TXT"),  # RFC 8460
    ("_acme-challenge", "CNAME"),  # RFC 8555: where another party is let renew certificates
)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One question that both sides are asked. `label` is the name below the zone, "@" the zone itself."""

    label: str
    type: str
    purpose: Purpose = ""
    severity: Severity = "high"
    """How bad it is where the fallback lacks it or has other data."""
    listed: bool = True
    """Whether the plan names it, or the rules for every zone do; else some check met the name."""

    def name(self, zone: str) -> str:
        """The name in full."""
        return zone if self.label == APEX else self.label if zone == "." else f"{self.label}.{zone}"


def inventory(spec: ParitySpec, met: Iterable[str] = ()) -> list[Item]:
    """Every question, the worst to lack first. `met`: names at or under the zone that other checks met."""
    found: dict[tuple[str, str], Item] = {}
    for item in _items(spec, met):
        found.setdefault((item.label, item.type), item)
    return sorted(found.values(), key=lambda item: (SEVERITIES.index(item.severity), not item.listed))


def names(spec: ParitySpec) -> set[str]:
    """The labels that the plan itself lists."""
    listed = {label for labels in spec.purposes.values() for label in labels}
    return listed | set(spec.names) | {f"{selector.lower()}._domainkey" for selector in spec.selectors}


def label_of(name: str, zone: str) -> str | None:
    """The name below the zone; None if it is not in it."""
    if name == zone:
        return APEX
    return name.removesuffix(f".{zone}") if name.endswith(f".{zone}") else name if zone == "." else None


def _items(spec: ParitySpec, met: Iterable[str]) -> Iterator[Item]:
    of: dict[Purpose, Severity] = {"sign-in": "critical", "policy": "high", "": "high"}
    of["mail"] = "critical" if "mail" in spec.purposes else "high"
    for listed, labels in spec.purposes.items():
        for label in labels:
            for rdtype in _types(label, listed):
                yield Item(label=label, type=rdtype, purpose=listed, severity=of[listed])
    for selector in spec.selectors:
        yield Item(label=f"{selector.lower()}._domainkey", type="TXT", purpose="mail", severity=of["mail"])
    for rdtype, purpose in _APEX_TYPES:
        yield Item(label=APEX, type=rdtype, purpose=purpose, severity=of[purpose])
    for label, rdtype in _GENERATED:
        yield Item(label=label, type=rdtype, purpose="policy", severity="high")
    for label in spec.names:
        for rdtype in _types(label, ""):
            yield Item(label=label, type=rdtype)
    for name in met:
        label = label_of(name, spec.zone) or APEX
        if label != APEX and not label.startswith("*"):
            for rdtype in _types(label, "")[:2]:
                yield Item(label=label, type=rdtype, listed=False)


def _types(label: str, purpose: Purpose) -> tuple[str, ...]:
    """What a name is asked for. An alias comes with any type, so a name of one costs no question more."""
    if label == APEX and purpose in ("mail", "policy"):
        return ()  # generated for every zone
    if label.split(".")[0] == "_acme-challenge":
        return ("CNAME",)
    if {"_tcp", "_udp"} & set(label.split(".")) and not label.endswith("_domainkey"):
        return ("SRV", "TLSA")
    if label.startswith("_") or "_domainkey" in label.split("."):
        return ("TXT",)
    return _OF_PURPOSE[purpose]
