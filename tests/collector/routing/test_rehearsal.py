"""What would have been told, and how alerting went."""

from collections.abc import Iterator

from collector.events import Event, IncidentChanged, IncidentNoted, Moment
from collector.routing.rehearsal import WEEK_NS, counts_of, rehearse, report_of
from parallax.clock import NS
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
