"""iCalendar texts as windows, and what is refused of them."""

from datetime import UTC, datetime

import pytest

from parallax.clock import NS
from parallax.plan.alert_types import Maintenance
from parallax.plan.calendars import CalendarError, calendar_fault, spans_near
from parallax.plan.windows import is_open, open_until


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * NS


NOW = ns("2026-03-01T00:00:00Z")


def calendar(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:a", *lines, "END:VEVENT", "END:VCALENDAR", ""])


def windows(*lines: str) -> list[tuple[str, float]]:
    spans = spans_near(calendar(*lines), NOW)
    return [(f"{datetime.fromtimestamp(a // NS, UTC):%m-%d %H:%M}", (b - a) / NS / 3600) for a, b in spans]


def test_weekly_by_wall_time_with_exceptions_over_a_change_of_the_clocks() -> None:
    found = windows(
        "DTSTART;TZID=Europe/Berlin:20260215T020000",
        "DTEND;TZID=Europe/Berlin:20260215T040000",
        "RRULE:FREQ=WEEKLY;BYDAY=SU;UNTIL=20260412T000000Z",
        "EXDATE;TZID=Europe/Berlin:20260301T020000,20260308T020000",
    )
    assert found == [
        ("02-15 01:00", 2), ("02-22 01:00", 2), ("03-15 01:00", 2), ("03-22 01:00", 2), ("03-29 01:00", 1),
        ("04-05 00:00", 2), ("04-12 00:00", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (("DTSTART:20260310T020000Z", "DURATION:PT2H"), [("03-10 02:00", 2)]),
        (("DTSTART;VALUE=DATE:20260310",), [("03-10 00:00", 24)]),
        (("DTSTART:20260310T020000", "DURATION:PT2H"), [("03-10 02:00", 2)]),
        (("DTSTART:20260310T020000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2"),
         [("03-10 02:00", 1), ("03-11 02:00", 1)]),
        (("DTSTART:20260310T020000Z", "DURATION:PT1H", "RDATE:20260312T050000Z"),
         [("03-10 02:00", 1), ("03-12 05:00", 1)]),
        (("DTSTART:20260310T020000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3", "END:VEVENT", "BEGIN:VEVENT",
          "UID:a", "RECURRENCE-ID:20260311T020000Z", "DTSTART:20260311T120000Z", "DURATION:PT3H"),
         [("03-10 02:00", 1), ("03-11 12:00", 3), ("03-12 02:00", 1)]),
        (("DTSTART:20240101T020000Z", "DURATION:PT1H"), []),
    ],
)  # fmt: skip
def test_windows(lines: tuple[str, ...], found: list[tuple[str, float]]) -> None:
    assert windows(*lines) == found


def test_what_recurs_for_ever_is_worked_out_for_a_year() -> None:
    assert len(windows("DTSTART:20000101T020000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY")) == 31 + 366


ONE = ("DTSTART:20260101T020000Z", "DURATION:PT1S")


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((*ONE, "RRULE:FREQ=SECONDLY"), "a: recurs SECONDLY; a window may recur daily or more seldom"),
        ((*ONE, "RRULE:FREQ=HOURLY"), "a: recurs HOURLY; a window may recur daily or more seldom"),
        ((*ONE, "RRULE:FREQ=DAILY;BYSECOND=1,2"), "a: recurs too often within a day"),
        ((*ONE, "RRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7;BYMINUTE=1,2,3"), "has over 2000 windows within a year"),
        ((*ONE, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
         "a: recurs DAILY with BYMONTH, BYMONTHDAY; write it WEEKLY or MONTHLY"),
        ((*ONE, "RRULE:FREQ=DAILY;INTERVAL=7;BYDAY=MO"), "a: recurs DAILY with BYDAY; write it WEEKLY or MONTHLY"),
        ((*ONE, "RRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"), "a: never comes"),
        ((*ONE, "RRULE:FREQ=WEEKLY;INTERVAL=0"), "a: its INTERVAL is no number of times"),
        (("DTSTART:20260101T020000Z",), "a: lasts 0:00:00; a window is longer than nothing and at most 31 days"),
        (("DTSTART:19700101T020000Z", "DURATION:PT1S"), "a: begins before 2000"),
        (("DURATION:PT1S",), "a: has no DTSTART"),
        (("DTSTART;TZID=Nowhere/Land:20260301T020000", "DURATION:PT9H"),
         "its DTSTART is in the zone Nowhere/Land, which nobody knows here"),
        (("DTSTART:99991231T230000Z", "DURATION:PT1S"), "has a time in 9999; windows lie between 2000 and 2200"),
        (("DTSTART;TZID=Asia/Tokyo:99991231T230000", "DURATION:PT1S"),
         "has a time in 9999; windows lie between 2000 and 2200"),
        ((*ONE, "EXDATE:00010101T000000Z"), "has a time in 1; windows lie between 2000 and 2200"),
        ((*ONE, "RDATE;VALUE=PERIOD:20260201T020000Z/PT3H"), "has a PERIOD in a list of dates; make an event of it"),
        ((*ONE, "RRULE:FREQ=DAILY;COUNT=5", "END:VEVENT", "BEGIN:VEVENT", "UID:a",
          "RECURRENCE-ID;RANGE=THISANDFUTURE:20260102T020000Z", "SUMMARY:b", *ONE),
         "b: moves all that come after it (RANGE); end the first, and begin another"),
        (("STATUS:CANCELLED", *ONE), "has no VEVENT: no window at all"),
    ],
)  # fmt: skip
def test_refused(lines: tuple[str, ...], why: str) -> None:
    assert calendar_fault(calendar(*lines)) == why


