"""The kind oidc against a provider that lies: what each lie is called, and whose fault it is."""

import base64
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from cryptography.hazmat.primitives import serialization

from parallax.observation import as_dict
from parallax.redaction import MASK
from probe.tools import Tools
from tests.fakes.http_server import response
from tests.fakes.oidc_server import DISCOVERY, LyingProvider, as_json, lying_provider
from tests.parts.certificates import Authority
from tests.probe.oidc.keys import P256_JWK, RSA, RSA_JWK, hs256, signed, weak_signer
from tests.probe.oidc_runs import SECRET, machine, run_oidc, told, tools_for

CA = Authority()


@pytest.fixture
async def provider() -> AsyncIterator[LyingProvider]:
    async with lying_provider(CA.leaf("localhost")) as running:
        yield running


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return tools_for(CA.write(tmp_path), tmp_path)


async def last(provider: LyingProvider, tools: Tools, **keys: Any) -> tuple[str, str | None, str | None]:
    """Step, reason and fault of the last observation of a run with a token."""
    found = await run_oidc(provider.issuer, tools, client=machine(), **keys)
    return found[-1].subject, found[-1].reason, found[-1].fault


async def test_an_honest_provider_passes_step_by_step(provider: LyingProvider, tools: Tools):
    found = await run_oidc(provider.issuer, tools, client=machine(), scope=["read"], parameters={"resource": "a b"})
    assert told(found) == [("discovery", 1, None), ("jwks", 1, None), ("token", 1, None), ("verify", 1, None)]
    assert provider.asked == [f"GET {DISCOVERY}", "GET /jwks", "POST /token"]
    assert provider.forms == [{"grant_type": "client_credentials", "scope": "read", "resource": "a b"}]
    discovery, jwks, token, verify = found
    assert discovery.dims == {
        "step": "discovery",
        "issuer": provider.issuer,
        "flow": "oidc.client_credentials",
        "cadence": "full",
        "address": "127.0.0.1",
        "family": "4",
    }
    assert discovery.findings["endpoints"]["token_endpoint"] == f"{provider.issuer}/token"
    assert discovery.findings["place"] == [1, 4]
    assert [phase.name for phase in discovery.phases] == ["lookup", "connect", "tls", "send", "first_byte", "body"]
    assert jwks.findings["kids"] == ["e1", "r1"]
    assert jwks.findings["cache_s"] == 300
    assert [phase.name for phase in jwks.phases] == ["send", "first_byte", "body"]
    assert token.findings["expires_in"] == 600
    assert verify.findings["token"]["alg"] == "RS256"
    assert verify.findings["token"]["skew_s"] <= 1


async def test_without_a_client_only_what_is_public_is_looked_at(provider: LyingProvider, tools: Tools):
    assert told(await run_oidc(provider.issuer, tools)) == [("discovery", 1, None), ("jwks", 1, None)]


