"""The pager: the receiver that the lab's plan names. It checks signatures by Standard Webhooks 1.0.0, on its own and
not by the sender's code, so that the two prove each other."""

import base64
import binascii
import hashlib
import hmac
import json
import ssl
from collections import deque
from collections.abc import Callable

import trio

from lab.control import Page
from lab.http_server import Request, Response, serve_https
from lab.internet import Visit
from parallax.clock import NS, wall_ns

MOST_PAGES = 50
MOST_TEXT = 500
TOLERANCE_S = 300
_PATH = "/hook"


class Pager:
    """Remembers the latest pages, newest first. A page without a right signature is kept, said so, and refused."""

    def __init__(self, secret: str, context: ssl.SSLContext, wall: Callable[[], int] = wall_ns) -> None:
        self._key, self._context, self._wall = _key(secret), context, wall
        self._pages: deque[Page] = deque(maxlen=MOST_PAGES)

    @property
    def pages(self) -> list[Page]:
        return list(self._pages)

    async def serve(self, visit: Visit, stream: trio.abc.Stream) -> None:
        """Port 443."""
        await serve_https(stream, self._context, self._respond)

    async def _respond(self, request: Request) -> Response:
        if request.path != _PATH:
            return Response(status=404)
        if request.method != "POST":
            return Response(status=405, headers={"allow": "POST"})
        signed = is_signed(self._key, request, self._wall() // NS)
        kind, text = _said(request.body)
        identity = request.headers.get("webhook-id", "")[:MOST_TEXT]
        self._pages.appendleft(Page(received_at=self._wall(), id=identity, type=kind, text=text, signed=signed))
        return Response(status=204 if signed else 401)


def is_signed(key: bytes, request: Request, now_s: int) -> bool:
    """Whether one of the request's signatures is by the key, and its time is within five minutes of ours."""
    stamp, identity = request.headers.get("webhook-timestamp", ""), request.headers.get("webhook-id", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16 and identity):
        return False
    if abs(int(stamp) - now_s) > TOLERANCE_S:
        return False
    content = f"{identity}.{stamp}.".encode("latin-1") + request.body
    wanted = base64.b64encode(hmac.digest(key, content, hashlib.sha256))
    given = request.headers.get("webhook-signature", "").encode("latin-1").split(b" ")
    return any(hmac.compare_digest(b"v1," + wanted, each) for each in given[:10])


def _key(secret: str) -> bytes:
    """The octets of a whsec_ text. Raises ValueError."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError(f"the webhook secret is no whsec_ and base64: {error}") from None


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


_LINES = ("text", "what", "title", "why", "message")


def _line(content: dict[str, object], depth: int) -> str:
    for key in _LINES:
        found = content.get(key)
        if isinstance(found, str) and found:
            return found
    for inner in content.values():
        if isinstance(inner, dict) and depth < 3 and (found := _line(inner, depth + 1)):
            return found
    return ""
