"""A certificate authority for the tests: leaf certificates with any names and dates, made in a few milliseconds, and
what OCSP says of them."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from parallax.values import is_ip

DAY = timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Leaf(msgspec.Struct, frozen=True):
    """A server's certificate, the intermediates that go with it, and its key, each as PEM."""

    chain: str
    key: str
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Writes NAME.crt and NAME.key; returns both paths."""
        chain, key = folder / f"{name}.crt", folder / f"{name}.key"
        chain.write_text(self.chain)
        key.write_text(self.key)
        return chain, key


class Authority:
    """Signs leaf certificates, and other authorities below it."""

    def __init__(
        self, name: str = "Parallax test CA", above: "Authority | None" = None, until: datetime | None = None
    ) -> None:
        self._key, self._above = ec.generate_private_key(ec.SECP256R1()), above
        self.name = _name(name)
        now = datetime.now(UTC)
        key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(above.name if above else self.name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3650 * DAY)
            .not_valid_after(until or now + 3650 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .add_extension(key_id, critical=False)
        )
        if above:
            builder = builder.add_extension(above.authority_id, critical=False)
        self.certificate = builder.sign(above.private_key if above else self._key, hashes.SHA256())

    @property
    def private_key(self) -> ec.EllipticCurvePrivateKey:
        return self._key

    @property
    def authority_id(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())

    @property
    def pem(self) -> str:
        return _pem(self.certificate)

    def write(self, folder: Path, name: str = "ca.pem") -> str:
        """Writes the CA's certificate; returns the path, for `Trust`."""
        (folder / name).write_text(self.pem)
        return str(folder / name)

    def below(self, name: str, *, until: datetime | None = None) -> "Authority":
        """An intermediate, signed by this one; good for ten years unless said otherwise."""
        return Authority(name, above=self, until=until)

    def leaf(
        self,
        *names: str,
        since: datetime | None = None,
        until: datetime | None = None,
        rsa_bits: int | None = None,
        with_chain: bool = True,
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        extensions: Sequence[x509.ExtensionType] = (),
    ) -> Leaf:
        """A server certificate for DNS names and IP addresses; from yesterday to in 90 days unless said otherwise.
        `extensions` come on top."""
        now = datetime.now(UTC)
        until = until or now + 90 * DAY
        since = since or min(now, until) - DAY
        key: Key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
        alternatives: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(name)) if is_ip(name) else x509.DNSName(name) for name in names
        ]
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(names[0]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(self.authority_id, critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        above = self.pem if with_chain and self._above else ""
        return Leaf(_pem(certificate) + above, _key_pem(key), certificate)

    def staple(
        self,
        leaf: Leaf,
        *,
        revoked: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
        signed_by: "Authority | None" = None,
    ) -> bytes:
        """An OCSP response (RFC 6960) on the leaf, as DER: what a server staples. From an hour ago to in a week unless
        said otherwise; revoked two days before that. Signed by another authority it is a lie."""
        since = since or datetime.now(UTC) - DAY / 24
        signer = signed_by or self
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=leaf.certificate,
            issuer=self.certificate,
            algorithm=hashes.SHA1(),  # names the issuer, as RFC 5019 section 2.1.1 has it
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=since,
            next_update=until or since + 7 * DAY,
            revocation_time=since - 2 * DAY if revoked else None,
            revocation_reason=reason if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        return builder.sign(signer.private_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: Key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )
