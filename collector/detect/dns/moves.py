"""Moves: a change of a delegation or a chain on its way through parent servers and resolvers. Pure.

What is first seen of a zone or a name is how it is; that is no change. A change is what two probes see (or the only
one), of which at least one saw it otherwise before: who sees something else from the start stands elsewhere.
"""

from collector.board import MoveBoard
from collector.detect.dns.move_words import components_of, notice_change, notice_start
from collector.detect.dns.moving import Move
from collector.detect.dns.noting import note_moves
from collector.detect.dns.pictures import Kind, Picture, name_of, name_set
from collector.detect.dns.progress import progress
from collector.detect.dns.sights import Moves, Place, Sight, under_way, voters
from collector.detect.view import View
from collector.events import EventData
from collector.inputs import CommandInput
from parallax.clock import NS

__all__ = ["Moves", "command_moves", "moves_of", "note_moves", "tell_moves"]

MAX_UNDER_WAY, MAX_ENDED = 50, 30
ENDED_NS = 86400 * NS
FORGOTTEN_NS = 86400 * NS
BACK_NS = 5 * NS
FORGET_NS = 60 * NS
LOOK_NS = NS
"""How often a move is looked at, and all the places that may have changed."""


def command_moves(moves: Moves, view: View, command: CommandInput, now: int) -> None:
    """Starts or ends a move as a person says. What cannot be done changes nothing."""
    given = command.arguments
    if command.word == "move_end":
        for move in [moves.moves.get(id_) for id_ in given.get("id", [])]:
            if move is not None and move.under_way:
                _end(moves, move, now)
        return
    kind: Kind = "chain" if given.get("name") else "delegation"
    about = [name_of(name) for name in given.get("name") or given.get("zone") or []][:1]
    if command.word != "move_start" or not about or not about[0]:
        return
    name, place = about[0], moves.places.get(f"{kind} {about[0]}")
    told, new = given.get("from") or [], given.get("to") or []
    if kind == "delegation":
        old, new_set = name_set(told), name_set(new)
    else:
        old, new_set = tuple(map(name_of, told)), tuple(map(name_of, new))
    settled = place.pictures.get(place.settled) if place else None
    old = old or (settled.names if settled else ())
    same = under_way(moves, kind, name)
    check = place.check if place else _check_of(view, kind, name)
    if not check or not new_set or old == new_set or (same is not None and same.new == new_set):
        return
    if same is not None:
        _end(moves, same, now)
    fresh_ns = view.checks[check].fresh_ns if check in view.checks else 90 * NS
    move = _start(moves, kind, name, check, command.actor, old, new_set, fresh_ns, now)
    if place is not None and move is not None:
        _furnish(move, place, voters(place, view, now))
    if move is not None:
        moves.news.append(notice_start(view, move))


def tell_moves(moves: Moves, view: View, now: int, told: list[EventData]) -> None:
    """Says what changed; called at every tick."""
    if now < moves.now - BACK_NS:
        _turn_back(moves, now)
    moves.now = max(now, moves.now)
    told += moves.news
    moves.news.clear()
    if now - moves.looked_at < LOOK_NS:
        return
    moves.looked_at = now
    for key in list(moves.restless):
        place = moves.places.get(key)
        if place is None or not _look(moves, view, place, now, told):
            del moves.restless[key]
    for move in list(moves.moves.values()):
        if move.under_way:
            place = moves.places.get(f"{move.kind} {move.name}")
            gone, served = _stopped(move, place, view, now)
            progress(move, gone, now, told, components_of(view, move.check), served=served or move.kind == "chain")
            if not move.under_way:
                _settle(moves, move, now)
    if now - moves.forgot_at >= FORGET_NS:
        _forget(moves, now)


def moves_of(moves: Moves, now: int) -> tuple[MoveBoard, ...]:
    """Those under way, and those that ended of late, the newest first."""
    return tuple(move.board(now) for move in reversed(moves.moves.values()))


