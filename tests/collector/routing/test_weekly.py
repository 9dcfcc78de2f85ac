"""The weekly test page, by records' time."""

from datetime import UTC, datetime
from typing import Literal

import pytest

from collector.inputs import DeliveryInput
from collector.routing.weekly import next_hour, note_weekly, rewind_weekly, route_weekly
from parallax.clock import NS
from parallax.plan.alert_types import Receiver
from parallax.plan.hours import week_minute
from parallax.plan.types import Plan
from tests.collector.routing.desk import Desk, line

DAY = 24 * 3600
PLAN = Plan(
    receiver=[
        Receiver(name="pager", kind="webhook", test="weekly", test_at="Tue 09:30"),
        Receiver(name="ops", kind="webhook"),
        Receiver(name="beat", kind="heartbeat"),
    ]
)
MONDAY = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp())
HOUR = MONDAY + DAY + 9 * 3600 + 30 * 60
KEY = f"test/pager/{HOUR}"


def looks(desk: Desk, since: int, until: int, every: int = 5) -> list[tuple[int, str]]:
    found = []
    for at in range(since, until + 1, every):
        found += [(at - HOUR, line(each)) for each in route_weekly(desk.state, desk.plan, at * NS)]
    return found


def came(desk: Desk, outcome: Literal["sent", "retried"], key: str = KEY, receiver: str = "pager") -> None:
    note_weekly(desk.state, DeliveryInput(at=1, alert="e", key=key, receiver=receiver, outcome=outcome))


def test_it_is_sent_at_its_hour_and_closed() -> None:
    desk = Desk(PLAN)
    assert looks(desk, MONDAY, HOUR + 30) == [(0, f"trigger {KEY} page~ > pager")]
    came(desk, "sent")
    assert looks(desk, HOUR + 35, HOUR + DAY) == [(300, f"resolve {KEY} page > pager")]
    assert {at for at, _ in looks(desk, HOUR + DAY, HOUR + 8 * DAY, 30)} == {7 * DAY, 7 * DAY + 300}


@pytest.mark.parametrize("word", ["nothing", "retried", "another", "elsewhere"])
def test_what_is_not_taken_within_five_minutes_is_told_to_all_others(word: str) -> None:
    desk = Desk(PLAN)
    looks(desk, MONDAY, HOUR + 30)
    if word == "retried":
        came(desk, "retried")
    elif word == "another":
        came(desk, "sent", "i1")
    elif word == "elsewhere":
        came(desk, "sent", receiver="ops")
    assert looks(desk, HOUR + 35, HOUR + DAY) == [
        (300, f"notice {KEY}/undelivered ticket~ > ops"),
        (300, f"resolve {KEY} page > pager"),
    ]


def test_one_that_was_missed_waits_for_the_next_week() -> None:
    desk = Desk(PLAN)
    looks(desk, HOUR - 600, HOUR - 300)
    assert looks(desk, HOUR + 3700, HOUR + DAY, 60) == []
    assert [at for at, _ in looks(desk, HOUR + 7 * DAY - 60, HOUR + 7 * DAY + 60)] == [7 * DAY]


def test_a_plan_with_another_hour_or_without_a_test() -> None:
    desk = Desk(PLAN)
    looks(desk, MONDAY, MONDAY + 60)
    desk.plan = Plan(receiver=[Receiver(name="pager", kind="webhook", test="weekly", test_at="Mon 10:00")])
    assert {at + HOUR - MONDAY for at, _ in looks(desk, MONDAY + 120, MONDAY + DAY // 2)} == {36000, 36300}
    desk.plan = Plan(receiver=[Receiver(name="pager", kind="webhook")])
    assert looks(desk, MONDAY + DAY, MONDAY + 9 * DAY, 60) == []
    assert desk.state.trials == {}


def test_a_clock_that_is_put_back_sends_no_test_twice_an_hour() -> None:
    desk = Desk(PLAN)
    looks(desk, HOUR - 60, HOUR + 400)
    rewind_weekly(desk.state, (HOUR + 200) * NS)
    assert looks(desk, HOUR + 200, HOUR + DAY, 60) == []


@pytest.mark.parametrize("text", ["Mon 10:00", "Sun 23:59", "Mon 00:00", "Thu 12:34"])
def test_the_next_hour_is_that_hour_and_within_a_week(text: str) -> None:
    for at in range(MONDAY, MONDAY + 7 * DAY, 3571):
        found = next_hour(text, at * NS)
        assert at * NS < found <= (at + 7 * DAY) * NS
        assert datetime.fromtimestamp(found / NS, UTC).strftime("%a %H:%M") == text


@pytest.mark.parametrize("text", ["mon 10:00", "Mon 24:00", "Mon 9:00", "Xyz 10:00", "Mon 10:60", ""])
def test_what_is_no_moment_of_the_week(text: str) -> None:
    with pytest.raises(ValueError, match="like Mon 10:00"):
        week_minute(text)
