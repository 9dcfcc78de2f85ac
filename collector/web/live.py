"""What changes on an open page, as server-sent events (WHATWG HTML, section 9.2).

A stream renders its page again when the board is another one, at most once a second, by asking the page's own route
with the reader's own headers, and sends the sections whose hash is another than the one that the browser has. Where the
page has other sections than the browser's, it says "reload", and the browser fetches the page anew. Whoever loses the
token loses the stream with the next message.

Rendering shares its thread with the ingest of batches, so it is bounded: streams of one reader on one path share what
is rendered, a page that is slow to render is rendered less often, so that it takes a twentieth of the time at most, and
all pages together take a quarter.
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
SHARE = 20
"""A page is rendered after this many times what rendering it took, at the earliest."""
SHARE_OF_ALL = 4
"""Between two renderings of whatever page lie this many times what the first is expected to take."""
USUAL_S, LONGEST_S = 0.03, 0.25
"""What a page is expected to take that was not rendered yet, and at most: some only wait for the history."""
QUIET_S = 15.0
"""The most time between two messages: a "quiet" is sent then, by which both sides notice that the other is gone."""
_HEADERS = {**HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What the streams stand on. `admit` says whose request it is, None for nobody who may."""

    board: Callable[[], Board]
    wait_changed: Callable[[Board], Awaitable[None]]
    stop: trio.Event
    now: Callable[[], int]
    version: str
    """Of the static files: a page that has others is loaded anew, as after an upgrade."""
    admit: Callable[[Request], Identity | None]
    routes: Sequence[BaseRoute]


class _Rendered:
    """A page as one reader has it now, and how many streams share it."""

    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.streams = 0
        self.board: Board | None = None
        self.sections: Mapping[str, str] | None = None
        self.next_at = 0.0
        self.takes_s = USUAL_S


class Live:
    """The streams of one collector."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pages: dict[tuple[str, Identity], _Rendered] = {}
        self._next_at = 0.0

    @property
    def streams(self) -> int:
        return sum(page.streams for page in self._pages.values())

    async def get(self, request: Request, identity: Identity) -> Response:
        """Handles /live?path=PATH&have=HASHES. `have`: "id:hash" of the sections that the browser shows, by commas."""
        if request.method == "HEAD":
            return Response(media_type="text/event-stream", headers=_HEADERS)
        if self.streams >= MAX_STREAMS:
            return Response(
                f"{MAX_STREAMS} pages are open already; this one is not live. Close one, or reload by hand.\n",
                status_code=503,
                media_type="text/plain",
                headers={**_HEADERS, "Retry-After": "30"},
            )
        return _Stream(self, self._source, request, identity)

    def join(self, path: str, identity: Identity) -> _Rendered:
        page = self._pages.setdefault((path, identity), _Rendered())
        page.streams += 1
        return page

    def leave(self, path: str, identity: Identity) -> None:
        page = self._pages[path, identity]
        page.streams -= 1
        if not page.streams:
            del self._pages[path, identity]

    async def refresh(self, page: _Rendered, path: str, request: Request) -> None:
        """Renders the page if the board is another one, and if it is time."""
        async with page.lock:
            board = self._source.board()
            if page.board is board:
                return
            await trio.sleep_until(page.next_at)
            await self._wait_turn(page)
            board, began = self._source.board(), trio.current_time()
            sections = await self._sections(path, request)
            page.board, page.sections = board, sections  # both or, where the reader leaves meanwhile, neither
            took_s = trio.current_time() - began
            page.takes_s = min(took_s, LONGEST_S)
            page.next_at = trio.current_time() + max(PACE_S, SHARE * took_s)

    async def _wait_turn(self, page: _Rendered) -> None:
        """Until all that was rendered lately, and waits to be, leaves room for this page."""
        at = max(trio.current_time(), self._next_at)
        self._next_at = at + SHARE_OF_ALL * page.takes_s
        await trio.sleep_until(at)

    async def _sections(self, path: str, request: Request) -> Mapping[str, str] | None:
        """The sections of the page as it is now; None where it is no page (any more), or not for this reader."""
        try:
            asked = urlsplit(path)
        except ValueError:
            return None
        scope = {
            **request.scope,
            "path": unquote(asked.path),
            "raw_path": asked.path.encode("ascii", "replace"),
            "query_string": asked.query.encode("ascii", "replace"),
            "headers": [(name, value) for name, value in request.scope["headers"] if name != b"accept-encoding"],
        }
        for route in self._source.routes:
            match, more = route.matches(scope)
            if match is Match.FULL:
                answer = await more["endpoint"](Request({**scope, **more}, _nothing))
                return answer.sections if isinstance(answer, Page) and answer.status_code == 200 else None
        return None


class _Stream(Response):
    """One open stream. It ends when the reader leaves, when the collector ends, or when the page is gone."""

    def __init__(self, live: Live, source: Source, request: Request, identity: Identity) -> None:
        super().__init__(status_code=200, media_type="text/event-stream", headers=_HEADERS)
        del self.headers["content-length"]
        self._live, self._source, self._request, self._identity = live, source, request, identity
        self._path = request.query_params.get("path", "/")
        parts = request.query_params.get("have", "").split(",")
        self._have = dict(part.partition(":")[::2] for part in parts if part)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._live.join(self._path, self._identity)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async with trio.open_nursery() as nursery:

                async def wait_gone() -> None:
                    while (await receive())["type"] == "http.request":
                        pass
                    nursery.cancel_scope.cancel()

                async def wait_stop() -> None:
                    await self._source.stop.wait()
                    nursery.cancel_scope.cancel()

                nursery.start_soon(wait_gone)
                nursery.start_soon(wait_stop)
                await self._tell(page, send)
                nursery.cancel_scope.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._live.leave(self._path, self._identity)

    async def _tell(self, page: _Rendered, send: Send) -> None:
        async def say(event: str, data: object) -> None:
            text = f"event: {event}\ndata: {msgspec.json.encode(data).decode()}\n\n"
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        while True:
            if self._source.admit(self._request) != self._identity:
                await say("gone", {})
                return
            await self._live.refresh(page, self._path, self._request)
            board, sections = page.board, page.sections
            if sections is None or board is None:
                await say("gone", {})
                return
            if sections.keys() != self._have.keys():
                await say("reload", {})
                return
            hashes = {id_: section_hash(html) for id_, html in sections.items()}
            changed = {id_: (hashes[id_], sections[id_]) for id_ in sections if hashes[id_] != self._have[id_]}
            self._have = hashes
            now, version = self._source.now() // 1_000_000, self._source.version
            await say("message", {"now": now, "version": version, "sections": changed})
            await trio.sleep(PACE_S)
            while True:
                with trio.move_on_after(QUIET_S):
                    await self._source.wait_changed(board)
                    break
                await say("quiet", {})


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}
