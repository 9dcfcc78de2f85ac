"""The page behind the link of a message: it shows an incident, and a button that acknowledges it. A GET never does:
programs that look through mail and chat follow every link before a person does."""

from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.answers import Refusal
from collector.commands import CommandError
from collector.json_answers import refusal_answer
from collector.small_bodies import read_small
from collector.tokens import Identity
from collector.web.pages import Pages
from collector.web.words import incident_path

MAX_BODY = 1000


class Acknowledge(Protocol):
    """Takes an incident's id, a body and who it is. Raises CommandError."""

    async def __call__(self, id_: str, body: bytes, actor: str, /) -> Any: ...


def ack_routes(pages: Pages, acknowledge: Acknowledge) -> list[Route]:
    """Its two routes."""

    async def get_ack(request: Request, identity: Identity) -> Response:
        board, id_ = pages.view.board(), request.path_params["id"]
        incident = next((each for each in (*board.incidents, *board.watched) if each.id == id_), None)
        if incident is None:
            return pages.not_found(
                request, "No such incident is open.", "It may be over: the list of incidents has it."
            )
        return pages.render(request, "ack.html", board=board, incident=incident, owner=identity.role == "owner")

    async def post_ack(request: Request, identity: Identity) -> Response:
        body = await read_small(request, MAX_BODY, "this form")
        if isinstance(body, Response):
            return body
        id_ = request.path_params["id"]
        try:
            answer = await acknowledge(id_, b"", identity.name)
        except CommandError as error:
            return pages.not_found(request, f"It is not acknowledged: {error}.")
        if isinstance(answer, Refusal):
            return refusal_answer(answer)
        return Response(status_code=303, headers={"Location": incident_path(id_)})

    path = "/ack/{id:path}"
    return [
        Route(path, pages.guarded(get_ack), methods=["GET"]),
        Route(path, pages.guarded(post_ack, "owner"), methods=["POST"]),
    ]
