"""What a lost state leaves open is closed, for everybody who was told of it."""

from collector.detect import Open, endings, note
from collector.events import AlertRouted, Event, IncidentChanged, RiskChanged
from parallax.clock import NS
from tests.collector.routing.desk import Desk, failover
from tests.fakes.events import AT, incident, risk

LATER = AT + 60 * NS


def test_whoever_was_told_is_told_the_end() -> None:
    desk, told = Desk(), Open()
    story = [incident(), risk(), failover("blocked"), incident("i2"), incident("i2", "resolved")]
    for event in story:
        note(told, event)
        for number, alert in enumerate(desk.take(event)):
            note(told, Event(id=f"{event.id}-{number}", at=AT, cause=1, data=alert))
    ends = endings(told, LATER)
    assert [type(each) for each in ends[:2]] == [IncidentChanged, RiskChanged]
    alerts = [each for each in ends if isinstance(each, AlertRouted)]
    assert [(each.key, each.phase, each.to) for each in alerts] == [
        ("i1", "resolve", ("pager", "ops", "log")),
        ("r1", "resolve", ("pager", "ops", "log")),
        ("regions/blocked", "resolve", ("pager", "ops", "log")),
    ]
    assert [each.about for each in alerts] == ["incident.resolved", "risk.cleared", "failover.blocked"]
    assert alerts[0].of[0].data == ends[0]


def test_who_was_told_nothing_is_told_no_end() -> None:
    told = Open()
    alert = Desk().take(incident(severity="info"))[0]
    note(told, Event(id="a", at=AT, cause=1, data=alert))
    assert endings(told, LATER) == []
