"""Charts for channels that fetch the picture of a message themselves.

GET /chart/{signature}/{until}/{check}.png   needs no token: see collector.alerts.chart_links
"""

from collections.abc import Awaitable, Callable

import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.alerts.chart_links import ChartLinks
from collector.bodies import drain
from collector.web.guard import HEADERS
from parallax.clock import NS, wall_ns

MOST_KEPT = 64
"""Pictures in memory, of some 2 kB each: a channel fetches one for each of its readers."""
AT_ONCE = 2
SETTLED_NS = 120 * NS
"""So long after an hour's end all of it has come in."""
MAX_AGE_S = 24 * 3600
Draw = Callable[[str, int], Awaitable[bytes | None]]
"""By check, and the end of its hour (ns): the picture, or None where it cannot be drawn now."""


class Charts:
    """The handler."""

    def __init__(self, links: ChartLinks, draw: Draw, now: Callable[[], int] = wall_ns) -> None:
        self._links, self._draw, self._now = links, draw, now
        self._kept: dict[tuple[str, int], bytes] = {}
        self._slots = trio.CapacityLimiter(AT_ONCE)

    def route(self) -> Route:
        return Route("/chart/{signature}/{until}/{check:path}", self.get, methods=["GET"])

    async def get(self, request: Request) -> Response:
        await drain(request.receive)
        signature, until, name = (request.path_params[each] for each in ("signature", "until", "check"))
        check, dot, ending = name.rpartition(".")
        number = int(until) if until.isascii() and until.isdecimal() and len(until) < 12 else 0
        now = self._now()
        if not dot or ending != "png" or not self._links.holds(signature, check, number, now):
            return _plain(404, "There is no such chart, or it is more than a week old.")
        settled = now >= number * NS + SETTLED_NS
        picture = self._kept.get((check, number))
        if picture is None:
            try:
                self._slots.acquire_on_behalf_of_nowait(request)
            except trio.WouldBlock:
                return _plain(503, "Other charts are being drawn; ask again.")
            try:
                picture = await self._draw(check, number * NS)
            finally:
                self._slots.release_on_behalf_of(request)
            if picture is None:
                return _plain(503, "The history does not answer now; ask again.")
            if settled:
                self._keep((check, number), picture)
        lasts_s = MAX_AGE_S if settled else 30
        return Response(picture, headers=_headers("image/png") | {"Cache-Control": f"public, max-age={lasts_s}"})

    def _keep(self, key: tuple[str, int], picture: bytes) -> None:
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = picture


def _plain(status: int, text: str) -> Response:
    again = {"Retry-After": "1"} if status == 503 else {}
    return Response(f"{text}\n", status_code=status, headers=_headers("text/plain; charset=utf-8") | again)


def _headers(media: str) -> dict[str, str]:
    """As of every page, but that others may show it."""
    return {**HEADERS, "Cross-Origin-Resource-Policy": "cross-origin", "Content-Type": media}
