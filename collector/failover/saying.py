"""What is said of a group, and that it is said once: what is in the way may flicker, and people are told calmly."""

from collector.events import FailoverWord, RuleOutcome, Severity
from collector.failover.move import Move, readiness_of, word_of
from collector.failover.types import Decided, GroupState, Policy, Saying, Situation
from parallax.clock import NS
from parallax.spans import lasting

CALM_NS = 60 * NS
"""The same is said again at once if it was not so for this long, and else only when it has been so for this long."""
HOUR_NS = 3600 * NS
TIMES = 6
"""The same is said at most so often within an hour."""
AT_ONCE = 3
"""So many different things are said at once; more only when they last."""
KEPT = 16
UNDIRECTED: frozenset[FailoverWord] = frozenset({"both_bad", "drill_started", "drill_done"})
"""Of the group, not of one way."""


def to_say(state: GroupState, key: str, now: int) -> bool:
    """Whether this is to be said now. Called at every look at which it is so."""
    before = state.heard.get(key)
    away = now - before.so_at if before is not None else None
    if before is not None:
        before.so_at = now
    if state.said == key:
        state.pending = ""
        return False
    if state.pending != key:
        state.pending, state.pending_since = key, now
        new = away is None and len(state.heard) < AT_ONCE
        state.pending_calm = new or (away is not None and away >= CALM_NS)
    times = [at for at in before.times if now - at < HOUR_NS] if before is not None else []
    if len(times) >= TIMES or not (state.pending_calm or now - state.pending_since >= CALM_NS):
        return False
    state.heard[key] = Saying(so_at=now, times=[*times, now])
    while len(state.heard) > KEPT:
        del state.heard[min(state.heard, key=lambda each: state.heard[each].so_at)]
    state.said, state.said_at = key, now
    return True


def blocked_key(state: GroupState, move: Move, blocked: tuple[RuleOutcome, ...]) -> str:
    """For `to_say`: which rules forbid it. What was said stays as good while all that it named still hold it up: one
    more rule is no news."""
    prefix, ids = f"blocked {move.target} ", [each.id for each in blocked]
    named = state.said.removeprefix(prefix).split() if state.said.startswith(prefix) else []
    return state.said if named and {*named} <= {*ids} else prefix + " ".join(ids)


def hush(state: GroupState, now: int) -> None:
    """Nothing is wanted: what was said is no longer so. What was not so for an hour is forgotten."""
    state.said = state.pending = ""
    if state.heard:
        state.heard = {key: said for key, said in state.heard.items() if now - said.so_at < HOUR_NS}


def told(
    word: FailoverWord,
    move: Move,
    policy: Policy,
    situation: Situation,
    title: str,
    *,
    severity: Severity,
    epoch: int = 0,
    not_after: int | None = None,
    rules: tuple[RuleOutcome, ...] = (),
    actions: tuple[str, ...] = (),
) -> Decided:
    """A Decided about a move, with what it rests on."""
    return Decided(
        word=word,
        direction="" if word in UNDIRECTED else move.direction,
        source=move.source,
        target=move.target,
        title=title,
        why=move.why,
        severity=severity,
        epoch=epoch,
        not_after=not_after,
        rules=rules,
        evidence=evidence(move, policy, situation),
        actor=situation.actor if move.wanted == "asked" or situation.drill else "",
        actions=actions,
    )


def evidence(move: Move, policy: Policy, situation: Situation) -> dict[str, str]:
    """What a decision rests on, as text."""
    word, other = word_of(situation, move.source), word_of(situation, move.target)
    ready = readiness_of(situation, move.target)
    standby = f"{move.target} is {other.standing}, fails for {other.share:.0%}, "
    standby += f"{'ready' if ready.ready else 'not ready'} for {lasting(situation.now - ready.since)}"
    return {
        "source": f"{move.source} is {word.standing} for {lasting(situation.now - word.since)}",
        "failing": str(word.failing),
        "voters": str(word.voters),
        "enrolled": str(word.enrolled),
        "networks": str(word.networks),
        "share": f"{word.share:.2f}",
        "cause": situation.cause,
        "standby": standby,
        "serving": ", ".join(f"{name} {share:.0%}" for name, share in situation.serving.items()) or "unknown",
    }


def act(move: Move, policy: Policy) -> str:
    """ "failover of api from us-central1 to us-east1" """
    noun = "fail-back" if move.direction == "failback" else "failover"
    return f"{noun} of {policy.name} from {move.source} to {move.target}"


def blocked_title(move: Move, policy: Policy, blocked: tuple[RuleOutcome, ...]) -> str:
    """Names the rules that forbid it, the first with its reason."""
    more = f" (and by {', '.join(each.id for each in blocked[1:])})" if len(blocked) > 1 else ""
    return f"{act(move, policy)} is blocked by {blocked[0].id}: {blocked[0].why}{more}"
