"""Failover groups, record by record: what probes see of them is noted, and what follows is told after each record."""

from collections.abc import Mapping

import msgspec

from collector.detect.dns.readiness import fallbacks_of
from collector.detect.incidents.stages import next_stage
from collector.detect.incidents.timeline import with_moments
from collector.detect.state import Case, State
from collector.detect.switching.commands import add_news, argument, command_group
from collector.detect.switching.deciding import policy_of, situation_of, told_of
from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import (
    MAX_ACTIONS,
    MAX_LEFT,
    MAX_SAID,
    GroupMemory,
    News,
    Reached,
    Result,
    Spoken,
    Switch,
    Switching,
)
from collector.detect.switching.readiness import left, look_ready, tell_ready
from collector.detect.switching.serving import serving_members
from collector.detect.switching.sightings import (
    keep_switch,
    note_sight,
    rewind_sights,
    serves_both,
    settle,
    shares_of,
)
from collector.detect.switching.standing import case_of, cause_of, words_of
from collector.detect.view import CheckView, View
from collector.events import EventData, FailoverChanged, IncidentNoted, Moment
from collector.failover.machine import decide
from collector.failover.rewinding import rewind
from collector.failover.types import MemberWord
from collector.inputs import ActionInput, CommandInput
from parallax.clock import NS
from parallax.observation import Observation
from parallax.spans import lasting

LOOK_NS = NS
"""Where nothing changed that others build on, groups are looked at no more often."""
AWAIT_NS = 3 * NS
"""A decision waits so long for the incident that says where the fault is."""
ASKED_NS = 60 * NS
"""A person's order that could not be followed is forgotten then."""
OWN_TROUBLE = ("probe", "config", "blocked")
"""What fails by these is no request that was hurt."""
OPENING = frozenset({"recommended", "blocked", "not_effective", "failed", "both_bad", "both_serving"})
"""What is said with these words holds until it is ended..."""
CLOSING = frozenset({"switched", "effective", "withdrawn"})
"""...by one of these."""
_LEADS_TO = {
    "command": "command",
    "recommended": "recommendation",
    "failed": "recommendation",
    "not_effective": "recommendation",
}
"""What is said of a switch before it is seen, and who then decided it: a command that failed asks people to do it."""
MAX_TEXT = 300


def note_switching(
    switching: Switching, view: View, check: CheckView, probe: str, observation: Observation, at: int
) -> None:
    """Takes in what an observation shows of who serves. Called for each that counts: it must cost next to nothing for
    a check that no group has."""
    groups = view.switched.get(check.name)
    if groups is None or observation.target not in check.targets or (check.probes and probe not in check.probes):
        return
    failed = observation.reason is not None and observation.fault not in OWN_TROUBLE
    enrolled = view.probe(probe) is not None
    for group in groups:
        memory = memory_of(switching, group.group.name)
        members = serving_members(group.group, check, observation)
        note_sight(memory, probe, observation.run, members, at, failed=failed, enrolled=enrolled)


def command_switching(switching: Switching, view: View, command: CommandInput, now: int) -> None:
    """Takes what a person commanded or pushed (`collector.detect.switching.commands` has the words and their
    arguments); words of others change nothing."""
    if not command.word.startswith(("failover_", "standby_")):
        return
    group = view.groups.get(argument(command, "group"))
    if group is not None:
        command_group(memory_of(switching, group.group.name), group, command, now)


def note_action(switching: Switching, view: View, action: ActionInput, now: int) -> None:
    """Takes in what came of an action, or of the look whether it could be carried out."""
    group = view.groups.get(action.group)
    memory = switching.groups.get(action.group)
    if group is None or memory is None or action.action not in group.group.actions[:MAX_ACTIONS]:
        return
    if action.outcome in ("reachable", "unreachable"):
        known = memory.reached.get(action.action)
        if known is None or action.at >= known.at:
            ok = action.outcome == "reachable"
            memory.reached[action.action] = Reached(ok, min(action.at, now), action.text[:MAX_TEXT])
    elif action.epoch >= memory.outcomes.get(action.action, (0, ""))[0]:
        memory.outcomes[action.action] = (action.epoch, action.outcome)
        memory.results[action.action] = Result(
            action.epoch, action.outcome, min(action.at, now), action.member, action.text[:MAX_TEXT]
        )


