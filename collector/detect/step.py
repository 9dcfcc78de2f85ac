"""One record into the state."""

from collections.abc import Sequence
from itertools import pairwise

from collector.detect.asking.asks import tell_asks
from collector.detect.asking.inquiries import rewind_inquiries
from collector.detect.dns.moves import command_moves, note_moves, tell_moves
from collector.detect.dns.zones import note_zones, rewind
from collector.detect.incidents.telling import checks_of, restless, tell_incidents
from collector.detect.incidents.words import command_incidents, note_fact
from collector.detect.probes.probes import hear, tell_probes
from collector.detect.published.certificates import note_certificate, rewind_certificates, tell_certificates
from collector.detect.published.providers import note_published, rewind_published, tell_published
from collector.detect.risks.telling import tell_risks
from collector.detect.sites.catchments import note_catchments, tell_catchments
from collector.detect.state import KEPT_PLANS, Key, State
from collector.detect.switching.agreeing import note_epochs
from collector.detect.switching.switching import (
    command_switching,
    note_action,
    note_switching,
    rewind_switching,
    tell_switching,
)
from collector.detect.verdicts.components import tell_components
from collector.detect.verdicts.flows import turn_ns, vote_fresh_ns
from collector.detect.verdicts.intake import take
from collector.detect.verdicts.turns import UNPLANNED, drop, turn
from collector.detect.view import NOTHING, CheckView, View, view_of
from collector.events import Event, EventData
from collector.inputs import (
    ActionInput,
    BatchInput,
    ClockInput,
    CommandInput,
    DeliveryInput,
    FactInput,
    InputError,
    PeerInput,
    PlanInput,
    PlanStateInput,
    decode_input,
)
from collector.routing.charge import keep_charge, note_peer, note_start_charge, rewind_charge, settle_charge
from collector.routing.route import command_routing, rewind_routing, route
from collector.routing.sinks import note_delivery, note_start, rewind_sinks, route_sinks
from collector.routing.watchdog import rewind_heartbeat, route_heartbeat
from collector.routing.weekly import note_weekly, rewind_weekly, route_weekly
from parallax import wire
from parallax.clock import NS
from parallax.journal import Record
from parallax.observation import Observation

GAP_NS = 20 * NS
"""The collector writes a clock record every few seconds: where there was none for so long, it did not listen."""
BACK_NS = 5 * NS
"""Records may be this much out of order; what goes back further is a clock put back."""
TICK_NS = NS // 2
"""How often time alone is looked at."""
HEARD_NS = 120 * NS
"""A probe reports every 30 s."""
MANY = 2000
"""Subjects that one step looks at; with more of them incidents wait for the tick."""


def step(state: State, record: Record) -> tuple[State, list[Event]]:
    """The state after a record of `inputs`, and what it led to. A record that does not decode changes nothing but the
    position. The state is moved on in place: what is to be kept of the one before is encoded first."""
    state.position = record.position
    try:
        value = decode_input(record)
        batch = _batch(value) if isinstance(value, BatchInput) else None
    except (InputError, wire.WireError):
        return state, []
    told: list[EventData] = []
    _tell_time(state, record.at_ns)
    touched: list[str] = []
    changed = False
    view = view_of(state.plan) or NOTHING
    match value:
        case BatchInput() if batch is not None:
            touched = _take(state, view, value, batch)
        case PlanInput():
            state.plans[value.digest] = tuple(sorted(value.files.items()))
            while len(state.plans) > KEPT_PLANS:
                del state.plans[next(iter(state.plans))]
        case PlanStateInput():
            changed = _turn_plan(state, value, told)
            view = view_of(state.plan) or NOTHING
        case CommandInput():
            command_moves(state.moves, view, value, state.now)
            command_incidents(state, value, told)
            command_switching(state.switching, view, value, state.now)
            command_routing(state.routing, view.plan, value, state.now)
            changed = True
        case FactInput():
            note_fact(state, value, told)
        case ActionInput():
            note_action(state.switching, view, value, state.now)
            changed = True
        case ClockInput():
            if value.started:
                state.started_at = state.now
                note_start(state.routing.sinks, state.now)
                note_start_charge(state.routing, state.now)
        case DeliveryInput():
            note_delivery(state.routing.sinks, value, state.now)
            note_weekly(state.routing, value)
        case PeerInput():
            note_peer(state.routing, value, state.now)
            note_epochs(state.switching, value)
            changed = True
    _conclude(state, view, touched, told, changed=changed)
    tell_asks(state, view, touched, tick=state.ticked_at == state.now)
    return state, _events(state, view, told)


