"""A software authenticator, against Yubico's relying party (PyPI: fido2), which verifies what it answers."""

import json
from typing import Any

import pytest
from fido2.cbor import encode as fido_encode
from fido2.server import Fido2Server
from fido2.webauthn import (
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)
from hypothesis import given
from hypothesis import strategies as st

from probe.webauthn import PasskeyError, answer_create, answer_get, new_passkey, read_passkey
from probe.webauthn.cbor import encode_cbor
from probe.webauthn.passkey import from_base64url, to_base64url

HERE: dict[str, Any] = {"rp": "id.example", "origin": "https://login.id.example"}
VERIFIED = UserVerificationRequirement.REQUIRED


class Party:
    """A relying party with one user."""

    def __init__(self) -> None:
        self.server = Fido2Server(PublicKeyCredentialRpEntity(id="id.example", name="Id"))
        self.known: list[Any] = []

    def register(self, answer: Any) -> None:
        user = PublicKeyCredentialUserEntity(id=b"user-1", name="synthetic")
        options, state = self.server.register_begin(user, user_verification=VERIFIED)
        said = json.loads(answer(to_base64url(options.public_key.challenge)).json)
        data = self.server.register_complete(state, RegistrationResponse.from_dict(said))
        self.known.append(data.credential_data)

    def sign_in(self, answer: Any) -> None:
        options, state = self.server.authenticate_begin(self.known, user_verification=VERIFIED)
        said = json.loads(answer(to_base64url(options.public_key.challenge)).json)
        self.server.authenticate_complete(state, self.known, AuthenticationResponse.from_dict(said))


def test_a_passkey_is_registered_and_signs_in_again_and_again() -> None:
    party, passkey = Party(), new_passkey()
    party.register(lambda challenge: answer_create(passkey, challenge=challenge, **HERE))
    kept = read_passkey(passkey.reveal() + "\n")
    for _ in range(2):
        party.sign_in(lambda challenge: answer_get(kept, challenge=challenge, user_handle="dXNlci0x", **HERE))


@pytest.mark.parametrize(
    "changed",
    [{"origin": "https://id.example.evil.test"}, {"rp": "other.example"}, {"verified": False}],
    ids=["origin", "rp", "unverified"],
)
def test_what_is_not_as_it_was_asked_for_is_refused(changed: dict[str, Any]) -> None:
    party, passkey = Party(), new_passkey()
    party.register(lambda challenge: answer_create(passkey, challenge=challenge, **HERE))
    with pytest.raises(ValueError, match=r"."):
        party.sign_in(lambda challenge: answer_get(passkey, challenge=challenge, **(HERE | changed)))


def test_another_passkey_does_not_sign_in() -> None:
    party, passkey, other = Party(), new_passkey(), new_passkey()
    party.register(lambda challenge: answer_create(passkey, challenge=challenge, **HERE))
    other.credential_id = passkey.credential_id
    with pytest.raises(ValueError, match="Invalid signature"):
        party.sign_in(lambda challenge: answer_get(other, challenge=challenge, **HERE))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is no passkey"),
        ("hunter2", "it is no passkey"),
        ("passkey.1.AAAA", "it is no passkey"),
        ("passkey.1.!!.??", "does not decode"),
        ("passkey.1.AAAA.AAAA", "does not decode"),
    ],
)
def test_what_is_no_passkey_says_so_and_shows_nothing_of_it(text: str, says: str) -> None:
    with pytest.raises(PasskeyError, match=says) as caught:
        read_passkey(text)
    assert "hunter2" not in str(caught.value)


def test_an_id_that_is_too_short_is_refused() -> None:
    _, _, _, key = new_passkey().reveal().split(".")
    with pytest.raises(PasskeyError, match="3 octets"):
        read_passkey(f"passkey.1.AAAA.{key}")


@pytest.mark.parametrize(("challenge", "says"), [("", "0 octets"), ("AAAA", "3 octets"), ("ä", "no base64url")])
def test_a_challenge_that_is_none(challenge: str, says: str) -> None:
    with pytest.raises(PasskeyError, match=says):
        answer_get(new_passkey(), challenge=challenge, **HERE)


def test_plain_base64_is_taken_too() -> None:
    odd = bytes([0xFB, 0xEF, 0xFF] * 8)
    plain = "++//" * 8
    answer = answer_get(new_passkey(), challenge=plain, **HERE)
    said = json.loads(from_base64url(answer.client_data))
    assert from_base64url(said["challenge"]) == from_base64url(plain)
    assert from_base64url(to_base64url(odd)) == odd


def test_a_passkey_does_not_show_itself() -> None:
    passkey = new_passkey()
    assert repr(passkey) == "Passkey(...)"


KEYS = st.one_of(st.integers(-(2**63), 2**63), st.text(max_size=300))
VALUES = st.recursive(
    st.one_of(st.integers(-(2**63), 2**63), st.text(max_size=300), st.binary(max_size=300)),
    lambda inner: st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@given(VALUES)
def test_cbor_is_what_others_make_of_it(value: Any) -> None:
    from fido2.cbor import decode

    assert decode(encode_cbor(value)) == value
    if not isinstance(value, dict):
        assert encode_cbor(value) == fido_encode(value)
