"""What would have been told, and how alerting went."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from collector.events import Event, IncidentChanged, IncidentNoted, Moment
from collector.inputs import CommandInput
from collector.routing.rehearsal import WEEK_NS, Ordered, counts_of, rehearse, report_of
from parallax.clock import NS
from parallax.plan.alert_types import Maintenance
from parallax.plan.types import Plan
from tests.collector.routing.desk import MIN, TEAM, line, plan, to
from tests.fakes.events import AT, incident

ROUTES = plan(to("team", tier=["page", "ticket"]), group=[TEAM])


def story() -> Iterator[Event]:
    yield incident(severity="warning")
    yield incident(change="updated", at=AT + 2 * MIN)
    yield incident(change="resolved", at=AT + 20 * MIN)


def test_time_passes_between_events_and_after_them() -> None:
    found = rehearse(ROUTES, story(), AT + 30 * MIN)
    assert [((each.at - AT) // NS, line(each.alert)) for each in found] == [
        (30, "trigger i1 ticket > ops"),
        (120, "update i1 page!~ > ops"),
        (720, "update i1 page! > ops"),
        (1200, "resolve i1 page > ops"),
    ]
    assert found[0].title == "DNS operator dns-a is dark"
    ops = counts_of(ROUTES, found)[1]
    assert (ops.receiver, ops.pages, ops.triggers, ops.updates, ops.resolves, ops.kept) == ("ops", 2, 1, 2, 1, 0)


def test_what_is_open_at_the_end_is_repeated_up_to_it() -> None:
    found = rehearse(ROUTES, [incident(severity="warning")], AT + 10 * 60 * MIN)
    assert [line(each.alert) for each in found] == ["trigger i1 ticket > ops", *["update i1 ticket > ops"] * 2]


def silence(at: int, word: str = "silence", **arguments: str) -> Ordered:
    given = CommandInput(at=at, word=word, actor="ann", arguments={name: [text] for name, text in arguments.items()})
    return Ordered(at=at, command=given)


def told(*orders: Ordered, plan: Plan = ROUTES, silenced: int = 0) -> list[tuple[int, str]]:
    found = rehearse(plan, story(), AT + 30 * MIN, orders, silenced)
    return [((each.at - AT) // NS, line(each.alert)) for each in found]


def test_silences_hold_as_they_did() -> None:
    begun = silence(AT - MIN, component="Sign-in", until=str(AT + 10 * MIN))
    assert told(begun) == [
        (0, "trigger i1 ticket > | ops: silence"),
        (600, "trigger i1 page!~ > ops"),
        (1200, "update i1 page! > ops"),
        (1200, "resolve i1 page > ops"),
    ]
    assert told(begun, silence(AT + MIN, "silence_end", id="s1"))[1] == (60, "trigger i1 ticket > ops")
    for_both = [begun, silence(AT + MIN, "silence_end", id="s8")]
    assert told(*for_both)[1] == (600, "trigger i1 page!~ > ops"), "it ends another"
    assert told(*for_both, silenced=7)[1] == (60, "trigger i1 ticket > ops"), "ids count on"


def test_windows_of_plans_that_were_in_force_hold_unless_the_plan_has_its_own() -> None:
    window = Maintenance(
        name="upgrade", components=["Sign-in"], start=datetime.fromtimestamp(AT / NS, UTC),
        end=datetime.fromtimestamp(AT / NS + 600, UTC),
    )  # fmt: skip
    then, gone = Ordered(at=AT - MIN, windows=(window,)), Ordered(at=AT + 3 * MIN, windows=())
    assert told(then)[0] == (0, "trigger i1 ticket > | ops: maintenance")
    assert told(then)[1] == (600, "trigger i1 page!~ > ops")
    assert told(then, gone)[1][0] in range(180, 241), "the plan that was in force had it no more"
    short = msgspec.structs.replace(window, end=datetime.fromtimestamp(AT / NS + 60, UTC))
    own = msgspec.structs.replace(ROUTES, maintenance=[short])
    assert told(then, plan=own)[:2] == told(plan=own)[:2]


def test_a_report() -> None:
    events = list(story())
    alerts = [
        Event(id=f"r{n}", at=each.at, cause=1, data=each.alert)
        for n, each in enumerate(rehearse(ROUTES, story(), AT + 30 * MIN))
    ]
    opened = events[0].data
    assert isinstance(opened, IncidentChanged)
    moment = Moment(at=AT + 5 * MIN, what="acknowledged", actor="ann")
    noted = Event(id="a", at=AT + 5 * MIN, cause=1, data=IncidentNoted(moment=moment, incident=opened.incident))
    found = report_of([*events, *alerts, noted], AT, AT + WEEK_NS // 2)
    assert (found.pages, found.pages_a_week, found.paged, found.acknowledged) == (2, 4.0, 1, 1)
    assert found.median_ack_ns == 3 * MIN
    assert found.noisiest == (("Sign-in", 2),)
    assert report_of([], AT, AT).pages_a_week == 0
