"""What a receiver knows, and so what to send it next of what waits under one key. Pure.

What one key stands for is told in order. A start that was never told and is over by now is left out: nobody needs to be
woken for it, and its end tells it all. An end is never left out. The all-clear is such an end, and what it is about may
still come back.
"""

from collections.abc import Sequence

import msgspec

from collector.events import AlertRouted, IncidentChanged

MOST_KNOWN = 1000
"""Keys whose end a receiver waits for; past it the oldest are forgotten."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that a receiver has not taken yet, and its place in `events`."""

    position: int
    id: str
    at: int
    """ns since the Unix epoch."""
    alert: AlertRouted


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver knows of a key that is not over. `told` False: it was to be told, and could not be. `position` is
    the last record that it took; `ended_at` its end, kept for a while where ends are said again."""

    told: bool
    position: int = 0
    ended_at: int = 0


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What comes next: `number` of those that wait are left out first, then `waiting` is sent (None: nothing is left).
    `missed`: the receiver was never told of the start."""

    number: int
    waiting: Waiting | None
    missed: bool = False


def is_end(alert: AlertRouted) -> bool:
    """Whether it closes what an earlier one opened."""
    return alert.phase == "resolve"


def is_over(alert: AlertRouted) -> bool:
    """Whether it says that all is well again, whether it closes the alert yet or not."""
    data = alert.of[-1].data if alert.of else None
    return is_end(alert) or (isinstance(data, IncidentChanged) and data.change == "monitoring")


def choose(waiting: Sequence[Waiting], before: Told | None) -> Choice:
    """What to send next of what waits under one key, oldest first; `before` is what is known of the key."""
    told, last, missed = before is not None and before.told, waiting[-1], before is not None and not before.told
    for number, each in enumerate(waiting):
        if each.alert.phase == "notice":
            return Choice(number=number, waiting=each)
        if before is not None and each.position <= before.position:
            continue  # what came after it has been told: it was read late
        if is_over(each.alert):
            if told or each is last:
                return Choice(number=number, waiting=each, missed=missed)
        elif told or not is_over(last.alert):
            return Choice(number=number, waiting=each)
        else:
            missed = True
    return Choice(number=len(waiting), waiting=None)


def known_after(before: Told | None, waiting: Waiting, *, sent: bool, keep_end: bool = False) -> Told | None:
    """What is known of a key after an alert was sent, or given up; None once there is no end to wait for. `keep_end`
    keeps an end that is to be said again."""
    if waiting.alert.phase == "notice":
        return before
    told = sent or (before is not None and before.told)
    if not is_end(waiting.alert):
        return Told(told=told, position=waiting.position)
    return Told(told=True, position=waiting.position, ended_at=waiting.at) if keep_end and sent else None
