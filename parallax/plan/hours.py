"""Working hours as a plan writes them: Mon-Fri 09:00-17:00 UTC. Pure."""

import re
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from parallax.clock import NS
from parallax.loading.problems import shown

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORM = re.compile(r"(\S+) (\d\d):(\d\d)-(\d\d):(\d\d) (\S+)", re.ASCII)
_MOMENT = re.compile(r"([A-Z][a-z]{2}) (\d\d):(\d\d)", re.ASCII)
_LIKE = "wants days, hours and a time zone, like Mon-Fri 09:00-17:00 UTC or Mon,Wed,Sat-Sun 08:30-24:00 Europe/Berlin"


class Hours(msgspec.Struct, frozen=True):
    """Some hours of some days of the week, by the clocks of one place."""

    days: frozenset[int]
    """0 is Monday."""
    start_min: int
    """Minutes since midnight."""
    end_min: int
    zone: str

    def has(self, now_ns: int) -> bool:
        """Whether this moment, ns since the Unix epoch, lies within them."""
        here = datetime.fromtimestamp(now_ns / NS, ZoneInfo(self.zone))
        return here.weekday() in self.days and self.start_min <= here.hour * 60 + here.minute < self.end_min


def week_minute(text: str) -> int:
    """A moment of the week, "Mon 10:00", in minutes since the Monday before. Raises ValueError with a sentence."""
    form = _MOMENT.fullmatch(text)
    if form is None or form[1] not in DAYS or int(form[2]) > 23 or int(form[3]) > 59:
        raise ValueError(f"{shown(text)} is not understood; wants a day and an hour, like Mon 10:00")
    return (DAYS.index(form[1]) * 24 + int(form[2])) * 60 + int(form[3])


@lru_cache(maxsize=256)
def parse_hours(text: str) -> Hours:
    """The hours that a text says. Raises ValueError with a sentence."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"{shown(text)} is not understood; {_LIKE}")
    start, end = (int(form[at]) * 60 + int(form[at + 1]) for at in (2, 4))
    if max(int(form[3]), int(form[5])) > 59 or end > 24 * 60:
        raise ValueError(f"{shown(text)} has a time that no clock shows; {_LIKE}")
    if start >= end:
        raise ValueError(
            f"{shown(text)} ends before it begins; hours end on the day on which they begin, 24:00 at most"
        )
    try:
        ZoneInfo(form[6])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{shown(form[6])} is no time zone that this host knows; {_LIKE}") from None
    return Hours(_days(form[1], text), start, end, form[6])


def _days(words: str, text: str) -> frozenset[int]:
    found: set[int] = set()
    for word in words.split(","):
        first, dash, last = word.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"{shown(text)} has a day that is none of {', '.join(DAYS)}; {_LIKE}")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found.update(day % 7 for day in range(begin, end + 1 if end >= begin else end + 8))
    return frozenset(found)
