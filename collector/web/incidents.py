"""The incidents: the list, with what else was noticed; and one with its timeline."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from collector.board import Board
from collector.events import Event, Incident, IncidentNoted
from collector.history import IncidentStory
from collector.lives import Life
from collector.web import words
from collector.web.words import Told
from parallax.spans import lasting_exactly

if TYPE_CHECKING:
    from collector.web.pages import Pages

PER_PAGE = 50
NOTICES = 20
MAX_ALERTS = 60
"""The last ones of an incident; `parallax alert show` has more."""
MAX_LINES = 400
"""Of a timeline; a longer one shows its beginning and its end."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a timeline. `after` is its distance from the incident's start in words: "+9 s"."""

    at: int
    after: str
    told: Told
    human: bool = False
    """Somebody said it."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A stage of an incident as a step of its way: done, current, or yet to come."""

    word: str
    state: Literal["done", "current", "ahead"]


class Responsible(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks after components, and by which runbook; either may be missing, not both."""

    owner: str
    runbook: str | None
    components: tuple[str, ...]


SAID_BY_EVENTS = ("detected", "monitoring", "resolved", "reopened")
"""Moments that are also events, which say more."""


def timeline(incident: Incident, events: Sequence[Event]) -> list[Line]:
    """The events in the order in which they were concluded, and the incident's own moments among them; oldest first."""
    told = [event for event in events if not isinstance(event.data, IncidentNoted)]
    left = [each for each in incident.timeline if not told or each.what not in SAID_BY_EVENTS]
    lines = [(event.at, words.tell(event), False) for event in told]
    lines += [(moment.at, words.tell_moment(moment), bool(moment.actor)) for moment in left]
    lines.sort(key=lambda line: line[0])
    return [Line(at=at, after=_after(at - incident.started_at), told=said, human=human) for at, said, human in lines]


def steps(incident: Incident) -> list[Step]:
    """The way from its beginning to its end, and where it is on it."""
    first = "reopened" if incident.stage == "reopened" else "investigating"
    way = (first, "identified", "monitoring", "resolved")
    place = way.index(incident.stage)
    passed = {moment.what for moment in incident.timeline}
    found = []
    for number, word in enumerate(way):
        done = number < place and (word != "identified" or word in passed)
        found.append(Step(word=word, state="current" if number == place else "done" if done else "ahead"))
    return found


def responsible(board: Board, incident: Incident) -> list[Responsible]:
    """Who looks after an incident's components, in its order: what the plan says today, each owner and runbook once."""
    known = {component.name: component for component in board.components}
    found: dict[tuple[str, str | None], list[str]] = {}
    for component in (known[name] for name in incident.components if name in known):
        if component.owner or component.runbook:
            found.setdefault((component.owner, component.runbook), []).append(component.name)
    return [Responsible(owner=owner, runbook=url, components=tuple(of)) for (owner, url), of in found.items()]


def merged(board: Board, past: Sequence[Incident]) -> list[Incident]:
    """The incidents of history, with what the board knows of the open ones, which is newer; the latest first."""
    every = {incident.id: incident for incident in (*past, *board.watched, *board.incidents)}
    return sorted(every.values(), key=lambda incident: (incident.opened_at, incident.id), reverse=True)


async def get_incidents(pages: "Pages", request: Request) -> Response:
    from collector.web.pages import NoHistory

    before = _number(request.query_params.get("before"))
    past = await pages.from_history(pages.view.history.incidents(limit=PER_PAGE + 1, before=before))
    board = pages.view.board()
    missing = past.why if isinstance(past, NoHistory) else ""
    stored = [] if isinstance(past, NoHistory) else past[:PER_PAGE]
    noticed = (
        await pages.from_history(pages.view.history.notices(limit=NOTICES)) if before is None and not missing else []
    )
    older = stored[-1].opened_at if not isinstance(past, NoHistory) and len(past) > PER_PAGE else None
    return pages.render(
        request,
        "incidents.html",
        board=board,
        incidents=stored if before is not None else merged(board, stored),
        notices=[] if isinstance(noticed, NoHistory) else [(event.at, words.tell(event)) for event in noticed],
        missing=missing,
        older=older,
        before=before,
    )


async def get_incident(pages: "Pages", request: Request) -> Response:
    from collector.web.pages import NoHistory

    id_: str = request.path_params["id"]
    history = pages.view.history

    async def told() -> tuple[IncidentStory | None, tuple[Life, ...]]:
        story = await history.incident(id_)
        return story, await history.alerts(incident=id_, limit=MAX_ALERTS)

    found = await pages.from_history(told())
    board = pages.view.board()
    live = next((incident for incident in (*board.incidents, *board.watched) if incident.id == id_), None)
    missing = found.why if isinstance(found, NoHistory) else ""
    stored, alerts = (None, ()) if isinstance(found, NoHistory) else found
    if stored is None and live is None:
        if missing:
            return pages.render(request, "not_found.html", status=503, what=missing, way_out="")
        return pages.not_found(request, "There is no such incident.", "It may be older than what history keeps.")
    incident = live or (stored.incident if stored else None)
    assert incident is not None
    lines = timeline(incident, stored.events if stored else ())
    cut = len(lines) - MAX_LINES
    return pages.render(
        request,
        "incident.html",
        board=board,
        incident=incident,
        steps=steps(incident),
        responsible=responsible(board, incident),
        children=[each for each in (*board.incidents, *board.watched) if each.parent == id_],
        looks=[
            word for word in dict.fromkeys(one.reason for one in incident.checks) if word and words.where_to_look(word)
        ],
        first=lines[: MAX_LINES // 2] if cut > 0 else lines,
        cut=max(cut, 0),
        last=lines[-MAX_LINES // 2 :] if cut > 0 else [],
        alerts=alerts,
        missing=missing or ("" if stored else "History has no event of it yet."),
    )


def _after(ns: int) -> str:
    return f"+{lasting_exactly(ns)}" if ns >= 0 else f"−{lasting_exactly(-ns)}"


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None
