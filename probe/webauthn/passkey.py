"""A passkey as this host's owner keeps it: one line of text, a secret like a password.

    passkey.1.CREDENTIAL_ID.PRIVATE_KEY

Both parts are base64url without padding (RFC 4648 section 5); the key is PKCS #8 in DER, on the curve P-256. What
reads keys (`cryptography`) is imported with the first one.
"""

import base64
import binascii
import secrets
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

PREFIX = "passkey.1."
_LONGEST = 4096
_LONGEST_ID = 1023
"""Octets of a credential id (WebAuthn section 4)."""


class PasskeyError(ValueError):
    """It is no passkey, or no answer can be made with it. The message has nothing of a secret."""


class Passkey:
    """A credential: its id, and the key that signs."""

    __slots__ = ("_key", "credential_id")

    def __init__(self, credential_id: bytes, key: "EllipticCurvePrivateKey") -> None:
        self.credential_id, self._key = credential_id, key

    @classmethod
    def new(cls) -> Self:
        from cryptography.hazmat.primitives.asymmetric import ec

        return cls(secrets.token_bytes(32), ec.generate_private_key(ec.SECP256R1()))

    @property
    def point(self) -> tuple[bytes, bytes]:
        """The public key's coordinates, 32 octets each."""
        numbers = self._key.public_key().public_numbers()
        return numbers.x.to_bytes(32), numbers.y.to_bytes(32)

    def sign(self, octets: bytes) -> bytes:
        """ECDSA with SHA-256, as ASN.1 (WebAuthn section 6.5.5)."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._key.sign(octets, ec.ECDSA(SHA256()))

    def reveal(self) -> str:
        """The line of text."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return f"{PREFIX}{to_base64url(self.credential_id)}.{to_base64url(key)}"

    def __repr__(self) -> str:
        return "Passkey(...)"


def new_passkey() -> Passkey:
    """A passkey that no provider knows yet."""
    return Passkey.new()


def read_passkey(text: str) -> Passkey:
    """The passkey of such a line. Raises PasskeyError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    parts = text.strip().removeprefix(PREFIX).split(".")
    if not text.strip().startswith(PREFIX) or len(parts) != 2 or len(text) > _LONGEST:
        raise PasskeyError(f"it is no passkey; one begins with {PREFIX} and is made by `parallax passkey new`")
    try:
        credential_id, der = from_base64url(parts[0]), from_base64url(parts[1])
        key = load_der_private_key(der, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PasskeyError("its key does not decode; it may have been cut short") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise PasskeyError("its key is not on the curve P-256")
    if not 16 <= len(credential_id) <= _LONGEST_ID:
        raise PasskeyError(f"its credential id has {len(credential_id)} octets; 16 to {_LONGEST_ID} are allowed")
    return Passkey(credential_id, key)


def to_base64url(octets: bytes) -> str:
    """Without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Octets from base64url, or from plain base64, padded or not. Raises ValueError."""
    plain = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("it is no base64url") from None
