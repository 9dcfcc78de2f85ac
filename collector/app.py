"""The collector's HTTP interface: routes, tokens and headers. What an answer means is in collector.answers.

POST /v1/batches        a probe's token: one batch, acknowledged once durable
GET  /v1/plan           a probe's token: its part of the plan, with an ETag; If-None-Match and ?wait=SECONDS (or
                        `Prefer: wait=SECONDS`, RFC 7240) wait for another one, 304 if none comes
GET  /v1/messages       a probe's token: ?kind=mail|sms|webhook&to=ADDRESS, the letters to it that a check of the probe
                        waits for, of the last ?age=SECONDS; ?wait=SECONDS, ?after=NUMBER
GET  /v1/mail           the same, for mail
POST /v1/hooks/NAME     no token, but a signature by the hook's key: a webhook or SMS of a provider
GET  /v1/asks           a probe's token: what it is to look at now; ?after=VERSION&wait=SECONDS wait for something else
GET  /v1/status         a viewer's or owner's token
GET  /v1/board          a viewer's or owner's token: what is known right now of components, checks, incidents, probes
POST /v1/query          a viewer's or owner's token: one SELECT over the history
GET  /v1/attempts       a viewer's or owner's token: a check's first attempts, and what retries would have made of them
POST /v1/plan/rollback  an owner's token
POST /v1/moves          an owner's token: a change of a delegation or a chain is watched (collector.commands.moves)
POST /v1/moves/end      an owner's token
GET  /v1/incidents      a viewer's or owner's token: open ones, those being watched, and the last that ended
GET  /v1/incidents/ID   a viewer's or owner's token: one, with its events
POST /v1/incidents/ID/notes, /acknowledge, /title, /identify
                        an owner's token: what people say of it (collector.commands.incidents)
POST /v1/facts          an owner's token: what no probe sees, for an incident's timeline
POST /v1/receivers/test an owner's token: ?receiver=NAME is sent a test message, and the answer says what came of it
"""

import math
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import msgspec
import trio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.alerts import Alerts
from collector.answers import Refusal, journal_refusal
from collector.asking import Asking
from collector.attempts import AttemptsError, answer, read_asked
from collector.bodies import Room, announced, drain, read_body
from collector.commands import IncidentCommands, MoveCommands
from collector.commands.routes import command_routes
from collector.fleet import Fleet
from collector.history import QueryError
from collector.history.http import MAX_BODY, read_query
from collector.inbox import Inbox, QuestionError
from collector.incident_routes import IncidentRoutes
from collector.ingest import Delivery, Ingest
from collector.json_answers import error_answer, json_answer, refusal_answer
from collector.messages import Taken
from collector.offsets import Exchange
from collector.plans import Plans
from collector.status import Status
from collector.tokens import Identity, Role, Tokens
from collector.web import Pages, View
from parallax import wire
from parallax.clock import wall_ns
from parallax.journal import JournalBusy, JournalError, JournalFull
from parallax.letters import MAX_LETTER, Letters
from parallax.plan.part import NoSuchProbe

LONGEST_POLL_S = 30.0
HOOK_BODY_S = 5.0
"""How long the body of a webhook may take to arrive."""
_OLDEST_NS, _NEWEST_NS = 0, 2**62

