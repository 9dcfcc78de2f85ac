"""What a member must have to be switched to, line by line, as it is seen at one moment. Pure."""

from collections.abc import Iterator

from collector.board import FallbackBoard
from collector.detect.state import Key, State, Vote
from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import GroupMemory, Pushed
from collector.detect.switching.standing import keys_of, member_keys
from collector.detect.view import FLOWS, HANDSHAKES, CheckView, View
from collector.failover.types import ReadyLine
from parallax.clock import NS
from parallax.plan.failover_types import StandbyFact
from parallax.reasons import REASONS
from parallax.spans import lasting

WEEK_NS = 7 * 86400 * NS
REACH_NS = 900 * NS
"""A look at an action is believed for so long."""
TTL_NS = 600 * NS
"""A TTL that was too long is held against the records until it has run out, and this long after."""
SLACK_NS = 2 * NS
LOOK_TTL_NS = 10 * NS
UNCHECKED = "not checked"
FENCED = "fenced"
FENCE = StandbyFact(name=FENCED, rule="S9", least=1)
FENCE_LINE = f"fact:{FENCED}"


def lines_of(
    state: State, view: View, group: GroupView, memory: GroupMemory, member: str, boards: list[FallbackBoard]
) -> Iterator[ReadyLine]:
    """What a member must have, as it is seen now."""
    if group.operators:
        yield from _operator_lines(state, view, group, member, boards)
    else:
        for name in group.pinned.get(member, ()):
            yield _check_line(state, view, name)
        yield _certificate(state, view, group, member)
    yield _ttl(group, memory, state.now)
    yield from _actions(group, memory, state.now)
    for fact in group.group.facts:
        if fact.name != FENCED:
            yield _fact(fact, memory, member, state.now)
    fenced = next((fact for fact in group.group.facts if fact.name == FENCED), None)
    if (fenced is not None or group.group.single_writer) and member == (memory.settled or group.group.primary):
        yield _fact(fenced or FENCE, memory, member, state.now)


def _check_line(state: State, view: View, name: str) -> ReadyLine:
    """One check that is run against the member directly."""
    check = view.checks[name]
    keys = list(keys_of(state, (name,), view))
    line = "sign-in" if check.kind in FLOWS else "checks"
    bad = [key for key in keys if key.counts_as in ("down", "degraded")]
    if bad:
        worst = next((key for key in bad if key.counts_as == "down"), bad[0])
        known = REASONS.get(worst.reason or "")
        says = known.meaning if known else worst.reason or "fails"
        where = f"{worst.subject}: " if check.of_steps else ""
        return ReadyLine(id=line, ok=False, why=f"{name}: {worst.counts_as}, {where}{says}")
    up = [key for key in keys if key.state in ("up", "suspected")]
    if not up:
        return ReadyLine(id=line, ok=False, why=f"{name}: no probe has a fresh word on it")
    refused = next((key for key in keys if key.blind), None)
    if refused is not None:
        return ReadyLine(id=line, ok=False, why=f"{name}: no run gets through at {refused.subject}")
    since = max(key.since or key.born_at for key in up)
    return ReadyLine(id=line, ok=True, why=f"{name}: up for {lasting(state.now - since)}")


def _certificate(state: State, view: View, group: GroupView, member: str) -> ReadyLine:
    votes: list[Vote] = []
    for key in member_keys(state, view, group, member):
        check = view.checks[key.check]
        if check.kind not in HANDSHAKES:
            continue
        if key.counts_as == "down" and (key.reason or "").startswith("tls_"):
            known = REASONS.get(key.reason or "")
            return ReadyLine(id="certificate", ok=False, why=f"certificate: {known.meaning if known else key.reason}")
        votes += [vote for vote in key.votes.values() if vote.until and vote.counts and _is_fresh(state, check, vote)]
    if not votes:
        return ReadyLine(id="certificate", ok=None, why=f"certificate: {UNCHECKED}")
    left = min(vote.until for vote in votes) - state.now
    why = f"certificate: valid for {lasting(left)} more" if left > 0 else "certificate: it has ended"
    return ReadyLine(id="certificate", ok=left >= WEEK_NS, why=why)


def _is_fresh(state: State, check: CheckView, vote: Vote) -> bool:
    return state.now - vote.at <= check.fresh_ns


def _operator_lines(
    state: State, view: View, group: GroupView, member: str, boards: list[FallbackBoard]
) -> Iterator[ReadyLine]:
    keys = member_keys(state, view, group, member)
    if keys:
        yield _servers(keys, member)
    names = {name for name, of in group.operators.items() if of == member}
    others = set(group.operators) - names
    compared = [board for board in boards if board.check in group.parity]
    own = [board for board in compared if board.fallback in names and board.primary in others]
    for board in own:
        yield _parity(board)
    if not own and not any(board.primary in names for board in compared):
        yield ReadyLine(id="parity", ok=None, why=f"parity: {UNCHECKED}, no check compares {member}'s records")
    signed = [name for name in group.standing_checks if name in view.checks and view.checks[name].kind == "dns.dnssec"]
    for name in signed:
        bad = next((key for key in keys_of(state, (name,), view) if _is_of(key, names) and _is_bad(key)), None)
        known = REASONS.get(bad.reason or "") if bad is not None else None
        says = "valid" if bad is None else known.meaning if known else bad.reason
        yield ReadyLine(id="dnssec", ok=bad is None, why=f"{name}: {says}")


