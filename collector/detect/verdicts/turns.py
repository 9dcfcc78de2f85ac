"""A subject turns: from its votes to its state, and into or out of an incident."""

import math

from collector.detect.incidents.joining import join, leave, merge
from collector.detect.places import spot_of
from collector.detect.state import Key, State
from collector.detect.verdicts.charts import tau_ns
from collector.detect.verdicts.departed import UNDELEGATED, has_left, is_done_with, is_still_used
from collector.detect.verdicts.flows import UNREACHED, every_ns, fresh_ns, why_gone
from collector.detect.verdicts.outside import fails_outside, is_watched
from collector.detect.verdicts.pace import SLOWER
from collector.detect.verdicts.subjects import forget
from collector.detect.verdicts.trouble import settle
from collector.detect.verdicts.verdict import Verdict, judge
from collector.detect.verdicts.votes import Tally, ends_id, evidence_of, key_id, tally
from collector.detect.view import OVER_TCP, CheckView, View
from collector.events import CheckChanged, CheckState, EventData
from parallax.clock import NS

DROP_PERIODS = 10
"""A subject that nobody spoke of for so long, while others of its target are spoken of, is no longer there."""
GIVEN_UP_NS = 24 * 3600 * NS
"""A fault that nobody measures any more for a day is closed: nothing else could."""
BAD = ("down", "degraded")
OUTSIDE_NS = 5 * NS
"""How often it is looked whether a refusal is borne out by something else."""
UNHEARD = "no probe has a fresh word on it; what was last known holds"
GONE = "its name no longer leads there"
UNMEASURED = "nobody measured it for a day"
UNPLANNED = "the plan no longer has it"
_HALTED = "signin_halted"


def turn(state: State, view: View, name: str, told: list[EventData]) -> bool:
    """Looks at a subject again. True if anything that others build on has changed."""
    key = state.keys[name]
    check = view.checks[key.check]
    if (why := _why_gone(state, view, check, key)) is not None:
        drop(state, view, name, why, told)
        return True
    count = tally(state, view, check, key)
    key.failing, key.voters = len(count.failing), len(count.voters)
    refused = any(ballot.vote.fault == "blocked" for ballot in count.failing)
    outside = refused and fails_outside(state, view, check, key)
    each_ns = every_ns(check, key)
    verdict = judge(
        count,
        key.held,
        since=key.since,
        throttled=key.throttled,
        blocked=key.blocked,
        outside=outside,
        blind=state.blind is not None,
        tau_ns=tau_ns(each_ns),
        calm=key.calm if key.trouble_at else math.inf,
        partly_at=key.partly_at,
        every_ns=each_ns,
    )
    settle(key, count, verdict)
    _schedule(state, check, key, count)
    if refused and is_watched(view, check, key):
        key.due = min(key.due, state.now + OUTSIDE_NS)
    before = (key.state, key.reason, key.blocked, key.throttled, key.blind)
    _apply(state, view, name, key, check, count, verdict, told, outside=outside)
    _see(state, key, count)
    return before != (key.state, key.reason, key.blocked, key.throttled, key.blind)


def drop(state: State, view: View, name: str, why: str, told: list[EventData]) -> None:
    """Forgets a subject. One that was in trouble is said to be up, with the reason why nobody looks any more."""
    key = state.keys[name]
    if key.told != "up":
        check = view.checks.get(key.check)
        incident = key.incident
        count = tally(state, view, check, key) if check else Tally(voters=[], failing=[], expected=0)
        told.append(
            CheckChanged(
                check=key.check,
                kind=check.kind if check else "",
                target=key.target,
                subject=key.subject,
                state="up",
                before=key.state,
                since=state.now,
                evidence=evidence_of(count),
                incident=incident,
                why=why,
            )
        )
    leave(state, name, why)
    forget(state, name)
    if (twin := state.keys.get(name + OVER_TCP)) is not None:
        twin.due = 0


def _see(state: State, key: Key, count: Tally) -> None:
    """Whether the check sees anything here: it is blind where nobody gets through, and nobody can say why but for
    refusals and wrong settings. Where nobody has a word at all, what was so before stands."""
    if count.voters:
        blind = key.reason or "" if key.blocked and len(count.failing) == len(count.voters) else ""
    elif count.misset:
        blind = max(count.misset, key=lambda word: (count.misset[word], word))
        if blind == _HALTED:  # it says that an earlier run was refused: what that one said tells more
            blind = key.blind or blind
    elif any(vote.unreached for vote in key.votes.values()):
        blind = ""
    else:
        return
    if bool(blind) != bool(key.blind):
        key.blind_since = state.now if blind else 0
    key.blind = blind