async def test_a_token_is_asked_for_as_often_as_the_plan_says(provider: LyingProvider, tools: Tools):
    minute = 60_000_000_000
    runs = [await run_oidc(provider.issuer, tools, client=machine(), every="5m", at=i * minute // 2) for i in range(20)]
    whole = [run for run in runs if len(run) == 4]
    assert len(whole) == 2
    assert [len(run) for run in runs].count(2) == 18
    assert whole[0][2].findings["every_s"] == 300
    assert "every_s" not in whole[0][0].findings


async def test_the_clients_secret_goes_to_the_token_endpoint_and_nowhere_else(provider: LyingProvider, tools: Tools):
    found = await run_oidc(provider.issuer, tools, client=machine())
    assert all(
        head.lower().count("accept: application/json") == head.lower().count("accept:") == 1 for head in provider.heads
    )
    heads = [head for head in provider.heads if "authorization" in head.lower()]
    assert len(heads) == 1
    basic = next(line for line in heads[0].split("\r\n") if line.lower().startswith("authorization:")).split()[-1]
    name, _, secret = base64.b64decode(basic).decode().partition(":")
    assert (name, unquote_plus(secret)) == ("machine", SECRET)
    text = json.dumps([as_dict(each) for each in found])
    assert SECRET not in text
    assert basic not in text


@pytest.mark.parametrize("auth", ["basic", "post"])
async def test_a_provider_that_echoes_everything_gets_no_secret_into_an_observation(
    provider: LyingProvider, tools: Tools, auth: str
):
    made = signed(provider.claims(), kid="r1")
    provider.token = lambda: made

    def echo() -> Any:
        head = provider.heads[-1]
        said = {"error": f"e{SECRET} {head}", "error_description": f"{head} {provider.forms}", SECRET: [head]}
        return as_json(said, 400, f"Location: /x?{SECRET}", f"Retry-After: {SECRET}", f"Server: {SECRET}")

    provider.answers["/token"] = echo
    found = await run_oidc(provider.issuer, tools, client=machine(auth=auth))
    assert told(found)[-1] == ("token", 1, "oauth_error")
    text = json.dumps([as_dict(each) for each in found])
    for form in (
        SECRET,
        "canary",
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"canary").decode()[:8],
    ):
        assert form not in text
    assert MASK in text


async def test_a_secret_goes_only_where_this_probes_config_lets_it(provider: LyingProvider, tmp_path: Path):
    elsewhere = tools_for(CA.write(tmp_path), tmp_path, hosts=["idp.example"])
    found = await run_oidc(provider.issuer, elsewhere, client=machine())
    assert told(found)[-1] == ("token", 1, "secret_withheld")
    assert found[-1].fault == "config"
    assert "POST /token" not in provider.asked


# ---- the document ---------------------------------------------------------------------------------------------------


async def test_a_page_in_the_documents_place(provider: LyingProvider, tools: Tools):
    provider.answers[DISCOVERY] = lambda: (200, b"<!doctype html><title>Welcome</title>", ())
    found = await run_oidc(provider.issuer, tools)
    # The control attempt says that it is no blip.
    assert told(found) == [("discovery", 1, "discovery_not_json"), ("discovery", 2, "discovery_not_json")]
    assert found[0].findings["found"] == "html"


async def test_a_document_of_another_issuer(provider: LyingProvider, tools: Tools):
    provider.document["issuer"] = "https://evil.example"
    found = await run_oidc(provider.issuer, tools)
    assert found[0].reason == "discovery_issuer_mismatch"
    assert found[0].findings["found"] == "https://evil.example"
    assert provider.asked == [f"GET {DISCOVERY}"] * 2


async def test_a_redirect_is_not_followed(provider: LyingProvider, tools: Tools):
    provider.answers[DISCOVERY] = lambda: (302, b"", ("Location: https://www.idp.example/x?token=abcdefgh",))
    found = await run_oidc(provider.issuer, tools)
    assert found[0].reason == "discovery_http"
    assert found[0].findings["status"] == 302
    assert found[0].findings["location"] == "https://www.idp.example/x?token=***"
    assert provider.asked == [f"GET {DISCOVERY}"] * 2


async def test_a_document_only_where_oauth_has_it(provider: LyingProvider, tools: Tools):
    """Right for an authorization server that knows no OpenID Connect; for a provider it means that its own is gone."""
    del provider.answers[DISCOVERY]
    provider.answers["/.well-known/oauth-authorization-server"] = lambda: as_json(provider.document)
    found = await run_oidc(provider.issuer, tools)
    assert found[0].reason == "discovery_http"
    assert found[0].findings["status"] == 404
    del provider.document["id_token_signing_alg_values_supported"]
    assert (await run_oidc(provider.issuer, tools))[0].reason is None


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason", "fault"),
    [
        (500, b"", (), "http_server_error", "target"),
        (404, b"", (), "discovery_http", "target"),
        (429, b"", ("Retry-After: 99999999999",), "http_throttled", "blocked"),
        (403, b"", (), "http_forbidden", "blocked"),
        (403, b"", ("cf-mitigated: challenge",), "http_challenge", "blocked"),
        (200, b"[" * 100_000, (), "discovery_not_json", "target"),
        (200, b'"' + b"x" * 300_000 + b'"', (), "discovery_too_large", "target"),
    ],
)
async def test_what_is_served_in_the_documents_place(
    provider: LyingProvider, tools: Tools, status: int, body: bytes, headers: tuple[str, ...], reason: str, fault: str
):
    provider.answers[DISCOVERY] = lambda: (status, body, headers)
    found = (await run_oidc(provider.issuer, tools))[0]
    assert (found.reason, found.fault) == (reason, fault)


# ---- the keys -------------------------------------------------------------------------------------------------------