def _is_of(key: Key, names: set[str]) -> bool:
    return not key.operator or key.operator in names


def _is_bad(key: Key) -> bool:
    return key.counts_as == "down" and not key.blocked


def _servers(keys: list[Key], member: str) -> ReadyLine:
    down = {key.server for key in keys if key.counts_as == "down"}
    every = {key.server for key in keys}
    known = [key for key in keys if key.state != "unknown"]
    if not known:
        return ReadyLine(id="checks", ok=False, why=f"servers of {member}: no probe has a fresh word on them")
    why = f"servers of {member}: {len(down)} of {len(every)} down" if down else f"servers of {member}: all answer"
    return ReadyLine(id="checks", ok=not down, why=why)


def _parity(board: FallbackBoard) -> ReadyLine:
    """What the comparison said last stands while nobody can compare."""
    if board.ready is False and board.mended:
        return ReadyLine(id="parity", ok=True, why=f"{board.check}: what {board.fallback} lacked is there now")
    if board.ready is False:
        named = [f"{gap.name} {gap.type}" for gap in board.gaps[:6] if gap.severity != "low"]
        gaps = ", ".join(name for name in named if name not in board.because)
        return ReadyLine(id="parity", ok=False, why=f"{board.check}: {board.because}" + (f" ({gaps})" if gaps else ""))
    if board.ready is None and not board.serves:
        return ReadyLine(id="parity", ok=None, why=f"{board.check}: {board.because}")
    return ReadyLine(id="parity", ok=True, why=f"{board.check}: {board.compared} record sets compared")


def _ttl(group: GroupView, memory: GroupMemory, now: int) -> ReadyLine:
    seen_ns, at, resolver = memory.long_ttl
    most = lasting(group.ttl_ns)
    if at and now - at <= seen_ns + TTL_NS:
        return ReadyLine(id="ttl", ok=False, why=f"TTL: {seen_ns // NS} s at {resolver}, configured are {most}")
    if not memory.ttl_seen:
        return ReadyLine(id="ttl", ok=None, why=f"TTL: {UNCHECKED}, no check asks resolvers for the name")
    return ReadyLine(id="ttl", ok=True, why=f"TTL: {most} or less at the resolvers that are asked")


def look_ttl(state: State, group: GroupView, memory: GroupMemory) -> None:
    """What resolvers hold of the names, now and then."""
    if not group.answers or 0 <= state.now - memory.ttl_at < LOOK_TTL_NS:
        return
    memory.ttl_at = state.now
    for check, target, name in group.answers:
        for cache in state.zones.caches.values():
            sample = cache.samples.get(f"{check}\x1f{target}")
            if sample is None or not sample.ok or sample.stale:
                continue
            held = [until - sample.at for each in sample.sets if each.owner == name for until in each.untils[-1:]]
            memory.ttl_seen |= bool(held)
            if held and max(held) > group.ttl_ns + SLACK_NS and sample.at > memory.long_ttl[1]:
                memory.long_ttl = (max(held), sample.at, cache.resolver)


def _actions(group: GroupView, memory: GroupMemory, now: int) -> Iterator[ReadyLine]:
    for name in group.group.actions:
        known = memory.reached.get(name)
        if known is None or now - known.at > REACH_NS:
            yield ReadyLine(id="action", ok=None, why=f"action {name}: {UNCHECKED}")
        elif known.ok:
            yield ReadyLine(id="action", ok=True, why=f"action {name}: it could be carried out")
        else:
            yield ReadyLine(id="action", ok=False, why=f"action {name}: {known.text or 'it cannot be carried out'}")


def _fact(fact: StandbyFact, memory: GroupMemory, member: str, now: int) -> ReadyLine:
    pushed = memory.facts.get(member, {}).get(fact.name)
    name = f"fact:{fact.name}"
    if pushed is None:
        return ReadyLine(id=name, ok=None, rule=fact.rule, why=f"{fact.name}: {UNCHECKED}")
    if now - pushed.at > int(fact.stale * NS):
        return ReadyLine(
            id=name, ok=False, rule=fact.rule, why=f"{fact.name}: stale, last pushed {lasting(now - pushed.at)} ago"
        )
    ok, why = _holds(
        fact, pushed, memory.facts.get(memory.settled, {}).get(fact.name), same_one=member == memory.settled
    )
    return ReadyLine(id=name, ok=ok, rule=fact.rule, why=f"{fact.name}: {why}")


def _holds(fact: StandbyFact, pushed: Pushed, serving: Pushed | None, *, same_one: bool) -> tuple[bool | None, str]:
    if fact.same:
        if same_one:
            return True, f"{pushed.value}, it serves"
        if serving is None:
            return None, f"{pushed.value}; that of the serving member was not pushed"
        same = serving.value == pushed.value
        return same, pushed.value if same else f"{pushed.value}, and {serving.value} at the serving member"
    number = _number(pushed.value)
    if number is None:
        return False, f"{pushed.value!r} is no number"
    if fact.most is not None and number > fact.most:
        return False, f"{number:g}, more than {fact.most:g}"
    if fact.least is not None and number < fact.least:
        return False, f"{number:g}, less than {fact.least:g}"
    return True, f"{number:g}"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None