def _batch(value: BatchInput) -> wire.Batch | None:
    batch = wire.decode(value.body, content_type=value.content_type, encoding=value.encoding)
    return batch if batch.probe == value.probe else None


def _tell_time(state: State, at: int) -> None:
    """Time goes on with the record, and back where the collector's clock was put back: all that lay later is now."""
    if state.now and at > state.now + GAP_NS:
        state.started_at = at
    if at >= state.now:
        state.now = at
    elif at < state.now - BACK_NS:
        state.now = state.started_at = at
        state.ticked_at = 0
        for key in state.keys.values():
            key.due = 0
            key.blind_since = min(key.blind_since, at)
            key.trouble_at, key.partly_at = min(key.trouble_at, at), min(key.partly_at, at)
            key.born_at, key.spoke_at, key.failed_at = (
                min(key.born_at, at),
                min(key.spoke_at, at),
                min(key.failed_at, at),
            )
            for vote in key.votes.values():
                vote.at, vote.failing_since = min(vote.at, at), min(vote.failing_since, at)
                vote.passed_at, vote.pending_at = min(vote.passed_at, at), 0
                vote.slow_since = min(vote.slow_since, at)
        for ends in state.ends.values():
            ends.born_at, ends.spoke_at = min(ends.born_at, at), min(ends.spoke_at, at)
            ends.whole = {cadence: min(last, at) for cadence, last in ends.whole.items()}
        for member in state.probes.values():
            member.first_at, member.heard_at = min(member.first_at, at), min(member.heard_at, at)
            member.cloned_at = min(member.cloned_at, at)
            for spell in member.spells:
                spell.at = min(spell.at, at)
        for case in state.open.values():
            case.dirty_at = min(case.dirty_at, at) if case.dirty_at is not None else None
            case.calm_at = min(case.calm_at, at) if case.calm_at is not None else None
            case.drawn_at, case.weighed_at = min(case.drawn_at, at), min(case.weighed_at, at)
            case.left_at = min(case.left_at, at)
        for line in state.lines.values():
            line.better_at = min(line.better_at, at)
        for said in state.risks_said.values():
            said.at, said.looked_at = min(said.at, at), min(said.looked_at, at)
            said.seen_at = min(said.seen_at, at)
        rewind(state.zones, at)
        rewind_certificates(state.certificates, at)
        rewind_published(state.published, at)
        rewind_inquiries(state.inquiries, at)
        rewind_switching(state.switching, at)
        rewind_routing(state.routing, at)
        rewind_sinks(state.routing.sinks, at)
        rewind_heartbeat(state.routing, at)
        rewind_weekly(state.routing, at)
        rewind_charge(state.routing.charge, at)
        state.wished = {name: min(since, at) for name, since in state.wished.items()}


def _take(state: State, view: View, value: BatchInput, batch: wire.Batch) -> list[str]:
    if view.probe(value.probe) is None:
        return []
    hear(state, value, batch)
    touched: dict[str, None] = {}
    offset, received_at = value.offset_ns or 0, value.received_at
    for observation in _in_order(batch.observations):
        check = view.checks.get(observation.check)
        if check is None:
            continue
        at = min(observation.started_at + offset, received_at)
        if at < received_at - check.fresh_ns and at < received_at - _fresh_ns(check, observation):
            continue  # a backlog: how things were, not how they are
        _learn(state, view, check, value, observation, at)
        for name in take(state, view, value.probe, observation, at, value.skewed):
            touched[name] = None
    return list(touched)


def _in_order(observations: Sequence[Observation]) -> Sequence[Observation]:
    """By launch, whatever their places in the batch."""
    if all(one.started_at < other.started_at for one, other in pairwise(observations)):
        return observations
    return sorted(observations, key=_order)


def _order(o: Observation) -> tuple[int, str, str, str, int, str, bool, str]:
    """Of two words on one run the failure first."""
    return o.started_at, o.check, o.target, o.subject, o.attempt, o.abstain or "", o.reason is None, o.reason or ""


def _fresh_ns(check: CheckView, observation: Observation) -> int:
    """Never less than the check's own."""
    return vote_fresh_ns(check, observation.subject, turn_ns(check, observation))