async def test_ten_thousand_keys(provider: LyingProvider, tools: Tools):
    provider.keys = [{**P256_JWK, "kid": str(i), "y": "B"} for i in range(10_000)]
    found = await run_oidc(provider.issuer, tools)
    assert told(found)[1] == ("jwks", 1, "jwks_too_large")
    provider.keys = [{"kty": "EC", "crv": "P-256", "kid": str(i), "x": "B", "y": "B"} for i in range(9_999)] + [RSA_JWK]
    found = await run_oidc(provider.issuer, tools, client=machine())
    assert told(found)[1:] == [("jwks", 1, "jwks_bad_key"), ("token", 1, None), ("verify", 1, None)]
    assert found[1].findings["keys"] == 10_000
    assert len(json.dumps([as_dict(each) for each in found])) < 20_000


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ([], "jwks_empty"),
        ([{"kty": "RSA"}], "jwks_unusable"),
        ([P256_JWK], "jwks_unusable"),  # RS256 is advertised, and nothing here can make it
        ([RSA_JWK, {"kty": "oct", "k": "c2VjcmV0"}], "jwks_symmetric_key"),
        ([RSA_JWK | {"d": "AQAB"}], "jwks_private_key"),
        ([RSA_JWK, RSA_JWK], "jwks_duplicate_kid"),
    ],
)
async def test_keys_that_are_none_or_too_many(provider: LyingProvider, tools: Tools, keys: list[Any], reason: str):
    provider.keys = keys
    found = await run_oidc(provider.issuer, tools)
    assert told(found)[1] == ("jwks", 1, reason)


async def test_a_key_set_that_is_not_served(provider: LyingProvider, tools: Tools):
    del provider.answers["/jwks"]
    found = await run_oidc(provider.issuer, tools)
    assert told(found)[1:] == [("jwks", 1, "jwks_http"), ("jwks", 2, "jwks_http")]


BOMB = gzip.compress(b" " * 50_000_000)


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks", "/token"])
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"", "first_byte_timeout", marks=pytest.mark.slow),
        (b"HTTP/1.1 200 OK\r\n", "connection_closed"),
        (b"garbage\r\n\r\n", "http_malformed"),
        (response(200, b"{}", length=50), "http_truncated"),
        (response(200, b"{}", length=50_000_000), "http_too_large"),
        (response(200, b"x" * 3_000_000), "http_too_large"),
        (response(200, BOMB, "Content-Encoding: gzip"), "http_bad_encoding"),
    ],
)
async def test_what_is_no_answer_at_all(provider: LyingProvider, tools: Tools, path: str, raw: bytes, reason: str):
    provider.raw[path] = raw
    step = {DISCOVERY: "discovery", "/jwks": "jwks", "/token": "token"}[path]
    found = await run_oidc(provider.issuer, tools, client=machine(), timeout="4s")
    first = next(each for each in found if each.subject == step)
    assert (first.reason, first.fault) == (reason, "target")
    # What changes nothing is asked once more; a token is not.
    times = 1 if step == "token" else 2
    assert [each.attempt for each in found if each.subject == step] == list(range(1, times + 1))
    assert found[-1].subject == step


# ---- the token ------------------------------------------------------------------------------------------------------


async def test_a_token_without_signature(provider: LyingProvider, tools: Tools):
    provider.document["id_token_signing_alg_values_supported"] += ["none"]
    provider.token = lambda: signed(provider.claims(), "none", kid=None)
    found = await run_oidc(provider.issuer, tools, client=machine())
    assert told(found)[-1] == ("verify", 1, "token_alg_not_allowed")
    assert found[-1].findings["found"] == "none"
    assert any("none is among" in remark for remark in found[0].findings["remarks"])


async def test_a_token_signed_with_the_public_key_as_a_shared_secret(provider: LyingProvider, tools: Tools):
    provider.document["id_token_signing_alg_values_supported"] += ["HS256"]
    pem, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    public = RSA.public_key().public_bytes(pem, form)
    provider.token = lambda: signed(provider.claims(), "HS256", sign=hs256(public), kid="r1")
    assert await last(provider, tools) == ("verify", "token_alg_not_allowed", "target")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://evil.example"}, "token_iss_mismatch"),
        ({"exp": 1}, "token_expired"),
        ({"nbf": 9_999_999_999}, "token_not_yet_valid"),
        ({"iat": 9_999_999_999}, "token_clock_skew"),
    ],
)
async def test_a_token_that_says_something_else(
    provider: LyingProvider, tools: Tools, changed: dict[str, Any], reason: str
):
    provider.token = lambda: signed(provider.claims(**changed))
    assert await last(provider, tools) == ("verify", reason, "target")


