"""Discovery: what is an issuer's own document, and what is something else in its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.reasons import REASONS
from probe.fault import Fault
from probe.oidc.discovery import MACHINE, Discovery, read_discovery, well_known_urls

ISSUER = "https://idp.example/tenant"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://idp.example/auth",
    "token_endpoint": "https://idp.example/token",
    "jwks_uri": "https://keys.example/jwks",
    "response_types_supported": ["code"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256"],
}


def read(issuer: str = ISSUER, **changed: Any) -> Discovery | Fault:
    document = {name: value for name, value in (DOCUMENT | changed).items() if value is not None}
    return read_discovery(json.dumps(document).encode(), issuer)


def good(**changed: Any) -> Discovery:
    found = read(**changed)
    assert isinstance(found, Discovery), found
    return found


def test_a_good_document_is_read():
    found = good()
    assert found.endpoints == {
        "authorization_endpoint": "https://idp.example/auth",
        "token_endpoint": "https://idp.example/token",
        "jwks_uri": "https://keys.example/jwks",
    }
    assert found.algorithms == ("RS256",)
    assert not found.remarks
    assert found.endpoint("userinfo_endpoint") is None


@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        (
            "https://idp.example",
            [
                "https://idp.example/.well-known/openid-configuration",
                "https://idp.example/.well-known/oauth-authorization-server",
            ],
        ),
        (
            "https://idp.example/a/b/",
            [
                "https://idp.example/a/b/.well-known/openid-configuration",
                "https://idp.example/.well-known/oauth-authorization-server/a/b",
                "https://idp.example/.well-known/openid-configuration/a/b",
            ],
        ),
    ],
)
def test_where_the_document_may_be(issuer: str, urls: list[str]):
    assert well_known_urls(issuer) == urls


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "discovery_not_json"),
        (b"<!doctype html><title>Sign in</title>", "discovery_not_json"),
        (b"{", "discovery_not_json"),
        (b'{"issuer": NaN}', "discovery_not_json"),
        (b"[" * 100_000, "discovery_not_json"),
        (b"\xff\xfe", "discovery_not_json"),
        (b"[]", "discovery_malformed"),
        (b'"https://idp.example"', "discovery_malformed"),
        (b"{}", "discovery_missing_field"),
        (b'{"issuer": 7}', "discovery_missing_field"),
        (b'{"issuer": "' + b"x" * 300_000 + b'"}', "discovery_too_large"),
    ],
)
def test_what_is_no_document_is_said_to_be_none(body: bytes, word: str):
    found = read_discovery(body, ISSUER)
    assert isinstance(found, Fault)
    assert found.reason == word


@pytest.mark.parametrize(
    "said",
    ["https://idp.example/tenant/", "https://IDP.example/tenant", "http://idp.example/tenant", "https://idp.example"],
)
def test_the_issuer_is_compared_to_the_last_letter(said: str):
    found = read(issuer=ISSUER)
    assert isinstance(found, Discovery)
    other = read_discovery(json.dumps(DOCUMENT | {"issuer": said}).encode(), ISSUER)
    assert isinstance(other, Fault)
    assert other == Fault("discovery_issuer_mismatch", {"expected": ISSUER, "found": said})


def test_a_mark_of_byte_order_is_no_reason_to_refuse():
    assert isinstance(read_discovery(b"\xef\xbb\xbf" + json.dumps(DOCUMENT).encode(), ISSUER), Discovery)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("value", [None, "", 7, ["https://idp.example/x"]])
def test_what_a_sign_in_needs_must_be_there(name: str, value: object):
    assert read(**{name: value}) == Fault("discovery_missing_field", {"missing": [name]})


def test_a_machine_needs_no_page_to_sign_in_at():
    document = {name: value for name, value in DOCUMENT.items() if name != "authorization_endpoint"}
    assert isinstance(read_discovery(json.dumps(document).encode(), ISSUER, MACHINE), Discovery)


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/token",
        "/token",
        "idp.example/token",
        "https://",
        "https://idp.example:99999/token",
        "https://user:pass@idp.example/token",
        "https://[::1/token",
        "https://idp.example/to ken",
        "https://idp.example/to\nken",
        "https://idp.exämple/token",
        "javascript:alert(1)",
    ],
)
def test_an_endpoint_is_an_https_url(url: str):
    found = read(token_endpoint=url)
    assert isinstance(found, Fault)
    assert found.reason == "discovery_bad_endpoint"
    assert found.note["endpoint"] == "token_endpoint"
    # One that a sign-in does without is left out, and said.
    lame = good(userinfo_endpoint=url)
    assert "userinfo_endpoint" not in lame.endpoints
    assert [remark.partition(":")[0] for remark in lame.remarks] == ["userinfo_endpoint is left out"]


def test_an_issuer_over_http_may_have_endpoints_over_http():
    """Only where the plan itself says http, as on a developer's own machine."""
    document = DOCUMENT | {"issuer": "http://localhost:8080", "token_endpoint": "http://localhost:8080/token"}
    assert isinstance(read_discovery(json.dumps(document).encode(), "http://localhost:8080"), Discovery)


