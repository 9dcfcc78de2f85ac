"""Client certificates of probes, by choice: a small CA in the state folder, and which of its certificates hold.

Theory. A certificate is shown beside the token, so that a token that was copied opens nothing by itself. The probe
makes its key, which never leaves its host; the collector signs what the probe asks for as it enrols. OpenSSL sees in
the handshake that a certificate is of this CA and in its time. Whether it still holds, and whose it is, is asked of
`clients.json` at each request, by its hash: so ending one needs no list of revocations, and holds from the next request
on, also on connections that were made before.

From the first request on with which a probe shows a certificate it is *bound*: its token alone is worth nothing then.
Before that it is, so that a probe that ships can be given a certificate without a gap. Ending a certificate leaves the
probe bound; ending all that it has does not.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import trio
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from collector.in_force import InForce, KeptError
from collector.tokens import NAME, VALID_AT_A_TIME, TokenError, locked
from parallax.log import get_log
from parallax.state import StartError, write_private

ROLE = "client"
AUTHORITY = "client-ca.pem"
_AUTHORITY_KEY = "client-ca.key"
_KEPT = "clients.json"
VALID = timedelta(days=397)
"""How long a probe's certificate holds."""
_AUTHORITY_VALID = timedelta(days=7300)
_BACKDATED = timedelta(minutes=5)
"""Clocks differ."""
_MAX_FILE = 10_000_000
_log = get_log(__name__)


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that was issued. `hash` is the SHA-256 of its DER, hex; times are UTC."""

    id: str
    name: str
    """The probe that it is of."""
    hash: str
    made_at: datetime
    expires_at: datetime


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: int = 1
    clients: list[Client] = []
    bound: list[str] = []


class RequestError(Exception):
    """What a probe asks to have signed is no request for a certificate of the kind that is issued; one line."""


class Clients:
    """The certificates in force."""

    def __init__(self, state: Path) -> None:
        """Raises StartError: where nobody knows who is bound, nobody is let in by a token alone."""
        self.state = state
        try:
            self._kept = InForce[_File](state / _KEPT, _read, _read(state / _KEPT))
        except KeptError as error:
            raise StartError(str(error)) from None

    def why_not(self, probe: str, shown: str | None, now: datetime | None = None) -> str | None:
        """Why a connection that has shown the certificate with this hash (None: none) may not speak for the probe whose
        token it has, and what to do; None where it may."""
        kept = self._kept.look()
        again = f"enrol it again: on this host, parallax collector token add --role join {probe}"
        if shown is None:
            if probe in kept.bound:
                return f"the probe {probe} has a client certificate, and its token holds only beside it; or {again}"
            return None
        for client in kept.clients:
            if client.hash == shown and client.name == probe:
                if (now or datetime.now(UTC)) < client.expires_at:
                    return None
                return f"the client certificate of {probe} expired at {client.expires_at:%Y-%m-%d %H:%M} UTC; {again}"
        return f"the client certificate was revoked, or is not of the probe {probe}; {again}"

    async def bind(self, probe: str) -> None:
        """Notes that the probe comes with a certificate, where that is new. Where it cannot be written, it is tried
        again with its next request."""
        if probe not in self._kept.look().bound:
            try:
                await trio.to_thread.run_sync(_bind, self.state, probe)
            except KeptError as error:
                _log.error("a probe comes with a certificate, and its token alone still holds", problem=str(error))
            else:
                _log.info("the probe's token holds only beside its certificate now", probe=probe)

    def is_bound(self, probe: str) -> bool:
        """Whether its token alone is worth nothing."""
        return probe in self._kept.look().bound


def make_authority(state: Path) -> Path:
    """The CA's certificate, a PEM file; makes the CA where there is none. Raises StartError."""
    try:
        with locked(state, "clients.lock"):
            path, key_path = state / AUTHORITY, state / _AUTHORITY_KEY
            if path.exists() and key_path.exists():
                return path
            key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
            name = _name(f"Parallax probes {secrets.token_hex(4)}")
            builder = (
                x509.CertificateBuilder()
                .subject_name(name)
                .issuer_name(name)
                .public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - _BACKDATED)
                .not_valid_after(now + _AUTHORITY_VALID)
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_usage(signs=True), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            )
            write_private(key_path, _key_pem(key))
            write_private(path, builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
            return path
    except KeptError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        raise StartError(f"the CA of probes in {state} cannot be written: {error.strerror}") from None


def read_request(text: str) -> x509.CertificateSigningRequest:
    """A request for a certificate (PKCS #10, RFC 2986), PEM, with a key on P-256. Raises RequestError."""
    try:
        request = x509.load_pem_x509_csr(text.encode())
        key = request.public_key()
        if not request.is_signature_valid:
            raise RequestError("its signature is not by its key")
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion):
        raise RequestError("it is no PKCS #10 in PEM") from None
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise RequestError("its key is not one on the curve P-256")
    return request


