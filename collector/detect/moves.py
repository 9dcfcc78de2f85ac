"""Moves: a change of a delegation or a chain on its way through parent servers and resolvers. Pure.

What is first seen of a zone or a name is how it is; that is no change. A change is what two probes see (or the only
one), of which at least one saw it otherwise before: who sees something else from the start stands elsewhere.
"""

import msgspec

from collector.board import MoveBoard
from collector.detect.moving import Move
from collector.detect.pictures import (
    Delegated,
    Kind,
    Led,
    Parent,
    Picture,
    answered,
    delegated,
    led,
    name_of,
    name_set,
)
from collector.detect.progress import progress
from collector.detect.view import CheckView, View, ip_of
from collector.events import EventData, Noticed, Severity
from collector.inputs import CommandInput
from parallax.clock import NS
from parallax.observation import Observation
from parallax.plan.dns_specs import ChainSpec
from parallax.reasons import REASONS

MAX_PLACES = 5000
MAX_VIEWS = 64
MAX_SERVERS = 64
MAX_PICTURES = 40
MAX_BESIDE = 4
MAX_MARKS = 16
MAX_UNDER_WAY, MAX_ENDED = 50, 30
ENDED_NS = 86400 * NS
FORGOTTEN_NS = 86400 * NS
BACK_NS = 5 * NS
FORGET_NS = 60 * NS
LOOK_NS = NS
"""How often a move is looked at, and all the places that may have changed."""


class Sight(msgspec.Struct, array_like=True):
    """How one probe last saw a zone's delegation, or a chain."""

    at: int
    sign: str
    met: bool = False
    """It has seen what is settled."""
    parents: dict[str, tuple[str, int]] = {}
    """Where it differs from what is settled: by the parent's server, the sign and when."""


class Serving(msgspec.Struct, array_like=True):
    """An address of a name server: when it last served, and which probes say since that it does not."""

    server: str
    ok_at: int = 0
    bad: dict[str, int] = {}


class Mark(msgspec.Struct, array_like=True):
    first_at: int
    last_at: int


class Place(msgspec.Struct):
    """A zone's delegation, or the chain of a name."""

    kind: Kind
    name: str
    check: str
    born_at: int
    fresh_ns: int
    settled: str = ""
    """The sign of the picture that holds until another is seen."""
    beside: list[str] = []
    """Signs that single servers of the parent have had since the first sight: a standing disagreement."""
    pictures: dict[str, Picture] = {}
    sights: dict[str, Sight] = {}
    ttl_s: int = 0
    """Of what is settled."""
    ttls: dict[str, int] = {}
    """Of a chain: by the name that a hop leads to."""
    marks: dict[str, Mark] = {}
    """Markers and MNAMEs that resolvers gave."""
    servers: dict[str, Serving] = {}


class Moves(msgspec.Struct):
    """Part of the state, hence plain values, bounded."""

    number: int = 0
    now: int = 0
    looked_at: int = 0
    places: dict[str, Place] = {}
    restless: dict[str, bool] = {}
    """Places of which something else was seen than what is settled."""
    moves: dict[str, Move] = {}
    """By id, oldest first; ended ones too."""
    under_way: dict[str, str] = {}
    """By place: the id of the move."""
    forgot_at: int = 0
    news: list[Noticed] = []
    """What a command led to, until the next tick says it."""


