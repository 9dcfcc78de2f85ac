"""Keys and tokens that the tests sign themselves, by cryptography and the standard library: not by what is tested."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ISSUER = "https://idp.example"
NOW = 1_790_000_000
Sign = Callable[[bytes], bytes]


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def number(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def rsa_jwk(key: rsa.RSAPrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "n": number(numbers.n), "e": number(numbers.e), **more}


def ec_jwk(key: ec.EllipticCurvePrivateKey, kid: str, crv: str, **more: Any) -> dict[str, Any]:
    numbers, length = key.public_key().public_numbers(), (key.curve.key_size + 7) // 8
    x, y = number(numbers.x, length), number(numbers.y, length)
    return {"kty": "EC", "kid": kid, "crv": crv, "x": x, "y": y, **more}


RSA = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
P521 = ec.generate_private_key(ec.SECP521R1())
K256 = ec.generate_private_key(ec.SECP256K1())
ED = ed25519.Ed25519PrivateKey.generate()
ED448 = ed448.Ed448PrivateKey.generate()

RSA_JWK = rsa_jwk(RSA, "r1", use="sig")
P256_JWK = ec_jwk(P256, "e1", "P-256")
JWKS: dict[str, dict[str, Any]] = {
    "RS256": RSA_JWK,
    "RS384": RSA_JWK,
    "RS512": RSA_JWK,
    "PS256": RSA_JWK,
    "PS384": RSA_JWK,
    "PS512": RSA_JWK,
    "ES256": P256_JWK,
    "ES384": ec_jwk(P384, "e2", "P-384"),
    "ES512": ec_jwk(P521, "e3", "P-521"),
    "ES256K": ec_jwk(K256, "e4", "secp256k1"),
    "EdDSA": {"kty": "OKP", "kid": "o1", "crv": "Ed25519", "x": b64(ED.public_key().public_bytes_raw())},
    "Ed25519": {"kty": "OKP", "kid": "o1", "crv": "Ed25519", "x": b64(ED.public_key().public_bytes_raw())},
    "Ed448": {"kty": "OKP", "kid": "o2", "crv": "Ed448", "x": b64(ED448.public_key().public_bytes_raw())},
}
_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def _rsa(algorithm: str, key: rsa.RSAPrivateKey) -> Sign:
    digest = _HASHES[algorithm[2:]]()
    if algorithm.startswith("PS"):
        return lambda data: key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return lambda data: key.sign(data, padding.PKCS1v15(), digest)


def _ec(key: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm) -> Sign:
    length = (key.curve.key_size + 7) // 8

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")

    return sign


SIGNERS: dict[str, Sign] = {
    **{name: _rsa(name, RSA) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")},
    "ES256": _ec(P256, hashes.SHA256()),
    "ES384": _ec(P384, hashes.SHA384()),
    "ES512": _ec(P521, hashes.SHA512()),
    "ES256K": _ec(K256, hashes.SHA256()),
    "EdDSA": ED.sign,
    "Ed25519": ED.sign,
    "Ed448": ED448.sign,
    "none": lambda data: b"",
}


def hs256(secret: bytes) -> Sign:
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


def weak_signer(algorithm: str = "RS256") -> Sign:
    return _rsa(algorithm, WEAK)


def claims(**more: Any) -> dict[str, Any]:
    """Those of a good id_token for the client `web`; None takes one out."""
    said = {"iss": ISSUER, "sub": "u1", "aud": "web", "iat": NOW, "exp": NOW + 3600, "nonce": "n1", **more}
    return {name: value for name, value in said.items() if value is not None}


def signed(said: dict[str, Any] | bytes, algorithm: str = "RS256", *, sign: Sign | None = None, **header: Any) -> str:
    """A token in compact form. Its kid is that of the algorithm's key, unless `header` says another (None: none)."""
    whole = {"alg": algorithm, "typ": "JWT", "kid": JWKS.get(algorithm, RSA_JWK)["kid"], **header}
    whole = {name: value for name, value in whole.items() if value is not None}
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    first = f"{b64(json.dumps(whole).encode())}.{b64(payload)}"
    return f"{first}.{b64((sign or SIGNERS[algorithm])(first.encode()))}"


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()
