"""What people say of incidents, and facts that no probe sees: from a record into the state. Pure.

A person's words stand: the machine goes on to see what it sees, and shows it beside them. Everything here is a record
of `inputs`, so it is the same live, after a restart and in a replay. None of it leads to a message to people: who
writes has the page before them, and a fact that told receivers something would be the cause of its own next one.
"""

from typing import get_args

import msgspec

from collector.detect.incidents.stages import next_stage
from collector.detect.incidents.timeline import MAX_TEXT, named, with_moments
from collector.detect.state import Case, State
from collector.events import DomainKind, EventData, FaultDomain, Human, Incident, IncidentNoted, Moment
from collector.inputs import CommandInput, FactInput

NOTE, ACKNOWLEDGE, TITLE, IDENTIFY = "incident_note", "incident_acknowledge", "incident_title", "incident_identify"
"""The words of commands. Arguments: `id`; `text` (of a note, of an acknowledgement, or the title; an empty title gives
the machine's back); `kind` and `name` of a fault domain (without: the machine's holds again)."""
FACTS = ("paged", "switched", "effective", "vendor_posted")
MAX_TITLE, MAX_NAME = 200, 253
MAX_ACTOR = 100


def known_incidents(state: State) -> tuple[Incident, ...]:
    """Those that people can say something of: open ones, and the last that ended; the newest first."""
    cases = [case for case in state.open.values() if case.pending != "opened"] + list(state.recent.values())
    return tuple(sorted((case.shown for case in cases), key=lambda incident: -incident.opened_at))


def command_incidents(state: State, command: CommandInput, told: list[EventData]) -> None:
    """Puts a person's words on an incident. An unknown word, or one about an unknown incident, changes nothing."""
    case = _case(state, _first(command, "id"))
    if case is None:
        return
    text, actor = _first(command, "text")[:MAX_TEXT], command.actor[:MAX_ACTOR] or "somebody"
    shown, human = case.shown, case.shown.human
    match command.word:
        case "incident_note" if text:
            moment = Moment(at=state.now, what="note", text=text, actor=actor)
        case "incident_acknowledge":
            moment = Moment(at=state.now, what="acknowledged", text=text, actor=actor)
            human = msgspec.structs.replace(human, acknowledged_at=state.now, acknowledged_by=actor)
        case "incident_title":
            title = text[:MAX_TITLE]
            moment = Moment(at=state.now, what="note", text=f"title: {title or 'as the machine sees it'}", actor=actor)
            human = msgspec.structs.replace(human, title=title, title_by=actor if title else "")
        case "incident_identify" if (domain := _domain(command)) is not None or not _first(command, "kind"):
            where = str(domain) if domain is not None else "as the machine sees it"
            words = f"{where}: {text}" if text else where
            moment = Moment(at=state.now, what="identified" if domain else "note", text=words, actor=actor)
            human = msgspec.structs.replace(human, domain=domain, domain_by=actor if domain else "")
            if domain is not None:
                shown = msgspec.structs.replace(shown, stage=next_stage(shown.stage, "named"))
        case _:
            return
    _note(case, with_human(shown, human), moment, told)


def note_fact(state: State, fact: FactInput, told: list[EventData]) -> None:
    """Puts a fact on an incident's timeline. One that is there already (a record that was written twice), an unknown
    word and an unknown incident change nothing."""
    case = _case(state, fact.incident)
    if case is None or fact.what not in FACTS:
        return
    at = min(fact.at, state.now)
    moment = Moment(at=at, what=fact.what, text=fact.text[:MAX_TEXT], actor=fact.actor[:MAX_ACTOR])  # type: ignore[arg-type]
    shown = case.shown
    if any(_says_the_same(each, moment) for each in shown.timeline):
        return
    if fact.what == "effective":
        shown = msgspec.structs.replace(shown, stage=next_stage(shown.stage, "effective"))
    _note(case, shown, moment, told)


def with_human(shown: Incident, human: Human) -> Incident:
    """The incident with a person's title and domain in force, the machine's own beside them."""
    title = shown.seen_title or shown.title
    domain = shown.domain if shown.human.domain is None else shown.seen_domain
    return named(msgspec.structs.replace(shown, human=human), title, domain)


def _note(case: Case, shown: Incident, moment: Moment, told: list[EventData]) -> None:
    case.shown = with_moments(shown, moment)
    told.append(IncidentNoted(moment=moment, incident=case.shown))


def _says_the_same(one: Moment, other: Moment) -> bool:
    same = (one.what, one.text, one.actor) == (other.what, other.text, other.actor)
    return same and (one.at == other.at or one.what == "paged")


def _case(state: State, name: str) -> Case | None:
    case = state.open.get(name) or state.recent.get(name)
    return None if case is None or case.pending == "opened" else case


def _domain(command: CommandInput) -> FaultDomain | None:
    kind, name = _first(command, "kind"), _first(command, "name")[:MAX_NAME]
    if kind not in get_args(DomainKind) or not name:
        return None
    return FaultDomain(kind=kind, name=name)  # type: ignore[arg-type]


def _first(command: CommandInput, name: str) -> str:
    values = command.arguments.get(name) or [""]
    return values[0]