def issue(state: Path, probe: str, request: x509.CertificateSigningRequest, now: datetime | None = None) -> str:
    """Signs a certificate for the probe, whatever name the request has; PEM. A third one of a probe ends the oldest.

    Raises TokenError."""
    if not NAME.fullmatch(probe):
        raise TokenError(f"{probe[:80]!r} is no probe's name: use 1 to 64 letters, digits, '-', '_' and '.'")
    now = (now or datetime.now(UTC)).replace(microsecond=0)
    try:
        authority = x509.load_pem_x509_certificate((state / AUTHORITY).read_bytes())
        key = serialization.load_pem_private_key((state / _AUTHORITY_KEY).read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise TokenError(f"the CA of probes in {state} cannot be used: {error}; take both of its files away") from None
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(probe))
        .issuer_name(authority.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    fresh = Client(
        id=secrets.token_hex(4),
        name=probe,
        hash=hash_of(certificate.public_bytes(serialization.Encoding.DER)),
        made_at=now,
        expires_at=now + VALID,
    )
    with _changing(state) as kept:
        others = [client for client in kept.clients if client.name != probe]
        same = [client for client in kept.clients if client.name == probe and client.expires_at > now]
        kept.clients[:] = [*others, *same[-(VALID_AT_A_TIME - 1) :], fresh]
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def revoke_clients(state: Path, which: str) -> list[Client]:
    """Ends the certificate with this id, or all of this probe, which is not bound any more then; returns those ended.
    Raises TokenError."""
    if not (state / _KEPT).exists():
        return []
    with _changing(state) as kept:
        ended = [client for client in kept.clients if which in (client.id, client.name)]
        kept.clients[:] = [client for client in kept.clients if client not in ended]
        kept.bound[:] = [name for name in kept.bound if name != which]
    return ended


def list_clients(state: Path) -> list[Client]:
    """All certificates that were issued and not ended, oldest first. Raises TokenError."""
    return _read(state / _KEPT).clients


def hash_of(der: bytes) -> str:
    """What a certificate is known by: SHA-256, hex."""
    return hashlib.sha256(der).hexdigest()


def _bind(state: Path, probe: str) -> None:
    with _changing(state) as kept:
        if probe not in kept.bound:
            kept.bound.append(probe)


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as file:
            content = msgspec.json.decode(file.read(_MAX_FILE), type=_File)
    except FileNotFoundError:
        return _File(clients=[], bound=[])
    except OSError as error:
        raise TokenError(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise TokenError(
            f"{path} is no file of client certificates: {error}; mend it, or delete it and enrol those probes again"
        ) from None
    if content.version != 1:
        raise TokenError(f"{path} is of version {content.version}; this program knows 1: upgrade it")
    return content


@contextmanager
def _changing(state: Path) -> Iterator[_File]:
    path = state / _KEPT
    with locked(state, "clients.lock"):
        kept = _read(path)
        yield kept
        try:
            write_private(path, msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
        except OSError as error:
            raise TokenError(f"{path} cannot be written: {error.strerror}") from None


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
