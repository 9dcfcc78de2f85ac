"""The page of sign-ins: each flow as a waterfall of its latest runs, first attempts beside what retries hide, and where
runs stop.

GET /sign-in   ?span=1h|24h ?check=NAME for that one alone
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response

from collector.board import Board, CheckBoard
from collector.history import Flow
from collector.history.tables import FLOW_KINDS
from collector.web.retries import RetriesView, ask
from collector.web.waterfall import PHASES, WIDTH, Funnel, Waterfall, funnels, waterfalls
from parallax.clock import NS

if TYPE_CHECKING:
    from collector.web.pages import Pages

SPANS = {"1h": ("the last hour", 3600), "24h": ("the last day", 86_400)}
USUAL_SPAN = "1h"
RUNS_S = 86_400
"""How far back the latest runs may lie: whole flows may be rare."""
MOST = {"checks": 4, "runs": 16, "runs_of_several": 12}
"""How many of each a page shows, runs of all its flows together; the API has all."""
_KEPT_S = 15.0
_MOST_KEPT = 64
_STATES = ("down", "degraded", "suspected", "unknown", "up")


class FlowView(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows of one check. `problem` is a sentence where the history gave nothing."""

    runs: tuple[Waterfall, ...] = ()
    funnels: tuple[Funnel, ...] = ()
    retries: RetriesView | None = None
    problem: str | None = None


class SigninPages:
    """The handler, and what it keeps for some seconds: an open page is rendered up to once a second."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[float, FlowView]] = {}

    async def get(self, pages: "Pages", request: Request) -> Response:
        board = pages.view.board()
        checks = flows_of(board)
        span = request.query_params.get("span", USUAL_SPAN)
        span = span if span in SPANS else USUAL_SPAN
        only = request.query_params.get("check", "")
        shown = [check for check in checks if check.name == only] if only else checks[: MOST["checks"]]
        runs = MOST["runs"] if len(shown) <= 1 else MOST["runs_of_several"] // len(shown)
        views = [(check, await self._view(pages, check, span)) for check in shown]
        return pages.render(
            request,
            "signin.html",
            board=board,
            checks=checks,
            only=only,
            views=views,
            span=span,
            spans=SPANS,
            query=_query,
            opened=opened,
            some_of=some_of,
            runs=runs,
            phases=PHASES,
            width=WIDTH,
        )

    async def _view(self, pages: "Pages", check: CheckBoard, span: str) -> FlowView:
        key = (check.name, span)
        until, kept = self._kept.get(key, (-math.inf, None))
        if kept is not None and trio.current_time() < until:
            return kept
        view = await _ask(pages, check.name, SPANS[span][1])
        self._kept.pop(key, None)
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (trio.current_time() + _KEPT_S, view)
        return view


def flows_of(board: Board) -> list[CheckBoard]:
    """The checks that are flows, the worst first; among equals in the plan's order."""
    found = [check for check in board.checks if check.kind in FLOW_KINDS]
    return sorted(found, key=lambda check: _STATES.index(check.state) if check.state in _STATES else 0)


def opened(runs: Sequence[Waterfall]) -> Waterfall | None:
    """The run that is shown open: the first that was stopped, else the first."""
    return next((run for run in runs if run.stopped is not None), runs[0] if runs else None)


def some_of(runs: Sequence[Waterfall], most: int) -> list[Waterfall]:
    """So many, in their order; those that were stopped rather than others."""
    kept = {id(run) for run in sorted(runs, key=lambda run: run.stopped is None)[:most]}
    return [run for run in runs if id(run) in kept]


def _query(span: str, check: str = "") -> str:
    asked = {"span": "" if span == USUAL_SPAN else span, "check": check}
    asked = {key: value for key, value in asked.items() if value}
    return f"/sign-in?{urlencode(asked)}" if asked else "/sign-in"


async def _ask(pages: "Pages", check: str, length_s: int) -> FlowView:
    now = pages.view.now()
    since = now - length_s * NS
    asked = pages.view.history.flow(check, since=since, until=now + NS, runs_since=min(since, now - RUNS_S * NS))
    flow = await pages.from_history(asked)
    if not isinstance(flow, Flow):
        return FlowView(problem=flow.why)
    retries = await ask(pages, check, length_s, "step")
    found = FlowView(runs=tuple(waterfalls(flow.runs)), funnels=tuple(funnels(flow.counts)))
    if isinstance(retries, RetriesView):
        return msgspec.structs.replace(found, retries=retries)
    return msgspec.structs.replace(found, problem=retries.why)
