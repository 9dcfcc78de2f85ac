"""Public keys in DKIM records. What reads them (`cryptography`) is imported with the first one."""

MAX_OCTETS = 4096
"""A key of 16,384 bits has 2 kB."""


def rsa_bits(octets: bytes) -> int | None:
    """The size of an RSA key in DER, as SubjectPublicKeyInfo or bare RSAPublicKey: both are in use. None if it is
    none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if len(octets) > MAX_OCTETS:
        return None
    try:
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, RSAPublicKey) else None


def load() -> None:
    """Imports what reads keys."""
    rsa_bits(b"")
