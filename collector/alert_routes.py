"""The route of alerts: what became of each.

GET /v1/alerts               the last ones
GET /v1/alerts?incident=ID   those of an incident
GET /v1/alerts?about=WORD    those with this id or key, or of this incident
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.history import History, QueryError
from collector.json_answers import error_answer, json_answer
from collector.tokens import Identity

LISTED, OF_ONE = 50, 500
Guarded = Callable[..., Any]


def alert_routes(history: History, guarded: Guarded) -> list[Route]:
    """All of them; `guarded` is what lets holders of a token's role in."""

    async def get_alerts(request: Request, identity: Identity) -> Response:
        incident, about = request.query_params.get("incident"), request.query_params.get("about")
        try:
            found = await history.alerts(
                incident=incident, about=about, limit=LISTED if incident is None and about is None else OF_ONE
            )
        except QueryError as error:
            return error_answer(503, "busy", str(error))
        return json_answer(200, {"alerts": found})

    return [Route("/v1/alerts", guarded(get_alerts, "viewer", "owner"), methods=["GET"])]
