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
from collector.history.tables import FLOW_KINDS
from collector.retries import PATIENCES_S, Report
from collector.web.waterfall import PHASES, WIDTH, Funnel, Waterfall, funnels, waterfalls
from parallax.clock import NS

if TYPE_CHECKING:
    from collector.web.pages import Pages

SPANS = {"1h": ("the last hour", 3600), "24h": ("the last day", 86_400)}
USUAL_SPAN = "1h"
USUAL_PATIENCE_S = PATIENCES_S[1]
"""The column of tables that have room for one patience."""
RUNS_S = 86_400
"""How far back the latest runs may lie: whole flows may be rare."""
MOST = {"checks": 4, "runs": 16, "runs_of_several": 12, "probes": 40, "steps": 24}
"""How many of each a page shows, runs of all its flows together; the API has all."""
_KEPT_S = 15.0
_MOST_KEPT = 64
_STATES = ("down", "degraded", "suspected", "unknown", "up")


class FlowView(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows of one check. `problem` is a sentence where the history gave nothing."""

    runs: tuple[Waterfall, ...] = ()
    funnels: tuple[Funnel, ...] = ()
    report: Report | None = None
    since: int = 0
    """From when on the attempts are there."""
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
            most=MOST,
            query=_query,
            opened=opened,
            some_of=some_of,
            runs=runs,
            policies=pages.view.policies(),
            patiences=PATIENCES_S,
            usual=USUAL_PATIENCE_S,
            phases=PHASES,
            width=WIDTH,
            share=share,
            factor=factor,
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


def share(value: float | tuple[float, float] | None) -> str:
    """An availability in per cent: "99.97 %", or from to, "97.1 to 98.3 %". Never rounded up to 100."""
    if value is None:
        return "–"
    low, high = value if isinstance(value, tuple) else (value, value)
    return f"{_hundred(low)} %" if _hundred(low) == _hundred(high) else f"{_hundred(low)} to {_hundred(high)} %"


def factor(value: tuple[float, float] | None) -> str:
    """Requests a call: "1.25", or from to."""
    if value is None:
        return "–"
    low, high = (f"{each:.2f}" for each in value)
    return low if low == high else f"{low} to {high}"


def opened(runs: Sequence[Waterfall]) -> Waterfall | None:
    """The run that is shown open: the first that was stopped, else the first."""
    return next((run for run in runs if run.stopped is not None), runs[0] if runs else None)


def some_of(runs: Sequence[Waterfall], most: int) -> list[Waterfall]:
    """So many, in their order; those that were stopped rather than others."""
    kept = {id(run) for run in sorted(runs, key=lambda run: run.stopped is None)[:most]}
    return [run for run in runs if id(run) in kept]


def _hundred(value: float) -> str:
    return f"{math.floor(value * 10_000 + 1e-6) / 100:g}"


def _query(span: str, check: str = "") -> str:
    asked = {"span": "" if span == USUAL_SPAN else span, "check": check}
    asked = {key: value for key, value in asked.items() if value}
    return f"/sign-in?{urlencode(asked)}" if asked else "/sign-in"


async def _ask(pages: "Pages", check: str, length_s: int) -> FlowView:
    from collector.web.pages import NoHistory

    now, history = pages.view.now(), pages.view.history
    until = now + NS
    since = now - length_s * NS
    flow = await pages.from_history(
        history.flow(check, since=since, until=until, runs_since=min(since, now - RUNS_S * NS))
    )
    if isinstance(flow, NoHistory):
        return FlowView(problem=flow.why)
    retried = await pages.from_history(history.retried(check, pages.view.policies(), since=since, until=until))
    found = FlowView(
        runs=tuple(waterfalls(flow.runs)),
        funnels=tuple(funnels(flow.counts)),
        since=since,
    )
    if isinstance(retried, NoHistory):
        return msgspec.structs.replace(found, problem=retried.why)
    return msgspec.structs.replace(found, report=retried.report, since=retried.since)
