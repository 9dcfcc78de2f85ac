"""Alertmanager, a real one, on loopback; and a way to ask it."""

import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from parallax.values import Address
from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.ports import free_port


class Alertmanager:
    """A server that runs."""

    def __init__(self, running: Daemon) -> None:
        self.daemon = running

    @property
    def address(self) -> Address:
        return self.daemon.address

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def alerts(self) -> list[dict[str, Any]]:
        """What it holds to be open."""
        connection = http.client.HTTPConnection(self.address.ip, self.address.port, timeout=30)
        try:
            connection.request("GET", "/api/v2/alerts")
            found: list[dict[str, Any]] = json.loads(connection.getresponse().read())
            return found
        finally:
            connection.close()


@asynccontextmanager
async def alertmanager(webhook: str = "") -> AsyncIterator[Alertmanager]:
    """Runs until the end of the block, and tells the URL of a webhook at once. Skips the test where it is missing."""
    program = find_program("prometheus-alertmanager", "prometheus-alertmanager")
    port = free_port()
    told = f'\n    webhook_configs: [{{url: "{webhook}"}}]' if webhook else ""
    config = (
        "route: {receiver: all, group_by: [parallax_key], group_wait: 0s, group_interval: 1s}\n"
        f"receivers:\n  - name: all{told}\n"
    )
    command = lambda folder: [  # noqa: E731
        program, f"--config.file={folder}/config.yml", f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    async with daemon(command, "127.0.0.1", port, "Listening on", {"config.yml": lambda folder: config}) as running:
        yield Alertmanager(running)
