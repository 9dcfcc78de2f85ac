"""`GET /metrics` of a probe: what it gives, and what it does with those who ask for something else."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from parallax.config_loading import load_probe_config
from parallax.exposition import Point
from parallax.health_point import health_point
from parallax.loading.problems import LoadErrors
from parallax.state import StartError
from parallax.values import Address
from probe.main import main
from probe.metrics import MAX_HEAD, MOST_AT_ONCE, serve_metrics
from tests.fakes.probes import probe_config

LOOPBACK = Address("127.0.0.1:0")


def sample() -> Iterator[Point]:
    yield health_point("fra1", {"lag_s": 0.25, "spool": {"records": 3}, "lost": {"age": 2, "size": 1}}, 1)


@asynccontextmanager
async def served() -> AsyncIterator[Address]:
    async with trio.open_nursery() as nursery:
        yield await nursery.start(lambda task_status: serve_metrics(LOOPBACK, sample, task_status=task_status))
        nursery.cancel_scope.cancel()


async def ask(at: Address, request: bytes) -> bytes:
    stream = await trio.open_tcp_stream(at.ip, at.port)
    async with stream:
        await stream.send_all(request)
        got = b""
        with trio.fail_after(60):
            while more := await stream.receive_some():
                got += more
        return got


async def test_it_has_the_collectors_names():
    async with served() as at:
        got = await ask(at, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200")
    assert b"application/openmetrics-text" in got
    lines = got.decode().splitlines()
    assert 'parallax_probe_lag_seconds{probe="fra1"} 0.25' in lines
    assert 'parallax_probe_spool_records{probe="fra1"} 3.0' in lines
    assert 'parallax_probe_lost{probe="fra1"} 3.0' in lines
    assert lines[-1] == "# EOF"


@pytest.mark.parametrize(
    ("request_", "begins"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"HTTP/1.1 404"),
        (b"POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 405"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b""),
        (b"GET /metrics HTTP/1.1\r\nx: " + b"x" * 2 * MAX_HEAD, b""),
    ],
)
async def test_what_else_comes_costs_nothing(request_: bytes, begins: bytes):
    async with served() as at:
        try:
            got = await ask(at, request_)
        except trio.BrokenResourceError:
            got = b""
        assert got[: len(begins) or 1] == begins
        assert (await ask(at, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_those_who_hold_connections_open_are_few():
    async with served() as at:
        held = [await trio.open_tcp_stream(at.ip, at.port) for _ in range(MOST_AT_ONCE)]
        for stream in held:
            await stream.send_all(b"GET")
        refused = await trio.open_tcp_stream(at.ip, at.port)
        with trio.fail_after(60):
            assert await refused.receive_some() == b""
        for stream in [*held, refused]:
            await stream.aclose()


@pytest.mark.slow
async def test_a_probe_serves_it_where_its_config_says(tmp_path: Path):
    config = probe_config(tmp_path, 1, metrics=LOOPBACK)
    async with trio.open_nursery() as nursery:
        running = await nursery.start(main, config)
        got = await ask(running.metrics, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"parallax_probe_rss_bytes" in got
        (tmp_path / "other").mkdir()
        other = probe_config(tmp_path / "other", 1, metrics=running.metrics)
        with pytest.raises(ExceptionGroup) as failed:
            await main(other)
        assert failed.group_contains(StartError, match="set another address")
        nursery.cancel_scope.cancel()


def test_an_address_beyond_loopback_is_refused(tmp_path: Path):
    file = tmp_path / "probe.toml"
    file.write_text(
        'id = "fra1"\nstate = "s"\nmetrics = "192.0.2.1:9464"\n'
        '[[collector]]\nurl = "https://c.example"\ntoken = "file:t"\naddress = "192.0.2.2:443"\n'
    )
    with pytest.raises(LoadErrors, match="must be a loopback address"):
        load_probe_config(file)
