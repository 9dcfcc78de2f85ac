"""The collector's HTTP interface: routes, tokens and headers. What an answer means is in collector.answers.

POST /v1/batches        a probe's token: one batch, acknowledged once durable
GET  /v1/plan           a probe's token: its part of the plan, with an ETag; If-None-Match and ?wait=SECONDS (or
                        `Prefer: wait=SECONDS`, RFC 7240) wait for another one, 304 if none comes
GET  /v1/messages       a probe's token: ?kind=mail|sms|webhook&to=ADDRESS, the letters to it that a check of the probe
                        waits for, of the last ?age=SECONDS; ?wait=SECONDS, ?after=NUMBER
GET  /v1/mail           the same, for mail
POST /v1/hooks/NAME     no token, but a signature by the hook's key: a webhook or SMS of a provider
GET  /v1/asks           a probe's token: what it is to look at now; ?after=VERSION&wait=SECONDS wait for something else
POST /v1/enroll         a join token, once: a probe's own token (collector.enrolment)
GET  /v1/whoami         a probe's token: which probe it is, and the address that it comes from
GET  /v1/peer           the other collector's token: how this one stands, and what it told people
GET  /metrics           a viewer's or owner's token: what is known right now, in OpenMetrics
GET  /v1/status         a viewer's or owner's token
GET  /v1/board          a viewer's or owner's token: what is known right now of components, checks, incidents, probes
POST /v1/query          a viewer's or owner's token: one SELECT over the history
GET  /v1/attempts       a viewer's or owner's token: a check's first attempts, and what retries would have made of them
POST /v1/plan/rollback  an owner's token
POST /v1/moves          an owner's token: a change of a delegation or a chain is watched (collector.commands.moves)
POST /v1/moves/end      an owner's token
GET  /v1/incidents      a viewer's or owner's token: open ones, those being watched, and the last that ended
GET  /v1/incidents/ID   a viewer's or owner's token: one, with its events
GET  /v1/alerts         a viewer's or owner's token: ?incident=ID or ?about=WORD, what became of each (collector.lives)
POST /v1/incidents/ID/notes, /acknowledge, /title, /identify
                        an owner's token: what people say of it (collector.commands.incidents)
POST /v1/facts          an owner's token: what no probe sees, for an incident's timeline
GET  /v1/silences       a viewer's or owner's token: what nobody is told of for a while (collector.commands.silences)
POST /v1/silences       an owner's token
POST /v1/silences/end   an owner's token
GET  /v1/failover, /v1/failover/GROUP
                        a viewer's or owner's token: failover groups (collector.commands.failover)
POST /v1/failover/GROUP/freeze, /thaw, /override, /switch, /drill
                        an owner's token
POST /v1/failover/GROUP/facts
                        an owner's token, or one of the role `facts`: what cannot be seen from outside of a member
POST /v1/series/backfill  an owner's token: what came in between two moments is written to servers of series again
POST /v1/receivers/test an owner's token: ?receiver=NAME is sent a test message, and the answer says what came of it
POST /v1/notify/test    an owner's token: ?to=NAME of a route, a group or a receiver: each of its receivers is sent one
"""

from collections.abc import Callable, Coroutine
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.alert_routes import alert_routes
from collector.answers import Refusal, journal_refusal
from collector.attempts import AttemptsError, answer, read_asked
from collector.bodies import drain
from collector.commands.routes import command_routes
from collector.enrolment import EnrolmentRoutes
from collector.history import QueryError
from collector.history.http import MAX_BODY, read_query
from collector.incident_routes import IncidentRoutes
from collector.json_answers import error_answer, json_answer, refusal_answer
from collector.probe_routes import ProbeRoutes
from collector.series.routes import series_routes
from collector.serve import Connection
from collector.services import Services
from collector.small_bodies import read_small
from collector.tokens import Identity, Role
from collector.web import Pages
from collector.web.ack import ack_routes
from collector.web.failover_orders import order_routes
from parallax.journal import JournalBusy, JournalError, JournalFull

Handler = Callable[[Request, Identity], Coroutine[Any, Any, Response]]


def make_app(services: Services) -> Starlette:
    """The ASGI app."""
    routes, pages, extension = Routes(services), Pages(services.view), services.view.extension
    incidents = IncidentRoutes(services.view.board, services.view.history)
    return Starlette(
        routes=[
            Route("/v1/plan/files", routes.guarded(routes.get_plan_files, "owner"), methods=["GET"]),
            Route("/v1/plan/rollback", routes.guarded(routes.post_rollback, "owner"), methods=["POST"]),
            Route("/v1/receivers/test", routes.guarded(routes.post_receiver_test, "owner"), methods=["POST"]),
            Route("/v1/notify/test", routes.guarded(routes.post_notify_test, "owner"), methods=["POST"]),
            Route("/v1/status", routes.guarded(routes.get_status, "viewer", "owner"), methods=["GET"]),
            Route("/v1/peer", routes.guarded(routes.get_peer, "peer"), methods=["GET"]),
            Route("/v1/board", routes.guarded(routes.get_board, "viewer", "owner"), methods=["GET"]),
            Route("/v1/query", routes.guarded(routes.post_query, "viewer", "owner"), methods=["POST"]),
            Route("/v1/attempts", routes.guarded(routes.get_attempts, "viewer", "owner"), methods=["GET"]),
            *ProbeRoutes(services, routes.may_go_on).routes(routes.guarded),
            *EnrolmentRoutes(services.plans, services.tokens, services.clients).routes(routes.guarded),
            *incidents.routes(routes.guarded),
            *alert_routes(services.view.history, routes.guarded),
            *series_routes(services.series, services.sample, routes.guarded),
            *command_routes(services.moves, services.incidents, services.silences, services.failover, routes.guarded),
            *(extension.api(routes) if extension else ()),
            *([services.charts.route()] if services.charts is not None else ()),
            *ack_routes(pages, services.incidents.acknowledge),
            *order_routes(pages, services.failover),
            *pages.routes(),
        ],
        exception_handlers={HTTPException: _http_exception},
    )


