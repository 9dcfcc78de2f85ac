"""The page of the probes: where they are, how they are, and what is known of each."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from collector.web.world import views, world

if TYPE_CHECKING:
    from collector.web.pages import Pages


async def get_probes(pages: "Pages", request: Request) -> Response:
    """GET /probes"""
    board = pages.view.board()
    return pages.render(request, "probes.html", board=board, world=world(board), seen=views(board))