def tell_switching(state: State, view: View, told: list[EventData], *, changed: bool = True) -> None:
    """Says what changed of the groups: switchovers, readiness, decisions. After incidents were told, so that causes are
    known."""
    known = state.switching.groups
    for gone in [name for name in known if name not in view.groups]:
        _leave(state.switching, gone, told)
    if not view.groups:
        return
    boards = None
    for name, group in view.groups.items():
        memory = memory_of(state.switching, name)
        if not changed and 0 <= state.now - memory.looked_at < LOOK_NS:
            continue
        memory.looked_at = state.now
        if group.operators and boards is None:
            boards = list(fallbacks_of(state, view))
        _look(state, view, group, memory, told)
        look_ready(state, view, group, memory, boards or [])
        tell_ready(group, memory, state.now, told)
        _decide(state, view, group, memory, told)


def rewind_switching(switching: Switching, at: int) -> None:
    """The collector's clock was put back: all that lay later is now."""
    for memory in switching.groups.values():
        rewind_sights(memory, at)
        rewind(memory.decision, at)
        memory.looked_at, memory.ttl_at = min(memory.looked_at, at), min(memory.ttl_at, at)
        memory.awaits_since = min(memory.awaits_since, at)
        for known in memory.ready.values():
            known.looked_at, known.since = min(known.looked_at, at), min(known.since, at)
            known.other_since = min(known.other_since, at)
        for reached in memory.reached.values():
            reached.at = min(reached.at, at)
        for result in memory.results.values():
            result.at = min(result.at, at)
        for facts in memory.facts.values():
            for pushed in facts.values():
                pushed.at = min(pushed.at, at)


def memory_of(switching: Switching, name: str) -> GroupMemory:
    """What is known of a group of the plan."""
    memory = switching.groups.get(name)
    if memory is None:
        memory = switching.groups[name] = GroupMemory()
        memory.decision.epoch = switching.left.pop(name, 0)
    return memory


def is_open(memory: GroupMemory) -> bool:
    """Whether something was said of it that holds until its end is said."""
    newest = next((each.said.word for each in reversed(memory.words) if each.said.word in OPENING | CLOSING), None)
    return newest in OPENING


def _leave(switching: Switching, name: str, told: list[EventData]) -> None:
    """The plan no longer has a group: its commands are broken off, and what people were told of it ends."""
    memory = switching.groups.pop(name)
    told += [left(name, member) for member, known in memory.ready.items() if known.told is False]
    if memory.decision.commanded or is_open(memory):
        title = f"{name} is no failover group of the plan any more"
        told.append(
            FailoverChanged(
                word="withdrawn",
                group=name,
                title=title,
                severity="info",
                incident=memory.incident,
                epoch=memory.decision.epoch,
            )
        )
    if memory.decision.epoch:
        switching.left[name] = memory.decision.epoch
        while len(switching.left) > MAX_LEFT:
            del switching.left[next(iter(switching.left))]


def _look(state: State, view: View, group: GroupView, memory: GroupMemory, told: list[EventData]) -> None:
    """Who serves now, in which incident; and what people ordered."""
    case = case_of(state, view, group, memory)
    found = case.shown.id if case is not None else None
    if found != memory.incident:
        memory.incident = found  # one that reopens goes on where it was
        memory.flaps = next((each.flaps for each in reversed(memory.switches) if found and each.incident == found), 0)
    shares = shares_of(memory, group, state.now)
    switch = settle(memory, group, shares, state.now)
    if switch is not None:
        _switched(state, group, memory, switch, case, told)
    both = serves_both(memory, group, shares, state.now)
    if both and not memory.both_said:
        memory.both_said = memory.both_open = True
        shown = ", ".join(f"{member} {shares[member]:.0%}" for member in both)
        title = f"{group.group.name}: {' and '.join(both)} serve at the same time"
        why = f"of vantages: {shown}; one should serve"
        _say(state, memory, told, _changed(group, memory, word="both_serving", title=title, why=why))
    elif memory.both_open and not both:
        _end_both(state, group, memory, told)
    if memory.frozen is not None and 0 < memory.frozen.until <= state.now:
        memory.frozen = None
        add_news(memory, News(word="thawed", title=f"{group.group.name} is frozen no more: its time is over"))
    memory.overrides = [each for each in memory.overrides if each.until > state.now]
    news, memory.news = memory.news, []
    for each in news:
        said = _changed(
            group, memory, word=each.word, title=each.title, why=each.why, actor=each.actor, severity=each.severity
        )
        _say(state, memory, told, said)