def note_moves(moves: Moves, view: View, check: CheckView, probe: str, observation: Observation, at: int) -> None:
    """Takes one observation of a check of DNS; `at` is when it was measured, by the collector's clock."""
    if observation.target not in check.targets or (check.probes and probe not in check.probes):
        return
    match check.kind:
        case "dns.zone" if observation.subject == "delegation":
            _note_delegation(moves, check, probe, observation, at)
        case "dns.zone":
            _note_server(moves, check, probe, observation, at)
        case "dns.chain":
            _note_chain(moves, check, probe, observation, at)
        case "dns.resolve":
            _note_answer(moves, check, probe, observation, at, observation.target)
        case "dns" if check.role == "resolver":
            _note_answer(moves, check, probe, observation, at, check.query)


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
    same = _under_way(moves, kind, name)
    check = place.check if place else _check_of(view, kind, name)
    if not check or not new_set or old == new_set or (same is not None and same.new == new_set):
        return
    if same is not None:
        _end(moves, same, now)
    fresh_ns = view.checks[check].fresh_ns if check in view.checks else 90 * NS
    move = _start(moves, kind, name, check, command.actor, old, new_set, fresh_ns, now)
    if place is not None and move is not None:
        _furnish(move, place)
    if move is not None:
        moves.news.append(_notice_start(view, move))


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
            gone, served = _stopped(move, place, now)
            progress(move, gone, now, told, _components(view, move.check), served=served or move.kind == "chain")
            if not move.under_way:
                _settle(moves, move, now)
    if now - moves.forgot_at >= FORGET_NS:
        _forget(moves, now)


def moves_of(moves: Moves, now: int) -> tuple[MoveBoard, ...]:
    """Those under way, and those that ended of late, the newest first."""
    return tuple(move.board(now) for move in reversed(moves.moves.values()))


# ---- what is seen
def _note_delegation(moves: Moves, check: CheckView, probe: str, observation: Observation, at: int) -> None:
    found = delegated(observation)
    if found is None:
        return
    place = _place(moves, check, "delegation", name_of(observation.target), at)
    pictures = found.pictures()
    picture = _choose(moves, place, pictures)
    sight = _sight(moves, place, probe, picture, at)
    if sight is None:
        return
    if at - place.born_at < place.fresh_ns:
        _note_beside(place, pictures)
    _note_parents(moves, check, place, probe, found, pictures, sight, at)
    move = _under_way(moves, "delegation", place.name)
    if sight.sign == place.settled and move is None:
        place.ttl_s = found.ttl_s
    if move is not None:
        move.ttl_s = max(move.ttl_s, found.ttl_s)
    for address, serves in found.former.items():
        serving = place.servers.get(ip_of(address) or address)
        if serving is not None:
            _note_serving(serving, probe, at, serves=serves)
    for resolver in found.failing:
        if move is not None:
            move.note_failing(f"{probe}\x1f{resolver}", at)
    for resolver, word in found.resolvers.items():
        if move is not None:
            on = move.stand_of_word(word)
            if on is not None:
                move.note(move.resolvers, f"{probe}\x1f{resolver}", on, at, check.fresh_ns)
        elif sight.sign == place.settled:
            for kind, value in (("marker", word.marker), ("mname", word.mname)):
                _note_mark(place, f"{kind} {value}", at) if value else None


def _note_parents(
    moves: Moves,
    check: CheckView,
    place: Place,
    probe: str,
    found: Delegated,
    pictures: dict[str, Picture],
    sight: Sight,
    at: int,
) -> None:
    """Into the move under way, else to the sight, from which a move may start."""
    move = _under_way(moves, "delegation", place.name)
    if move is None:
        differs = sight.sign != place.settled
        sight.parents = {address: (picture.sign, at) for address, picture in pictures.items()} if differs else {}
        for picture in pictures.values() if differs else ():
            place.pictures.setdefault(picture.sign, picture)
        return
    sight.parents = {}
    for address, picture in pictures.items():
        if move.what == "names" or _has_ds(found.parents[address], found):
            move.note(move.parents, f"{probe}\x1f{address}", move.stand_of(picture), at, check.fresh_ns)


def _has_ds(parent: Parent, found: Delegated) -> bool:
    return parent.ds is not None or found.ds is not None


