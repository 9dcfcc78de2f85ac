"""The page of a check, and the figures of its chart.

GET /check/NAME              ?span=1h|6h|24h|7d ?measure=p50|p95 ?of=SUBJECT
GET /check/NAME/points.json  ?span= ?of= as above, ?since=SECONDS for the end of it only: collector.web.series.Chart

The name is one segment, percent-encoded.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response

from collector.board import Board, CertificateBoard, CheckBoard, SubjectBoard
from collector.events import Incident
from collector.json_answers import error_answer
from collector.web import words
from collector.web.packing import packed
from collector.web.retries import RetriesView, ask
from collector.web.series import MEASURES, SPANS, USUAL_SPAN, Measure, Row, Span, chart, table, tail, window

if TYPE_CHECKING:
    from collector.web.pages import Pages

_POINTS = "/points.json"
RETRIED_KINDS = ("http", "tls")
"""Kinds whose page says what retries would hide: those with control attempts. Flows have a page of their own."""
_KEPT_S = 10.0
"""How long a table is good for: a page that is watched is rendered up to once a second."""
_MOST_KEPT = 64
_MOST_INCIDENTS = 10


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader chose to see. `subject` is None for all of them together."""

    span: str
    measure: Measure
    subject: SubjectBoard | None
    gone: bool = False
    """A subject was asked for that the check does not have (any more)."""

    @property
    def back(self) -> Span:
        return SPANS[self.span]

    def query(self, **other: str) -> str:
        """The URL's query for this choice with something else in it; "" where all is as usual."""
        of = subject_key(self.subject) if self.subject else ""
        asked = {"span": self.span, "measure": self.measure, "of": of, **other}
        usual = {"span": USUAL_SPAN, "measure": "p50", "of": ""}
        more = {key: value for key, value in asked.items() if value != usual.get(key)}
        return f"?{urlencode(more)}" if more else "?"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a check's page has from history. `problem` is a sentence where it has nothing."""

    probes: Sequence[str] = ()
    rows: Sequence[Row] = ()
    step_s: int = 0
    incidents: Sequence[Incident] = ()
    retries: RetriesView | None = None
    problem: str | None = None


