"""Until when something that a person orders holds. Pure."""

from datetime import datetime

from collector.commands.commands import CommandError
from parallax.clock import NS


def until_ns(until: str, for_s: float | None, now: int, most_ns: int) -> int:
    """Ns since the Unix epoch, a whole second, by one of the two: a time with its offset from UTC, or a span from now.
    It lies ahead, by `most_ns` at most. Raises CommandError."""
    if (for_s is None) == (not until):
        raise CommandError('say until when: "until", a time as 2026-02-10T17:35:00Z, or "for_s", seconds')
    try:
        if for_s is not None:
            end = now + int(min(for_s, 2 * most_ns / NS) * NS)
        else:
            moment = datetime.fromisoformat(until)
            if moment.tzinfo is None:
                raise ValueError
            end = int(moment.timestamp()) * NS
    except (ValueError, OverflowError):
        raise CommandError(f'"until" is {until[:40]!r}; write a time as 2026-02-10T17:35:00Z') from None
    if not now + NS < end <= now + most_ns:
        hours = most_ns // (3600 * NS)
        span = f"{hours} h" if hours <= 48 else f"{hours // 24} days"
        raise CommandError(f"it must end in the future, and within {span}")
    return end // NS * NS
