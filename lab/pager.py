"""The pager: the receiver that the lab's plan names, which checks signatures as Standard Webhooks 1.0.0 says."""

import json
import ssl
from collections import deque
from collections.abc import Callable

import trio

from lab.control import Received
from lab.http_server import Request, Response, serve_https
from lab.internet import Visit
from parallax.clock import NS, wall_ns
from parallax.standard_webhooks import WebhookError, key_of, verify

MOST_RECEIVED = 50
MOST_TEXT = 500
_PATH = "/hook"


class Pager:
    """Remembers the latest messages, newest first. One without a right signature is kept, said so, and refused.

    Raises NoKey for a secret that is none."""

    def __init__(self, secret: str, context: ssl.SSLContext, wall: Callable[[], int] = wall_ns) -> None:
        self._key, self._context, self._wall = key_of(secret), context, wall
        self._received: deque[Received] = deque(maxlen=MOST_RECEIVED)

    @property
    def received(self) -> list[Received]:
        return list(self._received)

    async def serve(self, visit: Visit, stream: trio.abc.Stream) -> None:
        """Port 443."""
        await serve_https(stream, self._context, self.respond)

    async def respond(self, request: Request) -> Response:
        """What the sender is told: 204 for a message that is taken."""
        if request.path != _PATH:
            return Response(status=404)
        if request.method != "POST":
            return Response(status=405, headers={"allow": "POST"})
        try:
            verify(self._key, request.headers, request.body, self._wall() / NS)
            signed = True
        except WebhookError:
            signed = False
        kind, text = _said(request.body)
        identity = request.headers.get("webhook-id", "")[:MOST_TEXT]
        self._received.appendleft(Received(received_at=self._wall(), id=identity, type=kind, text=text, signed=signed))
        return Response(status=204 if signed else 401)


def _said(body: bytes) -> tuple[str, str]:
    """The event's type, and the best line for a person that the body has."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return "", body[:MOST_TEXT].decode("utf-8", "replace")
    if not isinstance(content, dict):
        return "", str(content)[:MOST_TEXT]
    kind = content.get("type")
    return kind if isinstance(kind, str) else "", _line(content, 0)[:MOST_TEXT]


_LINES = ("summary", "text", "what", "title", "why", "message")


def _line(content: dict[str, object], depth: int) -> str:
    for key in _LINES:
        found = content.get(key)
        if isinstance(found, str) and found:
            return found
    for inner in content.values():
        if isinstance(inner, dict) and depth < 3 and (found := _line(inner, depth + 1)):
            return found
    return ""
