"""A receiver that cannot be told is itself alerted, through all the others. Pure.

What came of deliveries is in `inputs`. A receiver that took nothing for two minutes after a try that failed is told of;
its end is told once it has taken alerts for five minutes without a failure, so that one that flaps is one alert. It is
never told through itself. A start of the collector forgets failures that were not yet told: what waits is tried at once
and fails again, and what came just before a crash may not be on disk.
"""

from collections.abc import Mapping

import msgspec

from collector.events import AlertRouted, Noticed, NoticeWord, Severity, Told
from collector.inputs import DeliveryInput
from collector.routing.people import people_of
from parallax.clock import NS, rfc3339
from parallax.plan.types import Plan
from parallax.spans import lasting

LOST_NS = 120 * NS
CALM_NS = 300 * NS
MOST_SINKS = 500
_TEXT = 200


class Sink(msgspec.Struct):
    """A receiver in trouble; ns since the Unix epoch, 0: not so."""

    failing_since: int = 0
    calm_since: int = 0
    told_at: int = 0
    lost_since: int = 0
    """Since when it could not be told, as others were told."""
    told_to: tuple[str, ...] = ()
    why: str = ""


def note_delivery(sinks: dict[str, Sink], value: DeliveryInput, now: int) -> None:
    """Takes what came of a delivery."""
    sink = sinks.get(value.receiver)
    if value.outcome == "sent":
        if sink is None:
            return
        if not sink.told_at:
            del sinks[value.receiver]
        elif sink.failing_since or not sink.calm_since:
            sink.failing_since, sink.calm_since = 0, now
        return
    if sink is None:
        if len(sinks) >= MOST_SINKS:
            return
        sink = sinks[value.receiver] = Sink()
    if not sink.failing_since:
        sink.failing_since, sink.calm_since = now, 0
    sink.why = value.text[:_TEXT]


def note_start(sinks: dict[str, Sink], now: int) -> None:
    """The collector was started."""
    for name, sink in list(sinks.items()):
        if not sink.told_at:
            del sinks[name]
        else:
            sink.failing_since, sink.calm_since = 0, now


def route_sinks(sinks: dict[str, Sink], plan: Plan, now: int) -> list[AlertRouted]:
    """The alerts that are due now. With no receiver in trouble it costs nothing."""
    if not sinks:
        return []
    names = [receiver.name for receiver in plan.receiver]
    routed = []
    for name, sink in list(sinks.items()):
        if name not in names:
            del sinks[name]
            if sink.told_at:
                routed.append(_alert(name, sink, names, now, f"Receiver {name} is in the plan no longer"))
        elif sink.failing_since and now - sink.failing_since >= LOST_NS and not sink.told_at:
            sink.told_at, sink.lost_since = now, sink.failing_since
            sink.told_to = tuple(each.name for each in people_of(plan).receiver if each.name != name)
            routed.append(_alert(name, sink, names, now))
        elif sink.told_at and sink.calm_since and now - sink.calm_since >= CALM_NS:
            del sinks[name]
            span = lasting(sink.calm_since - sink.lost_since)
            routed.append(_alert(name, sink, names, now, f"Receiver {name} takes alerts again, after {span}"))
    return routed


def rewind_sinks(sinks: Mapping[str, Sink], at: int) -> None:
    """The collector's clock was put back: all that lay later is now."""
    for sink in sinks.values():
        sink.failing_since, sink.calm_since = min(sink.failing_since, at), min(sink.calm_since, at)
        sink.told_at, sink.lost_since = min(sink.told_at, at), min(sink.lost_since, at)


def _alert(name: str, sink: Sink, names: list[str], now: int, ended: str = "") -> AlertRouted:
    """Its trigger, or its end where `ended` says so; who left the plan is not told."""
    word: NoticeWord = "receiver_back" if ended else "receiver_lost"
    title = ended or f"Receiver {name} cannot be told of alerts"
    why = "" if ended else f"since {rfc3339(sink.failing_since)}: {sink.why}"
    severity: Severity = "info" if ended else "warning"
    told = Told(
        id=f"sink/{name}/{sink.told_at}" + ("/end" if ended else ""),
        at=now,
        data=Noticed(word=word, title=title, severity=severity, target=name, why=why),
    )
    return AlertRouted(
        key=f"sink/{name}",
        about=told.type,
        phase="resolve" if ended else "trigger",
        tier="ticket",
        severity=severity,
        lane="slow" if ended else "fast",
        of=(told,),
        to=tuple(each for each in sink.told_to if each in names),
    )
