"""Incidents from their beginning to their end: stages, timeline, what people say, relapses, many at once."""

import json
from typing import Any

import msgspec
import pytest

from collector.detect import known_incidents
from collector.detect.incidents.joining import join, leave
from collector.detect.incidents.stages import RELAPSE_NS, WATCH_NS
from collector.detect.incidents.telling import tell_incidents
from collector.detect.incidents.words import ACKNOWLEDGE, IDENTIFY, NOTE, TITLE
from collector.detect.places import spot_of
from collector.detect.state import MAX_MEMBERS, MAX_RECENT, Key, Vote
from collector.detect.verdicts.components import tell_components
from collector.detect.verdicts.votes import key_id
from collector.detect.view import view_of
from collector.events import AlertRouted, EventData, FaultDomain, Incident, IncidentChanged, IncidentNoted
from collector.inputs import ClockInput, CommandInput, FactInput
from collector.routing.facts import is_alert
from parallax.clock import NS
from tests.collector.detect.calls import Calls
from tests.collector.detect.scenes import EIGHT, Scene, fleet

REST = """
[defaults]
period = "5s"
timeout = "2s"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://a.example/"]
[[component]]
name = "Sign-in"
checks = ["api"]
"""


def scene(probes: int = 5) -> Scene:
    """The first five are in data centres, the last two of eight on lines as users have."""
    made = Scene(fleet(EIGHT[:probes]) + REST, {"a.example": ["203.0.113.10"]})
    made.run(20)
    return made


def outage(here: Scene, seconds: float = 20) -> Any:
    handle = here.fails("connect_timeout")
    here.run(seconds)
    return handle


def command(here: Scene, word: str, id_: str, actor: str = "ann", **arguments: str) -> None:
    given = {"id": [id_], **{name: [text] for name, text in arguments.items()}}
    here.put(CommandInput(at=here.now, word=word, actor=actor, arguments=given))


def fact(here: Scene, what: str, id_: str, text: str = "", at: int | None = None) -> None:
    here.put(FactInput(at=here.now if at is None else at, what=what, incident=id_, text=text))


def newest(here: Scene) -> Incident:
    return known_incidents(here.state)[0]


def words(here: Scene) -> list[str]:
    return [moment.what for moment in newest(here).timeline]


def changes(here: Scene) -> list[str]:
    return [change for change, _ in here.changes() if change != "updated"]


# ---- stages
def test_from_its_beginning_to_its_end() -> None:
    here = scene()
    handle = outage(here)
    [incident] = here.incidents()
    assert incident.stage == "identified", "one endpoint is all that there is"
    assert words(here) == ["began", "detected", "identified"]
    assert incident.timeline[0].at == incident.started_at <= incident.timeline[1].at == incident.opened_at
    here.mend(handle)
    mended_at = here.now
    here.run(20)
    assert here.incidents() == []
    [watched] = here.board.watched
    assert (watched.id, watched.stage, watched.resolved_at) == (incident.id, "monitoring", None)
    assert watched.over_at is not None
    assert mended_at <= watched.over_at <= here.now, "the all-clear comes within seconds"
    assert changes(here) == ["opened", "monitoring"]
    assert here.told("incident.monitoring")[0].data.what == "it passes again; watched until it has been calm for 15 min"  # type: ignore[union-attr]
    here.run(WATCH_NS / NS - 30)
    assert changes(here) == ["opened", "monitoring"]
    here.run(30)
    assert changes(here) == ["opened", "monitoring", "resolved"]
    assert here.board.watched == ()
    ended = newest(here)
    assert ended.stage == "resolved"
    assert ended.resolved_at is not None
    assert ended.resolved_at - watched.over_at >= WATCH_NS
    assert ended.ended_at == watched.over_at, "it is remembered as over when all passed"
    assert words(here) == ["began", "detected", "identified", "monitoring", "resolved"]


def test_it_is_not_resolved_while_nobody_looks() -> None:
    here = scene()
    here.mend(outage(here))
    here.run(20)
    here.mute = {probe.id for probe in here.plan.probe}
    here.run(WATCH_NS / NS + 60)
    assert changes(here)[:2] == ["opened", "monitoring"]
    assert "resolved" not in changes(here), "silence is no calm"
    here.mute = set()
    here.run(30)
    assert [e.data.incident.stage for e in here.told("incident.resolved") if not e.data.incident.probes] == ["resolved"]  # type: ignore[union-attr]