def _end_both(state: State, group: GroupView, memory: GroupMemory, told: list[EventData]) -> None:
    """One serves again. Where that was no switchover, somebody must say so, once nothing else is open."""
    decision = memory.decision
    if decision.target or decision.said:
        return
    memory.both_open = False
    if is_open(memory):
        title = f"{group.group.name}: {memory.settled} serves alone again"
        _say(state, memory, told, _changed(group, memory, word="withdrawn", title=title, severity="info"))


def _switched(
    state: State, group: GroupView, memory: GroupMemory, switch: Switch, case: Case | None, told: list[EventData]
) -> None:
    memory.flaps += 1
    by = _decided_by(memory, switch)
    ours = bool(by)
    kept = Switch(
        direction=switch.direction,
        source=switch.source,
        target=switch.target,
        started_at=switch.started_at,
        at=switch.at,
        dwell_ns=switch.dwell_ns,
        hurt=switch.hurt,
        flaps=memory.flaps,
        incident=memory.incident,
        by=by,
        points=switch.points,
    )
    keep_switch(memory, kept)
    took = max(switch.at - switch.started_at, 0)
    title = (
        f"{group.group.name}: {switch.target} serves instead of {switch.source}, 80 % of vantages after {lasting(took)}"
    )
    said = _changed(
        group,
        memory,
        word="switched",
        title=title,
        why="" if ours else "nobody asked for it here",
        severity="info" if ours else "warning",
        direction=switch.direction,
        source=switch.source,
        target=switch.target,
        started_at=switch.started_at,
        duration_ns=took,
        dwell_ns=switch.dwell_ns,
        hurt=switch.hurt,
        flaps=memory.flaps,
    )
    _say(state, memory, told, said)
    _moment(case, switch.started_at, "switched", f"{switch.source} to {switch.target}", told)


def _decided_by(memory: GroupMemory, switch: Switch) -> str:
    """What was said here that led to it: "command", "recommendation", or nothing. A decision may be found effective a
    moment before the switchover is settled, so it is looked for in what was said since the one before."""
    for each in reversed(memory.words):
        said = each.said
        if said.word in ("switched", "withdrawn"):
            break
        if said.word in _LEADS_TO and said.target == switch.target:
            return _LEADS_TO[said.word]
    return ""


def _decide(state: State, view: View, group: GroupView, memory: GroupMemory, told: list[EventData]) -> None:
    case = case_of(state, view, group, memory)
    words = words_of(state, view, group, memory)
    memory.cause = cause_of(state, group, memory, words, case)
    if memory.asked is not None and not 0 <= state.now - memory.asked.at <= ASKED_NS:
        memory.asked = None
    if _awaits(state, group, memory, words, case):
        return
    situation = situation_of(state, group, memory, words, case)
    for decided in decide(memory.decision, policy_of(view, group), situation):
        said = told_of(group, memory, decided)
        _say(state, memory, told, said)
        if decided.word == "effective":
            _moment(case, state.now, "effective", said.title, told)
    if memory.asked is not None and memory.asked.member == memory.settled:
        memory.asked = None


def _awaits(
    state: State, group: GroupView, memory: GroupMemory, words: Mapping[str, MemberWord], case: Case | None
) -> bool:
    """Whether the incident of a trouble is about to be opened. A member that is addressed directly may be found down a
    moment before what users reach is: where the fault is, which a switch must cure, only the incident says."""
    serving = words.get(memory.settled or group.group.primary)
    if case is not None or serving is None or serving.standing not in ("down", "degraded"):
        memory.awaits_since = 0
        return False
    memory.awaits_since = memory.awaits_since or state.now
    return state.now - memory.awaits_since < AWAIT_NS


def _changed(group: GroupView, memory: GroupMemory, **fields: object) -> FailoverChanged:
    return FailoverChanged(
        group=group.group.name,
        incident=memory.incident,
        components=group.components,
        epoch=memory.decision.epoch,
        check=group.group.check,
        **fields,  # type: ignore[arg-type]
    )


def _say(state: State, memory: GroupMemory, told: list[EventData], said: FailoverChanged) -> None:
    told.append(said)
    memory.words = (*memory.words, Spoken(at=state.now, said=said))[-MAX_SAID:]


def _moment(case: Case | None, at: int, what: str, text: str, told: list[EventData]) -> None:
    """A line on the incident's timeline."""
    if case is None or case.pending == "opened":
        return
    moment = Moment(at=at, what=what, text=text)  # type: ignore[arg-type]
    shown = case.shown
    if what == "effective":
        shown = msgspec.structs.replace(shown, stage=next_stage(shown.stage, "effective"))
    case.shown = with_moments(shown, moment)
    told.append(IncidentNoted(moment=moment, incident=case.shown))
