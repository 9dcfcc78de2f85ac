"""How lines get to a server: what every kind of it can do, and which kind does it how."""

from collections.abc import Callable
from typing import Literal, Protocol

from collector.series.http_sender import HttpSender
from collector.series.outcomes import Answer
from parallax.config import CollectorConfig
from parallax.series_config import SeriesServer

Place = Literal["raw", "long"]
"""Where points go: what is kept for days, or the figures by the minute that are kept for a year."""


class Sender(Protocol):
    """Writes to one server. One write at a time."""

    async def write(self, body: bytes, place: Place) -> Answer:
        """Writes lines once. Never raises but for cancellation; the caller owns the timeout."""
        ...

    def close(self) -> None:
        """Closes its connections."""
        ...


def _by_client(server: SeriesServer, config: CollectorConfig) -> Sender:
    from collector.series.influx2 import ClientSender  # late: its library takes half a second, and an extra to install

    return ClientSender(server)


SENDERS: dict[str, Callable[[SeriesServer, CollectorConfig], Sender]] = {
    "influxdb1": HttpSender,
    "influxdb2": _by_client,
    "influxdb3": _by_client,
    "victoriametrics": HttpSender,
}
"""By kind."""
REPLAY_S = {"victoriametrics": 60.0}
"""By kind: how much of what it has acknowledged a server may lose when it is killed. That much is written again."""
TEXTS = {"victoriametrics": False}
"""By kind: whether it can hold a text."""