class CheckPages:
    """The handlers, and the tables that they keep for some seconds."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], tuple[float, Figures]] = {}

    async def get(self, pages: "Pages", request: Request) -> Response:
        """The page, or its figures where the path ends so and no check has that name."""
        name = request.path_params["name"]
        board = pages.view.board()
        found = _find(board, name)
        if found is None and name.endswith(_POINTS):
            return await self._points(pages, request, _find(board, name.removesuffix(_POINTS)))
        if found is None:
            return pages.not_found(
                request, f"The plan has no check {name[:100]!r}.", "The overview has those that there are."
            )
        choice = _choose(found, request.query_params)
        figures = await self._figures(pages, found, choice)
        return pages.render(
            request,
            "check.html",
            board=board,
            check=found,
            since=_since(found),
            worst=_worst(found),
            probes={probe.id: probe for probe in board.probes},
            choice=choice,
            keys=[(subject_key(subject), subject) for subject in found.subjects],
            spans=SPANS,
            measures=MEASURES,
            figures=figures,
            incidents=_incidents(board, found.name, figures.incidents),
            points=points_path(found.name) + choice.query(),
            incident=_first_incident(found),
            certificates=_certificates(board, found),
            reasons_of=reasons_of,
            evidence_words=evidence_words,
        )

    async def _points(self, pages: "Pages", request: Request, check: CheckBoard | None) -> Response:
        if check is None:
            return error_answer(404, "not_found", "the plan has no such check")
        asked = request.query_params
        choice = _choose(check, asked)
        if choice.gone:
            return error_answer(404, "not_found", "the check has no such subject")
        if asked.get("span", USUAL_SPAN) not in SPANS:
            return error_answer(400, "bad_request", f"span wants one of {', '.join(SPANS)}")
        wanted = window(
            pages.view.now(), choice.back.length_s, choice.back.chart_s, check.period_s, _lines(check, choice)
        )
        if "since" in asked:
            since_s = _number(asked["since"])
            if since_s is None:
                return error_answer(400, "bad_request", "since wants seconds since 1970, as a number")
            wanted = tail(wanted, since_s)
        got = await pages.from_history(
            pages.view.history.points(
                check.name,
                since=wanted.since,
                until=wanted.until,
                step_s=wanted.step_s,
                target=choice.subject.target if choice.subject else None,
            )
        )
        if not isinstance(got, list):
            return error_answer(503, "busy", got.why)
        found = chart(got, wanted, choice.subject.subject if choice.subject else None)
        body, headers = packed(msgspec.json.encode(found), request)
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store", **headers})

    async def _figures(self, pages: "Pages", check: CheckBoard, choice: Choice) -> Figures:
        key = (check.name, choice.span, subject_key(choice.subject) if choice.subject else "")
        until, kept = self._kept.get(key, (-math.inf, None))
        if kept is not None and trio.current_time() < until:
            return kept
        figures = await _ask(pages, check, choice)
        self._kept.pop(key, None)
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (trio.current_time() + _KEPT_S, figures)
        return figures


def subject_key(subject: SubjectBoard) -> str:
    """How a URL names a subject of its check."""
    return subject.subject if subject.subject == subject.target else f"{subject.target} {subject.subject}"


def evidence_words(subject: SubjectBoard) -> str:
    """How many probes say what."""
    return subject.evidence.words if subject.evidence.voters else "no probe has a fresh word on it that counts"


def reasons_of(subject: SubjectBoard) -> list[str]:
    """The reasons that its probes give now and that say where to look, the most frequent first."""
    given = Counter(latest.reason for latest in subject.latest if latest.fresh and latest.reason is not None)
    return [reason for reason, _ in given.most_common() if words.where_to_look(reason)]


def points_path(name: str) -> str:
    return words.check_path(name) + _POINTS


async def _ask(pages: "Pages", check: CheckBoard, choice: Choice) -> Figures:
    wanted = window(pages.view.now(), choice.back.length_s, choice.back.table_s, check.period_s, _lines(check, choice))
    target = choice.subject.target if choice.subject else None
    history = pages.view.history
    got = await pages.from_history(
        history.points(check.name, since=wanted.since, until=wanted.until, step_s=wanted.step_s, target=target)
    )
    if not isinstance(got, list):
        return Figures(problem=got.why)
    incidents = await pages.from_history(history.incidents(limit=200))
    retries = await ask(pages, check.name, 3600, "address") if check.kind in RETRIED_KINDS else None
    probes, rows = table(got, wanted, choice.subject.subject if choice.subject else None)
    return Figures(
        probes=probes,
        rows=rows,
        step_s=wanted.step_s,
        incidents=[i for i in incidents if _touches(i, check.name)] if isinstance(incidents, list) else (),
        retries=retries if isinstance(retries, RetriesView) else None,
        problem=None if isinstance(incidents, list) else incidents.why,
    )


def _lines(check: CheckBoard, choice: Choice) -> int:
    """How many probes measure how many subjects, of those that history is asked for."""
    target = choice.subject.target if choice.subject else None
    return sum(len(subject.latest) for subject in check.subjects if target in (None, subject.target))


def _find(board: Board, name: str) -> CheckBoard | None:
    return next((check for check in board.checks if check.name == name), None)


def _choose(check: CheckBoard, asked: Mapping[str, str]) -> Choice:
    of = asked.get("of", "")
    subject = next((subject for subject in check.subjects if subject_key(subject) == of), None) if of else None
    span = asked.get("span", USUAL_SPAN)
    return Choice(
        span=span if span in SPANS else USUAL_SPAN,
        measure="p95" if asked.get("measure") == "p95" else "p50",
        subject=subject,
        gone=bool(of) and subject is None,
    )


def _since(check: CheckBoard) -> int | None:
    """Since when it is as it is: by the subject that was the first to be in the check's state."""
    return min((subject.since for subject in check.subjects if subject.state == check.state), default=None)


def _worst(check: CheckBoard) -> SubjectBoard | None:
    """The subject whose evidence speaks for the check: of those in its state, the one that was first."""
    return min(
        (subject for subject in check.subjects if subject.state == check.state), key=lambda s: s.since, default=None
    )


def _first_incident(check: CheckBoard) -> str | None:
    return next((subject.incident for subject in check.subjects if subject.incident is not None), None)


def _touches(incident: Incident, check: str) -> bool:
    return any(affected.check == check for affected in incident.checks)


def _incidents(board: Board, check: str, known: Sequence[Incident]) -> list[Incident]:
    """Those that the check is part of, the latest first; the board knows the open ones better than history."""
    found = {incident.id: incident for incident in (*known, *(i for i in board.incidents if _touches(i, check)))}
    return sorted(found.values(), key=lambda incident: -incident.opened_at)[:_MOST_INCIDENTS]


def _certificates(board: Board, check: CheckBoard) -> list[CertificateBoard]:
    """Those of the names that the check looks at, whichever check saw them first."""
    names = {_server(subject.target) for subject in check.subjects} if check.kind in RETRIED_KINDS else set()
    return [shown for shown in board.certificates if shown.check == check.name or shown.name in names]


def _server(target: str) -> str:
    """What a certificate's name is called, of a target that is a URL or host:port."""
    _, _, rest = target.rpartition("://")
    return rest.partition("/")[0].removesuffix(":443")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
