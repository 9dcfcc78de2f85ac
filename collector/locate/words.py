"""Why a place is said to be at fault, in sentences: who fails there, what gets through all the same, and what beside it
is well. Pure.

No likelihoods: numbers of probes, and the names of what they asked.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from collector.locate.rows import Place, PlaceKind, Row, carrying, without

MAX_SENTENCES = 5
MAX_NAMED = 3
WELL = 10
"""Passes for each failure of what is well."""
NOUNS: Mapping[PlaceKind, str] = MappingProxyType(
    {
        "vantage": "probe",
        "network": "network",
        "resolver": "resolver",
        "operator": "operator",
        "zone": "zone",
        "name_server": "name server",
        "region": "region",
        "site": "site",
        "certificate": "certificate",
        "application": "check",
    }
)
"""What comes before a name; the others speak for themselves."""
PARTS: Mapping[PlaceKind, tuple[PlaceKind, str]] = MappingProxyType(
    {
        "operator": ("name_server", "server"),
        "zone": ("name_server", "server"),
        "name_server": ("address", "address"),
        "region": ("address", "address"),
        "endpoint": ("address", "address"),
    }
)
"""What a place is made of, and what that is called."""
ACQUITS: Sequence[PlaceKind] = ("operator", "region", "name_server", "site", "endpoint", "address", "resolver")
"""Whose being well tells most, the most telling first."""
OF_NAMES = ("operator", "zone", "name_server")


def sentences(
    place: Place, rows: Collection[Row], beside: Collection[Place] = (), *, over: str = ""
) -> tuple[str, ...]:
    """Why it is this place, without final stops; empty where no row speaks of it. `beside`: other causes, whose
    failures take nothing from what else is well. `over`: the family by which alone it fails."""
    way = Place("family", over)
    own = carrying(carrying(rows, place), way) if over else carrying(rows, place)
    if not any(row.failed for row in own):
        return ()
    found = [_who_fails(place, own) + f" over {over}" * bool(over), _what_gets_through(own)]
    found += [_other_ways(place, way, rows)] if over else []
    found += _what_is_well(place, own, without(rows, beside))
    found = [text for text in found if text][: MAX_SENTENCES - len(beside)]
    return (*found, *(_beside(each) for each in beside))


def _other_ways(place: Place, way: Place, rows: Collection[Row]) -> str:
    others = [row for row in without(carrying(rows, place), (way,)) if row.passed]
    families = sorted(_names("family", others))
    return f"over {', '.join(families)} it answers ({_voices(others)})" if families else ""


def _beside(place: Place) -> str:
    own = place.kind in ("vantage", "network")
    return f"{called(place)} fails as well{', and is another matter' * own}"


def called(place: Place) -> str:
    """With its noun, where the name alone does not say what it is."""
    return f"{NOUNS.get(place.kind, '')} {place.name}".strip()


def _who_fails(place: Place, own: Sequence[Row]) -> str:
    failing, asked = _names("vantage", own, failed=True), _names("vantage", own)
    verb = "fails" if len(failing) == 1 else "fail"
    if place.kind in ("vantage", "network"):
        who = called(place) if place.kind == "vantage" else f"{_share(failing, asked)} in {place.name}"
        hosts = _names("endpoint", own, failed=True) | _names("name_server", own, failed=True)
        return f"{who} {verb} at {_number(len(hosts), 'server')}" if hosts else f"{who} {verb}"
    who = f"{_share(failing, asked)} {verb}"
    if place.kind == "family":
        return f"{who} over {place.name}"
    part, noun = PARTS.get(place.kind, (place.kind, ""))
    bad, every = _names(part, own, failed=True), _names(part, own)
    if place.kind == "region" and len(every) == 1:
        return f"{who} at {min(every)}, which is all that is seen of {called(place)}"
    if place.kind == "zone" and not every:
        return f"{who} at names in {called(place)}"
    if len(every) < 2 or not bad:
        return f"{who} at {called(place)}"
    which = f"the {_number(len(every), noun)}" if bad == every else f"{len(bad)} of the {_number(len(every), noun)}"
    return f"{who} at {which} of {called(place)}"


def _what_gets_through(own: Sequence[Row]) -> str:
    failed, passed = sum(row.failed for row in own), sum(row.passed for row in own)
    return f"{passed} of {_number(passed + failed, 'attempt')} got through all the same" if passed else ""


def _what_is_well(place: Place, own: Sequence[Row], rows: Sequence[Row]) -> list[str]:
    """Others of its kind, or what it is part of: two of them; and caches, where names are at stake."""
    touched = {each.kind for row in own for each in row.places}
    found: list[str] = []
    acquitted = _well(rows)
    for kind in dict.fromkeys((place.kind, *ACQUITS)):
        if kind not in touched or kind not in ACQUITS:
            continue
        well = [each for each in acquitted.get(kind, ()) if each != place]
        if well and len(found) < 2:
            verb = "passes" if len(well) == 1 else "pass"
            verb = verb if kind not in OF_NAMES and kind != "resolver" else "answers" if len(well) == 1 else "answer"
            found.append(f"{_list(well)} {verb} ({_voices(_at(well, rows))})")
    if place.kind in OF_NAMES and (resolvers := acquitted.get("resolver")):
        found.append(f"the same names resolve from caches, at {_list(resolvers)} ({_voices(_at(resolvers, rows))})")
    return found


def _well(rows: Iterable[Row]) -> dict[PlaceKind, list[Place]]:
    """The places that are well, by kind."""
    failed: dict[Place, int] = {}
    passed: dict[Place, int] = {}
    for row in rows:
        for place in row.places if row.passed else ():
            passed[place] = passed.get(place, 0) + row.passed
        for place in row.places if row.failed else ():
            failed[place] = failed.get(place, 0) + row.failed
    found: dict[PlaceKind, list[Place]] = {}
    for place, number in passed.items():
        if number >= WELL * failed.get(place, 0):
            found.setdefault(place.kind, []).append(place)
    return {kind: sorted(places) for kind, places in found.items()}


def _at(places: Iterable[Place], rows: Iterable[Row]) -> list[Row]:
    wanted = frozenset(places)
    return [row for row in rows if not row.places.isdisjoint(wanted)]


def _voices(rows: Iterable[Row]) -> str:
    """How many got through."""
    passing = [row for row in rows if row.passed]
    who = {who for row in passing for who, (_, passed) in row.voices.items() if passed}
    return _number(len(_of_kind("vantage", (*who, *(row.places for row in passing)))), "probe")


def _names(kind: PlaceKind, rows: Iterable[Row], *, failed: bool = False) -> set[str]:
    wanted = [row for row in rows if row.failed or not failed]
    who = {who for row in wanted for who, (bad, _) in row.voices.items() if bad or not failed}
    return _of_kind(kind, (*who, *(row.places for row in wanted)))


def _of_kind(kind: PlaceKind, found: Iterable[frozenset[Place]]) -> set[str]:
    return {place.name for places in found for place in places if place.kind == kind}


def _share(part: Collection[str], whole: Collection[str]) -> str:
    """Of probes: "all 8 probes", "3 of 8 probes"."""
    if len(part) < len(whole):
        return f"{len(part)} of {len(whole)} probes"
    return {1: "the one probe that looked", 2: "both probes"}.get(len(whole), f"all {len(whole)} probes")


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def _list(places: Sequence[Place]) -> str:
    """At most three, with their noun once."""
    noun, names = NOUNS.get(places[0].kind, ""), ", ".join(place.name for place in places[:MAX_NAMED])
    more = f" and {len(places) - MAX_NAMED} more" if len(places) > MAX_NAMED else ""
    return f"{noun}{'s' if len(places) > 1 and noun else ''} {names}{more}".strip()