def _apply(
    state: State,
    view: View,
    name: str,
    key: Key,
    check: CheckView,
    count: Tally,
    verdict: Verdict,
    told: list[EventData],
    *,
    outside: bool,
) -> None:
    new: CheckState = verdict.state
    before: CheckState = key.state
    was = key.held
    if new == "unknown":
        unreached = any(vote.unreached for vote in key.votes.values())
        if before != "unknown" and (unreached or state.now >= state.started_at + fresh_ns(check, key)):
            key.state, key.since = new, state.now  # else they have not had their turn
            if key.held in BAD:
                _tell(state, key, check, count, before, told, why=UNREACHED if unreached else UNHEARD)
            key.told = new if key.held in BAD else key.told
        return
    if new != "up":
        said = key.reason
        key.reason = SLOWER if verdict.slower else next(iter(count.reasons), said)
        if said != key.reason and key.incident in state.open:
            state.open[key.incident].grown = True
    turned = was != new or key.blocked != verdict.blocked
    borne_out = outside and key.blocked and not verdict.blocked
    key.blocked, key.throttled, key.single = verdict.blocked, verdict.throttled, verdict.single
    key.state = key.held = new
    if before != new:
        key.since = _since(state, key, check, count, new)
    if new in BAD and (key.incident is None or turned):
        spot = spot_of(state, view, name)
        if spot is not None and not spot.standby:
            if borne_out:
                merge(state, spot)
            join(state, spot)
    if new != key.told:
        _tell(state, key, check, count, before, told)
        key.told = new
    if new not in BAD:
        leave(state, name, "")
    if new == "up":
        key.reason = None


def _tell(
    state: State, key: Key, check: CheckView, count: Tally, before: CheckState, told: list[EventData], why: str = ""
) -> None:
    failing = count.failing if key.state not in ("up", "unknown") else []
    main = next((ballot.vote for ballot in failing if ballot.vote.reason == key.reason), None)
    told.append(
        CheckChanged(
            check=key.check,
            kind=check.kind,
            target=key.target,
            subject=key.subject,
            state=key.state,
            before=before,
            since=key.since,
            reason=key.reason if main else None,
            fault=main.fault if main else None,
            evidence=evidence_of(count, key.extent),
            incident=key.incident,
            why=why,
        )
    )


def _since(state: State, key: Key, check: CheckView, count: Tally, new: CheckState) -> int:
    """When the state began by the evidence: the first of the failures in a row, but for those that are so old that
    they were something else."""
    if new == "up":
        return state.now
    begun = [ballot.vote.failing_since for ballot in count.failing]
    recent = [at for at in begun if at >= state.now - 2 * fresh_ns(check, key)]
    return min(recent or begun, default=state.now)


def _schedule(state: State, check: CheckView, key: Key, count: Tally) -> None:
    """When time alone can change the verdict."""
    moments = [key.spoke_at + DROP_PERIODS * every_ns(check, key) + check.timeout_ns + 1]
    moments += [count.expires_at] if count.expires_at is not None else []
    moments += [count.grace_until] if count.failing else []
    moments += [state.started_at + fresh_ns(check, key)]
    if has_left(state, check, key):
        moments.append(state.now + check.period_ns)
    later = [moment for moment in moments if moment > state.now]
    key.due = min(later, default=state.now + check.period_ns)


def _why_gone(state: State, view: View, check: CheckView, key: Key) -> str | None:
    """Why nobody speaks of it any more, if that is so."""
    span = DROP_PERIODS * every_ns(check, key) + check.timeout_ns
    since = has_left(state, check, key)
    if since and is_done_with(state, view, check, key, since):
        return UNDELEGATED
    if key.subject.endswith(OVER_TCP) and _without_udp(state, key):
        return GONE
    ends = state.ends.get(ends_id(key.check, key.target))
    if key.lookup and key.state == "up" and state.now - key.failed_at > span:
        return ""
    if check.of_steps and (left_out := why_gone(state, check, ends, key, span)) is not None:
        return left_out
    if state.now - key.spoke_at <= span:
        return None
    if since and is_still_used(state, key):
        return None
    if not check.of_steps and ends is not None and state.now - ends.spoke_at <= check.fresh_ns:
        return GONE
    return UNMEASURED if state.now - key.spoke_at > max(GIVEN_UP_NS, span) else None


def _without_udp(state: State, key: Key) -> bool:
    """Whether the address is no longer asked over UDP, which is done more often and so is known sooner."""
    plain = key_id(key.check, key.target, key.subject.removesuffix(OVER_TCP))
    return plain not in state.keys and state.now - key.born_at > 60 * NS
