"""Calendars that stand as .ics files in a plan's folder, and that [[maintenance]] names. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from parallax.loading.convert import BAD, Fault, good
from parallax.loading.problems import nearest, shown
from parallax.plan.alert_types import Maintenance
from parallax.plan.rules import Entry
from parallax.plan.source import is_calendar_file


def with_calendars(
    entries: Iterable[Entry], texts: Mapping[str, str], faults: list[tuple[Entry, Fault]]
) -> list[Entry]:
    """The entries, with the texts of the files that windows name as their calendar. `texts`: by file name, those of the
    plan's folder. A file that is not there goes to the faults."""
    found = []
    for entry in entries:
        window = entry.value
        if isinstance(window, Maintenance) and good(window.calendar) and _is_name(window.calendar):
            text = texts.get(window.calendar, BAD)
            if not good(text):
                faults.append((entry, Fault(("calendar",), _missing(window.calendar, texts))))
            entry = msgspec.structs.replace(entry, value=msgspec.structs.replace(window, calendar=text))
        found.append(entry)
    return found


def _is_name(calendar: str) -> bool:
    return is_calendar_file(calendar) and "\n" not in calendar


def _missing(name: str, texts: Mapping[str, str]) -> str:
    way = nearest(name, texts) or "such files stand in the plan's folder, beside its *.toml"
    return f"there is no file {shown(name)} in the plan; {way.rstrip()}"
