"""A plan names secrets; whether they are there, and where they go, is up to the probe: what it has not, or must not
send, is an observation that says what to do, and nothing is sent."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from parallax.config import BoundSecret
from parallax.config_loading import ConfigErrors, load_probe_config
from probe.tools import Tools
from probe.vault import Vault
from tests.e2e.test_canaries import CA, LEAF, check_of, run, tables, tools_in
from tests.fakes.echo_provider import echo_provider
from tests.fakes.http_server import Peer, http_server, response

pytestmark = pytest.mark.slow
TAKES_SECRET = {"signin": "POST /login", "oidc": "POST /token", "http": "POST /hello"}


def with_vault(tools: Tools, bindings: dict[str, BoundSecret]) -> Tools:
    return msgspec.structs.replace(tools, vault=Vault(bindings))


@pytest.mark.parametrize("kind", TAKES_SECRET)
async def test_a_secret_that_the_probe_lacks_is_said_with_what_to_do(kind: str, tmp_path: Path) -> None:
    async with echo_provider(LEAF) as provider:
        found = await run(check_of(kind, tables(provider.issuer)[kind]), with_vault(tools_in(tmp_path), {}))
        assert (found[-1].reason, found[-1].fault) == ("secret_missing", "config")
        assert "this probe's config has no [secrets." in found[-1].findings["detail"]
        assert TAKES_SECRET[kind] not in provider.asked


@pytest.mark.parametrize("kind", TAKES_SECRET)
async def test_a_plan_that_would_send_it_elsewhere_sends_nothing(kind: str, tmp_path: Path) -> None:
    async with echo_provider(LEAF) as provider:
        tools = tools_in(tmp_path)
        bound = {
            name: msgspec.structs.replace(each, hosts=["sso.example.com"])
            for name, each in tools.vault.bindings.items()
        }
        found = await run(check_of(kind, tables(provider.issuer)[kind]), with_vault(tools, bound))
        assert (found[-1].reason, found[-1].fault) == ("secret_withheld", "config")
        assert "may not be sent to localhost; if it should, add the host to" in found[-1].findings["detail"]
        assert TAKES_SECRET[kind] not in provider.asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_takes_no_secret_along(status: int, tmp_path: Path) -> None:
    """To another port of the same host, and to a host that the plan lets it go to."""
    got: list[bytes] = []

    async def elsewhere(peer: Peer) -> None:
        while head := await peer.request():
            got.append(head)
            await peer.send(response(200, b"arrived"))

    async with http_server(elsewhere, certificate=CA.leaf("localhost", "far.localhost")) as other:
        for host in ("localhost", "far.localhost"):

            async def away(peer: Peer, host: str = host) -> None:
                while await peer.request():
                    await peer.send(response(status, b"", f"Location: https://{host}:{other.address.port}/"))

            async with http_server(away, certificate=LEAF) as server:
                table: dict[str, Any] = {
                    "targets": [f"https://localhost:{server.address.port}/"],
                    "headers": {"Authorization": "Bearer {secret:HEADER}", "X-Key": "secret:OTHER"},
                    "redirects": 2,
                    "redirect_hosts": ["far.localhost"],
                }
                found = await run(check_of("http", table), tools_in(tmp_path))
                assert found[-1].findings["status"] == 200, found[-1]
                assert b"Bearer" in server.asked[0]
    assert len(got) == 2
    assert all(b"heAderKey" not in head and b"x-key" not in head.lower() for head in got)


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ('from = "hunter2hunter2"\nhosts = ["sso.example.com"]', "probe.toml:7: [secrets]: PW, from: is no place of a"),
        ('from = "env:PW"', "probe.toml:6: [secrets]: PW, hosts: is missing"),
        ('from = "env:PW"\nhosts = ["https://sso.example.com/"]', "probe.toml:8: [secrets]: PW, hosts entry 1: "),
        ('from = "env:PW"\nhosts = []', "at least one host"),
        ('from = "env:PW"\nhost = ["sso.example.com"]', "did you mean"),
    ],
)
def test_what_is_wrong_with_a_secret_in_the_config_names_its_place(tmp_path: Path, secret: str, sentence: str) -> None:
    file = tmp_path / "probe.toml"
    collector = '[[collector]]\nurl = "http://127.0.0.1:1"\ntoken = "env:T"'
    file.write_text(f'id = "p"\nstate = "s"\n{collector}\n[secrets.PW]\n{secret}\n')
    with pytest.raises(ConfigErrors) as caught:
        load_probe_config(file)
    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)
