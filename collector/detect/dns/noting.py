"""What probes see of delegations and chains, taken down with the moves that it bears on. Pure."""

from collector.detect.dns.pictures import Delegated, Kind, Picture, answered, delegated, led, name_of
from collector.detect.dns.sights import Mark, Moves, Place, Serving, Sight, under_way
from collector.detect.view import CheckView, View, ip_of
from parallax.observation import Observation
from parallax.reasons import REASONS

MAX_PLACES = 5000
MAX_VIEWS = 64
MAX_SERVERS = 64
MAX_PICTURES = 40
MAX_BESIDE = 4
MAX_MARKS = 16


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
    move = under_way(moves, "delegation", place.name)
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
                if value:
                    _note_mark(place, f"{kind} {value}", at)


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
    move = under_way(moves, "delegation", place.name)
    if move is None:
        differs = sight.sign != place.settled
        sight.parents = {address: (picture.sign, at) for address, picture in pictures.items()} if differs else {}
        for picture in pictures.values() if differs else ():
            place.pictures.setdefault(picture.sign, picture)
        return
    sight.parents = {}
    for address, picture in pictures.items():
        if move.what == "names" or found.parents[address].ds is not None or found.ds is not None:
            move.note(move.parents, f"{probe}\x1f{address}", move.stand_of(picture), at, check.fresh_ns)


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
    move = under_way(moves, "chain", place.name)
    if move is None and sight.sign == place.settled:
        place.ttls = dict(found.ttls)
    if move is not None:
        move.note(move.parents, probe, move.stand_of(picture), at, check.fresh_ns)
        move.ttl_s = move.ttl_s or max(found.ttls.values(), default=0)


def _note_answer(moves: Moves, check: CheckView, probe: str, observation: Observation, at: int, name: str) -> None:
    move = under_way(moves, "chain", name_of(name))
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
    move = under_way(moves, place.kind, place.name)
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
            del moves.places[min(moves.places, key=lambda each: moves.places[each].seen_at)]
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
        sight = place.sights[probe] = Sight(at, sign, at)
    sight.since = sight.since if sight.sign == sign else at
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
