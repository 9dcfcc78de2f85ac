"""The page of what DNS says: runways, whether the fallback is ready, where names lead, moves under way, catchments."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from collector.board import Board, CatchmentBoard
from collector.web.catchments import catchment_map, shades
from collector.web.moves import HEIGHT, WIDTH, curve

if TYPE_CHECKING:
    from collector.web.pages import Pages


MOST = {"catchments": 80, "sites": 6, "moves": 10, "chains": 100, "gaps": 25, "gap_tables": 4, "risks": 10}
"""How many of each a page shows; /v1/board has all. What probes make up must not make it too large to read."""


async def get_dns(pages: "Pages", request: Request) -> Response:
    """GET /dns; ?address= picks the address whose catchment is drawn."""
    board = pages.view.board()
    shown = picked(board, request.query_params.get("address", ""))
    now = pages.view.now()
    return pages.render(
        request,
        "dns.html",
        board=board,
        most=MOST,
        catchments=most_probes(board),
        curves={move.id: curve(move, now) for move in board.moves},
        curve_size=(WIDTH, HEIGHT),
        shown=shown,
        shades=shades(shown) if shown else {},
        catchment=catchment_map(board, shown) if shown else None,
    )


def most_probes(board: Board) -> list[CatchmentBoard]:
    """The addresses that are shown, in the board's order: of too many, those that most probes reach."""
    if len(board.catchments) <= MOST["catchments"]:
        return list(board.catchments)
    found = sorted(board.catchments, key=lambda each: -len({probe for site in each.sites for probe in site.probes}))
    kept = {id(each) for each in found[: MOST["catchments"]]}
    return [each for each in board.catchments if id(each) in kept]


def picked(board: Board, address: str) -> CatchmentBoard | None:
    """The catchment to draw: of the address, else of the one with most sites that can be drawn."""
    for each in board.catchments:
        if each.address == address:
            return each

    def drawn(each: CatchmentBoard) -> tuple[int, int]:
        return sum(site.location is not None for site in each.sites), len(each.sites)

    return max(board.catchments, key=drawn, default=None)
