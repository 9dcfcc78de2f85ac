"""The http check on its way: redirects, kept connections, regions out of JSON; against servers of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from parallax.dialling.http import Http
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.specs import HttpSpec
from parallax.values import Address
from probe.attempt import attempt, evidence_of
from probe.checks import KINDS
from probe.kept import Kept
from probe.kind import Subject
from probe.tape import Evidence
from probe.tools import Tools
from tests.fakes import http_server as fake
from tests.fakes.http_server import HttpServer, Peer, http_server, response
from tests.parts.certificates import Authority
from tests.probe.attempts import check


def routes_of(pages: dict[str, bytes]) -> fake.Behaviour:
    """Answers each path with its page; a port in braces is the server's own."""

    async def behaviour(peer: Peer) -> None:
        while head := await peer.request():
            path = head.split(b" ", 2)[1].decode()
            await peer.send(pages.get(path.partition("?")[0], response(404)))

    return behaviour


def away(location: str, status: int = 302) -> bytes:
    return response(status, b"moved", f"Location: {location}")


async def test_hops_are_findings_and_phases_each() -> None:
    pages = {"/": away("/b?code=s3cret"), "/b": away("/c", 307), "/c": response(200, b"here")}
    async with http_server(routes_of(pages)) as server:
        target, port = f"http://acme.test:{server.address.port}/", server.address.port
        text = [{"body": "text", "equals": "here"}]
        got = await check("http", target, server.address, redirects=2, **{"assert": text})
    assert got.verdict is None
    assert got.findings["hops"] == [
        {"url": f"http://acme.test:{port}/", "status": 302, "address": f"127.0.0.1:{port}"},
        {"url": f"http://acme.test:{port}/b?code=***", "status": 307, "address": f"127.0.0.1:{port}"},
        {"url": f"http://acme.test:{port}/c", "status": 200, "address": f"127.0.0.1:{port}"},
    ]
    assert got.phases == ["connect", "send", "first_byte", "body"] * 3
    assert server.accepted == 3
    assert "s3cret" not in repr(got.findings)


async def test_the_last_response_is_judged_and_the_duration_is_that_of_the_whole() -> None:
    pages = {"/": away("/b"), "/b": response(503)}
    async with http_server(routes_of(pages)) as server:
        got = await check("http", f"http://acme.test:{server.address.port}/", server.address, redirects=1)
    assert (got.reason, got.findings["status"]) == ("http_server_error", 503)
    assert got.evidence.duration_ns > sum(phase.duration_ns for phase in got.evidence.phases[:4])


