"""iCalendar (RFC 5545) texts as spans of time: the one module that reads them, by the library icalendar and dateutil.

What recurs is worked out for a year ahead, within bounds: a calendar is somebody else's text. DATE values are whole
days in UTC, and so are times without a zone; STATUS:CANCELLED is no window; a RECURRENCE-ID moves one occurrence.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from parallax.clock import NS

MAX_WINDOWS = 2000
"""Windows within a year."""
MAX_EVENTS = 2000
AHEAD = timedelta(days=366)
BEHIND = timedelta(days=31)
"""How long a window may last."""
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""An end that is later than any window ("UNTIL=99991231") is the latest."""
MAX_TEXT = 1_000_000
"""Characters."""
OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
MAX_STEPS = 20_000
"""Occurrences that are gone through on the way to those within reach: a window a day for fifty years."""
MAX_RULES = 50
AWAY_YEARS = 7600
"""dateutil looks for a day that never comes up to the year 9999, for half a minute. The Gregorian calendar repeats
every 400 years, weekdays included, so that rules are worked out where there is little left of it."""
_DAY_NS = 24 * 3600 * NS

Span = tuple[int, int]


class CalendarError(ValueError):
    """The text is no calendar that can be used; says why."""


class Recurrence(msgspec.Struct, frozen=True):
    """By what it comes again: dateutil's rule on wall time, `AWAY_YEARS` later than it is meant; up to a moment."""

    made: Any
    until: datetime | None


class Rule(msgspec.Struct, frozen=True):
    """One event: when it first is, for how long, and by what it comes again."""

    start: datetime
    length: timedelta
    rules: tuple[Recurrence, ...] = ()
    more: tuple[datetime, ...] = ()
    less: frozenset[datetime] = frozenset()
    """Occurrences that are left out or moved."""


