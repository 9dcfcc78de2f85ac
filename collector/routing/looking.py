"""A look at one alert: what is due now to each receiver of it, and when it must be looked at again. Pure but for the
alert, which moves on.

Whatever holds something back (a silence, a window, a group's patience) only puts off the look at which it is said, and
what is over by then is said as such.
"""

from collections.abc import Sequence
from typing import NamedTuple

from collector.events import AlertPhase, AlertRouted, Lane, RiskChanged, Suppressed, Tier
from collector.routing.facts import SOON_NS, Facts, facts_of, own
from collector.routing.holding import PATIENCE_NS, Hold, Holds
from collector.routing.matching import Pace, audience, pace_by_name
from collector.routing.state import NEVER, Alert, Ear
from collector.routing.taking import FLAP_NS
from parallax.clock import NS
from parallax.plan.types import Plan
from parallax.spans import lasting

LOOK_NS = 60 * NS
"""How often what is held is looked at, as the plan may be another by then."""


class Said(NamedTuple):
    """Receivers with all of these in common get one alert."""

    phase: AlertPhase
    lane: Lane
    pages: bool
    number: int
    """How many of the newest events it says."""


def look(alert: Alert, plan: Plan, holds: Holds, now: int) -> list[AlertRouted]:
    """Everything that is due of one alert. Its `due` is then when to look again."""
    facts = facts_of(own(alert), now)
    fresh = not alert.ears and alert.count == len(alert.events)
    paces = audience(plan, facts) if alert.stage == "open" or fresh else {}
    alert.due = NEVER
    if facts.sort == "risk" and facts.tier == "ticket" and alert.stage == "open":
        _look_when_near(alert, now)
    if fresh and not paces and alert.stage == "open":
        kept = []
        if not plan.route:
            kept = [Suppressed(receiver=r.name, by="tier", why=f"it is for the {facts.tier}") for r in plan.receiver]
        return [routed(alert, facts, Said("trigger", "slow", False, 1), (), kept)]
    found = _Look(alert, facts, holds, now)
    for receiver in plan.receiver:
        name = receiver.name
        ear = alert.ears.get(name)
        if ear is None:
            if name not in paces:
                continue
            ear = alert.ears[name] = Ear(since=now)
        pace = paces.get(name) or pace_by_name(plan, ear.group)
        ear.group = pace.group
        if alert.stage == "closed":
            found.look_closed(name, ear)
        elif not ear.told:
            found.look_untold(name, ear, pace, picked=name in paces)
        else:
            found.look_told(name, ear, pace)
    planned = {receiver.name for receiver in plan.receiver}
    alert.ears = {
        name: ear
        for name, ear in alert.ears.items()
        if name in planned and (ear.told or ear.before or (ear.since and alert.stage != "closed"))
    }
    if alert.stage == "closed":
        alert.due = alert.closed_at + FLAP_NS
    alerts = found.alerts()
    if all(ear.seen == alert.count for ear in alert.ears.values()) or alert.stage == "closed":
        alert.events = [own(alert)]
    return alerts


def routed(
    alert: Alert,
    facts: Facts,
    said: Said,
    to: tuple[str, ...],
    suppressed: Sequence[Suppressed],
    *,
    tier: Tier | None = None,
) -> AlertRouted:
    """What these receivers are told; `tier` where it is another than the facts'."""
    return AlertRouted(
        key=alert.key,
        about=alert.events[-1].type,
        phase=said.phase,
        tier=tier or facts.tier,
        severity=facts.severity,
        lane=said.lane,
        of=tuple(alert.events[-said.number :]),
        to=to,
        suppressed=tuple(suppressed),
        incident=facts.incident,
        pages=said.pages,
    )


def _look_when_near(alert: Alert, now: int) -> None:
    """A risk comes to be a page as its time comes near, without another word on it."""
    data = alert.events[-1].data
    if isinstance(data, RiskChanged) and data.risk.expected_at is not None:
        alert.due = min(alert.due, max(data.risk.expected_at - SOON_NS, now + 1))


