"""The vendor's own automation: carries out signed commands to lead the edge's name to another region.

It is what docs/actions.md asks of an owner: the signature, the epoch, the member that must serve now, and the moment
after which a command is void are checked before anything is done.
"""

import ssl
from collections import deque
from collections.abc import Callable
from datetime import datetime

import msgspec
import trio

from lab.control import Received
from lab.http_server import Request, Response, serve_https
from lab.internet import Conditions, Edge, Visit
from lab.zones import EDGE_REGIONS
from parallax.clock import NS, wall_ns
from parallax.standard_webhooks import WebhookError, key_of, verify

GROUP = "edge"
"""The failover group of the lab's plan that it switches."""
MOST_RECEIVED = 20
_PATH = "/switch"


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What it needs of a command."""

    group: str
    to: str
    epoch: int
    expected_current: str
    not_after: datetime
    dry_run: bool


class _Command(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    data: _Told


class Automation:
    """Raises NoKey for a secret that is none. `received` has the commands, newest first, without the dry runs."""

    def __init__(
        self, secret: str, context: ssl.SSLContext, conditions: Conditions, wall: Callable[[], int] = wall_ns
    ) -> None:
        self._key, self._context, self._conditions, self._wall = key_of(secret), context, conditions, wall
        self._received: deque[Received] = deque(maxlen=MOST_RECEIVED)
        self._last = ""

    @property
    def received(self) -> list[Received]:
        return list(self._received)

    async def serve(self, visit: Visit, stream: trio.abc.Stream) -> None:
        """Port 443."""
        await serve_https(stream, self._context, self.respond)

    async def respond(self, request: Request) -> Response:
        """204: it is carried out, or could be. 409: the world is another by now, or it is late."""
        if request.path != _PATH:
            return Response(status=404)
        if request.method != "POST":
            return Response(status=405, headers={"allow": "POST"})
        try:
            identity = verify(self._key, request.headers, request.body, self._wall() / NS)
            told = msgspec.json.decode(request.body, type=_Command).data
        except WebhookError:
            return Response(status=401)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Response(status=400)
        if told.group != GROUP or told.to not in EDGE_REGIONS:
            return Response(status=422)
        status = self._carry_out(identity, told)
        if not told.dry_run:
            done = "carried out" if status == 204 else f"refused ({status})"
            text = f"{done}: {told.expected_current} to {told.to}, epoch {told.epoch}"
            came = Received(received_at=self._wall(), id=identity, type="failover.command", text=text, signed=True)
            self._received.appendleft(came)
        return Response(status=status)

    def _carry_out(self, identity: str, told: _Told) -> int:
        edge = self._conditions.edge
        if told.epoch == edge.epoch and identity == self._last:
            return 204  # the same again: its answer was lost
        if told.not_after.timestamp() * NS < self._wall():
            return 409
        if told.epoch <= edge.epoch or told.expected_current != edge.region:
            return 409
        if not told.dry_run:
            self._conditions.edge, self._last = Edge(region=told.to, epoch=told.epoch), identity
        return 204
