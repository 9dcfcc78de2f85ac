"""Working hours: what a plan may write, and when they are."""

from datetime import UTC, datetime

import pytest

from parallax.plan.hours import parse_hours


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("hours", "moment", "within"),
    [
        ("Mon-Fri 09:00-17:00 UTC", "2026-08-06T09:00", True),
        ("Mon-Fri 09:00-17:00 UTC", "2026-08-06T08:59", False),
        ("Mon-Fri 09:00-17:00 UTC", "2026-08-06T17:00", False),
        ("Mon-Fri 09:00-17:00 UTC", "2026-08-08T12:00", False),
        ("Sat,Mon 00:00-24:00 UTC", "2026-08-08T23:59", True),
        ("Fri-Mon 00:00-24:00 UTC", "2026-08-09T12:00", True),
        ("Fri-Mon 00:00-24:00 UTC", "2026-08-11T12:00", False),
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-08-06T07:30", True),
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-01-08T07:30", False),
        ("Mon 09:00-17:00 Asia/Tokyo", "2026-08-03T00:30", True),
    ],
)
def test_when_they_are(hours: str, moment: str, within: bool) -> None:
    assert parse_hours(hours).has(ns(moment)) is within


@pytest.mark.parametrize(
    ("hours", "why"),
    [
        ("", "is not understood"),
        ("always", "is not understood"),
        ("Mon-Fri 9:00-17:00 UTC", "is not understood"),
        ("Mon-Fri 09:00-17:00", "is not understood"),
        ("Mon-Fri 09:00-24:01 UTC", "no clock shows"),
        ("Mon-Fri 09:60-17:00 UTC", "no clock shows"),
        ("Mon-Fri 22:00-06:00 UTC", "ends before it begins"),
        ("Mon-Fri 09:00-09:00 UTC", "ends before it begins"),
        ("Monday 09:00-17:00 UTC", "a day that is none of"),
        ("Mon- 09:00-17:00 UTC", "a day that is none of"),
        ("Mon-Fri 09:00-17:00 Europe", "no time zone"),
        ("Mon-Fri 09:00-17:00 Mars/Base", "no time zone"),
        ("Mon-Fri 09:00-17:00 ../../etc/passwd", "no time zone"),
        ("Mon-Fri ٠٩:00-17:00 UTC", "is not understood"),
    ],
)
def test_what_is_not_understood(hours: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_hours(hours)
