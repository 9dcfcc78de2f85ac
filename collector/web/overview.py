"""The overview: components, incidents, risks, and the matrix of probes x checks. The shaping is pure."""

from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from collector.board import Board, CheckBoard, Latest, SubjectBoard
from collector.events import urgent_first
from collector.web import words
from collector.web.world import world

if TYPE_CHECKING:
    from collector.web.pages import Pages

MAX_SUBJECTS = 8
"""Subjects shown below one check; its own page has them all."""
_WORST_FIRST = ("failed", "kept_out", "slow", "misset", "troubled", "ok", "abstained", "stale", "")
_HURT = ("bad", "part", "soft")
_SUBJECT_ORDER = ("down", "degraded", "suspected", "unknown", "up")


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe says of a check or a subject; `state` is a key of words.LOOKS, "" where it says nothing."""

    state: str
    reason: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the matrix."""

    name: str
    state: str
    since: int
    cells: tuple[Cell, ...]
    """By the board's probes."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A check with those of its subjects that are not well."""

    check: CheckBoard
    row: Row
    subjects: tuple[Row, ...]
    hidden: int
    """Subjects that are not well either, and not shown."""


def matrix(board: Board) -> list[Group]:
    """The matrix, in the plan's order."""
    return [_group(check, [probe.id for probe in board.probes]) for check in board.checks]


def hurting(board: Board) -> frozenset[str]:
    """The risks that hurt already: of an open incident at the same place, a component of theirs is hurt now."""
    hurt = {component.name for component in board.components if words.look(component.state).tone in _HURT}
    return frozenset(
        risk.id
        for risk in board.risks
        for incident in board.incidents
        if risk.domain is not None and incident.domain is not None
        if (risk.domain.kind, risk.domain.name) == (incident.domain.kind, incident.domain.name)
        if hurt & set(risk.components) & set(incident.components)
    )


def headline(board: Board) -> tuple[words.Tone, str]:
    """The state of the whole in a line, and its tone."""
    hurt = [c for c in board.components if words.look(c.state).tone in _HURT]
    open_, risks = len(board.incidents), len(board.risks)
    away = sum(probe.state != "healthy" for probe in board.probes)
    tones = {words.look(component.state).tone for component in hurt}
    tones |= {"warn"} if board.risks else set()
    tones |= {words.look(incident.severity).tone for incident in board.incidents}
    parts = [words.count(open_, "open incident")] if open_ else ["no open incident"]
    if board.components:
        parts.append(
            f"{len(hurt)} of {words.count(len(board.components), 'component')} hurt" if hurt else "no component hurt"
        )
    unknown = sum(component.state == "unknown" for component in board.components)
    if unknown:
        parts.append(f"{unknown} unknown")
    if risks:
        parts.append(words.count(risks, "risk"))
    if board.probes:
        healthy = len(board.probes) - away
        parts.append(f"{healthy} of {words.count(len(board.probes), 'probe')} healthy")
    tone: words.Tone = next((tone for tone in words.WORST if tone in tones), "ok")
    if tone == "ok" and (unknown or not any(check.state == "up" for check in board.checks)):
        tone = "none"
    return tone, ", ".join(parts)


async def get_overview(pages: "Pages", request: Request) -> Response:
    board = pages.view.board()
    return pages.render(
        request,
        "overview.html",
        board=board,
        groups=matrix(board),
        incidents=urgent_first(board.incidents),
        hurting=hurting(board),
        world=world(board),
        undelivered=[receiver for receiver in pages.view.receivers() if receiver.state != "ok"],
    )


def _group(check: CheckBoard, probes: list[str]) -> Group:
    said = [{latest.probe: latest for latest in subject.latest} for subject in check.subjects]
    cells = tuple(_worst([_cell(of.get(probe)) for of in said]) for probe in probes)
    since = max((s.since for s in check.subjects if s.state == check.state), default=0)
    unwell = sorted(
        (subject for subject in check.subjects if subject.state not in ("up", "unknown")),
        key=lambda subject: _SUBJECT_ORDER.index(subject.state) if subject.state in _SUBJECT_ORDER else 0,
    )
    shown = unwell[:MAX_SUBJECTS] if len(check.subjects) > 1 else []
    return Group(
        check=check,
        row=Row(name=check.name, state=check.state, since=since, cells=cells),
        subjects=tuple(_subject_row(subject, probes) for subject in shown),
        hidden=len(unwell) - len(shown) if shown else 0,
    )


def _subject_row(subject: SubjectBoard, probes: list[str]) -> Row:
    said = {latest.probe: latest for latest in subject.latest}
    name = subject.subject if subject.subject == subject.target else f"{subject.subject} · {subject.target}"
    cells = tuple(_cell(said.get(probe)) for probe in probes)
    return Row(name=name, state=subject.state, since=subject.since, cells=cells)


def _cell(latest: Latest | None) -> Cell:
    if latest is None:
        return Cell(state="")
    state = words.latest_state(latest)
    reason = latest.abstain if state == "abstained" else latest.reason if state != "stale" else None
    return Cell(state=state, reason=reason or "")


def _worst(cells: list[Cell]) -> Cell:
    return min(cells, key=lambda cell: _WORST_FIRST.index(cell.state), default=Cell(state=""))