class _Look:
    """One look, ear by ear; `alerts` is what came of it."""

    def __init__(self, alert: Alert, facts: Facts, holds: Holds, now: int) -> None:
        self._alert, self._facts, self._holds, self._now = alert, facts, holds, now
        self._said: dict[Said, list[str]] = {}
        self._kept: list[Suppressed] = []
        self._logged: list[Suppressed] = []

    def look_closed(self, name: str, ear: Ear) -> None:
        """Of what is over for good."""
        if ear.told:
            self._say(name, ear, "resolve")
            ear.told, ear.before = False, True
        elif ear.since and not ear.before:
            if ear.held:
                self._log(name, ear)
            else:
                self._say(name, ear, "notice")
        ear.since, ear.held, ear.why = 0, None, ""

    def look_untold(self, name: str, ear: Ear, pace: Pace, *, picked: bool) -> None:
        """Of who was not told of the beginning; `picked`: the plan would have it told now."""
        alert, facts, now = self._alert, self._facts, self._now
        if alert.stage == "open" and not picked:
            ear.since = 0
            return
        hold = self._holds.on(alert, facts, name)
        if hold is not None:
            self._hold(name, ear, hold)
            return
        if alert.stage == "over":
            if ear.held:
                self._log(name, ear)
                ear.since, ear.held, ear.why = 0, None, ""
            elif not ear.since or ear.before:
                ear.since = 0
            elif now < ear.since + pace.wait:
                self._look_again(ear.since + pace.wait)
            else:
                self._say(name, ear, "notice")
                ear.since = 0
            return
        ear.since = ear.since or now
        pages = facts.tier == "page" and not ear.paged_at
        if not pages and not ear.before and facts.sort != "failover" and now < ear.since + pace.wait:
            self._look_again(ear.since + pace.wait)
            return
        if pages and (paged_at := self._holds.paged_of_late(alert, facts, name)):
            why = f"paged {lasting(now - paged_at)} ago for the same: it is told without a page"
            self._kept.append(Suppressed(receiver=name, by="flap", why=why))
            pages, ear.paged_at = False, paged_at
        if facts.tier == "page" and ear.before and ear.paged_at:
            since = lasting(now - ear.paged_at)
            why = f"paged {since} ago, and back within an hour of its end: an update and no page"
            self._kept.append(Suppressed(receiver=name, by="flap", why=why))
        lane: Lane = "fast" if pages else "slow"
        self._say(name, ear, "update" if ear.before else "trigger", pages=pages, lane=lane)
        self._heard(ear, pages=pages)
        self._look_for_nothing(ear, pace)

    def look_told(self, name: str, ear: Ear, pace: Pace) -> None:
        """Of who was told of the beginning."""
        alert, facts, now = self._alert, self._facts, self._now
        news = ear.seen < alert.count
        if not news:
            ear.since = 0
        if alert.stage == "over":
            if news:  # the all-clear is the end as far as anybody can see
                self._say(name, ear, "update")
                self._heard(ear)
            return
        first = facts.tier == "page" and not ear.paged_at
        again = self._may_page_again(ear) and now >= max(ear.paged_at, alert.since) + PATIENCE_NS
        repeat = bool(pace.repeat) and not alert.acknowledged and now >= ear.at + pace.repeat
        if news and now < ear.at + pace.interval and not (first or again or repeat):
            self._look_again(ear.at + pace.interval)
            news = False
        if first or again or repeat or news:
            hold = self._holds.on(alert, facts, name)
            if hold is not None:
                self._hold(name, ear, hold)
                return
            self._say(name, ear, "update", pages=first or again, lane="fast" if first else "slow")
            ear.again = ear.again or again
            self._heard(ear, pages=first)
        self._look_for_nothing(ear, pace)

    def alerts(self) -> list[AlertRouted]:
        """One for each set of receivers that are told the same; what is kept from whom goes with the first."""
        alert, facts = self._alert, self._facts
        found = [
            routed(alert, facts, each, tuple(names), self._kept if number == 0 else ())
            for number, (each, names) in enumerate(self._said.items())
        ]
        if self._kept and not self._said:
            phase: AlertPhase = "update" if any(ear.told for ear in alert.ears.values()) else "trigger"
            found.append(routed(alert, facts, Said(phase, "slow", False, len(alert.events)), (), self._kept))
        if self._logged:
            said = Said("notice", "slow", False, len(alert.events))
            found.append(routed(alert, facts, said, (), self._logged, tier="log"))
        return found

    def _may_page_again(self, ear: Ear) -> bool:
        """Whether a page may go unheard for too long: then it is said once more."""
        waits = self._facts.sort == "incident" and self._facts.tier == "page" and not self._alert.acknowledged
        return waits and bool(ear.paged_at) and not ear.again

    def _look_again(self, at: int) -> None:
        self._alert.due = min(self._alert.due, at)

    def _look_for_nothing(self, ear: Ear, pace: Pace) -> None:
        """When an ear is told again, if nothing else comes."""
        if self._may_page_again(ear):
            self._look_again(max(ear.paged_at, self._alert.since) + PATIENCE_NS)
        if pace.repeat and not self._alert.acknowledged:
            self._look_again(ear.at + pace.repeat)

    def _heard(self, ear: Ear, *, pages: bool = False) -> None:
        ear.told, ear.at, ear.since, ear.held, ear.why = True, self._now, 0, None, ""
        if pages:
            ear.paged_at = self._now

    def _hold(self, name: str, ear: Ear, hold: Hold) -> None:
        """It is kept back for now; what keeps it is said once."""
        ear.since = ear.since or self._now
        if (ear.held, ear.why) != (hold.by, hold.why):
            self._kept.append(Suppressed(receiver=name, by=hold.by, why=hold.why))
            ear.held, ear.why = hold.by, hold.why
        self._look_again(min(self._now + LOOK_NS, hold.until if hold.until is not None else NEVER))

    def _log(self, name: str, ear: Ear) -> None:
        """It was held back for as long as it lasted."""
        if ear.held:
            why = f"began and ended meanwhile: {ear.why}"
            self._logged.append(Suppressed(receiver=name, by=ear.held, why=why))

    def _say(self, name: str, ear: Ear, phase: AlertPhase, *, pages: bool = False, lane: Lane = "slow") -> None:
        number = max(min(self._alert.count - ear.seen, len(self._alert.events)), 1)
        self._said.setdefault(Said(phase, lane, pages, number), []).append(name)
        ear.seen = self._alert.count
