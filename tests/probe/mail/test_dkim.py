"""DKIM key records: what is missing for good, what nobody answered for, and what a key is worth."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from probe.mail.dkim import check_dkim, read_key
from probe.mail.record import Found
from tests.probe.mail.tables import failed, settle

NAME = ("s1._domainkey.acme.test", "TXT")


def der(bits: int, *, bare: bool = False) -> str:
    key = rsa.generate_private_key(65537, bits).public_key()
    form = serialization.PublicFormat.PKCS1 if bare else serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_bytes(serialization.Encoding.DER, form)).decode()


GOOD, SHORT = der(2048), der(1024)
ELLIPTIC = base64.b64encode(
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
EDWARDS = base64.b64encode(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()


@pytest.mark.parametrize(
    ("text", "word", "problem"),
    [
        (f"v=DKIM1; k=rsa; p={GOOD}", "ok", None),
        (f"p={GOOD}", "ok", None),
        (f"v=DKIM1; p={GOOD[:40]} \t{GOOD[40:]};", "ok", None),
        (f"v=DKIM1; p={der(2048, bare=True)}", "ok", None),
        (f"v=DKIM1; k=ed25519; p={EDWARDS}", "ok", None),
        (f"v=DKIM1; h=sha1:sha256; s=email; t=s; p={GOOD}", "ok", None),
        (f"v=DKIM1; p={SHORT}", "weak", "short"),
        (f"v=DKIM1; t=y; p={GOOD}", "weak", "testing"),
        ("v=DKIM1; p=", "revoked", None),
        ("v=DKIM1; k=rsa; p= ;", "revoked", None),
        ("v=DKIM1; k=rsa", "invalid", "no_key"),
        (f"v=DKIM2; p={GOOD}", "invalid", "version"),
        (f"k=rsa; v=DKIM1; p={GOOD}", "invalid", "version"),
        (f"v=DKIM1; k=dsa; p={GOOD}", "invalid", "key_type"),
        (f"v=DKIM1; h=sha1; p={GOOD}", "invalid", "hash"),
        (f"v=DKIM1; s=tlsrpt; p={GOOD}", "invalid", "service"),
        ("v=DKIM1; p=!!!!", "invalid", "key"),
        ("v=DKIM1; p=aGVsbG8=", "invalid", "key"),
        (f"v=DKIM1; p={GOOD[:-8]}", "invalid", "key"),
        (f"v=DKIM1; p={ELLIPTIC}", "invalid", "key"),
        (f"v=DKIM1; k=ed25519; p={GOOD}", "invalid", "key"),
        (f"v=DKIM1; p={GOOD}; p={GOOD}", "invalid", "syntax"),
        ("v=spf1 -all", "invalid", "version"),
        ("hello", "invalid", "syntax"),
        ("", "invalid", "no_key"),
    ],
)
def test_a_key_record(text: str, word: str, problem: str | None) -> None:
    state = read_key(text)
    assert (state.word, state.problem) == (word, problem), state


def test_a_key_of_512_bits_is_worth_nothing() -> None:
    # Made by openssl: the library at hand makes none so short.
    short = (
        "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALqbHeRLCyOdykC5SDLqI49ArYGYG1mqaH9/GnWjGavZM02fos4lc2w6tCchcUBNtJvG"
        "qKwhC5JEnx3RYoSX2ucCAwEAAQ=="
    )
    state = read_key(f"v=DKIM1; p={short}")
    assert (state.word, state.problem) == ("invalid", "short")


@pytest.mark.parametrize(
    ("found", "word", "problem"),
    [
        (Found(status="no_such_name"), "missing", "no_such_name"),
        (Found(status="no_such_record"), "missing", "no_such_record"),
        (Found(status="no_such_name", aliases=("k.vendor.test",)), "missing", "no_such_name"),
        (failed("timeout"), "tempfail", "timeout"),
        (failed("servfail"), "tempfail", "servfail"),
        (failed("refused"), "tempfail", "refused"),
        (failed("lame_refused"), "tempfail", "lame_refused"),
        (Found(status="elsewhere", aliases=("k.vendor.test",)), "elsewhere", None),
        (Found(status="found", values=(f"p={GOOD}", f"p={SHORT}")), "invalid", "multiple"),
        (Found(status="found", values=(f"p={GOOD}",), aliases=("k.vendor.test",)), "ok", None),
    ],
)
def test_missing_and_unanswered_are_two_words(found: Found, word: str, problem: str | None) -> None:
    state = settle(check_dkim("s1", "acme.test"), {NAME: found})
    assert (state.word, state.problem) == (word, problem)
    assert not state.facts.get("aliases") or state.facts["aliases"] == ["k.vendor.test"]


@given(st.text(max_size=300))
def test_any_text_comes_to_some_state(text: str) -> None:
    read_key(text)
    read_key("v=DKIM1; p=" + text)


@given(st.binary(max_size=300))
def test_any_octets_come_to_some_state(octets: bytes) -> None:
    assert read_key("p=" + base64.b64encode(octets).decode()).word in ("invalid", "revoked", "weak", "ok")
