"""Tokens: every algorithm that is allowed, every claim that can be wrong, and what must never be believed."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from parallax.reasons import REASONS
from probe.fault import Fault
from probe.oidc.discovery import read_discovery
from probe.oidc.jwks import Jwks, read_jwks
from probe.oidc.tokens import Expectation, Verified, agreement, half_hash, verify_id_token
from tests.probe.oidc.keys import (
    ISSUER,
    JWKS,
    NOW,
    RSA,
    RSA_JWK,
    SIGNERS,
    WEAK,
    claims,
    hs256,
    key_set,
    rsa_jwk,
    signed,
    weak_signer,
)


def keys_of(*keys: Any) -> Jwks:
    read = read_jwks(key_set(*keys))
    assert isinstance(read, Jwks), read
    return read


ALL = keys_of(*{key["kid"]: key for key in JWKS.values()}.values())


def expecting(**more: Any) -> Expectation:
    return Expectation(**{"issuer": ISSUER, "audience": "web", "now": NOW, "nonce": "n1", **more})


def verify(token: str, jwks: Jwks = ALL, **expected: Any) -> Verified | Fault:
    return verify_id_token(token, jwks, expecting(**expected))


def reason(token: str, jwks: Jwks = ALL, **expected: Any) -> str | None:
    found = verify(token, jwks, **expected)
    return found.reason if isinstance(found, Fault) else None


@pytest.mark.parametrize("algorithm", JWKS)
def test_a_good_token_of_each_algorithm_is_verified(algorithm: str):
    found = verify(signed(claims(), algorithm))
    assert isinstance(found, Verified), found
    assert found.subject == "u1"
    assert found.as_findings() == {
        "alg": algorithm,
        "kid": JWKS[algorithm]["kid"],
        "lifetime_s": 3600,
        "skew_s": 0.0,
        "claims": ["aud", "exp", "iat", "iss", "nonce", "sub"],
    }


@pytest.mark.parametrize(
    ("changed", "expected", "word"),
    [
        ({"iss": "https://idp.example/"}, {}, "token_iss_mismatch"),
        ({"iss": ["https://idp.example"]}, {}, "token_iss_mismatch"),
        ({"iss": None}, {}, "token_claim_missing"),
        ({"sub": ""}, {}, "token_claim_missing"),
        ({"aud": "other"}, {}, "token_aud_mismatch"),
        ({"aud": ["web"]}, {}, None),
        ({"aud": ["web", "api"]}, {}, "token_claim_missing"),
        ({"aud": ["web", "api"], "azp": "web"}, {}, None),
        ({"aud": ["web", "api"], "azp": "api"}, {}, "token_azp_mismatch"),
        ({"azp": "other"}, {}, "token_azp_mismatch"),
        ({"aud": [["web"]]}, {}, "token_aud_mismatch"),
        ({"exp": None}, {}, "token_claim_missing"),
        ({"exp": NOW - 59, "iat": NOW - 59}, {}, None),
        ({"exp": NOW - 61, "iat": NOW - 61}, {}, "token_expired"),
        ({"exp": NOW - 61, "iat": NOW - 3661}, {}, "token_clock_skew"),
        ({"exp": NOW - 61, "iat": NOW - 3661}, {"fresh": False}, "token_expired"),
        ({"exp": NOW + 3700, "iat": NOW + 61}, {}, "token_clock_skew"),
        ({"exp": NOW + 3700, "iat": NOW + 59}, {}, None),
        ({"nbf": NOW + 61}, {}, "token_not_yet_valid"),
        ({"nbf": NOW + 59}, {}, None),
        ({"exp": str(NOW + 60)}, {}, "token_claim_unexpected"),
        ({"exp": True}, {}, "token_claim_unexpected"),
        ({"iat": 1e300}, {}, "token_claim_unexpected"),
        ({"nonce": "n2"}, {}, "token_nonce_mismatch"),
        ({"nonce": ["n1"]}, {}, "token_nonce_mismatch"),
        ({"nonce": None}, {}, "token_claim_missing"),
        ({"nonce": None}, {"nonce": None}, None),
        ({}, {"subject": "u1"}, None),
        ({}, {"subject": "u2"}, "token_sub_mismatch"),
        ({}, {"max_age_s": 60.0}, "token_claim_missing"),
        ({"auth_time": NOW - 100}, {"max_age_s": 60.0}, None),
        ({"auth_time": NOW - 121}, {"max_age_s": 60.0}, "token_auth_too_old"),
        ({"amr": ["pwd", "otp"]}, {"amr": ["pwd"]}, None),
        ({"amr": ["pwd"]}, {"amr": ["pwd", "otp"]}, "token_claim_unexpected"),
        ({"amr": "pwd"}, {"amr": ["pwd"]}, "token_claim_unexpected"),
        ({"acr": "silver"}, {"acr": ["gold", "silver"]}, None),
        ({"acr": "bronze"}, {"acr": ["gold", "silver"]}, "token_claim_unexpected"),
        ({"acr": ["gold"]}, {"acr": ["gold", "silver"]}, "token_claim_unexpected"),
        ({"email_verified": True}, {"claims": {"email_verified": True}}, None),
        ({"email_verified": 1}, {"claims": {"email_verified": True}}, "token_claim_unexpected"),
        ({}, {"claims": {"email": None}}, "token_claim_missing"),
        ({"email": "x"}, {"claims": {"email": None}}, None),
    ],
)
def test_what_a_token_says_is_what_was_expected(changed: dict[str, Any], expected: dict[str, Any], word: str | None):
    assert reason(signed(claims(**changed)), **expected) == word


@pytest.mark.parametrize("algorithm", JWKS)
def test_the_hashes_tie_a_token_to_what_came_with_it(algorithm: str):
    good = claims(at_hash=half_hash("at", algorithm), c_hash=half_hash("co", algorithm))
    assert reason(signed(good, algorithm), access_token="at", code="co") is None
    assert reason(signed(good, algorithm), access_token="ta", code="co") == "token_at_hash_mismatch"
    assert reason(signed(good, algorithm), access_token="at", code="oc") == "token_c_hash_mismatch"


def test_at_hash_is_as_the_specification_has_it():
    """OpenID Connect Core 1.0, appendix A.3: the access token and its at_hash there."""
    assert half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"


def test_a_token_without_signature_is_never_believed():
    plain = signed(claims(), "none", kid=None)
    for algorithms in (("none",), ("RS256", "none")):
        assert reason(plain, algorithms=algorithms) == "token_alg_not_allowed"
    for spelling in ("None", "NONE", "nOnE", ""):
        assert reason(signed(claims(), "none", alg=spelling)) == "token_alg_not_allowed"
    # With the header of another algorithm, and no signature.
    assert reason(signed(claims(), "RS256", sign=lambda data: b"")) == "token_signature_invalid"


def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_never_believed():
    public = RSA.public_key()
    info, pkcs1 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    forms = [public.public_bytes(encoding, form) for encoding in (pem, der) for form in (info, pkcs1)]
    for secret in [*forms, forms[0].strip(), json.dumps(RSA_JWK).encode()]:
        token = signed(claims(), "HS256", sign=hs256(secret), kid="r1")
        for algorithms in (("HS256",), ("RS256", "HS256")):
            assert reason(token, algorithms=algorithms) == "token_alg_not_allowed"
        # The same under a header that is allowed.
        assert reason(signed(claims(), "RS256", sign=hs256(secret))) == "token_signature_invalid"


def test_a_key_that_the_token_brings_along_counts_for_nothing():
    mine = rsa_jwk(WEAK, "r1")
    token = signed(claims(), sign=weak_signer(), jwk=mine, jku="https://mine.example/jwks", x5c=["MIIB"])
    assert reason(token) == "token_signature_invalid"


def test_a_key_is_taken_for_nothing_but_what_it_is_for():
    assert reason(signed(claims()), keys_of(RSA_JWK | {"use": "enc"}, JWKS["ES256"])) == "token_signature_invalid"
    assert reason(signed(claims()), keys_of(RSA_JWK | {"alg": "PS256"})) == "token_signature_invalid"
    assert reason(signed(claims(), "ES256", kid="e2")) == "token_signature_invalid"  # a key of another curve
    assert reason(signed(claims()), keys_of(RSA_JWK | {"alg": "RS256", "key_ops": ["verify"], "x5t": "?"})) is None


def test_only_what_is_advertised_and_expected_is_allowed():
    token = signed(claims(), "PS256")
    assert reason(token, algorithms=("RS256",)) == "token_alg_not_allowed"
    assert reason(token, algorithms=("RS256", "PS256")) is None


def test_a_key_that_nobody_knows_is_told_apart_from_a_signature_that_does_not_hold():
    token = signed(claims(), kid="r9")
    found = verify(token)
    assert isinstance(found, Fault)
    assert found.reason == "jwks_kid_unknown"
    assert found.note["found"] == "r9"
    assert reason(signed(claims(), sign=weak_signer())) == "token_signature_invalid"


def test_without_a_kid_the_keys_that_fit_are_tried():
    other = rsa_jwk(WEAK, "r0")
    assert reason(signed(claims(), kid=None), keys_of(other, RSA_JWK)) is None
    assert reason(signed(claims(), kid=None), keys_of(JWKS["ES256"])) == "jwks_kid_unknown"
    assert reason(signed(claims(), kid=None), keys_of(*[rsa_jwk(WEAK, f"w{i}") for i in range(20)])) == (
        "token_signature_invalid"
    )


def test_of_two_keys_with_one_kid_either_will_do():
    assert reason(signed(claims()), keys_of(rsa_jwk(WEAK, "r1"), RSA_JWK)) is None


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("", "token_malformed"),
        ("a.b", "token_malformed"),
        ("....", "token_encrypted"),
        ("a.b.c", "token_malformed"),
        ("\u00e9.\u00e9.\u00e9", "token_malformed"),
        (signed(b"[]"), "token_malformed"),
        (signed(b"not json"), "token_malformed"),
        (signed(claims(), crit=["exp"]), "token_malformed"),
        (signed(claims(), kid=7), "token_malformed"),
        (signed(claims(), alg=7), "token_malformed"),
        (signed(claims()) + "=", "token_malformed"),
        (signed(claims()) + "\n", "token_malformed"),
        (" " + signed(claims()), "token_malformed"),
        (signed(b'{"a":"' + b"x" * 70_000 + b'"}'), "token_malformed"),
        (signed(b"[" * 20_000), "token_malformed"),
    ],
)
def test_what_is_no_token_is_said_to_be_none(token: str, word: str):
    assert reason(token) == word


def test_an_access_token_that_is_signed_is_read_with_less_demands():
    token = signed({"iss": ISSUER, "exp": NOW + 60, "aud": "https://api.example"}, typ="at+jwt", cat="cl_x")
    assert reason(token, id_token=False, audience=None, nonce=None) is None
    assert reason(token, id_token=False, audience="https://api.example", nonce=None) is None
    assert reason(token, id_token=False, audience="https://api.example/", nonce=None) == "token_aud_mismatch"


def test_neither_a_token_nor_a_fault_tells_what_the_claims_say():
    secret = "canary-5f1c"
    found = verify(signed(claims(email=secret, name=[secret])))
    assert secret not in f"{found!r} {found.as_findings()}"
    for more in ({"nonce": secret}, {"sub": secret}, {"at_hash": secret}):
        wrong = verify(signed(claims(**more)), subject="u1", access_token="at")
        assert isinstance(wrong, Fault)
        assert secret not in repr(wrong)


def test_discovery_keys_and_token_agree():
    document = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/auth",
        "token_endpoint": "https://tokens.example:8443/t",
        "jwks_uri": f"{ISSUER}/jwks",
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "none", "HS256"],
    }
    discovery = read_discovery(json.dumps(document).encode(), ISSUER)
    assert not isinstance(discovery, Fault)
    verified = verify(signed(claims()))
    assert isinstance(verified, Verified)
    fault, findings = agreement(discovery, keys_of(RSA_JWK), verified)
    assert fault is None
    assert findings == {"hosts": ["idp.example", "tokens.example:8443"], "uncovered_algorithms": ["ES256"]}
    fault, _ = agreement(discovery, keys_of(JWKS["ES384"]))
    assert fault is not None
    assert fault.reason == "jwks_unusable"


@given(st.text(max_size=300) | st.text("abcXYZ019-_.=", max_size=300))
def test_arbitrary_text_is_no_token_and_never_raises(text: str):
    found = verify(text)
    assert isinstance(found, Fault)
    assert found.reason in REASONS


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=8,
    ),
    st.sampled_from(["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "auth_time", "acr", "amr"]),
)
def test_a_signed_token_with_any_value_of_a_claim_never_raises(value: object, name: str):
    token = signed(claims() | {name: value}, "EdDSA")
    found = verify(token, access_token="at", max_age_s=1.0, acr=["a"], amr=["b"], claims={"x": 1})
    assert isinstance(found, Fault)
    json.dumps(found.note)


GOOD = signed(claims(), "ES256")


@given(st.data())
def test_no_mutated_token_is_ever_verified(data: st.DataObject):
    """Every letter counts: there is one text of a token, and that one was signed. (Of an ECDSA signature the issuer
    could make another; nobody else can.)"""
    place = data.draw(st.integers(0, len(GOOD)))
    letter = data.draw(st.sampled_from("ABCxyz0189-_.=+/ \n"))
    how = data.draw(st.sampled_from(["replace", "insert", "remove", "cut", "double"]))
    token = {
        "replace": GOOD[:place] + letter + GOOD[place + 1 :],
        "insert": GOOD[:place] + letter + GOOD[place:],
        "remove": GOOD[:place] + GOOD[place + 1 :],
        "cut": GOOD[:place],
        "double": GOOD + GOOD[place:],
    }[how]
    found = verify(token)
    assert isinstance(found, Verified) == (token == GOOD)


def test_the_bits_of_a_signature_that_do_not_count_must_be_zero():
    """64 octets in base64url leave four bits over: without the rule, 16 texts would be one token."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = [letter for letter in alphabet if reason(GOOD[:-1] + letter) is None]
    assert accepted == [GOOD[-1]]


def test_signers_of_the_tests_cover_every_algorithm():
    from probe.oidc.jose import ALGORITHMS

    assert set(ALGORITHMS) == set(JWKS) == set(SIGNERS) - {"none"}