Handler = Callable[[Request, Identity], Coroutine[Any, Any, Response]]


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What the routes work with. `stop` is set when the collector begins to end."""

    tokens: Tokens
    ingest: Ingest
    plans: Plans
    fleet: Fleet
    status: Callable[[], Status]
    view: View
    alerts: Alerts
    stop: trio.Event
    moves: MoveCommands
    incidents: IncidentCommands
    asking: Asking
    inbox: Inbox


def make_app(services: Services) -> Starlette:
    """The ASGI app."""
    routes, pages, extension = Routes(services), Pages(services.view), services.view.extension
    incidents = IncidentRoutes(services.view.board, services.view.history)
    return Starlette(
        routes=[
            Route("/v1/batches", routes.guarded(routes.post_batch, "probe"), methods=["POST"]),
            Route("/v1/plan", routes.guarded(routes.get_plan, "probe"), methods=["GET"]),
            Route("/v1/plan/rollback", routes.guarded(routes.post_rollback, "owner"), methods=["POST"]),
            Route("/v1/receivers/test", routes.guarded(routes.post_receiver_test, "owner"), methods=["POST"]),
            Route("/v1/messages", routes.guarded(routes.get_messages, "probe"), methods=["GET"]),
            Route("/v1/mail", routes.guarded(routes.get_messages, "probe"), methods=["GET"]),
            Route("/v1/hooks/{name}", routes.post_hook, methods=["POST"]),
            Route("/v1/asks", routes.guarded(routes.get_asks, "probe"), methods=["GET"]),
            Route("/v1/status", routes.guarded(routes.get_status, "viewer", "owner"), methods=["GET"]),
            Route("/v1/board", routes.guarded(routes.get_board, "viewer", "owner"), methods=["GET"]),
            Route("/v1/query", routes.guarded(routes.post_query, "viewer", "owner"), methods=["POST"]),
            Route("/v1/attempts", routes.guarded(routes.get_attempts, "viewer", "owner"), methods=["GET"]),
            *incidents.routes(routes.guarded),
            *command_routes(services.moves, services.incidents, routes.guarded),
            *(extension.api(routes) if extension else ()),
            *pages.routes(),
        ],
        exception_handlers={HTTPException: _http_exception},
    )


class Routes:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._hook_room = Room(octets=32 * MAX_LETTER, per_sender=16)

    def guarded(self, handler: Handler, *roles: Role) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler for holders of a token of these roles; the others get their answer."""

        async def handle(request: Request) -> Response:
            identity = self._identify(request)
            if identity is None:
                await drain(request.receive)
                return refusal_answer(Refusal("unauthorised"), {"WWW-Authenticate": "Bearer"})
            if identity.role not in roles:
                await drain(request.receive)
                return refusal_answer(Refusal("forbidden", f"this needs the token of a {' or '.join(roles)}"))
            connection = request.scope["state"].get("connection")
            if connection is not None:
                connection.trusted = True
            return await handler(request, identity)

        return handle

    async def post_batch(self, request: Request, identity: Identity) -> Response:
        received_at = wall_ns()
        peer = request.client.host if request.client else ""
        self._services.fleet.heard(identity.name, received_at, peer)
        headers = request.headers
        delivery = Delivery(
            probe=identity.name,
            peer=peer,
            content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
            encoding=headers.get("content-encoding", "").strip().lower(),
            received_at=received_at,
            sent_at=_nanoseconds(headers.get(wire.SENT_AT)),
            round_trip=_nanoseconds(headers.get(wire.ROUND_TRIP)),
        )
        if delivery.sent_at is not None:
            exchange = Exchange(delivery.sent_at, received_at, delivery.round_trip)
            self._services.fleet.exchange(identity.name, exchange)
        octets = announced(headers.get("content-length"))
        if isinstance(octets, Refusal):
            await drain(request.receive)
            return refusal_answer(octets)
        with self._services.ingest.room.hold(identity.name, octets) as no_room:
            if no_room:
                await drain(request.receive)
                return refusal_answer(no_room)
            body = await read_body(request.receive)
            if body is None:
                return Response(status_code=400)  # nobody is there to read it
            if isinstance(body, Refusal):
                await drain(request.receive)
                return refusal_answer(body)
            answer = await self._services.ingest.take(delivery, body)
        return refusal_answer(answer) if isinstance(answer, Refusal) else json_answer(200, answer)

    async def get_plan(self, request: Request, identity: Identity) -> Response:
        plans, probe = self._services.plans, identity.name
        peer = request.client.host if request.client else ""
        self._services.fleet.heard(probe, wall_ns(), peer)
        known = request.headers.get("if-none-match", "").strip().removeprefix("W/").strip('"')
        if known and plans.hash_for(probe) == known:
            await self._wait(request, _wait_s(request), partial(plans.wait_other, probe, known))
            if self._identify(request) != identity:  # revoked while it waited
                return refusal_answer(Refusal("unauthorised"), {"WWW-Authenticate": "Bearer"})
            self._services.fleet.heard(probe, wall_ns(), peer)
            if plans.hash_for(probe) == known:
                return Response(status_code=304, headers={"ETag": f'"{known}"'})
        served = await plans.serve(probe)
        if served is None:
            return refusal_answer(Refusal("not_found", "there is no plan yet"))
        if isinstance(served, NoSuchProbe):
            return refusal_answer(Refusal("not_found", str(served)))
        headers = {"ETag": f'"{served.hash}"', "Cache-Control": "no-store"}
        return Response(served.body, media_type="application/json", headers=headers)

    async def get_messages(self, request: Request, identity: Identity) -> Response:
        inbox, query = self._services.inbox, dict(request.query_params)
        if request.url.path == "/v1/mail":
            query["kind"] = "mail"
        try:
            asked = inbox.read_question(query, identity.name, self._services.plans.checks_of(identity.name))
        except QuestionError as error:
            return error_answer(error.status, error.word, str(error))
        if not inbox.find(asked):
            await self._wait(request, asked.wait_s, partial(inbox.wait, asked))
            if self._identify(request) != identity:  # revoked while it waited
                return refusal_answer(Refusal("unauthorised"), {"WWW-Authenticate": "Bearer"})
        return json_answer(200, Letters(letters=inbox.find(asked)))

    async def post_hook(self, request: Request) -> Response:
        """Nobody is known here before the body was read, so all that is before is small: octets, seconds, numbers."""
        hooks, name = self._services.inbox.hooks, request.path_params["name"]
        peer = request.client.host if request.client else ""
        taken = hooks.refuse_early(name, peer)
        if taken is not None:
            return _hook_answer(taken)
        with self._hook_room.hold(peer, MAX_LETTER) as no_room:
            if no_room:
                return refusal_answer(no_room)
            body = await read_body(request.receive, most=MAX_LETTER, within_s=HOOK_BODY_S)
            if body is None:
                return Response(status_code=400)  # nobody is there to read it
            if isinstance(body, Refusal):
                return _hook_answer(hooks.too_large(name)) if body.word == "too_large" else refusal_answer(body)
            return _hook_answer(await hooks.take(name, dict(request.headers), body, peer))

    async def get_asks(self, request: Request, identity: Identity) -> Response:
        asking, probe = self._services.asking, identity.name
        peer = request.client.host if request.client else ""
        self._services.fleet.heard(probe, wall_ns(), peer)
        with asking.polling(probe) as may_wait:
            if not may_wait:
                return refusal_answer(Refusal("too_many"))
            after = request.query_params.get("after", "")
            await self._wait(request, _wait_s(request), partial(asking.wait_other, probe, after))
        if self._identify(request) != identity:  # revoked while it waited
            return refusal_answer(Refusal("unauthorised"), {"WWW-Authenticate": "Bearer"})
        self._services.fleet.heard(probe, wall_ns(), peer)
        return json_answer(200, asking.answer(probe))

    async def get_status(self, request: Request, identity: Identity) -> Response:
        return json_answer(200, self._services.status())

    async def get_board(self, request: Request, identity: Identity) -> Response:
        return json_answer(200, self._services.view.board())

    async def post_query(self, request: Request, identity: Identity) -> Response:
        body = await read_body(request.receive, most=MAX_BODY)
        if body is None:
            return Response(status_code=400)  # nobody is there to read it
        if isinstance(body, Refusal):
            await drain(request.receive)
            return refusal_answer(Refusal(body.word, f"a query is at most {MAX_BODY} octets, and sent at once"))
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

    async def _wait(self, request: Request, most_s: float, wait: Callable[[], Awaitable[None]]) -> None:
        """Waits for this, for the time to run out, for the client to leave, or for the collector to end."""

        async def wait_stop() -> None:
            await self._services.stop.wait()
            nursery.cancel_scope.cancel()

        async def wait_gone() -> None:
            while (await request.receive())["type"] == "http.request":
                pass
            nursery.cancel_scope.cancel()

        with trio.move_on_after(most_s):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait_stop)
                nursery.start_soon(wait_gone)
                await wait()
                nursery.cancel_scope.cancel()

    def _identify(self, request: Request) -> Identity | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self._services.tokens.identify(token.strip()) if scheme.lower() == "bearer" else None