def _learn(state: State, view: View, check: CheckView, value: BatchInput, observation: Observation, at: int) -> None:
    """What an observation says beyond its verdict. One that must not count teaches nothing."""
    if observation.abstain is not None or value.skewed or observation.kind != check.kind or observation.attempt > 1:
        return
    if check.member:  # where no user goes: it says how the member stands, and nothing of what its name leads to
        note_switching(state.switching, view, check, value.probe, observation, at)
        return
    if check.of_dns:
        note_zones(state.zones, view, check, value.probe, observation, at)
        note_moves(state.moves, view, check, value.probe, observation, at)
    elif check.of_steps:
        note_published(state.published, check, value.probe, observation, at, _fresh_ns(check, observation))
    else:
        note_certificate(state.certificates, check, value.probe, observation, at)
    note_catchments(state.catchments, view, check, value.probe, observation, at)
    note_switching(state.switching, view, check, value.probe, observation, at)


def _turn_plan(state: State, value: PlanStateInput, told: list[EventData]) -> bool:
    """Puts a promoted plan in force. One that this version cannot read, or whose text is lost, changes nothing."""
    texts = state.plans.get(value.digest)
    if value.change in ("rejected", "withdrawn", "rolled_back"):
        state.plans.pop(value.digest, None)
    if value.change != "promoted" or texts is None:
        return False
    before, view = view_of(state.plan), view_of(texts)
    state.plans.pop(value.digest)
    if view is None:
        return False
    state.plan, state.digest = texts, value.digest
    for name, key in list(state.keys.items()):
        check = view.checks.get(key.check)
        old = before.checks.get(key.check) if before else None
        if check is None or key.target not in check.targets or (old and old.kind != check.kind):
            drop(state, before or NOTHING, name, UNPLANNED, told)
            continue
        for probe in [p for p in key.votes if view.probe(p) is None or (check.probes and p not in check.probes)]:
            del key.votes[probe]
        key.due = 0
    return True


def _conclude(state: State, view: View, touched: list[str], told: list[EventData], *, changed: bool) -> None:
    """Everything that follows from new words, or from time alone."""
    tick = changed or state.now - state.ticked_at >= TICK_NS
    if tick:
        state.ticked_at = state.now
        if tell_probes(state, view, told):
            changed = True
            for key in state.keys.values():
                key.due = 0
        due = [name for name, key in state.keys.items() if key.due <= state.now][:MANY]
        touched = list(dict.fromkeys([*touched, *due]))
    looked_at: list[Key] = []
    for name in touched:
        found = state.keys.get(name)
        if found is not None and found.check in view.checks:  # a plan that this version refuses has none
            changed |= turn(state, view, name, told)
            looked_at.append(found)
    if tick or (changed and len(state.keys) <= MANY):
        cases = None if tick else restless(state, looked_at)
        levels = tell_components(state, view, told, None if cases is None else checks_of(state, cases, looked_at))
        tell_incidents(state, view, levels, told, cases)
        tell_switching(state, view, told, changed=changed)
        tell_risks(state, view, told, changed=changed)
        tell_moves(state.moves, view, state.now, told)
        tell_catchments(state.catchments, view, state.now, told)
        tell_certificates(state.certificates, view, state.now, told)
        tell_published(state.published, view, state.now, told)


def _events(state: State, view: View, told: list[EventData]) -> list[Event]:
    """What was concluded, and whom it is to be told."""
    concluded = [_event(state, data) for data in told]
    routed = settle_charge(state.routing, view.plan, state.now, lambda: _hears(state))
    routed += keep_charge(state.routing, route(state.routing, view.plan, concluded, state.now), state.now)
    routed += route_sinks(state.routing.sinks, view.plan, state.now)
    routed += route_weekly(state.routing, view.plan, state.now)
    routed += route_heartbeat(state.routing, view.plan, state.now)
    return concluded + [_event(state, data) for data in routed]


def _hears(state: State) -> bool:
    """Whether probes are heard: who hears none knows no more than who is silent."""
    return any(state.now - member.heard_at < HEARD_NS for member in state.probes.values())


def _event(state: State, data: EventData) -> Event:
    state.events += 1
    return Event(id=f"{state.seed}-{state.events}", at=state.now, cause=state.position, data=data)
