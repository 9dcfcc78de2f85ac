"""Routing over what was concluded before: who would have been told, by which plan. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge

import msgspec

from collector.events import AlertRouted, Event, IncidentChanged, IncidentNoted
from collector.inputs import CommandInput
from collector.routing.people import people_of
from collector.routing.route import command_routing, route
from collector.routing.state import NEVER, Routing
from collector.routing.titles import title_of
from parallax.clock import NS
from parallax.plan.alert_types import Maintenance
from parallax.plan.types import Plan

WEEK_NS = 7 * 24 * 3600 * NS
MAX_LOOKS = 100_000
"""Looks for time's sake between two events: repeats over a long quiet time."""


class Routed(msgspec.Struct, frozen=True, kw_only=True):
    """An alert, and when it would have been."""

    at: int
    alert: AlertRouted

    @property
    def title(self) -> str:
        """What it is about, in one line."""
        return title_of(self.alert.of[-1].data)


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What one receiver would have got."""

    receiver: str
    pages: int = 0
    triggers: int = 0
    updates: int = 0
    resolves: int = 0
    notices: int = 0
    kept: int = 0
    """What was kept back from it."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How alerting went over a span."""

    span_ns: int
    pages: int
    pages_a_week: float
    paged: int
    """Incidents that paged."""
    acknowledged: int
    """Those of them that somebody acknowledged."""
    median_ack_ns: int | None
    """From the page to the acknowledgement."""
    noisiest: tuple[tuple[str, int], ...]
    """Components by pages, the most first."""


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """What people ordered at a moment: a command, or the windows of the plan that was in force from then on."""

    at: int
    command: CommandInput | None = None
    windows: tuple[Maintenance, ...] | None = None


def rehearse(
    plan: Plan, events: Iterable[Event], until: int, orders: Iterable[Ordered] = (), silenced: int = 0
) -> list[Routed]:
    """What routing makes of events, oldest first, and of the time up to a moment. Alerts among the events are passed
    over. What people ordered, oldest first, is played with them: silences, and windows of maintenance that were in
    force then and that the plan has no more; those of the plan itself hold in any case. `silenced`: how many silences
    there were before, as their ids count on."""
    state, found, tried = Routing(silenced=silenced), list[Routed](), plan
    both: Iterator[Event | Ordered] = merge(orders, events, key=lambda each: each.at)
    for each in both:
        if isinstance(each, Event) and isinstance(each.data, AlertRouted):
            continue
        _pass_time(state, plan, each.at, found)
        if isinstance(each, Ordered) and each.command is not None:
            command_routing(state, plan, each.command, each.at)
        if isinstance(each, Ordered) and each.windows is not None:
            plan = _with_windows(tried, each.windows)
        happened = [each] if isinstance(each, Event) else []
        found += [Routed(at=each.at, alert=alert) for alert in route(state, plan, happened, each.at)]
    _pass_time(state, plan, until, found)
    return found


def _with_windows(plan: Plan, windows: Sequence[Maintenance]) -> Plan:
    own = {window.name for window in plan.maintenance}
    return msgspec.structs.replace(
        plan, maintenance=[*plan.maintenance, *(window for window in windows if window.name not in own)]
    )


def counts_of(plan: Plan, routed: Iterable[Routed]) -> list[Counts]:
    """Of every receiver of the plan, in its order."""
    told: dict[str, Counter[str]] = {receiver.name: Counter() for receiver in people_of(plan).receiver}
    for each in routed:
        for name in each.alert.to:
            told.setdefault(name, Counter()).update([f"{each.alert.phase}s", *["pages"] * each.alert.pages])
        for kept in each.alert.suppressed:
            if kept.receiver not in each.alert.to:
                told.setdefault(kept.receiver, Counter()).update(["kept"])
    return [Counts(receiver=name, **dict(counts)) for name, counts in told.items()]


def report_of(events: Iterable[Event], since: int, until: int) -> Report:
    """Of the alerts among the events, from one moment to another."""
    paged: dict[str, int] = {}
    acknowledged: dict[str, int] = {}
    components: Counter[str] = Counter()
    pages = 0
    for event in events:
        data = event.data
        if isinstance(data, IncidentNoted) and data.moment.what == "acknowledged":
            acknowledged.setdefault(data.incident.id, event.at)
        if not isinstance(data, AlertRouted) or not data.pages or not data.to or not since <= event.at <= until:
            continue
        pages += 1
        last = data.of[-1].data
        if isinstance(last, IncidentChanged):
            paged.setdefault(data.key, event.at)
        known = last.incident.components if isinstance(last, IncidentChanged) else getattr(last, "components", ())
        components.update(known or ["no component"])
    took = sorted(max(acknowledged[key] - at, 0) for key, at in paged.items() if key in acknowledged)
    span = max(until - since, 1)
    return Report(
        span_ns=span,
        pages=pages,
        pages_a_week=round(pages * WEEK_NS / span, 2),
        paged=len(paged),
        acknowledged=len(took),
        median_ack_ns=took[len(took) // 2] if took else None,
        noisiest=tuple(components.most_common(10)),
    )


def _pass_time(state: Routing, plan: Plan, until: int, found: list[Routed]) -> None:
    looks = 0
    while state.due <= until and state.due != NEVER and looks < MAX_LOOKS:
        at, looks = state.due, looks + 1
        found += [Routed(at=at, alert=alert) for alert in route(state, plan, [], at)]
        if state.due <= at:
            state.due = at + 1
