"""Routes of series: what is known now for Prometheus, and a backfill."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.answers import Refusal
from collector.json_answers import error_answer, json_answer, refusal_answer
from collector.series.backfill import MAX_BODY, BackfillError
from collector.series.series import Sample, Series
from collector.small_bodies import read_small
from collector.tokens import Identity
from parallax.clock import wall_ns
from parallax.exposition import MEDIA_TYPE, exposition

Guarded = Callable[..., Any]


def series_routes(series: Series, sample: Sample, guarded: Guarded) -> list[Route]:
    """All of them; `guarded` is what lets holders of a token's role in."""

    async def get_metrics(request: Request, identity: Identity) -> Response:
        return Response(exposition(sample(wall_ns())), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    async def post_backfill(request: Request, identity: Identity) -> Response:
        body = await read_small(request, MAX_BODY, "a request")
        if isinstance(body, Response):
            return body
        try:
            begun = series.backfill(body)
        except BackfillError as error:
            return error_answer(400, "bad_request", str(error))
        if begun is None:
            return refusal_answer(Refusal("busy", "one backfill is being written and one waits; try again later"))
        return json_answer(200, begun)

    return [
        Route("/metrics", guarded(get_metrics, "viewer", "owner"), methods=["GET"]),
        Route("/v1/series/backfill", guarded(post_backfill, "owner"), methods=["POST"]),
    ]
