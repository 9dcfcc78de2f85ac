"""`parallax check` against real servers, as a person reads it."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from parallax.cli import parallax
from tests.parts.certificates import Authority
from tests.parts.nginx import Site, nginx
from tests.parts.nsd import nsd

pytestmark = pytest.mark.slow


async def check(*arguments: str) -> Result:
    """In a thread of its own, as the command runs a loop of its own."""
    return await trio.to_thread.run_sync(partial(CliRunner().invoke, parallax, ["check", *arguments]))


async def test_tls_and_http_on_a_real_nginx(tmp_path: Path):
    authority = Authority()
    sites = {
        "good": Site(certificate=authority.leaf("good.test")),
        "expired": Site(certificate=authority.leaf("good.test", until=datetime.now(UTC) - timedelta(days=3))),
        "sick": Site(inside="return 503;"),
    }
    ca = authority.write(tmp_path)
    async with nginx(sites) as server:
        good, expired, sick = (str(server.addresses[name]) for name in sites)
        seen = await check("tls", good, "--server-name", "good.test", "--ca", ca)
        assert seen.exit_code == 0
        assert seen.output.startswith("ok: TLSv1.")
        assert "certificate\n" in seen.output
        assert "good.test" in seen.output

        seen = await check("tls", expired, "--server-name", "good.test", "--ca", ca)
        assert seen.exit_code == 1
        assert seen.output.splitlines()[0] == "failed: the certificate has expired (tls_expired)"
        assert "the target" in seen.output.splitlines()[1]

        seen = await check("tls", good, "--server-name", "good.test")
        assert seen.exit_code == 1
        assert "a private CA is given with --ca FILE" in seen.output

        seen = await check("http", f"http://{sick}/health", "--json")
        assert seen.exit_code == 1
        told = [json.loads(line) for line in seen.output.splitlines()]
        assert [(each["reason"], each["attempt"]) for each in told] == [
            ("http_server_error", 1),
            ("http_server_error", 2),
        ]

        url = f"https://good.test:{server.addresses['good'].port}/"
        async with nsd({"test": "good A 127.0.0.1"}) as names:
            seen = await check("http", url, "-4", "--ca", ca, "--resolver", str(names.address), "--contains", "ok")
            assert seen.exit_code == 0, seen.output
            assert f"{names.address}  A  NOERROR" in seen.output
            assert "addresses: 127.0.0.1" in seen.output
            assert [line.split()[0] for line in seen.output.splitlines() if "█" in line][:3] == [
                "lookup",
                "connect",
                "tls",
            ]


async def test_dns_on_a_real_nsd():
    async with nsd({"shop.test": "www A 192.0.2.7"}, nsid="fra1.ns-a") as server:
        at = str(server.address)
        seen = await check("dns", "www.shop.test", f"@{at}")
        assert seen.exit_code == 0
        assert "192.0.2.7" in seen.output
        assert "fra1.ns-a" in seen.output

        seen = await check("dns", at, "--query", "gone.shop.test")
        assert seen.exit_code == 1
        assert "dns_nxdomain" in seen.output

        seen = await check("dns", "gone.shop.test", f"@{at}", "--nxdomain")
        assert seen.exit_code == 0

        seen = await check("dns", "www.shop.test", "--resolver", at, "--json")
        assert json.loads(seen.output)["dims"]["resolver"] == "127.0.0.1"