def _note_chain(moves: Moves, check: CheckView, probe: str, observation: Observation, at: int) -> None:
    found = led(observation)
    if found is None:
        return
    place = _place(moves, check, "chain", name_of(observation.target), at)
    settled = place.pictures.get(place.settled)
    if not found.whole and (settled is None or settled.names[: len(found.names)] == found.names):
        return  # it breaks off; that is a fault, and not where it leads now
    picture = Picture(found.names)
    sight = _sight(moves, place, probe, picture, at)
    if sight is None:
        return
    move = _under_way(moves, "chain", place.name)
    _note_ttls(place, found, settled=sight.sign == place.settled and move is None)
    if move is not None:
        move.note(move.parents, probe, move.stand_of(picture), at, check.fresh_ns)
        move.ttl_s = max([move.ttl_s, *(ttl for name, ttl in found.ttls.items() if name not in move.old)])


def _note_ttls(place: Place, found: Led, *, settled: bool) -> None:
    if settled:
        place.ttls = dict(found.ttls)


def _note_answer(moves: Moves, check: CheckView, probe: str, observation: Observation, at: int, name: str) -> None:
    move = _under_way(moves, "chain", name_of(name))
    if move is None:
        return
    names = answered(observation)
    key = f"{probe}\x1f{(observation.dims.get('resolver') or observation.subject)[:100]}"
    if names is not None:
        move.note(move.resolvers, key, move.stand_of_answer(names), at, check.fresh_ns)
    elif observation.reason is not None and observation.fault == "target":
        move.note_failing(key, at)


def _note_server(moves: Moves, check: CheckView, probe: str, observation: Observation, at: int) -> None:
    """Whether an address serves the zone. What is asked over TCP only now and then is left out."""
    dims = observation.dims
    if dims.get("transport") == "tcp" or not dims.get("server"):
        return
    place = moves.places.get(f"delegation {name_of(observation.target)}")
    if place is None:
        return
    address = (dims.get("address") or ip_of(observation.subject) or observation.subject)[:100]
    serving = place.servers.get(address)
    if serving is None:
        if len(place.servers) >= MAX_SERVERS:
            oldest = min(place.servers, key=lambda name: max(place.servers[name].ok_at, 0))
            del place.servers[oldest]
        serving = place.servers[address] = Serving(name_of(dims["server"]))
    reason = observation.reason
    if reason is None or (reason in REASONS and REASONS[reason].soft):
        _note_serving(serving, probe, at, serves=True)
    elif observation.fault not in ("probe", "config"):
        _note_serving(serving, probe, at, serves=False)


def _note_serving(serving: Serving, probe: str, at: int, *, serves: bool) -> None:
    if serves:
        serving.ok_at = max(serving.ok_at, at)
        serving.bad.clear()
    elif probe in serving.bad or len(serving.bad) < MAX_VIEWS:
        serving.bad[probe] = max(at, serving.bad.get(probe, 0))


def _choose(moves: Moves, place: Place, pictures: dict[str, Picture]) -> Picture:
    """What of the servers of the parent counts, where they differ: one that is neither settled nor on its way, as it is
    the news; else the new one."""
    move = _under_way(moves, place.kind, place.name)
    standing = {place.settled, *place.beside} if len({p.sign for p in pictures.values()}) > 1 else {place.settled}
    others = [p for p in pictures.values() if p.sign not in standing]
    if move is not None:
        others = [p for p in others if move.stand_of(p) == "other"] or others
    return (
        others[0]
        if others
        else next((p for p in pictures.values() if p.sign == place.settled), None) or next(iter(pictures.values()))
    )


def _place(moves: Moves, check: CheckView, kind: Kind, name: str, at: int) -> Place:
    key = f"{kind} {name}"
    place = moves.places.get(key)
    if place is None:
        while len(moves.places) >= MAX_PLACES:
            del moves.places[min(moves.places, key=lambda each: _seen_at(moves.places[each]))]
        place = moves.places[key] = Place(kind=kind, name=name, check=check.name, born_at=at, fresh_ns=check.fresh_ns)
    place.fresh_ns = max(check.fresh_ns, 1)
    return place


