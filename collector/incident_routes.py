"""Routes of incidents, to read them. What people say of them is in collector.commands."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.answers import Refusal
from collector.board import Board
from collector.events import Event, Incident
from collector.history import History, IncidentStory, QueryError
from collector.json_answers import error_answer, json_answer, refusal_answer
from collector.tokens import Identity

LISTED = 50
Guarded = Callable[..., Any]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """An incident, and every event of it that history has, the oldest first."""

    incident: Incident
    events: tuple[Event, ...] = ()
    missing: str = ""
    """Why there are none, where history does not answer."""


class IncidentRoutes:
    """The handlers: of those that are open or watched by the board, and of all others by history."""

    def __init__(self, board: Callable[[], Board], history: History) -> None:
        self._board, self._history = board, history

    def routes(self, guarded: Guarded) -> list[Route]:
        """All of them; `guarded` is what lets holders of a token's role in."""
        return [
            Route("/v1/incidents", guarded(self.get_all, "viewer", "owner"), methods=["GET"]),
            Route("/v1/incidents/{id}", guarded(self.get_one, "viewer", "owner"), methods=["GET"]),
        ]

    async def get_all(self, request: Request, identity: Identity) -> Response:
        """Open ones, watched ones, and of history the last that ended."""
        found = {incident.id: incident for incident in self._known()}
        missing = ""
        try:
            past = await self._history.incidents(limit=LISTED)
        except QueryError as error:
            past, missing = [], str(error)
        for incident in past:
            found.setdefault(incident.id, incident)
        newest = sorted(found.values(), key=lambda incident: -incident.opened_at)
        return json_answer(200, {"incidents": newest[:LISTED], "missing": missing})

    async def get_one(self, request: Request, identity: Identity) -> Response:
        id_: str = request.path_params["id"]
        known = next((incident for incident in self._known() if incident.id == id_), None)
        missing = ""
        story: IncidentStory | None = None
        try:
            story = await self._history.incident(id_)
        except QueryError as error:
            missing = str(error)
        if known is None and story is not None:
            known = story.incident
        if known is None:
            if missing:
                return error_answer(503, "busy", missing)
            open_ = ", ".join(incident.id for incident in self._known()[:20]) or "none"
            return refusal_answer(Refusal("not_found", f"there is no incident {id_[:60]!r}; open and watched: {open_}"))
        return json_answer(200, Story(incident=known, events=tuple(story.events) if story else (), missing=missing))

    def _known(self) -> list[Incident]:
        board = self._board()
        return [*board.incidents, *board.watched]
