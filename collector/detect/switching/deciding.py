"""From what detection knows of a group to what a decision looks at, and from what is decided to what is said. Pure."""

from collections.abc import Mapping

from collector.detect.state import Case, State
from collector.detect.switching.agreeing import agreed
from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import GroupMemory
from collector.detect.switching.readiness import readiness_of
from collector.detect.switching.sightings import shares_of
from collector.detect.switching.standing import is_unheard, is_vendor_open
from collector.detect.view import View
from collector.events import FailoverChanged
from collector.failover.types import Decided, MemberWord, Policy, Situation
from collector.routing.charge import peer_is_heard
from parallax.clock import NS, rfc3339
from parallax.plan.windows import is_open

NOT_AFTER_NS = 60 * NS


def policy_of(view: View, group: GroupView) -> Policy:
    """The group as the plan has it."""
    of_plan = group.group
    actions = {action.name: action for action in view.plan.action}
    not_after = [int(actions[name].not_after * NS) for name in of_plan.actions if name in actions]
    low, high = of_plan.hold
    return Policy(
        name=of_plan.name,
        kind=of_plan.kind,
        members=group.members,
        primary=of_plan.primary,
        mode=of_plan.mode,
        ttl_ns=group.ttl_ns,
        hold_ns=(int(low * NS), int(high * NS)),
        back=of_plan.back,
        hours=of_plan.hours,
        actions=tuple(of_plan.actions),
        not_after_ns=min(not_after, default=NOT_AFTER_NS),
        single_writer=of_plan.single_writer,
        drill_ns=int(of_plan.drill * NS) if of_plan.drill is not None else None,
        components=group.components,
    )


def situation_of(
    state: State, group: GroupView, memory: GroupMemory, words: Mapping[str, MemberWord], case: Case | None
) -> Situation:
    """Everything that the decision looks at now; `case` is the incident that the group is in."""
    frozen, asked, charge = memory.frozen, memory.asked, state.routing.charge
    windows = [window.name for window in group.frozen_by if is_open(window, state.now)]
    return Situation(
        now=state.now,
        members=words,
        ready=readiness_of(memory),
        serving=shares_of(memory, group, state.now),
        cause=memory.cause,
        incident=memory.incident,
        blind=state.blind is not None or is_unheard(memory, group, words),
        listens_since=state.started_at,
        frozen=f"by {frozen.actor}{_until(frozen.until)}: {frozen.why}" if frozen is not None else "",
        maintenance=windows[0] if windows else "",
        overrides=tuple(memory.overrides),
        lease=charge.in_charge,
        agreed=agreed(state, group, memory.decision.serving, words),
        alone=bool(charge.role) and not peer_is_heard(charge, state.now),
        vendor_open=is_vendor_open(case),
        asked=asked.member if asked is not None else "",
        actor=asked.actor if asked is not None else "",
        drill=asked.drill if asked is not None else False,
        outcomes={
            action: outcome  # type: ignore[misc]
            for action, (epoch, outcome) in memory.outcomes.items()
            if epoch == memory.decision.epoch
        },
    )


def told_of(group: GroupView, memory: GroupMemory, decided: Decided) -> FailoverChanged:
    """What is decided, as it is said."""
    is_command = decided.word == "command"
    return FailoverChanged(
        word=decided.word,
        group=group.group.name,
        direction=decided.direction,
        source=decided.source,
        target=decided.target,
        title=decided.title[:200],
        why=decided.why,
        severity=decided.severity,
        incident=memory.incident,
        components=group.components,
        epoch=decided.epoch or memory.decision.epoch,
        expected_current=(decided.source or memory.settled) if is_command else "",
        not_after=decided.not_after,
        dry_run=decided.dry_run,
        actions=decided.actions if is_command else (),
        rules=decided.rules,
        evidence=decided.evidence,
        flaps=memory.flaps,
        actor=decided.actor,
        check=group.group.check,
    )


def _until(until: int) -> str:
    return f" until {rfc3339(until)}" if until else ""
