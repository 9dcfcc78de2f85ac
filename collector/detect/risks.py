"""Risks: what will hurt users though it does not yet, and when at the earliest.

a check under a component's `risks` is degraded or down    caches may still carry it
the name servers of a fallback operator fail               who takes over must be ready before that
a certificate ends soon                                    its end is known to the second
"""

import msgspec

from collector.detect.places import Spot, spot_of, zones_of
from collector.detect.state import State
from collector.detect.view import View
from collector.events import EventData, FaultDomain, Risk, RiskChanged
from parallax.clock import NS
from parallax.reasons import REASONS

SETTLE_NS = 2 * NS
"""A risk is named once: wait until its domain is known."""
MAX_RISKS = 500


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A risk as seen now, by what makes it the same one."""

    name: str
    title: str
    check: str
    components: tuple[str, ...]
    since: int
    expected_at: int | None
    why: str
    domain: FaultDomain | None
    at_once: bool = False


def tell_risks(state: State, view: View, told: list[EventData]) -> None:
    """Raises what is seen for a moment, and clears what is gone."""
    wishes = {wish.name: wish for wish in (*_failing(state, view), *_certificates(state, view))}
    for name in [name for name in state.wished if name not in wishes]:
        del state.wished[name]
    for name in [name for name in state.risks if name not in wishes and not _lasts(state, name)]:
        told.append(RiskChanged(change="cleared", risk=state.risks.pop(name)))
    for name, wish in wishes.items():
        if name in state.risks or len(state.risks) >= MAX_RISKS:
            continue
        seen_at = state.wished.setdefault(name, state.now)
        if wish.at_once or state.now - seen_at >= SETTLE_NS:
            del state.wished[name]
            state.risks_raised += 1
            state.risks[name] = risk = Risk(
                id=f"{state.seed[:8]}-r{state.risks_raised}",
                title=wish.title,
                check=wish.check,
                components=wish.components,
                since=wish.since,
                expected_at=wish.expected_at,
                why=wish.why,
                domain=wish.domain,
            )
            told.append(RiskChanged(change="raised", risk=risk))


def _lasts(state: State, name: str) -> bool:
    """A risk of an incident ends with it, not before: what flaps is not told anew at each turn."""
    return name.partition("\x1f")[2] in state.open


def _failing(state: State, view: View) -> list[Wish]:
    """Checks that are a risk for components, and name servers that stand by."""
    bad: dict[tuple[str, str | None], list[Spot]] = {}
    told = {check for component in view.components for check in component.risks}
    for name, key in state.keys.items():
        if key.held in ("down", "degraded") and not key.blocked and (key.check in told or key.incident is None):
            spot = spot_of(state, view, name)
            if spot is not None and (key.check in told or spot.fallback):
                bad.setdefault((key.check, key.incident), []).append(spot)
    wishes = []
    for (check, incident), spots in bad.items():
        components = tuple(c.name for c in view.components if check in c.risks)
        case = state.open.get(incident) if incident else None
        if spots[0].fallback:
            wishes.append(_unready(view, check, spots))
        elif case is not None and components:
            server = spots[0].server
            wishes.append(
                Wish(
                    name=f"{check}\x1f{incident}",
                    title=case.title,
                    check=check,
                    components=components,
                    since=min(spot.key.since for spot in spots),
                    expected_at=_cached_until(state, view, spots),
                    why="resolvers carry it until what they hold runs out" if server else "",
                    domain=case.domain,
                )
            )
    return wishes


def _unready(view: View, check: str, spots: list[Spot]) -> Wish:
    operator, of_plan, reason = spots[0].operator, spots[0].check, spots[0].key.reason
    name = operator.name if operator else ""
    known = REASONS.get(reason or "")
    return Wish(
        name=f"{check}\x1ffallback {name}",
        title=f"Fallback {name} is not ready: {of_plan.query}: {known.meaning if known else reason}"[:200],
        check=check,
        components=tuple(c.name for c in view.components if check in (*c.risks, *c.checks)),
        since=min(spot.key.since for spot in spots),
        expected_at=None,
        why=f"it could not take over: {len({spot.host for spot in spots})} of its servers fail",
        domain=FaultDomain(kind="operator", name=name),
    )


def _cached_until(state: State, view: View, spots: list[Spot]) -> int | None:
    """When the first of the answers that resolvers still hold ends."""
    if not all(spot.server for spot in spots):
        return None
    zones = {zone for spot in spots for zone in zones_of({spot.check.query})}
    ends = []
    for key in state.keys.values():
        check = view.checks.get(key.check)
        if check is None or check.role != "resolver" or key.lookup:
            continue
        if zones & zones_of({check.query, *key.names}):
            ends += [vote.until for vote in key.votes.values() if vote.until and vote.reason is None]
    return min(ends, default=None)


def _certificates(state: State, view: View) -> list[Wish]:
    """Certificates that pass, and end soon."""
    wishes = {}
    for key in state.keys.values():
        check = view.checks.get(key.check)
        if check is None or check.kind != "tls" or key.state == "unknown":
            continue
        seen = [vote for vote in key.votes.values() if vote.reason is None and vote.until]
        vote = min(seen, key=lambda vote: vote.until, default=None)
        if vote is None or state.now < vote.warn_at or vote.until <= state.now:
            continue
        host = check.targets[key.target].host
        days = (vote.until - state.now) / NS / 86400
        left = f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"
        wishes[host] = Wish(
            name=f"{key.check}\x1fcertificate {host}",
            title=f"The certificate of {host} ends in {left}",
            check=key.check,
            components=tuple(c.name for c in view.components if key.check in (*c.risks, *c.checks)),
            since=vote.warn_at,
            expected_at=vote.until,
            why="renew it",
            domain=FaultDomain(kind="endpoint", name=host),
        )
    return list(wishes.values())