def spans_near(text: str, now_ns: int) -> tuple[Span, ...]:
    """The windows from a month before this day to a year after it, as (start, end) in ns since the Unix epoch, sorted.
    Raises CalendarError."""
    return _spans(text, now_ns // _DAY_NS)


def calendar_fault(text: str) -> str | None:
    """Why a text cannot be used; None if it can."""
    try:
        _spans(text, int(min(rule.start for rule in read_calendar(text)).timestamp()) // 86400)
    except CalendarError as error:
        return str(error)
    return None


@lru_cache(maxsize=64)
def _spans(text: str, day: int) -> tuple[Span, ...]:
    today = datetime.fromtimestamp(day * 86400, UTC)
    begin, end = today - BEHIND, today + AHEAD
    found: set[Span] = set()
    for rule in read_calendar(text):
        for start in _occurrences(rule, begin, end):
            found.add((_ns(start), _ns(start + rule.length)))
            if len(found) > MAX_WINDOWS:
                raise CalendarError(f"has over {MAX_WINDOWS} windows within a year")
    return tuple(sorted(found))


@lru_cache(maxsize=64)
def read_calendar(text: str) -> tuple[Rule, ...]:
    """Its events. Raises CalendarError."""
    from icalendar import Calendar  # not every host that reads a plan has it

    if len(text) > MAX_TEXT:
        raise CalendarError(f"has {len(text)} characters; {MAX_TEXT} are the most")
    found = text.upper().count("BEGIN:VEVENT")
    if found > MAX_EVENTS:
        raise CalendarError(f"has {found} events; {MAX_EVENTS} are the most")
    try:
        calendar = Calendar.from_ical(text)
        events = [each for each in calendar.walk("VEVENT") if str(each.get("STATUS", "")).upper() != "CANCELLED"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise CalendarError(f"is no iCalendar text (RFC 5545): {str(error)[:150]}") from None
    if not events:
        raise CalendarError("has no VEVENT: no window at all")
    if sum("RRULE" in event for event in events) > MAX_RULES:
        raise CalendarError(f"has over {MAX_RULES} events that recur")
    moved: dict[str, set[datetime]] = {}
    for event in events:
        if event.get("RECURRENCE-ID") is not None:
            moved.setdefault(str(event.get("UID", "")), set()).add(_moment(_decoded(event, "RECURRENCE-ID")))
    try:
        return tuple(_rule(event, moved.get(str(event.get("UID", "")), set())) for event in events)
    except CalendarError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise CalendarError(f"has an event that cannot be read: {str(error)[:150]}") from None


def _rule(event: Any, moved: set[datetime]) -> Rule:
    name = str(event.get("SUMMARY", "") or event.get("UID", "") or "an event")[:60]
    if event.get("DTSTART") is None:
        raise CalendarError(f"{name}: has no DTSTART")
    first = _decoded(event, "DTSTART")
    if isinstance(first, date) and first.year < EARLIEST.year:
        raise CalendarError(f"{name}: begins before {EARLIEST.year}")
    start = _moment(first)
    if event.get("DTEND") is not None:
        length = _moment(_decoded(event, "DTEND")).astimezone(UTC) - start.astimezone(UTC)
    elif event.get("DURATION") is not None:
        length = _decoded(event, "DURATION")
    else:
        length = timedelta(days=1) if not isinstance(first, datetime) else timedelta(0)
    if not isinstance(length, timedelta) or not timedelta(0) < length <= BEHIND:
        raise CalendarError(f"{name}: lasts {length}; a window is longer than nothing and at most {BEHIND.days} days")
    if event.get("RECURRENCE-ID") is not None:
        if getattr(event.get("RECURRENCE-ID"), "params", {}).get("RANGE"):
            raise CalendarError(f"{name}: moves all that come after it (RANGE); end the first, and begin another")
        return Rule(start, length)
    return Rule(
        start,
        length,
        tuple(_recurrence(each, start, name) for each in _listed(event.get("RRULE"))),
        tuple(_moments(event.get("RDATE"))),
        frozenset(_moments(event.get("EXDATE"))) | moved,
    )


def _recurrence(rule: Any, start: datetime, name: str) -> Recurrence:
    from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

    parts = {str(key).upper(): _listed(value) for key, value in rule.items()}
    often = str((parts.get("FREQ") or [""])[0]).upper()
    if min(parts.get("INTERVAL", [1])) < 1:
        raise CalendarError(f"{name}: its INTERVAL is no number of times")
    if often in OFTEN:
        raise CalendarError(f"{name}: recurs {often}; a window may recur daily or more seldom")
    if "BYSECOND" in parts or len(parts.get("BYMINUTE", ())) > 4:
        raise CalendarError(f"{name}: recurs too often within a day")
    if often == "DAILY":
        others = parts.keys() - {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYHOUR", "BYMINUTE"}
        if others - {"BYDAY", "BYMONTH"} or (others and parts.get("INTERVAL", [1]) != [1]):
            raise CalendarError(f"{name}: recurs DAILY with {', '.join(sorted(others))}; write it WEEKLY or MONTHLY")
    try:
        until = _until(parts["UNTIL"][0]) if "UNTIL" in parts else None
        text = ";".join(part for part in rule.to_ical().decode().split(";") if not part.upper().startswith("UNTIL="))
        wall = start.replace(tzinfo=None)
        made = rrulestr(text, dtstart=wall.replace(year=wall.year + AWAY_YEARS))
        if next(iter(made), None) is None:
            raise CalendarError(f"{name}: never comes")
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
        if isinstance(error, CalendarError):
            raise
        raise CalendarError(f"{name}: its RRULE cannot be read: {str(error)[:100]}") from None
    return Recurrence(made, until)


def _until(value: Any) -> datetime:
    if isinstance(value, date) and value.year >= LATEST.year:
        return LATEST
    return _moment(value, whole_day=True).astimezone(UTC)


def _occurrences(rule: Rule, begin: datetime, end: datetime) -> Iterator[datetime]:
    found = {start.astimezone(UTC): start for start in (rule.start, *rule.more)}
    for recurrence in rule.rules:
        limit = end if recurrence.until is None else min(end, recurrence.until + timedelta(microseconds=1))
        for step, away in enumerate(recurrence.made):
            start = away.replace(year=away.year - AWAY_YEARS, tzinfo=rule.start.tzinfo)
            if start.astimezone(UTC) >= limit:
                break
            if step > MAX_STEPS:
                raise CalendarError(f"recurs over {MAX_STEPS} times before it comes to this year")
            if start.astimezone(UTC) >= begin:
                found[start.astimezone(UTC)] = start
    less = {moment.astimezone(UTC) for moment in rule.less}
    for at, start in found.items():
        if begin <= at < end and at not in less:
            yield start


def _decoded(event: Any, name: str) -> Any:
    try:
        value = event.get(name)
        found = (value[0] if isinstance(value, list) else value).dt
        zone = value.params.get("TZID") if hasattr(value, "params") else None
    except (AttributeError, ValueError, KeyError, IndexError) as error:
        raise CalendarError(f"its {name} cannot be read: {str(error)[:100]}") from None
    if zone and isinstance(found, datetime) and found.tzinfo is None:
        raise CalendarError(f"its {name} is in the zone {str(zone)[:60]}, which nobody knows here")
    return found


def _moments(value: Any) -> Iterator[datetime]:
    for each in _listed(value):
        for one in each.dts:
            if isinstance(one.dt, tuple):
                raise CalendarError("has a PERIOD in a list of dates; make an event of it")
            yield _moment(one.dt)


def _moment(value: Any, *, whole_day: bool = False) -> datetime:
    if isinstance(value, datetime):
        found = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    elif isinstance(value, date):
        found = datetime.combine(value, time.max if whole_day else time.min, UTC)
    else:
        raise CalendarError(f"has {str(value)[:40]!r} where a time should be")
    if not EARLIEST.year <= value.year < LATEST.year:
        raise CalendarError(f"has a time in {value.year}; windows lie between {EARLIEST.year} and {LATEST.year}")
    return found


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * NS
