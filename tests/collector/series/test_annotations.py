"""Events as points: failover, readiness, alerts, and whether a component is there."""

import pytest

from collector.events import AlertRouted, Event, EventData, FailoverChanged, ReadinessChanged, Suppressed, Told
from collector.series.annotations import component_point, event_points
from collector.series.encode import Encoder
from parallax import points
from parallax.clock import NS
from parallax.exposition import Point
from tests.fakes.events import AT, incident

SWITCHED = FailoverChanged(
    word="switched", group="regions", direction="failback", source="a", target="b", title="b serves", why="seen",
    duration_ns=40 * NS, dwell_ns=3600 * NS, hurt=7, flaps=3,
)  # fmt: skip


def made(data: EventData, position: int = 5) -> list[Point]:
    return list(event_points(Event(id="e", at=AT, cause=1, data=data), position))


def test_a_switchover_is_a_note_its_figures_and_who_serves_now():
    note, figures, source, target = made(SWITCHED)
    assert (note.of, note.tags["type"]) == (points.ANNOTATION, "failback.switched")
    assert figures.tags == {"group": "regions", "direction": "failback"}
    assert figures.fields == {"duration_seconds": 40.0, "dwell_seconds": 3600.0, "hurt": 7, "flaps": 3}
    assert [(each.tags["member"], each.fields["serving"]) for each in (source, target)] == [("a", 0), ("b", 1)]
    assert all(each.at == AT - AT % 1_000_000 + 5 for each in (note, figures, source, target))


def test_what_is_said_of_failover_without_a_switchover_is_a_note_alone():
    (note,) = made(FailoverChanged(word="blocked", group="regions", direction="failover", title="not now"))
    assert note.tags == {"type": "failover.blocked", "severity": "warning"}


@pytest.mark.parametrize(("word", "ready"), [("lost", 0), ("restored", 1)])
def test_readiness_is_a_note_and_a_number(word: str, ready: int):
    note, member = made(ReadinessChanged(word=word, group="regions", member="b", title="x"))  # type: ignore[arg-type]
    assert note.tags["type"] == f"readiness.{word}"
    assert (member.tags["member"], member.fields["ready"], member.fields["serving"]) == ("b", ready, None)


def test_an_alert_counts_those_who_are_told_and_those_who_are_not():
    routed = AlertRouted(
        key="k", about="incident.opened", phase="trigger", tier="page", severity="critical", to=("a", "b"),
        suppressed=(Suppressed(receiver="c", by="silence", why="x"),),
        of=(Told(id="i", at=AT, data=incident().data),),  # type: ignore[arg-type]
    )  # fmt: skip
    (alert,) = made(routed)
    assert alert.fields == {"told": 2, "suppressed": 1}
    assert alert.tags == {"phase": "trigger", "tier": "page", "severity": "critical"}


def test_a_storm_of_one_moment_is_so_many_points():
    alert = AlertRouted(
        key="k", about="incident.opened", phase="trigger", tier="page", severity="critical", to=("a",),
        of=(Told(id="i", at=AT, data=incident().data),),  # type: ignore[arg-type]
    )  # fmt: skip
    assert len({point.at for n in range(12_000) for point in made(alert, n)}) == 12_000


def test_every_point_of_events_has_names_that_are_known():
    encoder = Encoder()
    assert all(encoder.point(point) for point in [*made(SWITCHED), *made(incident().data)])


@pytest.mark.parametrize(
    ("state", "available"),
    [("operational", 1), ("degraded_performance", 1), ("partial_outage", 0), ("full_outage", 0),
     ("under_maintenance", None), ("not_measured", None), ("unknown", None)],
)  # fmt: skip
def test_what_nobody_can_tell_counts_for_no_availability(state: str, available: int | None):
    assert component_point(AT, "Sign-in", state).fields["available"] == available
