"""Which OCSP responses count for a leaf, and what they say."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from probe.tls.staple import staple_findings
from tests.parts.certificates import DAY, Authority, Leaf

CA, OTHER = Authority(), Authority("Somebody else")
LEAF = CA.leaf("a.test")
CHAIN = [LEAF.der]
PATH = [LEAF.der, CA.certificate.public_bytes(Encoding.DER)]
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


def said(staple: bytes | None, now: datetime = NOW, chain: list[bytes] = CHAIN, path: list[bytes] = PATH) -> dict:
    return staple_findings(staple, chain, path, now.timestamp())


def by_responder(responder: Leaf, *, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """A response that somebody signed in the CA's place, with the certificate that is to allow it."""
    builder = ocsp.OCSPResponseBuilder().add_response(
        LEAF.certificate, CA.certificate, algorithm or hashes.SHA256(), ocsp.OCSPCertStatus.REVOKED,
        NOW - HOUR, NOW + DAY, NOW - DAY, None,
    )  # fmt: skip
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, responder.certificate)
    builder = builder.certificates([responder.certificate])
    return builder.sign(load_pem_private_key(responder.key.encode(), None), hashes.SHA256()).public_bytes(Encoding.DER)


def test_good() -> None:
    staple = said(CA.staple(LEAF))["staple"]
    assert staple["status"] == "good"
    assert staple["this_update"] < staple["next_update"]
    assert "why" not in staple


def test_revoked_says_when_and_why() -> None:
    staple = said(CA.staple(LEAF, revoked=True, since=NOW - HOUR))["staple"]
    assert staple["status"] == "revoked"
    assert staple["revocation_reason"] == "keyCompromise"
    assert staple["revoked_at"] == (NOW - HOUR - 2 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("staple", "why", "says"),
    [
        (CA.staple(LEAF, revoked=True, signed_by=OTHER), "signature", "revoked"),
        (CA.staple(LEAF, since=NOW - 9 * DAY), "expired", "good"),
        (CA.staple(LEAF, revoked=True, since=NOW - 9 * DAY), "expired", "revoked"),
        (CA.staple(LEAF, since=NOW + HOUR), "from_the_future", "good"),
        (CA.staple(CA.leaf("a.test"), revoked=True), "other_certificate", None),
        (OTHER.staple(LEAF, revoked=True), "other_certificate", None),
        (b"garbage", "unreadable", None),
        (CA.staple(LEAF)[:-30], "unreadable", None),
        (bytes(200_000), "too_large", None),
        (
            ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER),
            "responder_says_try_later",
            None,
        ),
    ],
)
def test_what_does_not_count_is_neither_good_nor_revoked(staple: bytes, why: str, says: str | None) -> None:
    found = said(staple)["staple"]
    assert (found["status"], found["why"], found.get("says")) == ("invalid", why, says)


def test_it_holds_to_its_last_second_and_not_beyond() -> None:
    staple = CA.staple(LEAF, until=NOW.replace(microsecond=0) + HOUR)
    assert said(staple, NOW.replace(microsecond=0) + HOUR)["staple"]["status"] == "good"
    assert said(staple, NOW + HOUR + timedelta(seconds=1))["staple"]["why"] == "expired"


def test_a_responder_that_the_issuer_named_may_sign() -> None:
    responder = CA.leaf("ocsp.test", purpose=ExtendedKeyUsageOID.OCSP_SIGNING)
    assert said(by_responder(responder))["staple"]["status"] == "revoked"
    assert said(by_responder(responder, algorithm=hashes.SHA1()))["staple"]["status"] == "revoked"


@pytest.mark.parametrize(
    "responder",
    [
        CA.leaf("www.test"),  # any server of the same CA
        OTHER.leaf("ocsp.test", purpose=ExtendedKeyUsageOID.OCSP_SIGNING),
        CA.leaf("ocsp.test", purpose=ExtendedKeyUsageOID.OCSP_SIGNING, until=NOW - DAY),
    ],
)
def test_nobody_else_may(responder: Leaf) -> None:
    staple = said(by_responder(responder))["staple"]
    assert (staple["status"], staple["why"]) == ("invalid", "responder_not_allowed")


@pytest.mark.parametrize("wrong", ["name", "key", None])
def test_the_issuer_is_named_by_the_hashes_of_its_name_and_of_its_key(wrong: str | None) -> None:
    public = CA.private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    name, key = sha256(CA.name.public_bytes()).digest(), sha256(public).digest()
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        sha256(b"x").digest() if wrong == "name" else name, sha256(b"x").digest() if wrong == "key" else key,
        LEAF.certificate.serial_number, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, NOW - HOUR, NOW + DAY, None, None,
    )  # fmt: skip
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, CA.certificate)
    staple = builder.sign(CA.private_key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert said(staple)["staple"]["status"] == ("invalid" if wrong else "good")


def test_a_responder_with_an_rsa_key() -> None:
    responder = CA.leaf("ocsp.test", purpose=ExtendedKeyUsageOID.OCSP_SIGNING, rsa_bits=2048)
    assert isinstance(responder.certificate.public_key(), rsa.RSAPublicKey)
    assert said(by_responder(responder))["staple"]["status"] == "revoked"


def test_without_the_issuer_nothing_can_be_verified() -> None:
    staple = said(CA.staple(LEAF, revoked=True), path=[])["staple"]
    assert (staple["status"], staple["why"]) == ("invalid", "issuer_unknown")


def test_a_certificate_that_demands_a_staple() -> None:
    strict = CA.leaf("a.test", extensions=[x509.TLSFeature([x509.TLSFeatureType.status_request])])
    path = [strict.der, *PATH[1:]]
    assert said(None, chain=[strict.der], path=path) == {"must_staple": True, "staple": {"status": "missing"}}
    assert said(CA.staple(strict), chain=[strict.der], path=path)["staple"]["status"] == "good"
    assert said(None) == {}


@given(st.binary(max_size=400))
def test_whatever_the_octets_it_says_so(staple: bytes) -> None:
    assert said(staple)["staple"]["status"] == "invalid"


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_octet_makes_no_other_word_of_a_good_response(place: int, value: int) -> None:
    whole = bytearray(GOOD)
    place %= len(whole)
    whole[place] = value
    assert said(bytes(whole))["staple"]["status"] in ("good", "invalid")


GOOD = CA.staple(LEAF)
