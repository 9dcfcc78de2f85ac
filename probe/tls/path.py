"""Why a chain of certificates leads to nobody who is trusted: which issuer is missing, and whether the server forgot to
send it. Pure (RFC 5280 section 6)."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509

MOST_READ = 10
MOST_URLS = 3
MAX_TEXT = 200

_PURPOSE = 26  # X509_V_ERR_INVALID_PURPOSE
_PATH_CODES = frozenset({2, 18, 19, 20, 21, 27})
"""No issuer, self-signed, no trust: OpenSSL's codes (x509_vfy.h) for a path that does not reach a trusted one."""


def untrusted_finding(chain: Sequence[bytes], codes: Collection[int]) -> dict[str, Any] | None:
    """The finding `untrusted` of a chain (DER, leaf first, as sent) that OpenSSL refused with `codes`; None where the
    path is not what it refused, or no certificate can be read.

    `why`: chain_incomplete (the leaf's issuer was not sent, and the leaf says where it can be had, as those of public
    CAs do), issuer_unknown (the issuer was neither sent nor is it trusted: a private CA), root_untrusted (the path ends
    at a root that was sent and is not trusted), self_signed (the leaf is its own issuer), issuer_mismatch (a
    certificate with the issuer's name was sent, but another key signed), not_for_servers (the leaf is for something
    else), other.
    """
    if _PURPOSE in codes and not _PATH_CODES & set(codes):
        return {"why": "not_for_servers", "sent": len(chain)}
    certificates = _read(chain)
    if not _PATH_CODES & set(codes) or not certificates:
        return None
    top, place = _top(certificates)
    finding: dict[str, Any] = {"missing_issuer": top.issuer.rfc4514_string()[:MAX_TEXT], "sent": len(chain)}
    urls = _issuer_urls(top)
    if urls:
        finding["issuer_urls"] = urls
    if top.subject == top.issuer:
        return {"why": "root_untrusted" if place else "self_signed", **finding}
    if any(other.subject == top.issuer for other in certificates):
        return {"why": "issuer_mismatch", **finding}
    return {"why": "chain_incomplete" if urls and place == 0 else "issuer_unknown", **finding}


def signed_by(certificate: "x509.Certificate", issuer: "x509.Certificate") -> bool:
    """Whether the issuer's key signed the certificate, and its name says so."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _top(certificates: "Sequence[x509.Certificate]") -> "tuple[x509.Certificate, int]":
    """How far up the sent certificates lead from the leaf, in whatever order they came: the last one, and how many
    steps away from the leaf it is."""
    top = certificates[0]
    for place in range(len(certificates)):
        above = next((each for each in certificates if each is not top and signed_by(top, each)), None)
        if above is None or top.subject == top.issuer:
            return top, place
        top = above
    return top, len(certificates)


def _issuer_urls(certificate: "x509.Certificate") -> list[str]:
    """Where the certificate says that its issuer's can be had (RFC 5280 section 4.2.2.1)."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension):
        return []
    found = [
        each.access_location.value
        for each in access
        if each.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(each.access_location, x509.UniformResourceIdentifier)
    ]
    return [url[:MAX_TEXT] for url in found[:MOST_URLS]]


def _read(chain: Sequence[bytes]) -> "list[x509.Certificate]":
    from cryptography import x509

    found = []
    for der in chain[:MOST_READ]:
        try:
            found.append(x509.load_der_x509_certificate(der))
        except ValueError:
            if not found:
                return []
    return found
