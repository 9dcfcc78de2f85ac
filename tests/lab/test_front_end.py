"""The front end's answers, without sockets."""

import ssl

import pytest
import trio

from lab.effects import SLOW_S, Effect
from lab.front_end import Certificates, FrontEnd
from lab.http_server import Request, Response
from lab.identity import Identity
from lab.internet import Conditions, Visit
from lab.places import PROBES, ProbePlace

CENTRE, LINE = (next(p for p in PROBES if p.network == network) for network in ("data-centre", "access"))
_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


class Vendor:
    """A front end and what is wrong with the world around it."""

    def __init__(self, seed: int = 1) -> None:
        self.conditions = Conditions()
        certificates = Certificates(good=_CONTEXT, expired=_CONTEXT)
        self.front_end = FrontEnd("us-east", certificates, self.conditions, seed, Identity("secret", lambda: 0))

    async def get(self, path: str, client: ProbePlace | None = CENTRE, method: str = "GET") -> Response:
        request = Request(method=method, path=path, headers={}, body=b"")
        return await self.front_end.respond(Visit(client=client), request)


async def test_the_health_endpoint_and_the_sign_in_page() -> None:
    vendor = Vendor()
    health, page = await vendor.get("/v1/health"), await vendor.get("/sign-in")
    assert (health.status, health.body, health.headers["x-region"]) == (200, b'{"status":"healthy"}\n', "us-east")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'<form method="post" action="/sign-in"' in page.body
    assert [(await vendor.get("/else")).status, (await vendor.get("/sign-in", method="PUT")).status] == [404, 405]


async def test_one_in_twenty_passes_a_storm_and_by_the_seed_alone() -> None:
    passed = []
    for seed in (5, 5, 6):
        vendor = Vendor(seed)
        vendor.conditions.now = Effect(throttled=True)
        statuses = [(await vendor.get("/v1/health")).status for _ in range(200)]
        assert set(statuses) == {200, 429}
        assert all(statuses[start : start + 20].count(200) == 1 for start in range(0, 200, 20))
        passed.append([place for place, status in enumerate(statuses) if status == 200])
    assert passed[0] == passed[1] != passed[2]


@pytest.mark.parametrize(
    ("host", "location"),
    [
        ("accounts.auth-vendor.example", "https://accounts.auth-vendor.example/sign-in"),
        ("elsewhere.test:80", "https://frontend-api.auth-vendor.example/sign-in"),  # no open redirect
    ],
)
async def test_plain_http_leads_to_https(host: str, location: str) -> None:
    client, server = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Vendor().front_end.serve_plain, Visit(client=None), server)
        await client.send_all(f"GET /sign-in?a=b HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        got = await client.receive_some()
        assert got.startswith(b"HTTP/1.1 301")
        assert f"location: {location}\r\n".encode() in got
        await client.send_eof()


@pytest.mark.parametrize(("client", "status"), [(CENTRE, 403), (LINE, 200), (None, 200)])
async def test_a_bot_wall_lets_access_lines_pass(client: ProbePlace | None, status: int) -> None:
    vendor = Vendor()
    vendor.conditions.now = Effect(walled=True)
    assert (await vendor.get("/sign-in", client)).status == status


@pytest.mark.parametrize(("regions", "takes_s"), [({"us-east"}, SLOW_S), ({"eu-west"}, 0)])
async def test_a_slow_region_answers_late(
    regions: set[str], takes_s: float, autojump_clock: trio.testing.MockClock
) -> None:
    vendor = Vendor()
    vendor.conditions.now = Effect(slow_regions=frozenset(regions))
    began = trio.current_time()
    assert (await vendor.get("/v1/health")).status == 200
    assert trio.current_time() - began == takes_s