@pytest.mark.parametrize(
    ("advertised", "allowed"),
    [
        (["RS256", "none"], ("RS256",)),
        (["HS256", "ES256", "HS512"], ("ES256",)),
        (["RS256", 7, None, {"a": 1}], ("RS256",)),
        (None, ("RS256",)),
    ],
)
def test_allowed_is_what_is_advertised_and_asymmetric(advertised: list[object] | None, allowed: tuple[str, ...]):
    found = good(id_token_signing_alg_values_supported=advertised)
    assert found.algorithms == allowed
    assert any("none is among" in remark for remark in found.remarks) == ("none" in (advertised or []))


@pytest.mark.parametrize("advertised", [["none"], ["HS256"], [], ["RS999"]])
def test_without_an_asymmetric_algorithm_nothing_can_be_verified(advertised: list[str]):
    found = read(id_token_signing_alg_values_supported=advertised)
    if not advertised:  # an empty list says nothing, and RS256 is what every provider must know
        assert isinstance(found, Discovery)
    else:
        assert found == Fault("discovery_no_algorithm", {"advertised": advertised})


def test_capabilities_are_what_the_issuer_says_or_the_specifications_defaults():
    assert good().as_findings()["capabilities"] == {
        "grants": ["authorization_code", "implicit"],
        "response_types": ["code"],
        "response_modes": ["query", "fragment"],
        "token_auth": ["client_secret_basic"],
    }
    rich = good(
        grant_types_supported=["client_credentials"],
        code_challenge_methods_supported=["S256", "plain"],
        token_endpoint_auth_methods_supported=["none", "private_key_jwt"],
        prompt_values_supported=["none"],
        authorization_response_iss_parameter_supported=True,
        end_session_endpoint="https://idp.example/end",
        revocation_endpoint="https://idp.example/revoke",
        introspection_endpoint="https://idp.example/introspect",
        pushed_authorization_request_endpoint="https://idp.example/par",
        require_pushed_authorization_requests=True,
        dpop_signing_alg_values_supported=["ES256"],
        scopes_supported=["openid"],
    ).as_findings()["capabilities"]
    assert rich == {
        "grants": ["client_credentials"],
        "response_types": ["code"],
        "response_modes": ["query", "fragment"],
        "challenge_methods": ["S256", "plain"],
        "token_auth": ["none", "private_key_jwt"],
        "scopes": ["openid"],
        "prompts": ["none"],
        "iss_parameter": True,
        "end_session": True,
        "revocation": True,
        "introspection": True,
        "par": True,
        "par_required": True,
        "dpop": ["ES256"],
    }


def test_findings_stay_small_whatever_the_document_says():
    huge = ["x" * 5000] * 40
    found = good(scopes_supported=huge, userinfo_endpoint="https://idp.example/" + "u" * 50_000).as_findings()
    assert len(json.dumps(found)) < 20_000


@given(st.binary(max_size=200))
def test_arbitrary_octets_never_raise(body: bytes):
    found = read_discovery(body, ISSUER)
    assert isinstance(found, Fault)
    assert found.reason in REASONS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*DOCUMENT, "userinfo_endpoint", "scopes_supported"]), JSON))
def test_any_value_of_any_field_never_raises(changed: dict[str, Any]):
    found = read_discovery(json.dumps(DOCUMENT | changed).encode(), ISSUER)
    if isinstance(found, Discovery):
        json.dumps(found.as_findings())
    else:
        assert found.reason in REASONS
