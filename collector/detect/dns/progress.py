"""What becomes of a move as time goes on, and what is said of it. Pure."""

from collector.detect.dns.moving import GIVEN_UP_NS, MIXED_TURNS, Move, most
from collector.events import EventData, Noticed, NoticeWord, Severity
from parallax.spans import lasting

FEW = 3
"""Of so few sampled resolvers, one that goes back is enough."""
MANY_NAMED = 8


def progress(
    move: Move, gone: str, now: int, told: list[EventData], components: tuple[str, ...], *, served: bool
) -> None:
    """Moves it on. `gone` says what of the old set stopped serving, empty while it serves; `served` whether it served
    when the move began."""
    parents, resolvers = move.parent_counts(now), move.resolver_counts(now)
    move.draw(now)
    whole = bool(parents[1]) and parents[0] == parents[1]
    move.parents_since = (move.parents_since or now) if whole else None
    heard = now >= move.started_at + move.fresh_ns  # before that, not all of the parent's servers may be known
    move.parents_at = move.parents_since if heard else None
    _regress(move, now, told, components)
    _mixed(move)
    _withdrawn(move, gone, resolvers, now, told, components, served=served)
    if _through(move, whole, resolvers, now):
        _done(move, now, told, components)
    elif (late_at := move.late_at()) is not None and now > late_at and move.state == "moving":
        _stuck(move, now, resolvers, told, components)
    elif now - move.started_at > GIVEN_UP_NS:
        move.state, move.ended_at = "given_up", now


def _withdrawn(
    move: Move,
    gone: str,
    resolvers: tuple[int, int],
    now: int,
    told: list[EventData],
    components: tuple[str, ...],
    *,
    served: bool,
) -> None:
    """Whether the old set stopped serving while resolvers are on it: as its servers show, or by what they get."""
    behind, failing = resolvers[1] - resolvers[0], len(move.failing)
    if not behind or "old_set_withdrawn_early" in move.words:
        return
    if gone:
        why = f"{gone}, and {behind} of {resolvers[1]} sampled resolvers still use it"
    elif served and resolvers[0] and failing * 2 > behind and _lasts(move, now) and _by_more(move):
        why = f"{failing} of {behind} sampled resolvers that still use it get no answer any more, the others do"
    else:
        return
    move.say("old_set_withdrawn_early")
    title = (
        f"The old {'name servers' if move.kind == 'delegation' else 'names'} of {move.name} were withdrawn too early"
    )
    told.append(_notice("old_set_withdrawn_early", move, title, why, "critical", components))


def _through(move: Move, whole: bool, resolvers: tuple[int, int], now: int) -> bool:
    """Whether everybody is on the new set and stays there. At first not all were heard, so a round has to pass; where
    no resolver is sampled, the bound."""
    ready = whole and resolvers[0] == resolvers[1] and not _wavering(move, now)
    if not ready:
        move.whole_at = None
        return False
    if move.whole_at is None:
        move.whole_at = now
    if now < move.started_at + move.fresh_ns or now < move.whole_at + move.fresh_ns // 2:
        return False
    bound_at = move.bound_at()
    return bool(resolvers[1]) or (bound_at is not None and now >= bound_at)


def _wavering(move: Move, now: int) -> bool:
    return any(stand.old_at >= now - move.fresh_ns for stand in move.sampled(now) if stand.turns > 1)


def _done(move: Move, now: int, told: list[EventData], components: tuple[str, ...]) -> None:
    move.state, move.ended_at = "done", now
    sampled = len(move.sampled(now))
    facts = [f"took {lasting(now - move.started_at)}"]
    for share, name in ((0.5, "half"), (0.9, "90 %"), (1.0, "all")):
        at = move.reached_at(share, now)
        if at is not None:
            facts.append(f"{name} of {sampled} sampled resolvers after {lasting(at - move.started_at)}")
    if not sampled:
        facts.append("no resolver was sampled; the longest TTL has passed")
    what = "delegation" if move.kind == "delegation" else "chain"
    told.append(
        _notice("move_done", move, f"The new {what} of {move.name} is through", "; ".join(facts), "info", components)
    )


def _stuck(
    move: Move, now: int, resolvers: tuple[int, int], told: list[EventData], components: tuple[str, ...]
) -> None:
    """Past the bound by a tenth, and somebody is still on the old set. It may yet get through."""
    move.state = "stuck"
    if not move.say("stuck"):
        return
    bound_at = move.bound_at()
    assert bound_at is not None
    parents = move.parent_counts(now)
    behind = [
        " at ".join(reversed(name.split("\x1f")))
        for name, stand in move.resolvers.items()
        if stand in move.sampled(now) and stand.on != "new"
    ]
    facts = [
        f"{resolvers[0]} of {resolvers[1]} sampled resolvers and {parents[0]} of {parents[1]} {_parent_word(move)}"
    ]
    facts[0] += " are on the new set"
    facts += [f"still on the old one: {', '.join(behind[:MANY_NAMED])}"] if behind else []
    title = f"The move of {move.name} is stuck: {lasting(now - bound_at)} past the longest TTL"
    told.append(_notice("move_stuck", move, title, "; ".join(facts), "warning", components))


def _regress(move: Move, now: int, told: list[EventData], components: tuple[str, ...]) -> None:
    """Some went back from the new set to the old one, and stay there for a round."""
    servers = move.by_parent(now)
    parents = sum(most(stand.back and stand.on != "new" for stand in stands) for stands in servers.values())
    sampled = move.sampled(now)
    back = sum(stand.back and stand.on != "new" for stand in sampled)
    enough = back * 10 >= len(sampled) and back >= (1 if len(sampled) <= FEW else 2)
    if not parents and not enough:
        move.regressed_at = None
        return
    if move.regressed_at is None:
        move.regressed_at = now
    if now - move.regressed_at < move.fresh_ns // 2:
        return
    if parents:
        move.state = "moving"  # what caches take from now on may be the old set
    if move.say("regressed"):
        facts = [f"{parents} of {len(servers)} {_parent_word(move)}"] if parents else []
        facts += [f"{back} of {len(sampled)} sampled resolvers"] if back else []
        why = f"{' and '.join(facts)} went back to the old set"
        told.append(_notice("move_regressed", move, f"The move of {move.name} goes back", why, "warning", components))
    if parents == len(servers) and not any(stand.on == "new" for stand in sampled):
        move.state, move.ended_at = "given_up", now


def _mixed(move: Move) -> None:
    if any(stand.turns >= MIXED_TURNS for stand in move.resolvers.values()):
        move.say("mixed")


def _lasts(move: Move, now: int) -> bool:
    """Whether they have been failing for a round."""
    return min(move.failing.values(), default=now) <= now - move.fresh_ns // 2


def _by_more(move: Move) -> bool:
    """Whether two probes get no answers, where two sample."""
    voices = {name.partition("\x1f")[0] for name in move.resolvers}
    return len({name.partition("\x1f")[0] for name in move.failing}) >= min(2, len(voices))


def _parent_word(move: Move) -> str:
    return "servers of the parent" if move.kind == "delegation" else "probes at the authoritative servers"


def _notice(
    word: NoticeWord, move: Move, title: str, why: str, severity: Severity, components: tuple[str, ...]
) -> Noticed:
    return Noticed(
        word=word,
        title=title,
        severity=severity,
        check=move.check,
        target=move.name,
        before=move.shown(move.old),
        after=move.shown(move.new),
        components=components,
        why=why,
    )
