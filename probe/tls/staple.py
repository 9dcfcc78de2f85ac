"""What a stapled OCSP response says of the leaf, and whether it may be believed (RFC 6960 section 3.2, RFC 6066). Pure.

A response counts when it is for this certificate, signed by its issuer or by a responder that the issuer named, and in
date. A response that does not count says nothing: neither good nor revoked.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from probe.tls.path import signed_by

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509 import ocsp

SKEW_S = 300
"""By how much a responder's clock may be ahead of ours."""
MOST_ENTRIES = 20
MAX_OCTETS = 100_000


def staple_findings(
    staple: bytes | None, chain: Sequence[bytes], path: Sequence[bytes], now_s: float
) -> dict[str, Any]:
    """The findings `staple` and `must_staple` of a handshake. `chain` is as sent, `path` as verified (DER, leaf first):
    the issuer is in either.

    `staple` = {status, why, this_update, next_update, revoked_at, revocation_reason}; `status` is good, revoked,
    unknown (the responder does not know the certificate), invalid (`why` it does not count; `says` what it would have
    said), or missing where the certificate demands one (RFC 7633).
    """
    if not chain:
        return {}
    findings: dict[str, Any] = {}
    if _must_staple(chain[0]):
        findings = {"must_staple": True, "staple": {"status": "missing"}}
    if staple is not None:
        findings["staple"] = _dated(_read(staple, tuple(dict.fromkeys([*chain[:10], *path[:10]]))), now_s)
    return findings


def _dated(read: dict[str, Any], now_s: float) -> dict[str, Any]:
    """What holds at any time, at this one."""
    staple = dict(read)
    since, until = staple.pop("since", None), staple.pop("until", None)
    for key, at in (("this_update", since), ("next_update", until)):
        if at is not None:
            staple[key] = _rfc3339(at)
    if staple["status"] != "invalid":
        why = "from_the_future" if since > now_s + SKEW_S else "expired" if until and until < now_s else None
        if why:
            return {**staple, "status": "invalid", "why": why, "says": staple["status"]}
    return staple


@lru_cache(256)
def _read(staple: bytes, certificates: tuple[bytes, ...]) -> dict[str, Any]:
    """A response without regard to the time: the same one comes with many handshakes."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import ocsp

    if len(staple) > MAX_OCTETS:
        return _invalid("too_large")
    try:
        response = ocsp.load_der_ocsp_response(staple)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return _invalid(f"responder_says_{response.response_status.name.lower()}")
        loaded = [x509.load_der_x509_certificate(der) for der in certificates]
        issuer = next((each for each in loaded[1:] if signed_by(loaded[0], each)), None)
        if issuer is None:
            return _invalid("issuer_unknown")
        entry = _entry_for(response, loaded[0], issuer)
        if entry is None:
            return _invalid("other_certificate")
        said = _said(entry)
        why = _signature_fault(response, issuer)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        return _invalid("unreadable")
    return said if why is None else {**said, "status": "invalid", "why": why, "says": said["status"]}


def _invalid(why: str) -> dict[str, Any]:
    return {"status": "invalid", "why": why}


def _said(entry: "ocsp.OCSPSingleResponse") -> dict[str, Any]:
    until = entry.next_update_utc
    said: dict[str, Any] = {
        "status": entry.certificate_status.name.lower(),
        "since": entry.this_update_utc.timestamp(),
        "until": until.timestamp() if until else None,
    }
    if entry.revocation_time_utc is not None:
        said["revoked_at"] = _rfc3339(entry.revocation_time_utc.timestamp())
        said["revocation_reason"] = entry.revocation_reason.value if entry.revocation_reason else "unspecified"
    return said


def _entry_for(
    response: "ocsp.OCSPResponse", leaf: "x509.Certificate", issuer: "x509.Certificate"
) -> "ocsp.OCSPSingleResponse | None":
    """The entry for this certificate: serial number, and the hashes of its issuer's name and key (section 4.1.1)."""
    from cryptography.hazmat.primitives.hashes import Hash
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    def digest(entry: "ocsp.OCSPSingleResponse", data: bytes) -> bytes:
        hashed = Hash(entry.hash_algorithm)
        hashed.update(data)
        return hashed.finalize()

    name = issuer.subject.public_bytes()
    key = _bit_string(issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    for _, entry in zip(range(MOST_ENTRIES), response.responses, strict=False):
        if (
            entry.serial_number == leaf.serial_number
            and entry.issuer_name_hash == digest(entry, name)
            and entry.issuer_key_hash == digest(entry, key)
        ):
            return entry
    return None


def _bit_string(info: bytes) -> bytes:
    """The key's own octets in a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7): what its hash is of."""
    at = _content(info, 0)  # SEQUENCE
    algorithm = _content(info, at)
    key = _content(info, algorithm + _length(info, at))
    return info[key + 1 :]  # a BIT STRING begins with the number of unused bits


def _content(der: bytes, at: int) -> int:
    """Where the content of the element at this place begins."""
    first = der[at + 1]
    return at + 2 + (first & 0x7F if first & 0x80 else 0)


def _length(der: bytes, at: int) -> int:
    first = der[at + 1]
    return int.from_bytes(der[at + 2 : _content(der, at)], "big") if first & 0x80 else first


def _signature_fault(response: "ocsp.OCSPResponse", issuer: "x509.Certificate") -> str | None:
    """Signed by the issuer, or by a responder whose certificate the issuer signed for this (section 4.2.2.2)."""
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound
    from cryptography.x509.oid import ExtendedKeyUsageOID

    if _signed(response, issuer):
        return None
    for _, responder in zip(range(5), response.certificates, strict=False):
        if not _signed(response, responder):
            continue
        try:
            usage = responder.extensions.get_extension_for_class(ExtendedKeyUsage).value
        except ExtensionNotFound:
            return "responder_not_allowed"
        dated = responder.not_valid_before_utc <= response.produced_at_utc <= responder.not_valid_after_utc
        allowed = ExtendedKeyUsageOID.OCSP_SIGNING in usage and signed_by(responder, issuer) and dated
        return None if allowed else "responder_not_allowed"
    return "signature"


def _signed(response: "ocsp.OCSPResponse", by: "x509.Certificate") -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
    from cryptography.x509.oid import SignatureAlgorithmOID

    key, algorithm = by.public_key(), response.signature_hash_algorithm
    signature, signed = response.signature, response.tbs_response_bytes
    try:
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, signed)
        elif algorithm is not None and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif algorithm is not None and isinstance(key, rsa.RSAPublicKey):
            pss = response.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
            salted = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
            key.verify(signature, signed, salted if pss else padding.PKCS1v15(), algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True


@lru_cache(256)
def _must_staple(leaf: bytes) -> bool:
    from cryptography import x509

    try:
        features = x509.load_der_x509_certificate(leaf).extensions.get_extension_for_class(x509.TLSFeature).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.InvalidVersion, ValueError):
        return False
    return x509.TLSFeatureType.status_request in features


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