def _sight(moves: Moves, place: Place, probe: str, picture: Picture, at: int) -> Sight | None:
    """Takes down how the probe sees it; None where it said something later already."""
    sign = picture.sign
    sight = place.sights.get(probe)
    if sight is not None and at < sight.at:
        return None
    place.pictures.setdefault(sign, picture)
    if len(place.pictures) > MAX_PICTURES:
        kept = {place.settled, sign, *(each.sign for each in place.sights.values())}
        place.pictures = {key: value for key, value in place.pictures.items() if key in kept}
    if not place.settled:
        place.settled = sign
    if sight is None:
        while len(place.sights) >= MAX_VIEWS:
            del place.sights[min(place.sights, key=lambda each: place.sights[each].at)]
        sight = place.sights[probe] = Sight(at, sign)
    sight.at, sight.sign = at, sign
    sight.met = sight.met or sign == place.settled
    if sign != place.settled:
        moves.restless[f"{place.kind} {place.name}"] = True
    return sight


def _note_beside(place: Place, pictures: dict[str, Picture]) -> None:
    """Servers of the parent that differ from one another as long as they are known do not make a move."""
    signs = list(dict.fromkeys(picture.sign for picture in pictures.values()))
    if len(signs) > 1:
        others = [sign for sign in signs if sign != place.settled and sign not in place.beside]
        place.beside = [*place.beside, *others][:MAX_BESIDE]


def _note_mark(place: Place, mark: str, at: int) -> None:
    known = place.marks.get(mark)
    if known is not None:
        known.last_at = max(known.last_at, at)
        return
    if len(place.marks) >= MAX_MARKS:
        del place.marks[min(place.marks, key=lambda each: place.marks[each].last_at)]
    place.marks[mark] = Mark(at, at)


# ---- what follows
def _look(moves: Moves, view: View, place: Place, now: int, told: list[EventData]) -> bool:
    """Whether what is settled of a place still holds; False once nobody sees anything else."""
    move = _under_way(moves, place.kind, place.name)
    fresh = {probe: sight for probe, sight in place.sights.items() if sight.at >= now - 2 * place.fresh_ns}
    votes: dict[str, list[Sight]] = {}
    for sight in fresh.values():
        if sight.sign != place.settled:
            votes.setdefault(sight.sign, []).append(sight)
    if not votes:
        return False
    needed = min(2, _voters(place, now))
    for sign, sights in sorted(votes.items(), key=lambda item: -len(item[1])):
        picture = place.pictures.get(sign)
        if picture is None or len(sights) < needed:
            continue
        if move is not None and move.stand_of(picture) != "other":
            continue
        if not any(sight.met for sight in sights):
            if now - place.born_at >= place.fresh_ns and len(sights) * 2 > len(fresh):
                _resettle(moves, place, sign)
            continue
        _change(moves, view, place, picture, now, told)
        return True
    return True


def _change(moves: Moves, view: View, place: Place, picture: Picture, now: int, told: list[EventData]) -> None:
    before = place.pictures[place.settled]
    running = _under_way(moves, place.kind, place.name)
    if running is not None:
        _end(moves, running, now)
    by_names = picture.names != before.names
    old, new = (before.names, picture.names) if by_names else (before.ds, picture.ds)
    told.append(_notice_change(view, place, before, picture))
    move = _start(moves, place.kind, place.name, place.check, f"check {place.check}", old, new, place.fresh_ns, now)
    if move is None:
        _resettle(moves, place, picture.sign)
        return
    move.what = "names" if by_names else "ds"
    _furnish(move, place)
    told.append(_notice_start(view, move))


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


def _furnish(move: Move, place: Place) -> None:
    """What is known of the place already."""
    gone = [place.ttls.get(name, 0) for name in move.old if name not in move.new]
    move.ttl_s = max([place.ttl_s, *gone]) if move.kind == "delegation" else max([0, *place.ttls.values()])
    if move.kind == "chain" and gone:
        move.ttl_s = max(gone)
    needed = min(2, _voters(place, move.started_at))
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