async def test_what_the_plan_expects_of_a_token(provider: LyingProvider, tools: Tools):
    assert await last(provider, tools, expect={"claims": {"aud": "api"}}) == ("verify", None, None)
    assert (await last(provider, tools, expect={"claims": {"aud": "web"}}))[1] == "token_claim_unexpected"
    assert (await last(provider, tools, expect={"alg": ["ES256"]}))[1] == "token_alg_not_allowed"


async def test_a_signature_by_another_key(provider: LyingProvider, tools: Tools):
    provider.token = lambda: signed(provider.claims(), sign=weak_signer())
    assert await last(provider, tools) == ("verify", "token_signature_invalid", "target")


async def test_a_key_that_was_published_a_moment_ago(provider: LyingProvider, tools: Tools):
    """The keys are fetched once more, and then the token holds; if they still lack it, it does not."""
    new = RSA_JWK | {"kid": "new"}

    def token() -> str:
        provider.keys = [new]
        return signed(provider.claims(), kid="new")

    provider.token = token
    found = await run_oidc(provider.issuer, tools, client=machine())
    assert told(found)[-1] == ("verify", 1, None)
    assert found[-1].findings["jwks_fetched_anew"] is True
    provider.token = lambda: signed(provider.claims(), kid="never")
    provider.asked.clear()
    assert await last(provider, tools) == ("verify", "jwks_kid_unknown", "target")
    assert provider.asked.count("GET /jwks") == 2


async def test_an_access_token_may_be_anything(provider: LyingProvider, tools: Tools):
    provider.token = lambda: "opaque-0123456789"
    found = await run_oidc(provider.issuer, tools, client=machine())
    assert told(found)[-1] == ("token", 1, None)
    assert "opaque" not in json.dumps([as_dict(each) for each in found])


@pytest.mark.parametrize(
    ("status", "said", "reason", "fault"),
    [
        (401, {"error": "invalid_client"}, "oauth_invalid_client", "config"),
        (400, {"error": "invalid_scope"}, "oauth_invalid_scope", "config"),
        (503, {"error": "temporarily_unavailable"}, "oauth_temporarily_unavailable", "target"),
        (503, {}, "http_server_error", "target"),
        (429, {}, "http_throttled", "blocked"),
        (200, {}, "oauth_client_credentials_error", "target"),
        (200, [], "oauth_client_credentials_error", "target"),
        (200, {"access_token": "x", "token_type": "mac"}, "oauth_client_credentials_error", "target"),
        (404, {}, "oauth_client_credentials_error", "target"),
    ],
)
async def test_what_a_token_endpoint_refuses_with(
    provider: LyingProvider, tools: Tools, status: int, said: Any, reason: str, fault: str
):
    provider.answers["/token"] = lambda: as_json(said, status)
    found = await run_oidc(provider.issuer, tools, client=machine())
    assert told(found)[2:] == [("token", 1, reason)]  # once, whatever it says
    assert found[-1].fault == fault
    assert found[-1].findings["status"] == status


async def test_less_scope_than_was_asked_for(provider: LyingProvider, tools: Tools):
    given = {"access_token": "opaque", "token_type": "Bearer", "scope": "read"}
    provider.answers["/token"] = lambda: as_json(given)
    found = await run_oidc(provider.issuer, tools, client=machine(), scope=["read", "write"])
    assert told(found)[2:] == [("token", 1, "oauth_scope_reduced")]
    assert found[-1].findings["missing"] == ["write"]


async def test_a_spent_budget_asks_for_no_token_and_does_not_count(provider: LyingProvider, tools: Tools):
    budget = {"per_tenant": "2/h"}
    runs = [await run_oidc(provider.issuer, tools, client=machine(), budget=budget) for _ in range(3)]
    assert [told(run)[2] for run in runs] == [("token", 1, None)] * 2 + [("token", 1, "signin_own_budget")]
    assert provider.asked.count("POST /token") == 2
    assert runs[2][2].abstain == "over_budget"
    assert runs[2][2].findings["budget"] == "per_tenant"
