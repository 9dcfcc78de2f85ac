"""Risks: raised once they are seen for a moment, told again when users are nearer to them, cleared when they are gone.
What is one, `wishes` says.
"""

import msgspec

from collector.detect.incidents.telling import WANE_NS
from collector.detect.risks.wish import Wish
from collector.detect.risks.wishes import wishes_of
from collector.detect.state import Said, State
from collector.detect.verdicts.departed import UNDELEGATED
from collector.detect.view import View
from collector.events import EventData, FaultDomain, Risk, RiskChanged, Runway
from parallax.clock import NS

SETTLE_NS = 2 * NS
"""A risk is named once: wait until its domain is known."""
UPDATE_NS, LOOK_NS = 30 * NS, 5 * NS
"""What is said of a runway that shortens is said no more often, and looked at no more often."""
MAX_RISKS = 500


def tell_risks(state: State, view: View, told: list[EventData], *, changed: bool = True) -> None:
    """Raises what is seen for a moment, says when users are nearer to it, and clears what is gone. Where nothing
    changed that others build on, it is looked at once a second."""
    if not changed and 0 <= state.now - state.risks_at < NS:
        return
    state.risks_at = state.now
    wishes = {wish.name: wish for wish in wishes_of(state, view, lambda name: _is_due(state, name))}
    for name in [name for name in state.wished if name not in wishes]:
        del state.wished[name]
    for name in wishes:
        if name in state.risks_said:
            state.risks_said[name].seen_at = state.now
    for name in [name for name in state.risks if name not in wishes and not _lasts(state, name)]:
        state.risks_said.pop(name, None)
        told.append(RiskChanged(change="cleared", risk=state.risks.pop(name)))
    for name, wish in wishes.items():
        if name in state.risks and _is_another(state.risks[name], wish):
            state.risks_said.pop(name, None)
            told.append(RiskChanged(change="cleared", risk=state.risks.pop(name)))
        if name in state.risks:
            _update(state, name, wish, told)
            continue
        if len(state.risks) >= MAX_RISKS:
            continue
        seen_at = state.wished.setdefault(name, state.now)
        if state.now - seen_at >= SETTLE_NS and not _is_unsaid(state, name):
            del state.wished[name]
            state.risks_raised += 1
            state.risks[name] = risk = _risk(wish, f"{state.seed[:8]}-r{state.risks_raised}")
            state.risks_said[name] = Said(state.now, max(_step(wish.runway), wish.stage), state.now, state.now)
            told.append(RiskChanged(change="raised", risk=risk))


def risks_of(state: State, view: View) -> tuple[Risk, ...]:
    """As they stand right now: a runway as it is at this moment, a title as the fault is known by now."""
    if not state.risks:
        return ()
    wishes = {wish.name: wish for wish in wishes_of(state, view, lambda name: True)}
    return tuple(_now(risk, wishes.get(name)) for name, risk in state.risks.items())


def _now(risk: Risk, wish: Wish | None) -> Risk:
    if wish is None:  # it lasts with its incident, but nothing comes nearer
        return msgspec.structs.replace(risk, expected_at=None, runway=None)
    return msgspec.structs.replace(_risk(wish, risk.id), since=risk.since)


def _risk(wish: Wish, id: str) -> Risk:  # noqa: A002
    return Risk(
        id=id,
        title=wish.title,
        check=wish.check,
        components=wish.components,
        since=wish.since,
        expected_at=wish.expected_at,
        why=wish.why,
        domain=wish.domain,
        runway=wish.runway,
        incident=wish.incident,
        failover=wish.failover,
    )


def _is_due(state: State, name: str) -> bool:
    """Whether a runway is to be worked out: for a risk that is about to be raised, and now and then for one that may
    have come nearer. It is the dearest of all that a tick looks at."""
    said = state.risks_said.get(name)
    if said is None:
        return state.now - state.wished.get(name, state.now) >= SETTLE_NS
    if name in state.risks and state.risks[name].runway is None:
        return state.now - said.looked_at >= SETTLE_NS
    return state.now - said.at >= UPDATE_NS and state.now - said.looked_at >= LOOK_NS


def _update(state: State, name: str, wish: Wish, told: list[EventData]) -> None:
    """What was said turned out to be larger, or to have a runway; the first sampled resolver has run out, half of them,
    all."""
    said, before = state.risks_said.setdefault(name, Said(state.now)), state.risks[name]
    step = max(_step(wish.runway), wish.stage)
    if wish.runway is not None or _is_due(state, name):
        said.looked_at = state.now
    gained = wish.runway is not None and before.runway is None
    gained = gained or bool(before.failover and not wish.failover)  # nobody else tells of it any more
    if gained or _width(wish.domain) > _width(before.domain) or (step > said.step and state.now - said.at >= UPDATE_NS):
        state.risks_said[name] = Said(state.now, max(step, said.step), state.now, state.now)
        runway = wish.runway or before.runway
        expected_at = wish.expected_at if runway is wish.runway else before.expected_at
        # who was told of it by itself is told its end by itself
        failover = before.failover and wish.failover
        changes = {"since": before.since, "runway": runway, "expected_at": expected_at, "failover": failover}
        state.risks[name] = msgspec.structs.replace(_risk(wish, before.id), **changes)
        told.append(RiskChanged(change="updated", risk=state.risks[name]))


def _step(runway: Runway | None) -> int:
    if runway is None or not runway.expired:
        return 0
    return 3 if runway.expired >= runway.sampled else 2 if 2 * runway.expired >= runway.sampled else 1


def _width(domain: FaultDomain | None) -> int:
    if domain is None:
        return 0
    return {"operator": 3, "zone": 3, "address": 1, "site": 1}.get(domain.kind, 2)


def _lasts(state: State, name: str) -> bool:
    """A risk of an incident ends with it: what flaps is not told anew at each turn. Where the incident is about
    something else by now, the risk ends a while after it was last seen, or at once if nothing can bring it back."""
    case = state.open.get(name.partition("\x1f")[2])
    if case is None:
        return False
    said = state.risks_said.get(name)
    return not case.bad or (case.left != UNDELEGATED and said is not None and state.now - said.seen_at < WANE_NS)


def _is_another(risk: Risk, wish: Wish) -> bool:
    """Whether what was dark is no more, and what still fails of its incident is a matter of its own."""
    return risk.runway is not None and not wish.dark and wish.domain != risk.domain


def _is_unsaid(state: State, name: str) -> bool:
    """Whether it is about an incident that is not named yet."""
    case = state.open.get(name.partition("\x1f")[2])
    return case is not None and case.pending == "opened"
