"""The kind oidc against oidc-provider, a certified provider."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from probe.tools import Tools
from tests.parts.certificates import Authority
from tests.parts.oidc_provider import OidcProvider, oidc_provider
from tests.probe.oidc_runs import machine, run_oidc, told, tools_for

pytestmark = pytest.mark.slow
CA = Authority()


@pytest.fixture
async def provider() -> AsyncIterator[OidcProvider]:
    async with oidc_provider(CA, issuer=None) as running:
        yield running


@pytest.fixture
def tools(provider: OidcProvider, tmp_path: Path) -> Tools:
    assert provider.machine.secret
    return tools_for(CA.write(tmp_path), tmp_path, provider.machine.secret)


async def test_discovery_keys_and_a_token_agree(provider: OidcProvider, tools: Tools):
    found = await run_oidc(provider.issuer, tools, client=machine(), scope=["read"], expect={"alg": ["RS256"]})
    assert told(found) == [("discovery", 1, None), ("jwks", 1, None), ("token", 1, None), ("verify", 1, None)]
    discovery, jwks, token, verify = (each.findings for each in found)
    assert discovery["capabilities"]["iss_parameter"] is True
    assert discovery["capabilities"]["challenge_methods"] == ["S256"]
    assert discovery["algorithms"] == ["RS256", "ES256"] or set(discovery["algorithms"]) >= {"RS256"}
    assert jwks["keys"] == 2
    assert token["scope"] == ["read"]
    assert token["expires_in"] == 600
    assert verify["token"]["kid"] in jwks["kids"]
    assert verify["token"]["lifetime_s"] == 600


async def test_a_wrong_secret_and_a_wrong_scope_are_the_plans_side(
    provider: OidcProvider, tools: Tools, tmp_path: Path
):
    (tmp_path / "wrong").mkdir()
    wrong = tools_for(CA.write(tmp_path / "wrong"), tmp_path / "wrong", "not-the-secret")
    found = await run_oidc(provider.issuer, wrong, client=machine())
    assert told(found)[2:] == [("token", 1, "oauth_invalid_client")]
    assert found[-1].fault == "config"
    found = await run_oidc(provider.issuer, tools, client=machine(), scope=["email"])
    assert told(found)[2:] == [("token", 1, "oauth_invalid_scope")]
    found = await run_oidc(provider.issuer, tools, client=machine(auth="post"))
    assert found[-1].reason is None  # this provider takes the secret either way


async def test_other_keys_after_a_restart(provider: OidcProvider, tools: Tools):
    first = await run_oidc(provider.issuer, tools)
    await provider.restart()
    second = await run_oidc(provider.issuer, tools)
    assert not set(first[1].findings["kids"]) & set(second[1].findings["kids"])


async def test_an_outage_is_told_where_it_is(provider: OidcProvider, tools: Tools):
    provider.break_path("/jwks", status=502)
    found = await run_oidc(provider.issuer, tools, client=machine())
    assert told(found) == [("discovery", 1, None), ("jwks", 1, "http_server_error"), ("jwks", 2, "http_server_error")]
    provider.mend()
    provider.break_path("/token", status=429, headers={"Retry-After": "7"})
    found = await run_oidc(provider.issuer, tools, client=machine())
    assert told(found)[2:] == [("token", 1, "http_throttled")]
    assert (found[-1].fault, found[-1].findings["retry_after"]) == ("blocked", 7)
    provider.mend()
    provider.pause()
    found = await run_oidc(provider.issuer, tools, timeout="1s")
    assert told(found)[0] == ("discovery", 1, "tls_timeout")
    provider.resume()
    provider.kill()
    found = await run_oidc(provider.issuer, tools)
    assert told(found) == [("discovery", 1, "connect_refused"), ("discovery", 2, "connect_refused")]
