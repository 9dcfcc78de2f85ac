"""Routes for probes, and for the providers whose webhooks and SMS they wait for."""

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.answers import Refusal
from collector.bodies import Room, announced, drain, read_body
from collector.inbox import QuestionError
from collector.ingest import Delivery
from collector.json_answers import error_answer, json_answer, refusal_answer
from collector.long_polls import hold
from collector.messages import Taken
from collector.offsets import Exchange
from collector.services import Services
from collector.tokens import Identity
from parallax import wire
from parallax.clock import wall_ns
from parallax.letters import MAX_LETTER, Letters
from parallax.plan.part import NoSuchProbe

LONGEST_POLL_S = 30.0
HOOK_BODY_S = 5.0
"""How long the body of a webhook may take to arrive."""
_OLDEST_NS, _NEWEST_NS = 0, 2**62
Guarded = Callable[..., Any]


class ProbeRoutes:
    """The handlers. `may_go_on` looks again at what a request came with: the answer where that holds no longer."""

    def __init__(self, services: Services, may_go_on: Callable[[Request, Identity], Response | None]) -> None:
        self._services, self._may_go_on = services, may_go_on
        self._hook_room = Room(octets=32 * MAX_LETTER, per_sender=16)

    def routes(self, guarded: Guarded) -> list[Route]:
        """All of them; `guarded` is what lets holders of a token's role in."""
        return [
            Route("/v1/batches", guarded(self.post_batch, "probe"), methods=["POST"]),
            Route("/v1/plan", guarded(self.get_plan, "probe"), methods=["GET"]),
            Route("/v1/messages", guarded(self.get_messages, "probe"), methods=["GET"]),
            Route("/v1/mail", guarded(self.get_messages, "probe"), methods=["GET"]),
            Route("/v1/asks", guarded(self.get_asks, "probe"), methods=["GET"]),
            Route("/v1/hooks/{name}", self.post_hook, methods=["POST"]),
        ]

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
            if revoked := self._may_go_on(request, identity):  # a body may take its time
                return revoked
            answer = await self._services.ingest.take(delivery, body)
        return refusal_answer(answer) if isinstance(answer, Refusal) else json_answer(200, answer)

    async def get_plan(self, request: Request, identity: Identity) -> Response:
        plans, probe = self._services.plans, identity.name
        peer = request.client.host if request.client else ""
        self._services.fleet.heard(probe, wall_ns(), peer)
        known = request.headers.get("if-none-match", "").strip().removeprefix("W/").strip('"')
        if known and plans.hash_for(probe) == known:
            wait = partial(plans.wait_other, probe, known)
            if revoked := await self._wait(request, identity, _wait_s(request), wait):
                return revoked
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
            revoked = await self._wait(request, identity, asked.wait_s, partial(inbox.wait, asked))
            if revoked:
                return revoked
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
            wait = partial(asking.wait_other, probe, request.query_params.get("after", ""))
            if revoked := await self._wait(request, identity, _wait_s(request), wait):
                return revoked
        self._services.fleet.heard(probe, wall_ns(), peer)
        return json_answer(200, asking.answer(probe))

    async def _wait(
        self, request: Request, identity: Identity, most_s: float, wait: Callable[[], Awaitable[None]]
    ) -> Response | None:
        """Waits for this; the answer, where the probe was shut out meanwhile."""
        refused = partial(self._may_go_on, request, identity)
        return await hold(wait, most_s, receive=request.receive, stop=self._services.stop, refused=refused)


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
