"""What keeps an alert from a receiver for a while: silences, maintenance, what explains it already. Pure.

A resolve is never held for whoever got the trigger. Nobody is left without a word by two alerts that hold back each
other: what holds must have been told, to the same receiver by the rule that is built in, to somebody by the plan's own.
"""

from collections.abc import Iterable
from functools import cached_property

import msgspec

from collector.events import SuppressedBy, Tier
from collector.routing.facts import Facts, facts_of, own
from collector.routing.matching import matches
from collector.routing.state import Alert, Routing, Silence
from collector.routing.titles import title_of
from parallax.clock import NS, rfc3339
from parallax.plan.alert_types import Inhibit
from parallax.plan.types import Plan
from parallax.plan.windows import open_until

PATIENCE_NS = 600 * NS
"""How long a page may go unacknowledged before it is said once more."""
LOUDNESS: dict[Tier, int] = {"log": 0, "ticket": 1, "page": 2}
EXPLAINING = ("operator", "zone")
"""Where a fault is that makes much else fail with it."""
EXPLAINED = ("endpoint", "address", "region", "")
"""Where what fails with it seems to be."""


class Hold(msgspec.Struct, frozen=True):
    """What holds an alert back, and why in words. `until` is when that may be over, None where an event will tell."""

    by: SuppressedBy
    why: str
    until: int | None = None


