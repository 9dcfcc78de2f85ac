"""Client certificates: who is bound, what holds, what is signed. Whole handshakes: tests/e2e/test_enrolment."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from collector.clients import (
    VALID,
    Clients,
    RequestError,
    hash_of,
    issue,
    list_clients,
    make_authority,
    read_request,
    revoke_clients,
)
from collector.tokens import TokenError
from parallax.state import StartError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str = "whoever") -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def issued(state: Path, probe: str = "fra1", now: datetime = NOW) -> tuple[x509.Certificate, str]:
    """A certificate, and its hash."""
    make_authority(state)
    pem = issue(state, probe, read_request(request(ec.generate_private_key(ec.SECP256R1()))), now)
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return certificate, hash_of(certificate.public_bytes(serialization.Encoding.DER))


def test_what_is_signed_is_the_probes_and_for_clients_alone(tmp_path: Path) -> None:
    certificate, _ = issued(tmp_path)
    authority = x509.load_pem_x509_certificate((tmp_path / "client-ca.pem").read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert certificate.subject.rfc4514_string() == "CN=fra1", "whatever the request says"
    assert certificate.not_valid_after_utc == NOW + VALID
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.suffix != ".lock"}
    assert set(modes.values()) == {0o600}, modes


def test_the_authority_is_made_once(tmp_path: Path) -> None:
    assert make_authority(tmp_path).read_bytes() == make_authority(tmp_path).read_bytes()


async def test_a_token_alone_holds_until_the_certificate_was_seen(tmp_path: Path) -> None:
    clients = Clients(tmp_path)
    _, shown = issued(tmp_path)
    assert clients.why_not("fra1", None, NOW) is None
    assert clients.why_not("fra1", shown, NOW) is None
    await clients.bind("fra1")
    assert "its token holds only beside it" in str(clients.why_not("fra1", None, NOW))
    assert clients.why_not("fra1", shown, NOW) is None
    assert "is not of the probe lon1" in str(clients.why_not("lon1", shown, NOW))
    assert "expired at 2027-12-24 12:00 UTC" in str(clients.why_not("fra1", shown, NOW + VALID))
    assert Clients(tmp_path).is_bound("fra1"), "a restart does not forget it"


async def test_two_hold_at_a_time_and_ending_one_leaves_the_probe_bound(tmp_path: Path) -> None:
    clients = Clients(tmp_path)
    hashes = [issued(tmp_path, now=NOW + n * HOUR)[1] for n in range(3)]
    await clients.bind("fra1")
    assert [clients.why_not("fra1", each, NOW) is None for each in hashes] == [False, True, True]
    old, new = list_clients(tmp_path)
    assert [each.hash for each in revoke_clients(tmp_path, old.id)] == [hashes[1]]
    assert "was revoked" in str(clients.why_not("fra1", hashes[1], NOW))
    assert clients.why_not("fra1", None, NOW) is not None
    assert clients.why_not("fra1", hashes[2], NOW) is None
    assert [each.id for each in revoke_clients(tmp_path, "fra1")] == [new.id]
    assert clients.why_not("fra1", None, NOW) is None, "all of it was ended: it begins anew"


def test_revoking_where_there_are_none_leaves_no_file(tmp_path: Path) -> None:
    assert revoke_clients(tmp_path, "fra1") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no PKCS #10 in PEM"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "no PKCS #10 in PEM"),
        ("\udce9", "no PKCS #10 in PEM"),
        (request(rsa.generate_private_key(65537, 2048)), "not one on the curve P-256"),
        (request(ec.generate_private_key(ec.SECP384R1())), "not one on the curve P-256"),
    ],
)
def test_what_is_no_request_is_not_signed(text: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        read_request(text)


def test_a_request_by_another_key_is_not_signed() -> None:
    pem = request(ec.generate_private_key(ec.SECP256R1()))
    der = bytearray(x509.load_pem_x509_csr(pem.encode()).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    broken = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()
    with pytest.raises(RequestError, match="its signature is not by its key"):
        read_request(broken)


def test_a_broken_file_is_a_sentence_and_lets_nobody_in_by_a_token_alone(tmp_path: Path) -> None:
    (tmp_path / "clients.json").write_text("[")
    with pytest.raises(StartError, match="is no file of client certificates"):
        Clients(tmp_path)
    with pytest.raises(TokenError, match="enrol those probes again"):
        revoke_clients(tmp_path, "fra1")


async def test_a_file_that_breaks_later_leaves_who_is_bound(tmp_path: Path) -> None:
    issued(tmp_path)
    clients = Clients(tmp_path)
    await clients.bind("fra1")
    assert clients.is_bound("fra1")
    (tmp_path / "clients.json").write_text("[")
    assert clients.is_bound("fra1")