def _look(moves: Moves, view: View, place: Place, now: int, told: list[EventData]) -> bool:
    """Whether what is settled of a place still holds; False once nobody sees anything else."""
    move = under_way(moves, place.kind, place.name)
    fresh = {probe: sight for probe, sight in place.sights.items() if sight.at >= now - 2 * place.fresh_ns}
    votes: dict[str, list[Sight]] = {}
    for sight in fresh.values():
        if sight.sign != place.settled:
            votes.setdefault(sight.sign, []).append(sight)
    if not votes:
        return False
    needed = min(2, voters(place, view, now))
    for sign, sights in sorted(votes.items(), key=lambda item: -len(item[1])):
        picture = place.pictures.get(sign)
        if picture is None or len(sights) < needed:
            continue
        if move is not None and move.stand_of(picture) != "other":
            if move.stand_of(picture) == "new" and not move.seen:
                move.seen = True  # as somebody said that it would
                told.append(notice_change(view, place, place.pictures[place.settled], picture, "info"))
            continue
        if move is not None and sum(sight.since > move.started_at for sight in sights) < needed:
            continue  # as it was before the move; these probes have not looked again yet
        if not any(sight.met for sight in sights):
            if now - place.born_at >= place.fresh_ns and len(sights) * 2 > len(fresh):
                _resettle(moves, place, sign)
            continue
        _change(moves, view, place, picture, now, told)
        return True
    return True


def _change(moves: Moves, view: View, place: Place, picture: Picture, now: int, told: list[EventData]) -> None:
    before = place.pictures[place.settled]
    running = under_way(moves, place.kind, place.name)
    if running is not None:  # what is settled stays so until one is through
        running.state, running.ended_at = "given_up", now
        del moves.under_way[f"{place.kind} {place.name}"]
    by_names = picture.names != before.names
    old, new = (before.names, picture.names) if by_names else (before.ds, picture.ds)
    told.append(notice_change(view, place, before, picture))
    move = _start(moves, place.kind, place.name, place.check, f"check {place.check}", old, new, place.fresh_ns, now)
    if move is None:
        _resettle(moves, place, picture.sign)
        return
    move.what, move.seen = "names" if by_names else "ds", True
    _furnish(move, place, voters(place, view, now))
    told.append(notice_start(view, move))


def _start(
    moves: Moves,
    kind: Kind,
    name: str,
    check: str,
    by: str,
    old: tuple[str, ...],
    new: tuple[str, ...],
    fresh_ns: int,
    now: int,
) -> Move | None:
    """None where too many are under way."""
    if len(moves.under_way) >= MAX_UNDER_WAY:
        return None
    moves.number += 1
    move = moves.moves[f"move-{moves.number}"] = Move(
        id=f"move-{moves.number}",
        kind=kind,
        name=name,
        what="names",
        check=check,
        by=by[:100],
        started_at=now,
        old=old,
        new=new,
        fresh_ns=fresh_ns,
    )
    moves.under_way[f"{kind} {name}"] = move.id
    return move


def _furnish(move: Move, place: Place, number: int) -> None:
    """What is known of the place already. `number` is that of the probes that look at it."""
    gone = [place.ttls[name] for name in move.old if name not in move.new and name in place.ttls]
    move.ttl_s = place.ttl_s if move.kind == "delegation" else max(gone or place.ttls.values(), default=0)
    needed = min(2, number)
    move.unserved = [address for address, each in place.servers.items() if each.bad and len(each.bad) >= needed]
    settled_by = move.started_at - 2 * move.fresh_ns
    for kind in ("marker ", "mname "):
        known = {mark: seen for mark, seen in place.marks.items() if mark.startswith(kind)}
        first = min((seen.first_at for seen in known.values()), default=0)
        move.marks |= {mark: True for mark, seen in known.items() if seen.first_at <= max(settled_by, first)}
    for probe, sight in place.sights.items():
        picture = place.pictures.get(sight.sign)
        if move.kind == "chain" and picture is not None:
            move.note(move.parents, probe, move.stand_of(picture), sight.at, move.fresh_ns)
        for address, (sign, at) in sight.parents.items():
            picture = place.pictures.get(sign)
            if picture is not None:
                move.note(move.parents, f"{probe}\x1f{address}", move.stand_of(picture), at, move.fresh_ns)
        sight.parents = {}


