"""The pages' routes, and what each page stands on: `render` and `guarded`.

GET /                overview
GET /incidents       the incidents, latest first
GET /incident/{id}   one of them, with its timeline
GET /check/{name}    a check, with its chart; /check/{name}/points.json: the chart's figures
GET /dns             runways, the fallback, chains, moves and catchments
GET /sign-in         flows: waterfalls, first attempts and after retries, where runs stop
GET /failover        failover groups: who serves, who could take over, what is decided
GET /probes          the probes, on the map and as a table
GET /live            what changes on the page that ?path= names, as server-sent events
GET /static/...      style, scripts
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from collector.alerts import ReceiverStatus
from collector.board import Board
from collector.bodies import drain
from collector.history import History
from collector.history.types import QueryError
from collector.retries import builtin_policies
from collector.tokens import Identity, Role, Tokens
from collector.web.extension import Extension
from collector.web.guard import HEADERS, READERS, Refused, Site, decide
from collector.web.live import Live, Source
from collector.web.render import Page, Renderer
from collector.web.statics import Statics
from parallax.clock import wall_ns
from parallax.plan.types import Retry
from parallax.values import Address, DnsName

HISTORY_S = 2.0
"""How long a page waits for history before it goes without."""
Handler = Callable[[Request, Identity], Awaitable[Response]]
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
T = TypeVar("T")


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages show, and to whom."""

    board: Callable[[], Board]
    wait_changed: Callable[[Board], Awaitable[None]]
    """Returns once there is another board than the one given."""
    history: History
    tokens: Tokens
    stop: trio.Event
    """Set when the collector begins to end."""
    listen: Address
    open: bool
    """Whether it may be read without a token: on loopback."""
    hosts: tuple[DnsName, ...]
    extension: Extension | None
    receivers: Callable[[], Sequence[ReceiverStatus]] = tuple
    """How the plan's receivers stand."""
    policies: Callable[[], Sequence[Retry]] = builtin_policies
    """How clients retry: those that come with the program, and the plan's own."""
    now: Callable[[], int] = wall_ns


class NoHistory(msgspec.Struct, frozen=True):
    """History gave nothing in time; `why` is a sentence for the page."""

    why: str


class Pages:
    """The handlers."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.statics = Statics()
        extension = view.extension
        self._renderer = Renderer(self.statics.url, extension.templates if extension else None)
        self._site = Site(listen=view.listen, open=view.open, hosts=tuple(view.hosts))
        self._routes = self._make_routes()
        self.live = Live(
            Source(
                board=view.board,
                wait_changed=view.wait_changed,
                stop=view.stop,
                now=view.now,
                version=self.statics.version,
                admit=self._admit,
                routes=self._routes,
            )
        )

    def routes(self) -> list[BaseRoute]:
        """All of them; the last answers whatever no other route takes, but for the API's paths."""
        live = Route("/live", self.guarded(self.live.get), methods=["GET"])
        return [live, *self._routes, _Elsewhere("/{path:path}", self.guarded(self.get_elsewhere), methods=["GET"])]

    def _make_routes(self) -> list[BaseRoute]:
        from collector.web.checks import CheckPages
        from collector.web.dns import get_dns
        from collector.web.failover import get_failover
        from collector.web.incidents import get_incident, get_incidents
        from collector.web.overview import get_overview
        from collector.web.probes import get_probes
        from collector.web.signin import SigninPages

        extension, checks = self.view.extension, CheckPages()
        return [
            self.page("/", get_overview),
            self.page("/incidents", get_incidents),
            self.page("/incident/{id:path}", get_incident),
            self.page("/check/{name:path}", checks.get),
            self.page("/failover", get_failover),
            self.page("/dns", get_dns),
            self.page("/sign-in", SigninPages().get),
            self.page("/probes", get_probes),
            Route("/static/{version}/{name:path}", self.guarded(self.get_static), methods=["GET"]),
            *(extension.pages(self) if extension else ()),
        ]

    def page(self, path: str, handler: Callable[["Pages", Request], Awaitable[Response]]) -> Route:
        """A route to a page that every reader may see."""

        async def handle(request: Request, identity: Identity) -> Response:
            return await handler(self, request)

        return Route(path, self.guarded(handle), methods=["GET"])

    def guarded(self, handler: Handler, *roles: Role) -> Endpoint:
        """The handler for those who may: holders of a token of these roles (viewer and owner, if none is named), and
        on loopback whoever is at this machine, as an owner. A POST must come from our own pages."""

        async def handle(request: Request) -> Response:
            verdict = self._judge(request, roles or READERS)
            if isinstance(verdict, Refused):
                await drain(request.receive)
                return self._refuse(request, verdict)
            connection = request.scope.get("state", {}).get("connection")
            if connection is not None and "authorization" in request.headers:
                connection.trusted = True
            response = await handler(request, verdict)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle

    def render(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Page:
        """A page from a template that extends "layout.html".

        Beside the values given, templates know `board`, `now` (ns), `path`, `extension`, `words` (the module), and
        the layout's own. Give a `board` to show another than the one of this moment.
        """
        now = self.view.now()
        frame = {
            "board": self.view.board(),
            "now": now,
            "path": request.url.path,
            "extension": self.view.extension,
            "version": self.statics.version,
        }
        return self._renderer.render(request, template, {**frame, **values}, status=status)

    def not_found(self, request: Request, what: str, way_out: str = "") -> Page:
        """The 404 page: a sentence on what is not there, and one on where to go."""
        return self.render(request, "not_found.html", status=404, what=what, way_out=way_out)

    async def from_history(self, asked: Awaitable[T]) -> T | NoHistory:
        """What history answers, or why it does not: a page is shown without it rather than late."""
        with trio.move_on_after(HISTORY_S):
            try:
                return await asked
            except QueryError as error:
                text = str(error)
                return NoHistory(f"{text[:1].upper()}{text[1:]}.")
        return NoHistory(f"The history did not answer within {HISTORY_S:g} s; reload the page to ask again.")

    async def get_static(self, request: Request, identity: Identity) -> Response:
        file = self.statics.find(request.path_params["version"], request.path_params["name"])
        if file is None:
            return self.not_found(request, "There is no such file.")
        headers = {"ETag": file.etag, "Cache-Control": "public, max-age=31536000, immutable"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        return Response(file.body, media_type=file.media_type, headers=headers)

    async def get_elsewhere(self, request: Request, identity: Identity) -> Response:
        return self.not_found(request, "There is no such page.")

    def _judge(self, request: Request, roles: tuple[Role, ...]) -> Identity | Refused:
        return decide(self._site, request.method, request.headers, roles, self.view.tokens.identify)

    def _admit(self, request: Request) -> Identity | None:
        verdict = self._judge(request, READERS)
        return None if isinstance(verdict, Refused) else verdict

    def _refuse(self, request: Request, refused: Refused) -> Response:
        headers = {"WWW-Authenticate": 'Basic realm="Parallax", charset="UTF-8"'} if refused.status == 401 else {}
        return Response(
            f"{refused.message}\n",
            status_code=refused.status,
            media_type="text/plain",
            headers={**HEADERS, "Cache-Control": "no-store", **headers},
        )


class _Elsewhere(Route):
    def matches(self, scope: Any) -> tuple[Match, Any]:
        return (Match.NONE, {}) if scope["path"].startswith("/v1/") else super().matches(scope)