@pytest.mark.parametrize("until", ["99991231", "99991231T235959", "99991231T235959Z"])
def test_what_has_no_end_may_say_so_by_the_last_of_all_days(until: str) -> None:
    assert len(windows("DTSTART:20260101T020000Z", "DURATION:PT1H", f"RRULE:FREQ=MONTHLY;UNTIL={until}")) > 10


def test_what_is_too_large_is_not_even_read() -> None:
    assert calendar_fault("BEGIN:VEVENT\r\n" * 2001) == "has 2001 events; 2000 are the most"
    assert calendar_fault("x" * 1_000_001) == "has 1000001 characters; 1000000 are the most"


@pytest.mark.parametrize(
    "text", ["", "nonsense", "BEGIN:VCALENDAR", calendar("DTSTART:x"), "\x00" * 50, "BEGIN:VEVENT"]
)
def test_garbage_is_a_calendar_error(text: str) -> None:
    with pytest.raises(CalendarError):
        spans_near(text, NOW)


def test_a_window_is_open_until_its_end() -> None:
    fixed = Maintenance(
        name="m", components=["a"], start=datetime(2026, 3, 1, 2, tzinfo=UTC), end=datetime(2026, 3, 1, 4, tzinfo=UTC)
    )
    text = calendar("DTSTART:20260222T020000Z", "DURATION:PT2H", "RRULE:FREQ=WEEKLY")
    for window in (fixed, Maintenance(name="m", components=["a"], calendar=text)):
        assert not is_open(window, ns("2026-03-01T01:59:59Z"))
        assert open_until(window, ns("2026-03-01T02:00:00Z")) == ns("2026-03-01T04:00:00Z")
        assert is_open(window, ns("2026-03-01T03:59:59Z"))
        assert not is_open(window, ns("2026-03-01T04:00:00Z"))


def test_of_windows_within_each_other_the_last_end_counts() -> None:
    text = calendar(
        "DTSTART:20260301T000000Z", "DURATION:PT10H", "END:VEVENT", "BEGIN:VEVENT", "UID:b",
        "DTSTART:20260301T020000Z", "DURATION:PT1H",
    )  # fmt: skip
    window = Maintenance(name="m", components=["a"], calendar=text)
    assert open_until(window, ns("2026-03-01T02:30:00Z")) == ns("2026-03-01T10:00:00Z")
    assert open_until(window, ns("2026-03-01T05:00:00Z")) == ns("2026-03-01T10:00:00Z")