def test_the_collectors_absence_is_no_calm() -> None:
    here = scene()
    here.mend(outage(here))
    here.run(20)
    here.t += WATCH_NS / NS
    here.put(ClockInput(at=here.now, started=True))
    here.run(30)
    assert changes(here) == ["opened", "monitoring"]
    here.run(WATCH_NS / NS)
    assert changes(here) == ["opened", "monitoring", "resolved"]


def test_a_relapse_within_an_hour_is_the_same_and_later_another() -> None:
    here = scene()
    ids = []
    for calm_s in (300, 1000, RELAPSE_NS / NS + 60, 10):
        here.mend(outage(here))
        ids.append(newest(here).id)
        here.run(calm_s)
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert changes(here) == [
        "opened", "monitoring", "reopened", "monitoring", "resolved", "reopened", "monitoring", "resolved",
        "opened", "monitoring",
    ]  # fmt: skip
    first = next(incident for incident in known_incidents(here.state) if incident.id == ids[0])
    assert [moment.what for moment in first.timeline].count("reopened") == 2
    assert [moment.what for moment in first.timeline].count("identified") == 3, "each time anew"


def test_an_outage_that_comes_back_as_429_to_everybody_is_the_same() -> None:
    here = scene(probes=8)
    for reason in ("connect_timeout", "http_throttled", "connect_timeout"):
        handle = here.fails(reason)
        here.run(20)
        here.mend(handle)
        here.run(120)
    assert changes(here) == ["opened", "monitoring", "reopened", "monitoring", "reopened", "monitoring"]


def test_what_came_back_as_429_is_the_same_when_it_fails_again_whatever_its_place_is_taken_for_at_first() -> None:
    here = scene(probes=8)
    for reason in ("connect_timeout", "http_throttled"):
        handle = here.fails(reason)
        here.run(20)
        here.mend(handle)
        here.run(120)
    [case] = here.state.recent.values()
    region = FaultDomain(kind="region", name="eu-1", certain=True)
    case.shown = msgspec.structs.replace(case.shown, domain=region, seen_domain=region)
    outage(here)
    assert changes(here) == ["opened", "monitoring", "reopened", "monitoring", "reopened"]


def test_a_throttle_that_only_data_centres_meet_is_no_outage_that_comes_back() -> None:
    here = scene(probes=8)
    here.mend(outage(here))
    here.run(120)
    here.fails("http_throttled", probes=[name for name, *_, line in EIGHT if line != "access"])
    here.run(20)
    assert changes(here) == ["opened", "monitoring", "opened"]
    assert newest(here).domain is not None
    assert str(newest(here).domain) == "network data centres"


def test_what_is_remembered_is_bounded_and_closed_before_it_is_forgotten() -> None:
    here = scene()
    here.mend(outage(here))
    here.run(20)
    [case] = here.state.recent.values()
    for number in range(MAX_RECENT):
        shown = msgspec.structs.replace(case.shown, id=f"other-{number}", stage="resolved")
        here.state.recent[shown.id] = msgspec.structs.replace(case, shown=shown)
    here.run(5)
    assert len(here.state.recent) == MAX_RECENT
    assert changes(here) == ["opened", "monitoring", "resolved"]