def _stopped(move: Move, place: Place | None, view: View, now: int) -> tuple[str, bool]:
    """The old set's servers that stopped serving since the move began, in words, empty where enough of them serve; and
    whether enough of them served when it began."""
    servers = place.servers if place else {}
    only_old = {address: each for address, each in servers.items() if each.server in move.gone_servers}
    needed = min(2, voters(place, view, now)) if place else 1
    move.unserved = [address for address in move.unserved if address in only_old and only_old[address].bad]
    served = bool(only_old) and len(move.unserved) * 2 < len(only_old)
    stopped = [
        address
        for address, each in only_old.items()
        if address not in move.unserved
        and each.ok_at >= move.started_at - move.fresh_ns
        and sum(at >= now - 2 * move.fresh_ns for at in each.bad.values()) >= needed
    ]
    if not stopped or len(stopped) * 2 < len(only_old):
        return "", served
    return f"{len(stopped)} of {len(only_old)} name-server addresses of the old set no longer serve it", served


def _end(moves: Moves, move: Move, now: int) -> None:
    move.state, move.ended_at = "given_up", now
    _settle(moves, move, now)


def _settle(moves: Moves, move: Move, now: int) -> None:
    """After a move: how most probes see it is how it is."""
    moves.under_way.pop(f"{move.kind} {move.name}", None)
    place = moves.places.get(f"{move.kind} {move.name}")
    if place is None:
        return
    counts: dict[str, int] = {}
    for sight in place.sights.values():
        if sight.at >= now - 2 * place.fresh_ns:
            counts[sight.sign] = counts.get(sight.sign, 0) + 1
    if counts:
        _resettle(moves, place, max(counts, key=lambda sign: counts[sign]))


def _resettle(moves: Moves, place: Place, sign: str) -> None:
    place.settled = sign
    place.marks.clear()
    place.ttl_s, place.ttls = 0, {}
    for sight in place.sights.values():
        sight.met = sight.sign == sign
        sight.parents = {}
    moves.restless[f"{place.kind} {place.name}"] = True


def _check_of(view: View, kind: Kind, name: str) -> str:
    wanted = "dns.chain" if kind == "chain" else "dns.zone"
    return next(
        (check.name for check in view.checks.values() if check.kind == wanted and name in map(name_of, check.targets)),
        "",
    )


def _forget(moves: Moves, now: int) -> None:
    moves.forgot_at = now
    ended = [id_ for id_, move in moves.moves.items() if not move.under_way]
    for id_ in ended:
        if now - (moves.moves[id_].ended_at or 0) > ENDED_NS or len(ended) > MAX_ENDED:
            del moves.moves[id_]
            ended = ended[1:]
    for key in [key for key, place in moves.places.items() if place.seen_at < now - FORGOTTEN_NS]:
        del moves.places[key]


def _turn_back(moves: Moves, now: int) -> None:
    """The clock was put back: all that lay later is now."""
    moves.now = moves.looked_at = moves.forgot_at = now
    for place in moves.places.values():
        place.born_at = min(place.born_at, now)
        for sight in place.sights.values():
            sight.at, sight.since = min(sight.at, now), min(sight.since, now)
        for serving in place.servers.values():
            serving.ok_at = min(serving.ok_at, now)
            serving.bad = {probe: min(at, now) for probe, at in serving.bad.items()}
        for mark in place.marks.values():
            mark.first_at, mark.last_at = min(mark.first_at, now), min(mark.last_at, now)
    for move in moves.moves.values():
        move.turn_back(now)
