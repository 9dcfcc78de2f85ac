"""Signatures, against the vector of the specification's own tests, and what is no proof."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from parallax.standard_webhooks import (
    BadSignature,
    Malformed,
    NoKey,
    Untimely,
    WebhookError,
    headers,
    key_of,
    private_key_of,
    public_text,
    sign,
    signed,
    signer,
    verify,
)

TEXT = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = key_of(TEXT)
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
RIGHT = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="


def given_headers(**more: str) -> dict[str, str]:
    return {"webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": RIGHT} | {
        f"webhook-{name}": value for name, value in more.items()
    }


def test_the_vector_of_the_specification() -> None:
    assert sign(KEY, ID, AT, BODY) == RIGHT
    assert headers(KEY, ID, AT, BODY) == given_headers()
    assert verify(KEY, given_headers(), BODY, AT) == ID


def test_one_of_several_signatures_is_enough() -> None:
    assert verify(KEY, given_headers(signature=f"{OTHER} v1a,aGFsbG8= {RIGHT} {OTHER}"), BODY, AT) == ID


@pytest.mark.parametrize("off", [-300, 300])
def test_five_minutes_are_forgiven(off: int) -> None:
    assert verify(KEY, given_headers(), BODY, AT + off) == ID


@pytest.mark.parametrize("off", [-301, 301, 10**9])
def test_more_is_not(off: int) -> None:
    with pytest.raises(Untimely):
        verify(KEY, given_headers(), BODY, AT + off)


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": ""},
        {"signature": "v1"},
        {"signature": f"{RIGHT}  {RIGHT}"},
        {"signature": " ".join([RIGHT] * 21)},
        {"timestamp": ""},
        {"timestamp": "1614265330.5"},
        {"timestamp": "-1614265330"},
        {"timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"timestamp": "9" * 5000},
        {"id": ""},
    ],
)
def test_what_cannot_be_read_is_malformed(changes: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        verify(KEY, given_headers(**changes), BODY, AT)


@pytest.mark.parametrize("name", ["id", "timestamp", "signature"])
def test_a_missing_header_is_malformed(name: str) -> None:
    left = {key: value for key, value in given_headers().items() if key != f"webhook-{name}"}
    with pytest.raises(Malformed, match=f"webhook-{name}"):
        verify(KEY, left, BODY, AT)


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"signature": OTHER}, BODY),
        ({"signature": RIGHT.replace("v1,", "v2,")}, BODY),
        ({"signature": "v1,é"}, BODY),
        ({"id": "msg_other"}, BODY),
        ({"timestamp": str(AT + 1)}, BODY),
        ({}, BODY + b" "),
    ],
)
def test_anything_that_was_changed_is_seen(changes: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature):
        verify(KEY, given_headers(**changes), body, AT)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_any_headers_raise_only_its_own_error(some: dict[str, str]) -> None:
    with pytest.raises(WebhookError):
        verify(KEY, some, BODY, AT)


@given(st.binary(min_size=24, max_size=64), st.text(min_size=1), st.integers(0, 10**12), st.binary())
def test_what_is_signed_is_verified(key: bytes, id: str, at: int, body: bytes) -> None:  # noqa: A002
    id = id.encode("utf-8", "replace").decode()  # noqa: A001
    assert verify(key_of(f"whsec_{base64.b64encode(key).decode()}"), headers(key, id, at, body), body, at) == id


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_!!!!", "whsec_aGFsbG8=", "hunter2", "whsec_é", f"whsec_{'A' * 100}"]
)
def test_what_is_no_key_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(NoKey) as caught:
        key_of(text)
    assert not text.removeprefix("whsec_") or text.removeprefix("whsec_") not in str(caught.value)


def test_a_key_may_come_without_prefix_and_padding() -> None:
    padded = base64.b64encode(b"x" * 25).decode()
    assert key_of(padded.rstrip("=")) == key_of(f"whsec_{padded}") == b"x" * 25


def test_ed25519_signs_as_rfc_8032_has_it() -> None:
    """Its first test key (section 7.1), as 32 octets and with the public key behind it; the text is ours."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    texts = ["whsk_" + base64.b64encode(raw).decode() for raw in (seed, seed + public)]
    signatures = {signer("v1a", text)("m1", 1614265330, b"{}") for text in texts}
    [signature] = signatures
    assert public_text(private_key_of(texts[0])) == "whpk_" + base64.b64encode(public).decode()
    raw = base64.b64decode(signature.removeprefix("v1a,"))
    Ed25519PublicKey.from_public_bytes(public).verify(raw, b"m1.1614265330.{}")


@pytest.mark.parametrize("text", ["", "whsk_", "whsk_!!!!", "whsk_" + "A" * 40, "whsec_" + "A" * 32])
def test_what_is_no_private_key(text: str) -> None:
    with pytest.raises(NoKey, match="is no private webhook key"):
        private_key_of(text)


def test_a_private_key_with_another_ones_public_key() -> None:
    with pytest.raises(NoKey, match="not its own"):
        private_key_of("whsk_" + base64.b64encode(bytes(64)).decode())


def test_a_message_of_two_keys_is_taken_by_either() -> None:
    old, new = "whsec_" + "A" * 32, "whsec_" + "B" * 32
    told = signed([signer("v1", new), signer("v1", old)], "m1", 1614265330, b"{}")
    for key in (old, new):
        assert verify(key_of(key), told, b"{}", 1614265330) == "m1"
