"""Key sets: good ones, leaking ones, odd ones, and one with 10,000 keys."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.reasons import REASONS
from probe.fault import Fault, worst
from probe.oidc import jose
from probe.oidc.jwks import Jwks, cache_seconds, read_jwks
from tests.probe.oidc.keys import JWKS, P256_JWK, RSA_JWK, WEAK, key_set, number, rsa_jwk


def good(*keys: Any, headers: dict[str, str] | None = None) -> Jwks:
    found = read_jwks(key_set(*keys), headers)
    assert isinstance(found, Jwks), found
    return found


def words(*keys: Any) -> list[str]:
    return [problem.reason for problem in good(*keys).problems]


def test_a_good_set_is_read():
    found = good(RSA_JWK, P256_JWK, headers={"cache-control": "public, max-age=3600", "age": "100"})
    assert found.as_findings() == {
        "kids": ["e1", "r1"],
        "keys": 2,
        "key_types": {"RSA 2048": 1, "P-256": 1},
        "cache_s": 3500,
        "remarks": None,
    }
    assert found.algorithms(["RS256", "ES256", "ES384", "EdDSA"]) == ("RS256", "ES256")
    assert not found.problems


def test_every_type_of_key_is_read():
    assert not words(*{key["kid"]: key for key in JWKS.values()}.values())


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "jwks_not_json"),
        (b"<html>", "jwks_not_json"),
        (b"[" * 100_000, "jwks_not_json"),
        (b"[]", "jwks_malformed"),
        (b"{}", "jwks_malformed"),
        (b'{"keys": {}}', "jwks_malformed"),
        (b'{"keys": []}', "jwks_empty"),
        (b'{"keys": [1, null, []]}', "jwks_unusable"),
        (b'{"keys": [{"kty": "RSA"}]}', "jwks_unusable"),
        (b'{"keys": [{"kty": ["RSA"], "n": "AQ", "e": "AQ"}]}', "jwks_unusable"),
        (key_set(RSA_JWK | {"use": "enc"}), "jwks_unusable"),
        (key_set({"kty": "oct", "k": "c2VjcmV0"}), "jwks_symmetric_key"),
        (key_set(*[{}] * 10_001), "jwks_too_large"),
        (b" " * 1_000_001, "jwks_too_large"),
    ],
)
def test_what_is_no_key_set_is_said_to_be_none(body: bytes, word: str):
    found = read_jwks(body)
    assert isinstance(found, Fault)
    assert found.reason == word


def test_a_symmetric_or_private_key_in_public_lets_everybody_sign():
    assert words(RSA_JWK, {"kty": "oct", "kid": "s1", "k": "c2VjcmV0"}) == ["jwks_symmetric_key"]
    leaking = good(RSA_JWK | {"d": "AQAB", "p": "AQ"})
    assert [problem.reason for problem in leaking.problems] == ["jwks_private_key"]
    assert leaking.problems[0].note == {"bad_keys": ["r1"]}
    assert "d" not in leaking.keys[0]
    assert "AQAB" not in repr(leaking.problems)


@pytest.mark.parametrize(
    "bad",
    [
        RSA_JWK | {"kid": "b", "n": "A+/="},
        RSA_JWK | {"kid": "b", "n": "x" * 5000},
        RSA_JWK | {"kid": "b", "n": "AQAB"},
        RSA_JWK | {"kid": "b", "n": number(2**16_383 + 1)},
        RSA_JWK | {"kid": "b", "n": number(2**400 + 1)},
        RSA_JWK | {"kid": "b", "e": ""},
        RSA_JWK | {"kid": "b", "e": "AQABAQABAQABAQAB"},
        RSA_JWK | {"kid": "b", "e": 65537},
        P256_JWK | {"kid": "b", "x": "AQ"},
        P256_JWK | {"kid": "b", "crv": "P-384"},
        P256_JWK | {"kid": "b", "crv": "P-999"},
        P256_JWK | {"kid": "b", "crv": "Ed25519"},
        {"kid": "b", "kty": "OKP", "crv": "Ed25519", "x": "AQ"},
        {"kid": "b", "kty": "OKP", "crv": "P-256", "x": "AQ"},
        {"kid": "b", "kty": "AKP", "alg": "ML-DSA-44"},
        {"kid": "b"},
    ],
)
def test_a_key_that_cannot_be_read_is_named_and_left_out(bad: dict[str, Any]):
    found = good(RSA_JWK, bad)
    assert [problem.reason for problem in found.problems] == ["jwks_bad_key"]
    assert list(found.problems[0].note["bad_keys"]) == ["b"]
    assert found.kids == ("r1",)


def test_weak_and_double_keys_are_doubts():
    assert words(rsa_jwk(WEAK, "w")) == ["jwks_weak_key"]
    assert good(rsa_jwk(WEAK, "w")).problems[0].note == {"bits": {"w": 1024}}
    assert words(RSA_JWK, rsa_jwk(WEAK, "r1", use="sig")) == ["jwks_weak_key", "jwks_duplicate_kid"]
    assert words(RSA_JWK, P256_JWK | {"kid": "r1"}) == []
    assert words(RSA_JWK, RSA_JWK | {"use": "enc"}) == []
    assert words(*[P256_JWK | {"kid": f"k{i}"} for i in range(101)]) == ["jwks_many_keys"]


def test_the_worst_is_the_first_hard_one():
    soft, hard = Fault("jwks_bad_key"), Fault("jwks_private_key")
    assert worst([soft, hard]) is hard
    assert worst([soft]) is soft
    assert worst([]) is None


def test_ten_thousand_keys_are_read_in_no_time():
    """As an attacker would make them: as many as fit, and numbers that take long to look at."""
    read_jwks(key_set(RSA_JWK))  # imports what reads keys
    small = [{"kty": "EC", "crv": "P-256", "kid": str(i), "x": P256_JWK["x"], "y": "B"} for i in range(8_000)]
    small += [{"kty": "RSA", "n": "AQ", "e": "AQ"} for _ in range(1_999)]
    large = [rsa_jwk(WEAK, "w") | {"n": "_" * 4096} for _ in range(200)]
    for keys in ([*small, RSA_JWK], [*large, RSA_JWK], [RSA_JWK] * 2_000, [{"kty": "oct"}] * 9_999 + [RSA_JWK]):
        body = json.dumps({"keys": keys}, separators=(",", ":")).encode()
        assert len(body) < 1_000_000
        started = time.process_time()
        found = read_jwks(body)
        assert isinstance(found, Jwks)
        findings = found.as_findings()
        assert found.find("r1", "RS256")
        assert time.process_time() - started < 5  # 0.03 to 0.06 s on a machine with nothing else to do
        assert len(json.dumps([findings, [problem.note for problem in found.problems]])) < 10_000


def test_of_many_keys_the_numbers_of_the_first_few_are_looked_at():
    """A point that must be on its curve takes 0.05 ms."""
    before = jose._key.cache_info().misses
    read_jwks(key_set(*[P256_JWK | {"kid": str(i), "x": number(2**255 + i)} for i in range(1_000)]))
    assert jose._key.cache_info().misses - before == 32


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": 'Public, Max-Age="600"'}, 600),
        ({"cache-control": "max-age=600", "age": "700"}, 0),
        ({"cache-control": "max-age=600, no-cache"}, 0),
        ({"cache-control": "no-store"}, 0),
        ({"cache-control": "private"}, None),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "max-age=" + "9" * 5000, "age": "9" * 5000}, 0),
        ({"cache-control": "max-age=٣"}, None),
    ],
)
def test_how_long_a_copy_is_good(headers: dict[str, str], seconds: int | None):
    assert cache_seconds(headers) == seconds


def test_a_lifetime_that_is_missing_or_too_long_is_remarked_on():
    assert "no cache lifetime" in good(RSA_JWK, headers={}).remarks[-1]
    assert "more than a week" in good(RSA_JWK, headers={"cache-control": "max-age=9999999"}).remarks[-1]


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda junk: b'{"keys":[' + junk + b"]}"))
def test_arbitrary_octets_never_raise(body: bytes):
    found = read_jwks(body)
    if isinstance(found, Fault):
        assert found.reason in REASONS


JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=4), max_size=3)
MEMBERS = ["kty", "crv", "n", "e", "x", "y", "d", "kid", "use", "alg", "key_ops"]


@given(st.sampled_from(list(JWKS.values())), st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=3))
def test_any_value_of_any_member_never_raises(key: dict[str, Any], changed: dict[str, Any]):
    found = read_jwks(key_set(key | changed, RSA_JWK | {"kid": "ok"}))
    assert isinstance(found, Jwks)
    json.dumps(found.as_findings())
    for algorithm in JWKS:
        found.find(None, algorithm)
    assert found.knows("ok")