def _hook_answer(taken: Taken) -> Response:
    """A sender of webhooks goes by the status; Twilio wants an answer in its own language, which may be empty."""
    if taken.status == 200:
        return Response("<Response/>", media_type="application/xml", headers={"Cache-Control": "no-store"})
    wait = {"Retry-After": "5"} if taken.status == 429 else {}
    return error_answer(taken.status, _HOOK_WORDS[taken.status], taken.why, wait)


_HOOK_WORDS = {
    400: "bad_request", 401: "unauthorised", 404: "not_found", 413: "too_large", 429: "too_many",
}  # fmt: skip


def _wait_s(request: Request) -> float:
    """How long a poll may wait, from ?wait= or `Prefer: wait=`; at once where neither is a number."""
    text = request.query_params.get("wait", "")
    for preference in request.headers.get("prefer", "").split(","):
        name, _, value = preference.partition("=")
        if name.strip().lower() == "wait" and not text:
            text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_POLL_S) if math.isfinite(seconds) else 0.0


def _nanoseconds(text: str | None) -> int | None:
    """A header's whole number of ns, None for anything else: a probe's slip here costs no batch."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    return number if _OLDEST_NS < (number := int(text)) < _NEWEST_NS else None


async def _http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own answers (404, 405) in the shape of ours."""
    assert isinstance(error, HTTPException)
    word = {404: "not_found", 405: "wrong_method"}.get(error.status_code, "bad_request")
    return error_answer(error.status_code, word, error.detail, error.headers or {})