def _stopped(move: Move, place: Place | None, now: int) -> tuple[str, bool]:
    """The old set's servers that stopped serving since the move began, in words, empty where enough of them serve; and
    whether enough of them served when it began."""
    servers = place.servers if place else {}
    only_old = {address: each for address, each in servers.items() if each.server in move.gone_servers}
    needed = min(2, _voters(place, now)) if place else 1
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


def _voters(place: Place, now: int) -> int:
    """Probes that see it at present."""
    return sum(sight.at >= now - 2 * place.fresh_ns for sight in place.sights.values())


def _under_way(moves: Moves, kind: Kind, name: str) -> Move | None:
    id_ = moves.under_way.get(f"{kind} {name}")
    return moves.moves.get(id_) if id_ is not None else None


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
    for key in [key for key, place in moves.places.items() if _seen_at(place) < now - FORGOTTEN_NS]:
        del moves.places[key]


def _seen_at(place: Place) -> int:
    return max((sight.at for sight in place.sights.values()), default=place.born_at)


def _turn_back(moves: Moves, now: int) -> None:
    """The clock was put back: all that lay later is now."""
    moves.now = moves.looked_at = moves.forgot_at = now
    for place in moves.places.values():
        place.born_at = min(place.born_at, now)
        for sight in place.sights.values():
            sight.at = min(sight.at, now)
        for serving in place.servers.values():
            serving.ok_at = min(serving.ok_at, now)
            serving.bad = {probe: min(at, now) for probe, at in serving.bad.items()}
        for mark in place.marks.values():
            mark.first_at, mark.last_at = min(mark.first_at, now), min(mark.last_at, now)
    for move in moves.moves.values():
        move.turn_back(now)


# ---- in words
def _components(view: View, check: str) -> tuple[str, ...]:
    return tuple(each.name for each in view.components if check in each.checks or check in each.risks)


def _notice_change(view: View, place: Place, before: Picture, after: Picture) -> Noticed:
    if place.kind == "delegation":
        return Noticed(
            word="delegation_changed",
            title=f"The delegation of {place.name} changed",
            severity="warning",
            check=place.check,
            target=place.name,
            before=before.words,
            after=after.words,
            components=_components(view, place.check),
            probes=tuple(probe for probe, sight in place.sights.items() if sight.sign == after.sign),
            why="the parent's servers name other name servers"
            if before.names != after.names
            else "the parent's servers have other DS records",
        )
    severity, why = _weigh(view, place.check, after.names)
    leads = f"leads to {after.names[-1]}" if after.names else "leads to no other name any more"
    return Noticed(
        word="chain_changed",
        title=f"{place.name} {leads}",
        severity=severity,
        check=place.check,
        target=place.name,
        before=before.words,
        after=after.words,
        components=_components(view, place.check),
        probes=tuple(probe for probe, sight in place.sights.items() if sight.sign == after.sign),
        why=why,
    )


def _weigh(view: View, check: str, names: tuple[str, ...]) -> tuple[Severity, str]:
    spec = view.checks[check].spec if check in view.checks else None
    if not isinstance(spec, ChainSpec) or not spec.expect:
        return "info", "the plan does not say where it should lead"
    stray = [name for name in names if name not in {*map(name_of, spec.expect), *map(name_of, spec.workaround)}]
    if stray:
        return "warning", f"the plan does not have {stray[0]}"
    around = [name for name in names if name in set(map(name_of, spec.workaround))]
    return "info", f"{around[0]} is a workaround of the plan" if around else "as the plan expects it"


def _notice_start(view: View, move: Move) -> Noticed:
    what = "delegation" if move.kind == "delegation" else "chain"
    return Noticed(
        word="move_started",
        title=f"The {what} of {move.name} is on its way to the new {'set' if what == 'delegation' else 'names'}",
        check=move.check,
        target=move.name,
        before=move.shown(move.old),
        after=move.shown(move.new),
        components=_components(view, move.check),
        why=f"started by {move.by}",
    )
