"""Routes of what people and other programs have to say: each takes the body of a POST."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.answers import Refusal
from collector.commands.commands import MAX_BODY, CommandError
from collector.commands.failover import FailoverCommands
from collector.commands.incidents import IncidentCommands
from collector.commands.moves import MoveCommands
from collector.commands.silences import SilenceCommands
from collector.json_answers import error_answer, json_answer, refusal_answer
from collector.small_bodies import read_small
from collector.tokens import Identity

Run = Callable[[bytes, str], Awaitable[Any]]
RunOne = Callable[[str, bytes, str], Awaitable[Any]]
Guarded = Callable[..., Any]
Handler = Callable[[Request, Identity], Awaitable[Response]]


def command_routes(
    moves: MoveCommands,
    incidents: IncidentCommands,
    silences: SilenceCommands,
    failover: FailoverCommands,
    guarded: Guarded,
) -> list[Route]:
    """All of them; `guarded` is what lets holders of a token's role in."""
    paths: dict[str, Handler] = {
        "/v1/moves": _posting(moves.start),
        "/v1/moves/end": _posting(moves.end),
        "/v1/incidents/{id}/notes": _posting_on(incidents.note),
        "/v1/incidents/{id}/acknowledge": _posting_on(incidents.acknowledge),
        "/v1/incidents/{id}/title": _posting_on(incidents.title),
        "/v1/incidents/{id}/identify": _posting_on(incidents.identify),
        "/v1/facts": _posting(incidents.fact),
        "/v1/silences": _posting(silences.start),
        "/v1/silences/end": _posting(silences.end),
        "/v1/failover/{id}/freeze": _posting_on(failover.freeze),
        "/v1/failover/{id}/thaw": _posting_on(failover.thaw),
        "/v1/failover/{id}/override": _posting_on(failover.override),
        "/v1/failover/{id}/switch": _posting_on(failover.switch),
        "/v1/failover/{id}/drill": _posting_on(failover.drill),
    }

    async def get_silences(request: Request, identity: Identity) -> Response:
        return json_answer(200, {"silences": silences.known()})

    async def get_groups(request: Request, identity: Identity) -> Response:
        return json_answer(200, {"groups": failover.known()})

    async def get_group(request: Request, identity: Identity) -> Response:
        try:
            return json_answer(200, {"group": failover.one(request.path_params["id"])})
        except CommandError as error:
            return refusal_answer(Refusal("not_found", str(error)))

    return [
        Route("/v1/silences", guarded(get_silences, "viewer", "owner"), methods=["GET"]),
        Route("/v1/failover", guarded(get_groups, "viewer", "owner"), methods=["GET"]),
        Route("/v1/failover/{id}", guarded(get_group, "viewer", "owner"), methods=["GET"]),
        Route("/v1/failover/{id}/facts", guarded(_posting_on(failover.push), "owner", "facts"), methods=["POST"]),
        *(Route(path, guarded(handler, "owner"), methods=["POST"]) for path, handler in paths.items()),
    ]


def _posting(run: Run) -> Handler:
    async def handle(request: Request, identity: Identity) -> Response:
        return await _answer(request, run, identity)

    return handle


def _posting_on(run: RunOne) -> Handler:
    """A command on what the path names."""

    async def handle(request: Request, identity: Identity) -> Response:
        async def one(body: bytes, actor: str) -> Any:
            return await run(request.path_params["id"], body, actor)

        return await _answer(request, one, identity)

    return handle


async def _answer(request: Request, run: Run, identity: Identity) -> Response:
    """Runs a command with the request's body; what it returns, a Refusal too, is the answer."""
    body = await read_small(request, MAX_BODY, "a command")
    if isinstance(body, Response):
        return body
    try:
        answer = await run(body, identity.name)
    except CommandError as error:
        return error_answer(400, "bad_command", str(error))
    return refusal_answer(answer) if isinstance(answer, Refusal) else json_answer(200, answer)