class Routes:
    def __init__(self, services: Services) -> None:
        self._services = services

    def guarded(self, handler: Handler, *roles: Role) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler for holders of a token of these roles; the others get their answer."""

        async def handle(request: Request) -> Response:
            identity = self.identify(request)
            if identity is None:
                await drain(request.receive)
                return refusal_answer(Refusal("unauthorised"), {"WWW-Authenticate": "Bearer"})
            if identity.role not in roles:
                await drain(request.receive)
                return refusal_answer(Refusal("forbidden", f"this needs the token of a {' or '.join(roles)}"))
            connection = request.scope["state"].get("connection")
            if connection is not None:
                if refused := self._refused(identity, connection):
                    await drain(request.receive)
                    return refused
                connection.trusted = True
                if self._services.clients is not None and identity.role == "probe" and connection.client is not None:
                    await self._services.clients.bind(identity.name)
            return await handler(request, identity)

        return handle

    def may_go_on(self, request: Request, identity: Identity) -> Response | None:
        """The answer where what a request came with holds no longer; None where it does."""
        if self.identify(request) != identity:
            return refusal_answer(Refusal("unauthorised"), {"WWW-Authenticate": "Bearer"})
        connection = request.scope["state"].get("connection")
        return None if connection is None else self._refused(identity, connection)

    def _refused(self, identity: Identity, connection: Connection) -> Response | None:
        """The answer to a probe whose client certificate is missing or does not hold."""
        clients = self._services.clients
        if clients is None or identity.role != "probe":
            return None
        why = clients.why_not(identity.name, connection.client)
        return refusal_answer(Refusal("unauthorised", why), {"WWW-Authenticate": "Bearer"}) if why else None

    async def get_status(self, request: Request, identity: Identity) -> Response:
        return json_answer(200, self._services.status())

    async def get_peer(self, request: Request, identity: Identity) -> Response:
        return json_answer(200, self._services.peer_word())

    async def get_board(self, request: Request, identity: Identity) -> Response:
        return json_answer(200, self._services.view.board())

    async def post_query(self, request: Request, identity: Identity) -> Response:
        body = await read_small(request, MAX_BODY, "a query")
        if isinstance(body, Response):
            return body
        try:
            query = read_query(body)
            table = await self._services.view.history.query(query.sql, max_rows=query.max_rows)
        except QueryError as error:
            return error_answer(400, "bad_query", str(error))
        return json_answer(200, table)

    async def get_attempts(self, request: Request, identity: Identity) -> Response:
        view = self._services.view
        try:
            asked = read_asked(request.query_params, view.board(), view.now())
        except AttemptsError as error:
            return error_answer(error.status, "bad_request" if error.status == 400 else "not_found", str(error))
        policies = view.policies()
        try:
            found = await view.history.retried(asked.check, policies, since=asked.since, until=asked.until)
        except QueryError as error:
            return error_answer(503, "busy", str(error))
        return json_answer(200, answer(asked, found, policies))

    async def post_receiver_test(self, request: Request, identity: Identity) -> Response:
        await drain(request.receive)
        name = request.query_params.get("receiver", "")
        tested = await self._services.alerts.test(name)
        if tested is None:
            names = ", ".join(each.name for each in self._services.alerts.status[:20]) or "none"
            return refusal_answer(
                Refusal("not_found", f"the plan in force has no receiver {name[:100]!r}; it has: {names}")
            )
        return json_answer(200, tested)

    async def post_notify_test(self, request: Request, identity: Identity) -> Response:
        await drain(request.receive)
        name, alerts = request.query_params.get("to", ""), self._services.alerts
        tested = await alerts.test_all(name)
        if not tested:
            names = ", ".join(alerts.names_to_try[:20]) or "none"
            detail = f"the plan in force has no route, group or receiver {name[:100]!r}; it has: {names}"
            return refusal_answer(Refusal("not_found", detail))
        return json_answer(200, {"to": name, "receivers": tested})

    async def get_plan_files(self, request: Request, identity: Identity) -> Response:
        plans = self._services.plans
        in_force = plans.state.in_force
        if in_force is None:
            return refusal_answer(Refusal("not_found", "no plan is in force"))
        return json_answer(200, {"hash": in_force.hash, "files": plans.edition(in_force).source.files})

    async def post_rollback(self, request: Request, identity: Identity) -> Response:
        await drain(request.receive)
        try:
            changes = await self._services.plans.roll_back(identity.name)
        except (JournalBusy, JournalFull, JournalError) as error:
            return refusal_answer(journal_refusal(error))
        if not changes:
            return refusal_answer(Refusal("conflict", "there is no earlier version of the plan to go back to"))
        state = self._services.plans.state
        in_force = state.in_force.hash if state.in_force else ""
        return json_answer(200, {"rolled_back": changes[0].version.hash, "in_force": in_force})

    def identify(self, request: Request) -> Identity | None:
        """Whose token comes with a request, if it is one that holds."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self._services.tokens.identify(token.strip()) if scheme.lower() == "bearer" else None


async def _http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own answers (404, 405) in the shape of ours."""
    assert isinstance(error, HTTPException)
    word = {404: "not_found", 405: "wrong_method"}.get(error.status_code, "bad_request")
    return error_answer(error.status_code, word, error.detail, error.headers or {})
