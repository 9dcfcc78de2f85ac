"""The http check against a real nginx, plain and over TLS, on IPv4 and IPv6."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.parts.certificates import DAY, Authority
from tests.parts.nginx import Nginx, Site, nginx
from tests.probe.attempts import Outcome, check

pytestmark = pytest.mark.slow

INSIDE = """
gzip on; gzip_types text/plain; gzip_min_length 1;
location / { return 200 "healthy\\n"; }
location /headers { add_header x-region eu-central always; add_header cf-ray 8f2a1b3c4d5e6f70-FRA always;
  add_header Set-Cookie "sid=topsecret" always; return 200 "ok"; }
location /limited { add_header Retry-After 7 always; return 429; }
location /forbidden { return 403; }
location /broken { return 503; }
location /away { return 302 https://other.test/login?code=abc#frag; }
location /wall { add_header cf-mitigated challenge always; return 403 "<title>Just a moment...</title>"; }
"""


class World:
    def __init__(self, server: Nginx, ca: str) -> None:
        self.server, self.ca = server, ca

    async def get(self, site: str, path: str = "/", host: str = "good.test", **spec: object) -> Outcome:
        address = self.server.addresses[site]
        scheme = "http" if site.startswith("plain") else "https"
        return await check("http", f"{scheme}://{host}:{address.port}{path}", address, ca=self.ca, **spec)  # type: ignore[arg-type]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    authority, now = Authority(), datetime.now(UTC)
    sites = {
        "plain": Site(inside=INSIDE),
        "plain6": Site(inside=INSIDE, ip="::1"),
        "good": Site(certificate=authority.leaf("good.test", "127.0.0.1"), inside=INSIDE),
        "good6": Site(certificate=authority.leaf("good.test", "::1"), inside=INSIDE, ip="::1"),
        "expired": Site(certificate=authority.leaf("good.test", until=now - 3 * DAY), inside=INSIDE),
        "wrong": Site(certificate=authority.leaf("other.test"), inside=INSIDE),
        "untrusted": Site(certificate=Authority("Somebody else").leaf("good.test"), inside=INSIDE),
        "old": Site(
            certificate=authority.leaf("good.test"),
            inside="ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;" + INSIDE,
        ),
        "client-cert": Site(
            certificate=authority.leaf("good.test"),
            inside='ssl_protocols TLSv1.3; ssl_client_certificate "{folder}/good.crt"; ssl_verify_client on;' + INSIDE,
        ),
    }
    async with nginx(sites) as server:
        yield World(server, authority.write(tmp_path))


@pytest.mark.parametrize(
    ("site", "host", "phases"),
    [
        ("plain", "good.test", ["connect", "send", "first_byte", "body"]),
        ("plain6", "[::1]", ["connect", "send", "first_byte", "body"]),
        ("good", "good.test", ["connect", "tls", "send", "first_byte", "body"]),
        ("good", "127.0.0.1", ["connect", "tls", "send", "first_byte", "body"]),
        ("good6", "[::1]", ["connect", "tls", "send", "first_byte", "body"]),
    ],
)
async def test_good(world: World, site: str, host: str, phases: list[str]) -> None:
    healthy = [{"status": 200}, {"body": "text", "equals": "healthy\n"}, {"header": "server", "contains": "nginx"}]
    got = await world.get(site, host=host, **{"assert": healthy})
    assert got.verdict is None
    assert got.phases == phases
    ends = [phase.start_ns + phase.duration_ns for phase in got.evidence.phases]
    starts = [phase.start_ns for phase in got.evidence.phases]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert ends[-1] <= got.evidence.duration_ns
    assert got.findings["headers"]["content-encoding"] == "gzip"
    assert got.findings["body_size"] == 8
    assert ("version" in got.findings) == ("tls" in phases)


@pytest.mark.parametrize(
    ("site", "path", "reason", "fault"),
    [
        ("expired", "/", "tls_expired", "target"),
        ("wrong", "/", "tls_wrong_name", "target"),
        ("untrusted", "/", "tls_untrusted", "target"),
        ("old", "/", "tls_old_version", "target"),
        ("good", "/limited", "http_throttled", "blocked"),
        ("good", "/forbidden", "http_forbidden", "blocked"),
        ("good", "/broken", "http_server_error", "target"),
        ("good", "/wall", "http_challenge", "blocked"),
        ("good", "/away", None, None),
        ("client-cert", "/", "http_status", "target"),  # nginx answers 400 "No required SSL certificate was sent"
    ],
)
async def test_reasons(world: World, site: str, path: str, reason: str | None, fault: str | None) -> None:
    got = await world.get(site, path)
    assert (got.reason, got.fault) == (reason, fault)


async def test_plain_http_to_a_tls_port_and_the_other_way(world: World) -> None:
    address = world.server.addresses["good"]
    got = await check("http", f"http://good.test:{address.port}/", address)
    assert (got.reason, got.findings["status"]) == ("http_status", 400)
    address = world.server.addresses["plain"]
    got = await check("http", f"https://good.test:{address.port}/", address, ca=world.ca)
    assert got.reason == "tls_malformed"


async def test_who_served_and_where(world: World) -> None:
    got = await world.get("good", "/headers", serving={"header": "X-Region"})
    assert got.dims["region"] == "eu-central"
    assert got.site == "FRA"
    assert "topsecret" not in repr(got.findings)


async def test_retry_after_and_the_wall_are_findings(world: World) -> None:
    assert (await world.get("good", "/limited")).findings["retry_after"] == 7.0
    assert (await world.get("good", "/wall")).findings["bot_wall"] == "cloudflare"


async def test_a_redirect_is_not_followed_and_its_query_is_masked(world: World) -> None:
    got = await world.get("good", "/away", **{"assert": [{"status": 302}]})
    assert got.verdict is None
    assert got.findings["headers"]["location"] == "https://other.test/login?code=***#***"


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "PUT"])
async def test_other_methods(world: World, method: str) -> None:
    got = await world.get("good", method=method, **({"body": "x=1"} if method in ("POST", "PUT") else {}))
    assert got.verdict is None, got


async def test_a_killed_server_refuses(world: World) -> None:
    world.server.kill()
    assert (await world.get("good")).reason == "connect_refused"
