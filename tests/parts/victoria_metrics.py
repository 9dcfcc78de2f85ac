"""VictoriaMetrics, a real one, on loopback; and a way to ask it."""

import http.client
import json
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from parallax.values import Address
from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.ports import free_port


class VictoriaMetrics:
    """A server that runs. `daemon` kills, pauses and restarts it."""

    def __init__(self, running: Daemon) -> None:
        self.daemon = running

    @property
    def address(self) -> Address:
        return self.daemon.address

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    async def restart(self) -> None:
        await self.daemon.restart()
        _wait_listening(self.address)

    def get(self, path: str, **query: str) -> bytes:
        connection = http.client.HTTPConnection(self.address.ip, self.address.port, timeout=30)
        try:
            connection.request("GET", path + ("?" + urlencode(query) if query else ""))
            return connection.getresponse().read()
        finally:
            connection.close()

    def export(self, match: str) -> list[dict[str, Any]]:
        """Every series that matches: `metric` (its labels), `values`, `timestamps` (ms). What came of late is made
        findable first."""
        self.get("/internal/force_flush")
        raw = self.get("/api/v1/export", **{"match[]": match, "start": "0", "reduce_mem_usage": "0"})
        return [json.loads(line) for line in raw.splitlines()]

    def query(self, text: str, at_s: float) -> list[dict[str, Any]]:
        """An instant query's vector."""
        self.get("/internal/force_flush")
        answer = json.loads(self.get("/api/v1/query", query=text, time=str(at_s), nocache="1"))
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


@asynccontextmanager
async def victoria_metrics(*more: str) -> AsyncIterator[VictoriaMetrics]:
    """Runs until the end of the block, with more options. Skips the test where it is missing."""
    program = find_program("victoria-metrics", "victoria-metrics")
    port = free_port()
    command = lambda folder: [  # noqa: E731
        program, f"-storageDataPath={folder}/data", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=13",
        "-memory.allowedBytes=256MiB", "-search.latencyOffset=0s", *more,
    ]  # fmt: skip
    async with daemon(command, "127.0.0.1", port, "started VictoriaMetrics", {}) as running:
        _wait_listening(running.address)
        yield VictoriaMetrics(running)


def _wait_listening(address: Address) -> None:
    """It says that it has started a moment before it listens."""
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        with socket.socket() as sock:
            if sock.connect_ex((address.ip, address.port)) == 0:
                return
        os.sched_yield()
