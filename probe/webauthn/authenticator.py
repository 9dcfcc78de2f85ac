"""What an authenticator and the browser before it answer to a challenge (W3C Web Authentication Level 2).

The signature counter is always 0, which says that this authenticator has none (section 6.1.1): as with passkeys that
are synchronised, nothing has to be kept from run to run, and two answers can't come out of order. The attestation is
"none" (section 8.7): it vouches for no make.
"""

import hashlib
import json
from typing import Literal

import msgspec

from probe.webauthn.cbor import encode_cbor
from probe.webauthn.passkey import Passkey, PasskeyError, from_base64url, to_base64url

__all__ = ["Answer", "PasskeyError", "answer_create", "answer_get"]

SHORTEST_CHALLENGE = 16
"""Octets (section 13.4.3)."""
LONGEST_CHALLENGE = 4096
USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40
_ES256, _EC2, _P256 = -7, 2, 1
_NO_MAKE = bytes(16)
"""The AAGUID of an authenticator that does not say what it is."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to the relying party; texts are base64url. `signature` is empty for a registration, and
    `attestation_object` for a sign-in."""

    credential_id: str
    client_data: str
    authenticator_data: str
    signature: str = ""
    attestation_object: str = ""
    user_handle: str = ""

    @property
    def json(self) -> str:
        """As `PublicKeyCredential.toJSON()` gives it (Level 3, section 5.1)."""
        response = {"clientDataJSON": self.client_data, "authenticatorData": self.authenticator_data}
        if self.attestation_object:
            response |= {"attestationObject": self.attestation_object}
        else:
            response |= {"signature": self.signature}
        if self.user_handle:
            response["userHandle"] = self.user_handle
        whole = {
            "id": self.credential_id,
            "rawId": self.credential_id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response | ({"transports": ["internal"]} if self.attestation_object else {}),
        }
        return json.dumps(whole, separators=(",", ":"))

    @property
    def parts(self) -> dict[str, str]:
        """By the names that a plan has them under."""
        found = {
            "id": self.credential_id,
            "client_data": self.client_data,
            "authenticator_data": self.authenticator_data,
            "signature": self.signature,
            "attestation_object": self.attestation_object,
            "user_handle": self.user_handle,
        }
        return {name: text for name, text in found.items() if text}


def answer_get(
    passkey: Passkey, *, rp: str, origin: str, challenge: str, verified: bool = True, user_handle: str = ""
) -> Answer:
    """An assertion: the passkey signs in (section 7.2). Raises PasskeyError."""
    client_data = _client_data("webauthn.get", origin, challenge)
    data = _authenticator_data(rp, USER_PRESENT | (USER_VERIFIED if verified else 0))
    signature = passkey.sign(data + hashlib.sha256(client_data).digest())
    return Answer(
        credential_id=to_base64url(passkey.credential_id),
        client_data=to_base64url(client_data),
        authenticator_data=to_base64url(data),
        signature=to_base64url(signature),
        user_handle=user_handle,
    )


def answer_create(passkey: Passkey, *, rp: str, origin: str, challenge: str, verified: bool = True) -> Answer:
    """A registration: the provider gets to know the passkey (section 7.1). Raises PasskeyError."""
    client_data = _client_data("webauthn.create", origin, challenge)
    x, y = passkey.point
    key = encode_cbor({1: _EC2, 3: _ES256, -1: _P256, -2: x, -3: y})
    size = len(passkey.credential_id).to_bytes(2)
    flags = USER_PRESENT | ATTESTED | (USER_VERIFIED if verified else 0)
    data = _authenticator_data(rp, flags) + _NO_MAKE + size + passkey.credential_id + key
    return Answer(
        credential_id=to_base64url(passkey.credential_id),
        client_data=to_base64url(client_data),
        authenticator_data=to_base64url(data),
        attestation_object=to_base64url(encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})),
    )


def _client_data(ceremony: Literal["webauthn.get", "webauthn.create"], origin: str, challenge: str) -> bytes:
    """The client data, serialised as section 5.8.1.1 wants it: providers may compare it by octets."""
    try:
        octets = from_base64url(challenge)
    except ValueError:
        raise PasskeyError("the challenge is no base64url") from None
    if not SHORTEST_CHALLENGE <= len(octets) <= LONGEST_CHALLENGE:
        raise PasskeyError(
            f"the challenge has {len(octets)} octets; {SHORTEST_CHALLENGE} to {LONGEST_CHALLENGE} are allowed"
        )
    said = {"type": ceremony, "challenge": to_base64url(octets), "origin": origin, "crossOrigin": False}
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


def _authenticator_data(rp: str, flags: int) -> bytes:
    return hashlib.sha256(rp.encode("idna" if not rp.isascii() else "ascii")).digest() + bytes([flags]) + bytes(4)