# ---- people
def test_what_people_say_stands() -> None:
    here = scene()
    handle = outage(here)
    id_ = newest(here).id
    own = newest(here).title
    command(here, ACKNOWLEDGE, id_, text="on it")
    command(here, NOTE, id_, actor="bob", text="the vendor is told")
    command(here, TITLE, id_, text="Sign-in is out")
    command(here, IDENTIFY, id_, kind="region", name="us-east", text="their status page says so")
    here.run(20)
    [shown] = here.incidents()
    assert (shown.title, shown.seen_title, shown.human.title_by) == ("Sign-in is out", own, "ann")
    assert (str(shown.domain), str(shown.seen_domain)) == ("region us-east", "endpoint a.example")
    assert shown.human.acknowledged_by == "ann"
    said = [(moment.what, moment.text, moment.actor) for moment in shown.timeline if moment.actor]
    assert said == [
        ("acknowledged", "on it", "ann"),
        ("note", "the vendor is told", "bob"),
        ("note", "title: Sign-in is out", "ann"),
        ("identified", "region us-east: their status page says so", "ann"),
    ]
    here.reload()
    here.mend(handle)
    here.run(60)
    outage(here)
    [again] = here.incidents()
    assert again.id == id_
    assert (again.title, str(again.domain), again.human) == ("Sign-in is out", "region us-east", shown.human)
    assert [m for m in again.timeline if m.actor] == [m for m in shown.timeline if m.actor], "it survives the relapse"
    command(here, TITLE, id_, text="")
    command(here, IDENTIFY, id_)
    here.run(5)
    [back] = here.incidents()
    assert (back.title, back.seen_title, str(back.domain), back.seen_domain) == (own, "", "endpoint a.example", None)


def test_words_are_events_that_nobody_is_told_of() -> None:
    here = scene()
    outage(here)
    told = len([event for event in here.events if is_alert(event.data)])
    command(here, NOTE, newest(here).id, text="looking")
    fact(here, "paged", newest(here).id, "ops")
    fact(here, "vendor_posted", newest(here).id, "investigating")
    here.run(10)
    assert len([event for event in here.events if is_alert(event.data)]) == told
    noted = [event.data for event in here.events if isinstance(event.data, IncidentNoted)]
    assert [each.moment.what for each in noted] == ["note", "paged", "vendor_posted"]
    said = noted[-1].incident
    assert said == msgspec.structs.replace(newest(here), evidence=said.evidence), "only its extent is surer by now"


def test_what_makes_no_sense_changes_nothing() -> None:
    here = scene()
    outage(here)
    before, events = newest(here), len(here.events)
    for word, arguments in (
        (NOTE, {}),
        (NOTE, {"text": ""}),
        ("incident_burn", {"text": "x"}),
        (IDENTIFY, {"kind": "planet", "name": "mars"}),
        (IDENTIFY, {"kind": "region"}),
    ):
        command(here, word, before.id, **arguments)
    command(here, NOTE, "nobody-7", text="hello?")
    fact(here, "burnt", before.id)
    fact(here, "paged", "nobody-7")
    here.put(CommandInput(at=here.now, word=NOTE, actor="ann", arguments={"id": [], "text": []}))
    assert (newest(here), len(here.events)) == (before, events)


def test_a_fact_is_noted_once_and_at_its_time() -> None:
    here = scene()
    outage(here)
    id_, at = newest(here).id, here.now - 5 * NS
    for later in range(3):
        fact(here, "paged", id_, "ops", at=at + later)
    fact(here, "vendor_posted", id_, "investigating", at=at)
    fact(here, "vendor_posted", id_, "investigating", at=at)
    fact(here, "vendor_posted", id_, "identified", at=here.now + 3600 * NS)
    facts = [moment for moment in newest(here).timeline if moment.what in ("paged", "vendor_posted")]
    assert [(moment.what, moment.text) for moment in facts] == [
        ("paged", "ops"), ("vendor_posted", "investigating"), ("vendor_posted", "identified"),
    ]  # fmt: skip
    assert facts[0].at == at
    assert facts[-1].at == here.now, "nothing is noted in the future"


def test_a_switchover_that_took_effect_is_monitored_while_the_fault_lasts() -> None:
    here = scene()
    handle = outage(here)
    fact(here, "switched", newest(here).id, "to us-west")
    fact(here, "effective", newest(here).id)
    here.run(10)
    [shown] = here.incidents()
    assert (shown.stage, shown.over_at) == ("monitoring", None)
    here.mend(handle)
    here.run(20)
    assert [incident.stage for incident in here.board.watched] == ["monitoring"]


def test_a_restart_in_the_middle_is_the_same_and_says_nothing_twice() -> None:
    straight, restarted = scene(), scene()
    for here in (straight, restarted):
        handle = outage(here)
        command(here, NOTE, newest(here).id, text="looking")
        fact(here, "paged", newest(here).id, "ops")
        for part in ("open", "watched"):
            if here is restarted:
                here.reload()
            if part == "open":
                here.mend(handle)
            here.run(30)
    assert straight.events == restarted.events
    assert straight.board == restarted.board