class Holds:
    """What may hold at one moment; made for one look."""

    def __init__(self, state: Routing, plan: Plan, now: int) -> None:
        self._plan, self._now = plan, now
        self._silences = [silence for silence in state.silences.values() if silence.until > now]
        self._windows = {
            window.name: (frozenset(window.components), until)
            for window in plan.maintenance
            if (until := open_until(window, now)) is not None
        }
        self._state = state

    def on(self, alert: Alert, facts: Facts, receiver: str) -> Hold | None:
        """What holds it back from this receiver now; None if nothing does."""
        return self.of_people(facts) or self._explained(alert, facts, receiver)

    def of_people(self, facts: Facts) -> Hold | None:
        """The part of it that people have ordered: silences and maintenance."""
        return self._silenced(facts) or self._maintained(facts)

    def _silenced(self, facts: Facts) -> Hold | None:
        for silence in self._silences:
            if covers(silence, facts, self._known_as(facts.key)):
                words = f": {silence.comment}" if silence.comment else ""
                why = f"silence {silence.id} of {silence.author} until {_moment(silence.until)}{words}"
                return Hold("silence", why, silence.until)
        return None

    def _known_as(self, key: str) -> set[str]:
        """With another collector: the keys under which people were told of it."""
        alert = self._state.alerts.get(key)
        return {alert.known_as, *alert.told_as} - {""} if alert is not None else set()

    def _maintained(self, facts: Facts) -> Hold | None:
        """All that it touches is being worked on."""
        if not facts.components or not self._windows:
            return None
        left, ends, names = set(facts.components), [], []
        for name, (components, until) in self._windows.items():
            if left & components:
                left -= components
                ends.append(until)
                names.append(name)
        if left:
            return None
        until = min(ends)
        return Hold("maintenance", f"maintenance {', '.join(names)} until {_moment(until)}", until)

    def _explained(self, alert: Alert, facts: Facts, receiver: str) -> Hold | None:
        told = alert.ears.get(receiver)
        if facts.parent and facts.severity != "critical" and not (told is not None and told.told):
            return Hold("parent", f"incident {facts.parent} explains it")
        if self.tells_within(facts, receiver):
            return Hold("parent", f"incident {facts.incident} tells it")
        may_be_under = facts.sort == "incident" and (facts.parent or (facts.cause in EXPLAINED and not facts.certain))
        if not may_be_under and not self._plan.inhibit:
            return None
        for source, cause in self._sources:
            if source is alert or source.stage != "open":
                continue
            if self._is_under(alert, facts, source, cause, receiver):
                title = title_of(source.events[-1].data)
                return Hold("inhibition", f"{title} ({source.key}) explains it")
            for rule in self._plan.inhibit:
                if _inhibits(rule, cause, facts) and any(ear.told for ear in source.ears.values()):
                    return Hold(
                        "inhibition", f"inhibit {rule.name}, as {title_of(source.events[-1].data)} ({source.key})"
                    )
        return None

    def tells_within(self, facts: Facts, receiver: str) -> bool:
        """Whether this receiver is told of an incident's failover, or of a risk that is nothing beyond it, by that
        incident's own alert, which is as loud."""
        part = facts.sort == "failover" or (facts.sort == "risk" and not facts.adds)
        parent = self._state.alerts.get(facts.incident or "") if part else None
        if parent is None or parent.stage == "closed":
            return False
        ear = parent.ears.get(receiver)
        return bool(ear and ear.told) and LOUDNESS[facts_of(own(parent), self._now).tier] >= LOUDNESS[facts.tier]

    def paged_of_late(self, alert: Alert, facts: Facts, receiver: str) -> int:
        """When this receiver was woken for the same already: for a risk's incident within the last minutes, for a
        group in this very moment (both_bad, and what blocks the way out). 0 where it was not."""
        if not (facts.incident if facts.sort == "risk" else facts.failover):
            return 0
        paged = 0
        for each in self._state.alerts.values():
            ear = each.ears.get(receiver)
            if each is alert or each.stage == "closed" or ear is None or self._now - ear.paged_at >= PATIENCE_NS:
                continue
            other = facts_of(own(each), self._now)
            if facts.sort == "risk" and other.incident == facts.incident:
                paged = max(paged, ear.paged_at)
            if facts.failover and other.failover == facts.failover and ear.paged_at == self._now:
                paged = self._now
        return paged

    @cached_property
    def _sources(self) -> list[tuple[Alert, Facts]]:
        """What is open and may explain others."""
        found = []
        for alert in self._state.alerts.values():
            if alert.stage == "open":
                facts = facts_of(own(alert), self._now)
                if facts.cause in EXPLAINING or any(matches(rule.source, facts) for rule in self._plan.inhibit):
                    found.append((alert, facts))
        return found

    def _is_under(self, alert: Alert, facts: Facts, source: Alert, cause: Facts, receiver: str) -> bool:
        """Whether a DNS operator's or zone's incident, of which this receiver knows, explains an incident."""
        if cause.sort != "incident" or facts.sort != "incident" or cause.cause not in EXPLAINING:
            return False
        heard = source.ears.get(receiver)
        if heard is None or not heard.told or LOUDNESS[cause.tier] < LOUDNESS[facts.tier]:
            return False
        if facts.parent == source.key:
            return True
        later = alert.opened_at >= source.opened_at and facts.cause in EXPLAINED and not facts.certain
        return later and not facts.components.isdisjoint(cause.components)


def covers(silence: Silence, facts: Facts, known_as: Iterable[str] = ()) -> bool:
    """Whether it is one of those that a silence is about. `known_as`: further keys that people know it by."""
    if silence.keys and {facts.key, facts.incident, *known_as}.isdisjoint(silence.keys):
        return False
    return matches(silence.match, facts)


def _inhibits(rule: Inhibit, cause: Facts, facts: Facts) -> bool:
    if not matches(rule.source, cause) or not matches(rule.target, facts):
        return False
    if matches(rule.target, cause) and matches(rule.source, facts):
        return False  # either could hold back the other
    return all(_shares(what, cause, facts) for what in rule.equal)


def _shares(what: str, one: Facts, other: Facts) -> bool:
    if what == "component":
        return not one.components.isdisjoint(other.components)
    if what == "check":
        return not one.checks.isdisjoint(other.checks)
    return bool(one.failover) and one.failover == other.failover


def _moment(at: int) -> str:
    return rfc3339(at)[:16].replace("T", " ") + " UTC"
