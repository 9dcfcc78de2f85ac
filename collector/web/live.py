"""What changes on an open page, as server-sent events (WHATWG HTML, section 9.2).

A stream renders its page again when the board is another one, at most once a second, by asking the page's own route
with the reader's own headers: so whoever loses the token loses the stream. It sends the sections whose hash is another
than the one that the browser has. Where the page has other sections than the browser's, it says "reload", and the
browser fetches the page anew.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from collector.board import Board
from collector.tokens import Identity
from collector.web.guard import HEADERS
from collector.web.render import Page, section_hash

MAX_STREAMS = 64
PACE_S = 1.0
"""The least time between two messages."""
QUIET_S = 15.0
"""The most: a "quiet" is sent then, by which both sides notice that the other is gone."""
_HEADERS = {**HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Live:
    """The streams of one collector."""

    def __init__(
        self,
        board: Callable[[], Board],
        wait_changed: Callable[[Board], Awaitable[None]],
        stop: trio.Event,
        now: Callable[[], int],
        routes: Sequence[BaseRoute],
    ) -> None:
        self.board, self.wait_changed, self.stop, self.now = board, wait_changed, stop, now
        self._routes = routes
        self.streams = 0

    async def get(self, request: Request, identity: Identity) -> Response:
        """Handles /live?path=PATH&have=HASHES. `have`: "id:hash" of the sections that the browser shows, by commas."""
        if self.streams >= MAX_STREAMS:
            return Response(
                f"{MAX_STREAMS} pages are open already; this one is not live. Close one, or reload by hand.\n",
                status_code=503,
                media_type="text/plain",
                headers={**_HEADERS, "Retry-After": "30"},
            )
        have = dict(part.partition(":")[::2] for part in request.query_params.get("have", "").split(",") if part)
        return _Stream(self, request, have)

    async def sections(self, request: Request) -> Mapping[str, str] | None:
        """The sections of the page as it is now; None where it is no page (any more), or not for this reader."""
        asked = urlsplit(request.query_params.get("path", "/"))
        scope = {
            **request.scope,
            "path": unquote(asked.path),
            "raw_path": asked.path.encode("ascii", "replace"),
            "query_string": asked.query.encode("ascii", "replace"),
        }
        for route in self._routes:
            match, more = route.matches(scope)
            if match is Match.FULL:
                answer = await more["endpoint"](Request({**scope, **more}, _nothing))
                return answer.sections if isinstance(answer, Page) and answer.status_code == 200 else None
        return None


class _Stream(Response):
    """One open stream. It ends when the reader leaves, when the collector ends, or when the page is gone."""

    def __init__(self, live: Live, request: Request, have: dict[str, str]) -> None:
        super().__init__(status_code=200, media_type="text/event-stream", headers=_HEADERS)
        del self.headers["content-length"]
        self._live, self._request, self._have = live, request, have

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._live.streams >= MAX_STREAMS:  # taken by others since `get` looked
            await Response(status_code=503, headers=_HEADERS)(scope, receive, send)
            return
        self._live.streams += 1
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async with trio.open_nursery() as nursery:

                async def wait_gone() -> None:
                    while (await receive())["type"] == "http.request":
                        pass
                    nursery.cancel_scope.cancel()

                async def wait_stop() -> None:
                    await self._live.stop.wait()
                    nursery.cancel_scope.cancel()

                nursery.start_soon(wait_gone)
                nursery.start_soon(wait_stop)
                await self._tell(send)
                nursery.cancel_scope.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._live.streams -= 1

    async def _tell(self, send: Send) -> None:
        async def say(text: str) -> None:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        while True:
            board = self._live.board()
            sections = await self._live.sections(self._request)
            if sections is None:
                await say("event: gone\ndata: {}\n\n")
                return
            if sections.keys() != self._have.keys():
                await say("event: reload\ndata: {}\n\n")
                return
            hashes = {id_: section_hash(html) for id_, html in sections.items()}
            changed = {id_: (hashes[id_], sections[id_]) for id_ in sections if hashes[id_] != self._have[id_]}
            self._have = hashes
            text = msgspec.json.encode({"now": self._live.now() // 1_000_000, "sections": changed}).decode()
            await say(f"data: {text}\n\n")
            await trio.sleep(PACE_S)
            while True:
                with trio.move_on_after(QUIET_S):
                    await self._live.wait_changed(board)
                    break
                await say("event: quiet\ndata: {}\n\n")


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}
