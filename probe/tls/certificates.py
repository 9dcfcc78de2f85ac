"""What a certificate says, and what is wrong with it for a name at a time. Pure.

OpenSSL stops at the first fault it meets and names only that one. Dates and names are therefore looked at here too, so
that a certificate with several faults shows them all. OpenSSL looks in this order: chain of trust, name, dates. So what
it has not reached is dates and names, and both can be computed from the leaf alone.

The library that reads certificates takes long to import. So `check` imports it when the first certificate is read, once
the attempt that brought it was measured; a probe, where other attempts may be under way then, beforehand (`load`).
"""

import ipaddress
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from parallax.dialling.errors import VERIFY_PROBLEMS
from parallax.values import is_ip
from probe.tls.path import untrusted_finding

if TYPE_CHECKING:
    from cryptography import x509

MAX_CHAIN = 10
MAX_NAMES = 20
MAX_TEXT = 200
_DAY = 86400

PROBLEMS = ("wrong_name", "untrusted", "chain_incomplete", "revoked", "expired", "not_yet_valid", "weak")
"""Most telling first; the first one present is the reason `tls_<problem>`. Is it our certificate at all? Then: made by
whom? Then: does its maker still stand by it, and is it in date? A later question means little while an earlier one is
answered no."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a certificate that people and verdicts want. Dates are seconds since the Unix epoch."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """Its subject alternative names: DNS names and IP addresses, as text."""
    not_before: float
    not_after: float
    serial: str
    sha256: str
    key: str
    """Type and size: "RSA 2048", "EC secp256r1", "Ed25519"."""
    issued_by: str
    """The organisation of its issuer, else the issuer's common name: a CA rotates its intermediates, not its name."""


def load() -> None:
    """Imports what reads certificates."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    _ = x509, dsa, ec, ed448, ed25519, rsa


@lru_cache(256)
def read_certificate(der: bytes) -> Certificate | None:
    """None where the bytes are no certificate that can be read."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return _read(der)
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, UnsupportedAlgorithm, OverflowError):
        return None


def _read(der: bytes) -> Certificate:
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(der)
    try:
        general_names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        general_names = None
    names: list[str] = []
    if general_names is not None:
        names += general_names.get_values_for_type(x509.DNSName)
        names += [str(ip) for ip in general_names.get_values_for_type(x509.IPAddress)]
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=tuple(names),
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
        serial=f"{certificate.serial_number:x}",
        sha256=sha256(der).hexdigest(),
        key=_key(certificate),
        issued_by=_organisation(certificate.issuer),
    )


def _organisation(name: "x509.Name") -> str:
    from cryptography.x509.oid import NameOID

    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            return str(attribute.value)
    return name.rfc4514_string()


def _key(certificate: "x509.Certificate") -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519"
    return "Ed448" if isinstance(key, ed448.Ed448PublicKey) else "unknown"


def chain_findings(chain: Sequence[bytes], now_s: float) -> dict[str, Any]:
    """The findings `chain` (leaf first), `chain_count` (where more came), `days_left` (of the leaf, below 0 once
    expired) and `issued_by` for DER certificates."""
    if not chain:
        return {}
    read = [read_certificate(der) for der in chain[:MAX_CHAIN]]
    findings: dict[str, Any] = {"chain": [_as_finding(c) if c else {"unreadable": True} for c in read]}
    if len(chain) > MAX_CHAIN:
        findings["chain_count"] = len(chain)
    if read[0] is not None:
        findings["days_left"] = round((read[0].not_after - now_s) / _DAY, 2)
        findings["issued_by"] = read[0].issued_by[:MAX_TEXT]
    return findings


@lru_cache(256)
def _as_finding(certificate: Certificate) -> dict[str, Any]:
    return {
        "subject": certificate.subject[:MAX_TEXT],
        "issuer": certificate.issuer[:MAX_TEXT],
        "names": [name[:MAX_TEXT] for name in certificate.names[:MAX_NAMES]],
        "names_count": len(certificate.names),
        "not_before": _rfc3339(certificate.not_before),
        "not_after": _rfc3339(certificate.not_after),
        "serial": certificate.serial[:64],
        "sha256": certificate.sha256,
        "key": certificate.key,
    }


def problem_findings(chain: Sequence[bytes], name: str, now_s: float, codes: Collection[int]) -> dict[str, Any]:
    """The findings `problems` and `untrusted` of a chain (DER, leaf first) that OpenSSL refused with these codes, or
    would accept for another name; nothing where all is well."""
    leaf = read_certificate(chain[0]) if chain else None
    problems = problems_of(leaf, name, now_s, codes)
    if not problems:
        return {}
    untrusted = untrusted_finding(chain, codes)
    if untrusted is None:
        return {"problems": problems}
    if untrusted["why"] == "chain_incomplete":
        problems = ["chain_incomplete" if problem == "untrusted" else problem for problem in problems]
    return {"problems": problems, "untrusted": untrusted}


def problems_of(leaf: Certificate | None, name: str, now_s: float, codes: Collection[int]) -> list[str]:
    """All that is wrong with a certificate that OpenSSL refused with `codes`, in the order of PROBLEMS."""
    found = {VERIFY_PROBLEMS.get(code, "untrusted") for code in codes}
    if leaf is not None:
        if not covers(leaf.names, name):
            found.add("wrong_name")
        if now_s > leaf.not_after:
            found.add("expired")
        if now_s < leaf.not_before:
            found.add("not_yet_valid")
    return in_order(found)


def in_order(problems: Collection[str]) -> list[str]:
    """The most telling problem first."""
    return [problem for problem in PROBLEMS if problem in problems]


def covers(names: Sequence[str], wanted: str) -> bool:
    """Whether one of the alternative names stands for `wanted` (RFC 9525 section 6.3): same name, or a wildcard as the
    whole left-most label, which stands for one label. An IP address needs its own entry. Common names do not count."""
    if is_ip(wanted):
        ip = ipaddress.ip_address(wanted)
        return any(is_ip(name) and ipaddress.ip_address(name) == ip for name in names)
    wanted = wanted.lower().rstrip(".")
    first, _, rest = wanted.partition(".")
    wildcard = f"*.{rest}" if first and "." in rest else None
    return any(name.lower().rstrip(".") in (wanted, wildcard) for name in names)


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