@pytest.mark.parametrize(
    ("pages", "reason", "statuses"),
    [
        ({"/": away("/")}, "http_redirect_loop", [302]),
        ({"/": away("/b"), "/b": away("/")}, "http_redirect_loop", [302, 302]),
        ({"/": away("http://other.test/")}, "http_redirect", [302]),
        ({"/": away("http://[")}, "http_redirect", [302]),
        ({"/": away("ftp://acme.test/")}, "http_redirect", [302]),
        ({"/": away("x" * 9000)}, "http_status", [302, 404]),
        ({"/": away("/b"), "/b": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"}, "http_truncated", [302]),
    ],
)
async def test_redirects_that_end_nowhere(pages: dict[str, bytes], reason: str, statuses: list[int]) -> None:
    async with http_server(routes_of(pages)) as server:
        if reason == "http_truncated":
            server.behaviour = _closing(pages)
        got = await check("http", f"http://acme.test:{server.address.port}/", server.address, redirects=5)
    assert (got.reason, got.fault) == (reason, "target")
    assert [hop["status"] for hop in got.findings.get("hops", ())] == statuses


def _closing(pages: dict[str, bytes]) -> fake.Behaviour:
    async def behaviour(peer: Peer) -> None:
        path = (await peer.request()).split(b" ", 2)[1].decode()
        await peer.send(pages[path])

    return behaviour


async def test_an_endless_redirect_ends_with_the_plans_number() -> None:
    async def onward(peer: Peer) -> None:
        await peer.request()
        await peer.send(away(f"/{server.accepted}"))

    async with http_server(onward) as server:
        got = await check("http", f"http://acme.test:{server.address.port}/", server.address, redirects=10)
    assert (got.reason, server.accepted) == ("http_redirect_loop", 11)
    assert got.findings["detail"] == "more than 10 redirects"


async def test_headers_of_the_plan_do_not_go_to_another_host() -> None:
    async with http_server(fake.keeps_answering) as other:
        pages = {"/": away(f"http://localhost:{other.address.port}/x")}
        async with http_server(routes_of(pages)) as server:
            got = await check(
                "http",
                f"http://acme.test:{server.address.port}/",
                server.address,
                redirects=1,
                redirect_hosts=["localhost"],
                headers={"X-Own": "mine"},
            )
    assert got.verdict is None
    assert got.phases == ["connect", "send", "first_byte", "body", "lookup", "connect", "send", "first_byte", "body"]
    assert b"X-Own: mine" in server.asked[0]
    assert b"X-Own" not in other.asked[0]
    assert b"User-Agent: parallax" in other.asked[0]


async def test_a_host_that_cannot_be_looked_up_is_said() -> None:
    pages = {"/": away("http://www.acme.test/")}
    async with http_server(routes_of(pages)) as server:
        target = f"http://acme.test:{server.address.port}/"
        got = await check("http", target, server.address, redirects=1, redirect_hosts=["www.acme.test"])
    assert (got.reason, got.fault) == ("local_error", "config")  # this probe knows no resolver
    assert got.findings["detail"] == "www.acme.test, where a redirect leads, has no address"


async def test_a_redirect_goes_where_the_guard_lets_it() -> None:
    pages = {"/": away("http://localhost:1/")}
    async with http_server(routes_of(pages)) as server:
        spec = HttpSpec(redirects=1, redirect_hosts=["localhost"])  # type: ignore[list-item]
        routes = Routes.of(connect_to=[]).allowing(server.address)
        tools = Tools(routes=routes, trust=Trust(), resolvers=(), families=(6,))
        subject = Subject(target=f"http://acme.test:{server.address.port}/", host="acme.test", address=server.address)
        evidence = evidence_of(await attempt(KINDS["http"], spec, subject, 5.0, tools))
    verdict = KINDS["http"].judge(spec, evidence)
    assert verdict is not None
    assert verdict.reason == "address_not_allowed"


class Runs:
    """Runs of one check that keeps its connection."""

    def __init__(self, server: HttpServer, ca: str, **spec: Any) -> None:
        self.tools = Tools(routes=Routes.of(allow=EVERYWHERE), trust=Trust(ca), resolvers=())
        self.spec = HttpSpec(reuse=True, **spec)
        self._subject = Subject(
            target=f"https://acme.test:{server.address.port}/", host="acme.test", address=server.address
        )

    async def one(self, *, apart: bool = False, **spec: Any) -> Evidence:
        whole = msgspec.structs.replace(self.spec, **spec)
        subject = msgspec.structs.replace(self._subject, apart=apart)
        return evidence_of(await attempt(KINDS["http"], whole, subject, 5.0, self.tools))


@asynccontextmanager
async def runs(behaviour: fake.Behaviour, folder: Path, **spec: Any) -> AsyncIterator[tuple[Runs, HttpServer]]:
    authority = Authority()
    async with http_server(behaviour, certificate=authority.leaf("acme.test")) as server:
        those = Runs(server, authority.write(folder), **spec)
        try:
            yield those, server
        finally:
            those.tools.kept.close()


async def test_a_connection_is_kept_where_the_plan_says_so(tmp_path: Path) -> None:
    async with runs(fake.keeps_answering, tmp_path) as (those, server):
        seen = [await those.one() for _ in range(3)]
        assert server.accepted == 1
        await those.one(method="HEAD")  # another check
        assert server.accepted == 2
        those.tools.kept.close()  # as when another plan comes into force
        assert (await those.one()).failure is None
        assert len(those.tools.kept) == 0
    assert [each.findings["reused"] for each in seen] == [False, True, True]
    assert [phase.name for phase in seen[0].phases] == ["connect", "tls", "send", "first_byte", "body"]
    assert [phase.name for phase in seen[1].phases] == ["send", "first_byte", "body"]
    assert seen[1].findings["chain"] == seen[0].findings["chain"]


async def test_a_kept_connection_that_was_closed_meanwhile_is_dialled_anew(tmp_path: Path) -> None:
    gone = trio.Event()

    async def once(peer: Peer) -> None:
        await peer.request()
        await peer.send(response(200, b"ok"))
        await trio.aclose_forcefully(peer.stream)
        gone.set()

    async with runs(once, tmp_path) as (those, server):
        first = await those.one()
        await gone.wait()
        second = await those.one()
        assert server.accepted == 2
    assert [each.findings["reused"] for each in (first, second)] == [False, False]
    assert second.failure is None


async def test_an_attempt_of_its_own_leaves_the_kept_connection_alone(tmp_path: Path) -> None:
    async with runs(fake.keeps_answering, tmp_path) as (those, server):
        await those.one()
        alone = await those.one(apart=True)
        assert (alone.failure, alone.findings["reused"], server.accepted) == (None, False, 2)
        assert (await those.one()).findings["reused"]
        assert server.accepted == 2


async def test_what_failed_is_not_kept(tmp_path: Path) -> None:
    async with runs(fake.says(b"garbage\r\n\r\n"), tmp_path) as (those, _):
        assert (await those.one()).failure == "malformed"
        assert len(those.tools.kept) == 0


async def test_a_connection_with_octets_left_over_is_not_kept(tmp_path: Path) -> None:
    """They would be read as the answer to what is asked next."""

    async def says_too_much(peer: Peer) -> None:
        await peer.request()
        await peer.send(response(200, b"ok") + response(500, b"smuggled"))
        await peer.until_gone()

    async with runs(says_too_much, tmp_path) as (those, server):
        seen = [await those.one() for _ in range(2)]
        assert server.accepted == 2
    assert [(each.failure, each.findings["status"]) for each in seen] == [(None, 200), (None, 200)]


async def test_kept_connections_are_bounded_and_old_ones_are_closed(autojump_clock: trio.testing.MockClock) -> None:
    def client() -> Http:
        return Http(Address("127.0.0.1:1"), Routes(), Trust())

    kept = Kept(most=3, kept_s=60)
    for n in range(5):
        kept.give_back(n, client())
        await trio.sleep(1)
    assert (len(kept), kept.dropped) == (3, 2)
    assert kept.take(1) is None
    assert kept.take(4) is not None
    await trio.sleep(57.5)
    assert kept.take(3) is not None
    assert kept.take(2) is None
    kept.give_back("x", client())
    kept.close()
    assert len(kept) == 0


@pytest.mark.parametrize(
    ("path", "body", "region"),
    [
        ("$.region", b'{"region": "eu"}', "eu"),
        ("$.served.by[0]", b'{"served": {"by": ["us-1", "us-2"]}}', "us-1"),
        ("$.region", b'{"region": 7}', "7"),
        ("$.region", b'{"region": {"a": 1}}', None),
        ("$.region", b"{}", None),
        ("$.region", b"no json", None),
        ("$.region", b'{"region": "' + b"x" * 500 + b'"}', "x" * 64),
    ],
)
async def test_the_region_may_stand_in_json(path: str, body: bytes, region: str | None) -> None:
    async with http_server(fake.says(response(200, body))) as server:
        target = f"http://acme.test:{server.address.port}/"
        got = await check("http", target, server.address, serving={"json": path})
    assert got.dims.get("region") == region
    assert got.verdict is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("0", 0.0), ("99999999", 86400.0), ("9" * 400, 86400.0), ("-5", None), ("soon", None), ("1e9", None),
     ("Fri, 31 Dec 9999 23:59:59 GMT", 86400.0), ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0), ("٣", None)],
)  # fmt: skip
async def test_retry_after_is_bounded(said: str, seconds: float | None) -> None:
    head = f"HTTP/1.1 429 Slow down\r\nRetry-After: {said}\r\nContent-Length: 0\r\n\r\n".encode()
    async with http_server(fake.says(head)) as server:
        got = await check("http", f"http://acme.test:{server.address.port}/", server.address)
    assert got.reason == "http_throttled"
    assert got.findings.get("retry_after") == seconds
