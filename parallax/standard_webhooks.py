"""Signatures of webhooks, by Standard Webhooks 1.0.0 (https://www.standardwebhooks.com). Pure.

What is signed is `id.timestamp.body`: by v1 with HMAC-SHA256 and a key that both sides hold, by v1a with Ed25519
(RFC 8032), whose public key is all that the receiver needs. The header may carry several signatures, apart by blanks,
so that a key can be changed without a gap; what is verified here is v1, and others are passed over.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
PRIVATE_PREFIX, PUBLIC_PREFIX = "whsk_", "whpk_"
TOLERANCE_S = 300
"""How far a timestamp may be from the receiver's clock, either way."""
MOST_SIGNATURES = 20
_SHORTEST_KEY, _LONGEST_KEY = 16, 64
"""Octets. The specification wants 24 to 64; keys of 16 are about, and HMAC is no weaker for a longer one."""


Signer = Callable[[str, int, bytes], str]
"""An id, a time in whole seconds since the Unix epoch and a body to a signature, `v1,...` or `v1a,...`."""


class NoKey(ValueError):
    """The text is no key; the message has nothing of it."""


class WebhookError(ValueError):
    """The headers do not prove that the body came from whoever holds the key."""


class Malformed(WebhookError):
    """A header is missing or cannot be read."""


class Untimely(WebhookError):
    """The timestamp is too old or too new: a repeat by somebody else, or a clock that is wrong."""


class BadSignature(WebhookError):
    """No signature fits: another key, or another body."""


def key_of(text: str) -> bytes:
    """The key in `whsec_` + base64 (the prefix may be missing, padding too). Raises NoKey."""
    encoded = text.removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise NoKey("is no webhook key; one is whsec_ and then base64 of 24 to 64 random octets") from None
    if not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        raise NoKey(f"has {len(key)} octets behind whsec_, in base64; a webhook key has 24 to 64")
    return key


def sign(key: bytes, id: str, timestamp_s: int, body: bytes) -> str:  # noqa: A002
    """The signature `v1,<base64>` of a body that is sent at a time, whole seconds since the Unix epoch."""
    signed = b"%s.%d.%s" % (id.encode(), timestamp_s, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii")


def private_key_of(text: str) -> Ed25519PrivateKey:
    """The key in `whsk_` + base64 of 32 octets, or of 64: the same with the public key behind it. Raises NoKey."""
    encoded = text.removeprefix(PRIVATE_PREFIX).rstrip("=")
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) not in (32, 64):
        raise NoKey("is no private webhook key; one is whsk_ and then base64 of the 32 octets of an Ed25519 key")
    key = Ed25519PrivateKey.from_private_bytes(raw[:32])
    if raw[32:] not in (b"", key.public_key().public_bytes_raw()):
        raise NoKey("has a public key behind it that is not its own")
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """What the receiver is given: `whpk_` + base64."""
    return PUBLIC_PREFIX + base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")


def signer(scheme: str, text: str) -> Signer:
    """What signs with the key in a text, by `v1` or `v1a`. Raises NoKey."""
    if scheme == "v1a":
        private = private_key_of(text)
        return lambda id, timestamp_s, body: sign_by_private_key(private, id, timestamp_s, body)  # noqa: A006
    key = key_of(text)
    return lambda id, timestamp_s, body: sign(key, id, timestamp_s, body)  # noqa: A006


def sign_by_private_key(key: Ed25519PrivateKey, id: str, timestamp_s: int, body: bytes) -> str:  # noqa: A002
    """The signature `v1a,<base64>`."""
    signature = key.sign(b"%s.%d.%s" % (id.encode(), timestamp_s, body))
    return "v1a," + base64.b64encode(signature).decode("ascii")


def headers(key: bytes, id: str, timestamp_s: int, body: bytes) -> dict[str, str]:  # noqa: A002
    """The three headers of a message."""
    return {ID: id, TIMESTAMP: str(timestamp_s), SIGNATURE: sign(key, id, timestamp_s, body)}


def signed(signers: Iterable[Signer], id: str, timestamp_s: int, body: bytes) -> dict[str, str]:  # noqa: A002
    """The three headers of a message that is signed with every key."""
    signatures = " ".join(sign(id, timestamp_s, body) for sign in signers)
    return {ID: id, TIMESTAMP: str(timestamp_s), SIGNATURE: signatures}


def verify(key: bytes, given: Mapping[str, str], body: bytes, now_s: float) -> str:
    """The id of a message that is genuine; header names in lower case. Raises Malformed, Untimely, BadSignature."""
    try:
        id_, timestamp, signatures = given[ID], given[TIMESTAMP], given[SIGNATURE]
    except KeyError as missing:
        raise Malformed(f"the header {missing} is missing") from None
    if not id_:
        raise Malformed(f"the header {ID} is empty")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise Malformed(f"the header {TIMESTAMP} is no whole number of seconds")
    candidates = signatures.split(" ")
    if len(candidates) > MOST_SIGNATURES or not all("," in candidate for candidate in candidates):
        raise Malformed(f"the header {SIGNATURE} is no list of version,signature")
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise Untimely(f"the message is of {abs(now_s - int(timestamp)):.0f} s from now; {TOLERANCE_S} s are allowed")
    right = sign(key, id_, int(timestamp), body).encode("ascii")
    # Every one is compared, so that the time taken says nothing of which one fits.
    fits = [hmac.compare_digest(right, candidate.encode("utf-8", "replace")) for candidate in candidates]
    if not any(fits):
        raise BadSignature("no signature fits the body and the key")
    return id_
