"""haproxy serves the certificate, the protocol and the staple that a test asks for."""

import subprocess
from pathlib import Path

import pytest
import trio

from parallax.dialling.http import open_http
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.values import Address
from tests.parts.certificates import Authority
from tests.parts.daemon import find_program
from tests.parts.haproxy import Front, haproxy
from tests.parts.nginx import Site, nginx

pytestmark = pytest.mark.slow

NAME = "www.example"


async def test_fronts_differ_in_what_they_were_told(tmp_path: Path) -> None:
    ca = Authority()
    one, other = ca.leaf(NAME), ca.below("An intermediate").leaf(NAME)
    trust, routes = Trust(ca.write(tmp_path)), Routes.of(allow=EVERYWHERE)

    async def ask(at: Address) -> tuple[str, str, str]:
        async with (
            open_http(at, routes, trust, http2=True) as http,
            http.request("GET", f"https://{NAME}/", headers={}) as answer,
        ):
            body = (await answer.aread()).decode()
            return body, answer.http_version, answer.headers.get("x-served-by", "")

    async with nginx({"behind": Site(inside='location / { return 200 "from behind"; }')}) as server:
        fronts = {
            "own": Front(certificate=one, inside="http-after-response set-header x-served-by own"),
            "behind": Front(certificate=other, to=server.addresses["behind"], alpn=("http/1.1",)),
        }
        async with haproxy(fronts) as proxy:
            assert await ask(proxy.addresses["own"]) == ("ok", "HTTP/2", "own")
            assert await ask(proxy.addresses["behind"]) == ("from behind", "HTTP/1.1", "")


async def test_it_staples_and_keeps_to_old_versions() -> None:
    openssl = find_program("openssl", "openssl")
    ca = Authority()
    leaf = ca.leaf(NAME)
    fronts = {
        "revoked": Front(certificate=leaf, staple=ca.staple(leaf, revoked=True), issuer=ca),
        "old": Front(certificate=leaf, bind="ssl-max-ver TLSv1.2"),
    }
    async with haproxy(fronts) as proxy:
        said = {}
        for name, address in proxy.addresses.items():
            command = [openssl, "s_client", "-connect", str(address), "-status"]
            run = await trio.run_process(command, stdin=b"", capture_stdout=True, stderr=subprocess.STDOUT)
            said[name] = run.stdout.decode()
    assert "Cert Status: revoked" in said["revoked"]
    assert "New, TLSv1.3" in said["revoked"]
    assert "no response sent" in said["old"]
    assert "New, TLSv1.2" in said["old"]
