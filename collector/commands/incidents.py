"""What people and other programs say of incidents: read from a request, written into `inputs`, and answered once
detection has taken it. ID is an incident's.

POST /v1/incidents/ID/notes        {"text": TEXT}: words on its timeline
POST /v1/incidents/ID/acknowledge  {"text": TEXT}: somebody is on it; the text may be left out
POST /v1/incidents/ID/title        {"title": TEXT}: what it is called from now on; an empty one gives the machine's back
POST /v1/incidents/ID/identify     {"kind": KIND, "name": NAME, "text": TEXT}: where the fault is; without kind and name
                                   the machine's word holds again
POST /v1/facts                     {"what": WORD, "text": TEXT, "incident": ID, "at": TIME}: what no probe sees; without
                                   `incident` it is about the only open one, without `at` it is now
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import get_args

import msgspec

from collector.answers import Refusal
from collector.commands.commands import CommandError, Commands, read_command
from collector.detect.incidents.timeline import MAX_HUMAN, MAX_TEXT, has_room
from collector.detect.incidents.words import (
    ACKNOWLEDGE,
    FACTS,
    IDENTIFY,
    MAX_NAME,
    MAX_TITLE,
    NOTE,
    TITLE,
)
from collector.events import DomainKind, Incident
from collector.inputs import CommandInput, FactInput
from parallax.clock import NS, wall_ns

PUSHED = tuple(word for word in FACTS if word != "paged")
"""Facts that others may push. Who was paged, the collector knows itself."""
LISTED = 20
"""Incidents that an error names."""
LATE_NS = 7 * 24 * 3600 * NS
"""How old a fact may be."""
AHEAD_NS = 60 * NS
"""How far another clock may be ahead; what is later than now is taken for now."""


class NoteBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: str


class AcknowledgeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: str = ""


class TitleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str


class IdentifyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str = ""
    name: str = ""
    text: str = ""


class FactBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    what: str
    text: str = ""
    incident: str = ""
    at: str = ""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: the incident after it; None where detection is behind and has not taken it yet."""

    position: int
    incident: Incident | None


class IncidentCommands:
    """Puts people's words on incidents. `known` are the incidents that can be written on, the newest first."""

    def __init__(self, commands: Commands, known: Callable[[], tuple[Incident, ...]]) -> None:
        self._commands, self._known = commands, known

    async def note(self, id_: str, body: bytes, actor: str) -> Written | Refusal:
        """Raises CommandError, as do the others."""
        text = _text("text", read_command(body, NoteBody).text)
        if not text:
            raise CommandError('"text" is empty: say what is to be noted')
        return await self._say(NOTE, id_, actor, text=text)

    async def acknowledge(self, id_: str, body: bytes, actor: str) -> Written | Refusal:
        return await self._say(
            ACKNOWLEDGE, id_, actor, text=_text("text", read_command(body or b"{}", AcknowledgeBody).text)
        )

    async def title(self, id_: str, body: bytes, actor: str) -> Written | Refusal:
        return await self._say(TITLE, id_, actor, text=_text("title", read_command(body, TitleBody).title, MAX_TITLE))

    async def identify(self, id_: str, body: bytes, actor: str) -> Written | Refusal:
        wanted = read_command(body, IdentifyBody)
        kinds = get_args(DomainKind)
        if wanted.kind and wanted.kind not in kinds:
            raise CommandError(f'"kind" is {wanted.kind[:40]!r}; known are {", ".join(kinds)}')
        name = _text("name", wanted.name, MAX_NAME)
        if bool(wanted.kind) != bool(name):
            raise CommandError('say where it is by both "kind" and "name"; leave both out to take it back')
        text = _text("text", wanted.text)
        return await self._say(IDENTIFY, id_, actor, text=text, kind=wanted.kind, name=name)

    async def fact(self, body: bytes, actor: str) -> Written | Refusal:
        wanted = read_command(body, FactBody)
        if wanted.what not in PUSHED:
            raise CommandError(f'"what" is {wanted.what[:40]!r}; known are {", ".join(PUSHED)}')
        incident = self._find(wanted.incident) if wanted.incident else self._only_one()
        text = _text("text", wanted.text)
        self._has_room(incident)
        at = _moment(wanted.at, wall_ns())
        fact = FactInput(at=at, what=wanted.what, incident=incident.id, text=text, actor=actor)
        return await self._take(fact, incident.id)

    async def _say(self, word: str, id_: str, actor: str, **arguments: str) -> Written | Refusal:
        incident = self._find(id_)
        self._has_room(incident)
        given = {"id": [incident.id], **{name: [text] for name, text in arguments.items()}}
        return await self._take(CommandInput(at=wall_ns(), word=word, actor=actor, arguments=given), incident.id)

    async def _take(self, value: CommandInput | FactInput, id_: str) -> Written | Refusal:
        taken = await self._commands.take(value)
        if isinstance(taken, Refusal):
            return taken
        position, board = taken
        found = None if board is None else next((each for each in self._known() if each.id == id_), None)
        return Written(position=position, incident=found)

    def _find(self, id_: str) -> Incident:
        known = self._known()
        found = next((incident for incident in known if incident.id == id_), None)
        if found is None:
            raise CommandError(f"no incident {id_[:60]!r} is open or ended of late; known are {_names(known)}")
        return found

    def _only_one(self) -> Incident:
        known = [incident for incident in self._known() if incident.stage != "resolved" and not incident.probes]
        if len(known) != 1:
            raise CommandError(
                f'say which incident it is about: "incident" is the id of one; not resolved are {_names(known)}'
            )
        return known[0]

    def _has_room(self, incident: Incident) -> None:
        if not has_room(incident):
            raise CommandError(
                f"incident {incident.id} has {MAX_HUMAN} entries of people on its timeline, all that it keeps; "
                "write the rest where the incident is reviewed"
            )


def _names(known: Iterable[Incident]) -> str:
    named = [f"{incident.id} ({incident.title[:60]})" for incident in known]
    more = f" and {len(named) - LISTED} more" if len(named) > LISTED else ""
    return (", ".join(named[:LISTED]) or "none") + more


def _text(key: str, text: str, most: int = MAX_TEXT) -> str:
    """The text on one line. Raises CommandError."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(clean) > most:
        raise CommandError(f'"{key}" has {len(clean)} characters; {most} are the most')
    return clean


def _moment(text: str, now: int) -> int:
    """Ns since the Unix epoch, of an RFC 3339 time; now where there is none. Raises CommandError."""
    if not text:
        return now
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        at = int(moment.timestamp() * 1_000_000) * 1000
    except (ValueError, OverflowError):
        raise CommandError(f'"at" is {text[:40]!r}; write a time as 2026-02-10T17:35:00Z') from None
    if not now - LATE_NS <= at <= now + AHEAD_NS:
        raise CommandError(f'"at" is {text[:40]!r}; it must lie within the last 7 days')
    return min(at, now)
