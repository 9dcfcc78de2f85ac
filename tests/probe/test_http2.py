"""The http check over HTTP/2: against servers that misbehave, and against nginx and haproxy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio

from parallax.dialling.http import open_http
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.specs import HttpSpec
from tests.fakes import h2_server as fake
from tests.fakes import http_server as fake1
from tests.fakes.http_server import Behaviour, HttpServer, Peer, http_server
from tests.parts.certificates import Authority
from tests.parts.haproxy import Front, haproxy
from tests.parts.nginx import Site, nginx
from tests.probe.attempts import Outcome, check

SHORT_S = 0.5
BIG = HttpSpec(version="2", method="POST", body="x" * 200_000)


@asynccontextmanager
async def served(
    behaviour: Behaviour, folder: Path, alpn: tuple[str, ...] = ("h2",)
) -> AsyncIterator[tuple[HttpServer, str]]:
    authority = Authority()
    async with http_server(behaviour, certificate=authority.leaf("acme.test"), alpn=alpn) as server:
        yield server, authority.write(folder)


async def meet(answering: fake.Answering, folder: Path, *, timeout_s: float = 5.0, **spec: object) -> Outcome:
    async with served(fake.h2(answering), folder) as (server, ca):
        target = f"https://acme.test:{server.address.port}/health"
        spec.setdefault("version", "2")
        return await check("http", target, server.address, ca=ca, timeout_s=timeout_s, **spec)  # type: ignore[arg-type]


async def test_a_good_answer(tmp_path: Path) -> None:
    got = await meet(fake.good, tmp_path)
    assert got.verdict is None
    assert got.phases == ["connect", "tls", "send", "first_byte", "body"]
    assert {key: got.findings[key] for key in ("status", "http_version", "headers", "alpn", "body_size")} == {
        "status": 200,
        "http_version": "HTTP/2",
        "headers": {"server": "fake"},
        "alpn": "h2",
        "body_size": 2,
    }


@pytest.mark.parametrize("size", [1, 16_384, 65_535, 65_536, 300_000])
async def test_a_request_with_a_body_goes_through_the_windows(size: int, tmp_path: Path) -> None:
    async with served(fake.h2(fake.good), tmp_path) as (server, ca):
        async with open_http(server.address, Routes.of(allow=EVERYWHERE), Trust(ca), http2=True) as http:
            for _ in range(2):  # and on the same connection again
                url = f"https://acme.test:{server.address.port}/"
                async with http.request("POST", url, headers={}, body=b"x" * size) as answer:
                    assert answer.http_version == "HTTP/2"
                    assert await answer.aread() == b"x" * size
        assert server.accepted == 1


@pytest.mark.parametrize(
    ("answering", "reason", "phase"),
    [
        (fake.silent, "first_byte_timeout", "first_byte"),
        (fake.closes, "connection_closed", "first_byte"),
        (fake.goes_away_at_once, "http_malformed", "first_byte"),
        (fake.goes_away_broken, "http_malformed", "first_byte"),
        (fake.goes_away_after_the_answer, None, None),
        (fake.resets, "http_malformed", "first_byte"),
        (fake.resets_in_the_body, "http_malformed", "body"),
        (fake.stalls, "body_timeout", "body"),
        (fake.drips, "body_timeout", "body"),
        (fake.closes_in_the_body, "http_truncated", "body"),
        (fake.lies_about_the_length, "http_malformed", "body"),
        (fake.has_no_status, "http_malformed", "first_byte"),
        (fake.has_an_odd_status, "http_malformed", "first_byte"),
        (fake.floods_with_interim_responses, "http_malformed", "first_byte"),
        (fake.floods_with_pings, "first_byte_timeout", "first_byte"),
        (fake.floods_with_settings, "first_byte_timeout", "first_byte"),
        (fake.floods_with_empty_data, "body_timeout", "body"),
        (fake.never_ends_its_headers, "http_malformed", "first_byte"),
        (fake.sends_a_header_bomb, "http_malformed", "first_byte"),
        (fake.sends_garbage, "http_malformed", "first_byte"),
        (fake.sends_a_large_body, "http_too_large", "body"),
    ],
)
async def test_misbehaviour(answering: fake.Answering, reason: str | None, phase: str | None, tmp_path: Path) -> None:
    got = await meet(answering, tmp_path, timeout_s=SHORT_S if str(reason).endswith("_timeout") else 5.0)
    assert (got.reason, got.evidence.phase) == (reason, phase), got.findings
    assert got.fault in (None, "target")


async def test_why_a_stream_was_reset_is_said(tmp_path: Path) -> None:
    got = await meet(fake.resets, tmp_path)
    assert got.findings["detail"] == "the stream was reset: REFUSED_STREAM"


async def test_a_server_that_takes_no_more_of_the_body_stalls_the_sending(tmp_path: Path) -> None:
    async with served(fake.h2(fake.good, window=1000), tmp_path) as (server, ca):
        target = f"https://acme.test:{server.address.port}/"
        got = await check("http", target, server.address, ca=ca, timeout_s=SHORT_S, whole=BIG)
    assert (got.reason, got.phases) == ("send_timeout", ["connect", "tls", "send"])


async def test_an_early_answer_is_read_though_the_body_was_not_taken(tmp_path: Path) -> None:
    behaviour = fake.h2(fake.answers_then_resets, window=1000, waits_for_body=False)
    async with served(behaviour, tmp_path) as (server, ca):
        target = f"https://acme.test:{server.address.port}/"
        got = await check("http", target, server.address, ca=ca, whole=BIG)
    assert (got.reason, got.findings["body_size"]) == (None, 6)


@pytest.mark.slow
async def test_cancelled_at_any_moment_it_closes_its_connection(tmp_path: Path) -> None:
    async def cancel_after(checkpoints: int, scope: trio.CancelScope) -> None:
        for _ in range(checkpoints):
            await trio.lowlevel.checkpoint()
        scope.cancel()

    open_now: set[object] = set()

    async def counted(peer: Peer) -> None:
        open_now.add(peer)
        try:
            with suppress(trio.BrokenResourceError):
                await fake.h2(fake.good)(peer)
        finally:
            open_now.discard(peer)

    cancelled = 0
    async with served(counted, tmp_path) as (server, ca):
        target = f"https://acme.test:{server.address.port}/"
        for checkpoints in range(0, 60, 2):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_after, checkpoints, scope)
                    await check("http", target, server.address, ca=ca, whole=BIG)
                    nursery.cancel_scope.cancel()
            cancelled += scope.cancelled_caught
            with trio.fail_after(60):
                while open_now:
                    await trio.lowlevel.checkpoint()
    assert cancelled > 3


@pytest.mark.parametrize(
    ("version", "alpn", "reason", "spoken"),
    [
        ("1.1", ("h2", "http/1.1"), None, "HTTP/1.1"),
        ("auto", ("http/1.1",), None, "HTTP/1.1"),
        ("2", ("http/1.1",), "http_version", "HTTP/1.1"),
        ("2", (), "http_version", "HTTP/1.1"),
    ],
)
async def test_what_is_asked_for_and_what_is_spoken(
    version: str, alpn: tuple[str, ...], reason: str | None, spoken: str, tmp_path: Path
) -> None:
    async with served(fake1.keeps_answering, tmp_path, alpn) as (server, ca):
        target = f"https://acme.test:{server.address.port}/"
        got = await check("http", target, server.address, ca=ca, version=version)
    assert (got.reason, got.findings["http_version"]) == (reason, spoken)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.1", "2", "auto"])
async def test_nginx(version: str, tmp_path: Path) -> None:
    authority = Authority()
    leaf = authority.leaf("acme.test")
    inside = 'location / { return 200 "healthy"; } client_max_body_size 1k;'
    sites = {"h2": Site(certificate=leaf, inside=inside, http2=True), "h1": Site(certificate=leaf, inside=inside)}
    async with nginx(sites) as server:
        ca, address = authority.write(tmp_path), server.addresses["h2"]
        target = f"https://acme.test:{address.port}/"
        text = [{"body": "text", "equals": "healthy"}]
        got = await check("http", target, address, ca=ca, version=version, **{"assert": text})
        assert got.verdict is None
        assert got.findings["http_version"] == ("HTTP/1.1" if version == "1.1" else "HTTP/2")
        got = await check("http", target, address, ca=ca, version=version, method="POST", body="x" * 50_000)
        assert (got.reason, got.findings["status"]) == ("http_status", 413)
        address = server.addresses["h1"]
        got = await check("http", f"https://acme.test:{address.port}/", address, ca=ca, version=version)
        assert got.reason == ("http_version" if version == "2" else None)


@pytest.mark.slow
async def test_haproxy(tmp_path: Path) -> None:
    authority = Authority()
    async with haproxy({"front": Front(certificate=authority.leaf("acme.test"))}) as server:
        ca, address = authority.write(tmp_path), server.addresses["front"]
        target = f"https://acme.test:{address.port}/"
        for version, spoken in (("1.1", "HTTP/1.1"), ("2", "HTTP/2"), ("auto", "HTTP/2")):
            got = await check("http", target, address, ca=ca, version=version)
            assert (got.reason, got.findings["http_version"]) == (None, spoken)
