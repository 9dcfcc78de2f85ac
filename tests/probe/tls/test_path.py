"""Why a chain is not trusted, and whose certificate is missing."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from probe.tls.path import untrusted_finding
from tests.parts.certificates import Authority

ROOT, OTHER = Authority("A root"), Authority("Another root")
BETWEEN = ROOT.below("An intermediate")
SAME_NAME = OTHER.below("An intermediate")
URL = "http://ca.example/between.crt"
AIA = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.example")),
        x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(URL)),
    ]
)  # fmt: skip
PUBLIC = BETWEEN.leaf("a.test", extensions=[AIA]).der
PRIVATE = BETWEEN.leaf("a.test").der


def der(authority: Authority) -> bytes:
    return authority.certificate.public_bytes(Encoding.DER)


BETWEEN_WITH_URL = (
    x509.CertificateBuilder()
    .subject_name(BETWEEN.name)
    .issuer_name(ROOT.name)
    .public_key(BETWEEN.private_key.public_key())
    .serial_number(1)
    .not_valid_before(BETWEEN.certificate.not_valid_before_utc)
    .not_valid_after(BETWEEN.certificate.not_valid_after_utc)
    .add_extension(AIA, critical=False)
    .sign(ROOT.private_key, hashes.SHA256())
    .public_bytes(Encoding.DER)
)
"""Of a private CA whose root is neither sent nor trusted, though it says where the root can be had."""


@pytest.mark.parametrize(
    ("chain", "codes", "why", "missing"),
    [
        ([PUBLIC], [20, 21], "chain_incomplete", "CN=An intermediate"),
        ([PUBLIC, der(OTHER)], [20, 21], "chain_incomplete", "CN=An intermediate"),
        ([PRIVATE], [20, 21], "issuer_unknown", "CN=An intermediate"),
        ([PUBLIC, der(BETWEEN)], [20], "issuer_unknown", "CN=A root"),
        ([PUBLIC, der(BETWEEN), der(ROOT)], [19], "root_untrusted", "CN=A root"),
        ([PUBLIC, der(ROOT), der(BETWEEN)], [19], "root_untrusted", "CN=A root"),
        ([PUBLIC, der(SAME_NAME)], [20, 21], "issuer_mismatch", "CN=An intermediate"),
        ([der(ROOT)], [18], "self_signed", "CN=A root"),
        ([der(ROOT), der(ROOT)], [18], "self_signed", "CN=A root"),
        ([PUBLIC, BETWEEN_WITH_URL], [20], "issuer_unknown", "CN=A root"),
    ],
)
def test_whose_certificate_is_missing(chain: list[bytes], codes: list[int], why: str, missing: str) -> None:
    found = untrusted_finding(chain, codes)
    assert found is not None
    assert (found["why"], found["missing_issuer"], found["sent"]) == (why, missing, len(chain))


def test_where_the_missing_certificate_can_be_had() -> None:
    found = untrusted_finding([PUBLIC], [20])
    assert found is not None
    assert found["issuer_urls"] == [URL]


def test_other_faults_are_no_matter_of_the_path() -> None:
    assert untrusted_finding([PUBLIC], [10]) is None
    assert untrusted_finding([PUBLIC], [26]) == {"why": "not_for_servers", "sent": 1}
    assert untrusted_finding([b"garbage"], [20]) is None
    assert untrusted_finding([], [20]) is None


def test_what_cannot_be_read_is_left_out() -> None:
    found = untrusted_finding([PRIVATE, b"garbage", der(BETWEEN)], [20])
    assert found is not None
    assert found["missing_issuer"] == "CN=A root"


def test_a_circle_of_issuers_ends() -> None:
    first = Authority("one")
    second = Authority("two", above=first)
    back = Authority("one", above=second)  # another key than the first one's, so the signatures do not close the circle
    chain = [second.leaf("a.test").der, der(second), der(first), der(back)]
    found = untrusted_finding(chain, [19])
    assert found is not None
    assert found["why"] == "root_untrusted"