# ---- plans
def test_a_target_that_leaves_the_plan_during_its_incident_closes_it() -> None:
    here = scene()
    here.fails("connect_timeout", subject="203.0.113.10")
    here.run(20)
    text = next(iter(dict(here.state.plan).values()))
    here.put_plan(text.replace("https://a.example/", "https://b.example/"))
    here.addresses["b.example"] = ["203.0.113.20"]
    here.run(20)
    assert here.incidents() == []
    assert here.board.watched == (), "nothing is left to watch"
    assert changes(here) == ["opened", "resolved"]
    resolved = here.told("incident.resolved")[0].data
    assert isinstance(resolved, IncidentChanged)
    assert (resolved.what, resolved.incident.stage) == ("the plan no longer has it", "resolved")
    assert [moment.what for moment in resolved.incident.timeline][-1] == "resolved"


# ---- many at once
def fail_at_once(number: int) -> tuple[Scene, int]:
    """So many names stop resolving, and resolve again; what deciding on their incidents took."""
    targets = [f"https://h{n}.a.example/" for n in range(number)]
    here = Scene(fleet(EIGHT[:5]) + REST.replace('["https://a.example/"]', json.dumps(targets)))
    view = view_of(here.state.plan)
    assert view is not None
    here.state.started_at = here.now
    keys = {}
    for target, host in ((target, target[8:-1]) for target in targets):
        votes = {
            probe.id: Vote(at=here.now, reason="dns_servfail", fault="resolver", streak=3, failing_since=here.now)
            for probe in here.plan.probe
        }
        key = Key(check="api", target=target, subject=f"{host}:443", born_at=here.now, lookup=True, votes=votes)
        key.state = key.held = "down"
        key.reason, key.since = "dns_servfail", here.now
        keys[key_id("api", target, key.subject)] = key
    here.state.keys = keys
    told: list[EventData] = []
    with Calls() as calls:
        for name in keys:
            spot = spot_of(here.state, view, name)
            assert spot is not None
            join(here.state, spot)
        for _ in range(3):
            tell_incidents(here.state, view, tell_components(here.state, view, []), told)
            here.state.now += 5 * NS
        for name, key in keys.items():
            key.state = key.held = "up"
            leave(here.state, name, "")
        tell_incidents(here.state, view, tell_components(here.state, view, []), told)
    said = [data.change for data in told if isinstance(data, IncidentChanged)]
    assert (said[0], said[-1]) == ("opened", "monitoring")
    assert len(said) <= 4
    assert here.state.open == {}
    [case] = here.state.recent.values()
    assert case.shown.title == "Names in a.example do not resolve: the server failed to answer (SERVFAIL)"
    assert len(case.shown.checks) == min(number, MAX_MEMBERS)
    return here, calls.number


@pytest.mark.slow
def test_ten_thousand_checks_that_fail_at_once_are_one_incident() -> None:
    _, few = fail_at_once(1000)
    _, many = fail_at_once(10_000)
    assert many <= 12 * few, "the work grows with their number, and not with its square"


# ---- parents
def test_refusals_where_an_outage_is_have_it_for_a_parent_and_are_told_once() -> None:
    here = Scene(fleet(EIGHT[:5]) + REST.replace("a.example", "192.0.2.7") + PAGES, {"192.0.2.7": ["192.0.2.7"]})
    here.run(20)
    here.fails("connect_timeout", check="api")
    here.run(30)
    [outer] = here.incidents()
    assert str(outer.domain).endswith("192.0.2.7")
    here.fails("http_challenge", check="pages")
    here.run(60)
    inner = next(incident for incident in here.incidents() if incident.id != outer.id)
    assert (inner.parent, outer.parent) == (outer.id, "")
    told = {e.data.incident for e in here.events if isinstance(e.data, AlertRouted) and e.data.to}
    assert told == {outer.id}


PAGES = """
[[check]]
name = "pages"
kind = "http"
external = false
targets = ["https://192.0.2.7/page"]
[[receiver]]
name = "ops"
kind = "webhook"
url = "https://192.0.2.44/"
key = "secret:HOOK"
"""
