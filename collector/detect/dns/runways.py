"""How long caches carry names whose operator is dark. Pure.

A name is carried at a resolver until the first of its record sets runs out that the dark operators host; what others
host does not count, as it can be fetched anew, nor do NS and DS records, which nobody needs while the data lives. A
record set is cut off where every operator that serves its zone is dark; once the zone has moved to another operator,
for the caches that still hold the delegation of before.

    earliest   the first of these moments over the sampled resolvers and names
    latest     the last of them; and no cache can hold out longer than from the last good answer of the authority for
               the whole time to live, as one that nobody samples may have fetched at that very moment (without
               RFC 8767: a resolver that serves stale answers carries on)
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from collector.detect.dns.caches import Cache, RecordSet, Sample
from collector.detect.dns.sights import under_way
from collector.detect.dns.zones import hosted_by, last_alive, zone_among, zone_at
from collector.detect.places import heard_by_more, is_server, is_standby
from collector.detect.state import State
from collector.detect.verdicts.departed import behind
from collector.detect.view import OVER_TCP, View
from collector.events import Held, Runway
from parallax.operators import registrable

MAX_NAMES = 50
MAX_HELD = 60


class Dark(msgspec.Struct, kw_only=True):
    """What is dark: whole operators, and zones whose servers all fail."""

    operators: frozenset[str]
    zones: frozenset[str]
    checks: dict[str, int]
    """The checks that see it, and at how many addresses."""
    since: int


class _Group(NamedTuple):
    zone: str
    operator: str


def dark_by_incident(state: State, view: View) -> dict[str, Dark]:
    """What every address of an operator, or of a zone, says no more, by the incident that it is part of."""
    if not state.open:
        return {}
    groups: dict[_Group, list[str]] = {}
    for name, key in state.keys.items():
        check = view.checks.get(key.check)
        if check is None or not is_server(key, check) or key.subject.endswith(OVER_TCP):
            continue
        if key.state == "unknown" and key.counts_as != "down":
            continue
        zone = key.target if check.kind == "dns.zone" else zone_at(state.zones, check.query) or registrable(check.query)
        groups.setdefault(_Group(zone, key.operator), []).append(name)
    down = {
        group
        for group, names in groups.items()
        if all(key.counts_as == "down" for key in heard_by_more([state.keys[name] for name in names]))
    }
    operators = {g.operator for g in down} - {g.operator for g in groups if g not in down}
    hosts = hosted_by(state.zones, view)
    zones = {
        group.zone
        for group in down
        if all(_Group(group.zone, name) in down for name in hosts.get(group.zone, frozenset((group.operator,))))
    }
    found: dict[str, Dark] = {}
    for group in sorted(down):
        if group.operator not in operators and group.zone not in zones:
            continue
        for name in groups[group]:
            key = state.keys[name]
            if key.incident is None or is_standby(view, state.zones.serving, key, view.checks[key.check]):
                continue
            dark = found.get(key.incident)
            if dark is None:
                dark = found[key.incident] = Dark(operators=frozenset(), zones=frozenset(), checks={}, since=key.since)
            dark.operators |= {group.operator} & operators
            dark.zones |= {group.zone} & zones
            dark.checks[key.check] = dark.checks.get(key.check, 0) + 1
            dark.since = min(dark.since, key.since)
    return found


class Reach:
    """Which names a dark operator cuts off."""

    def __init__(self, state: State, view: View, dark: Dark) -> None:
        self._hosts, self._dark = hosted_by(state.zones, view), dark
        self._known: dict[str, bool] = {}
        self._behind = dict(_behind(state, self._hosts, dark))

    @property
    def any(self) -> bool:
        """Whether any zone is cut off at all."""
        cut_off = any(hosts <= self._dark.operators for hosts in self._hosts.values())
        return cut_off or bool(self._dark.zones or self._behind)

    def cuts_off(self, name: str) -> bool:
        """Whether nobody serves the name's zone any more."""
        known = self._known.get(name)
        if known is None:
            zone = zone_among(self._hosts, name)
            if zone:
                known = zone in self._dark.zones or self._hosts[zone] <= self._dark.operators
            else:
                known = zone_among(dict.fromkeys(self._dark.zones), name) != ""
            self._known[name] = known
        return known

    def moves(self, name: str) -> bool:
        """Whether the name's zone is on its way from who is dark to who is not."""
        return bool(self._behind) and zone_among(self._behind, name) != ""

    def cuts_off_at(self, cache: Cache, name: str) -> bool:
        """Whether a cache cannot fetch the name anew: nobody serves it, or who the cache would ask does not."""
        if self.cuts_off(name):
            return True
        zone = zone_among(self._behind, name) if self._behind else ""
        return bool(zone) and f"{cache.probe}\x1f{cache.resolver}" in self._behind[zone]


def _behind(state: State, hosts: dict[str, frozenset[str]], dark: Dark) -> Iterator[tuple[str, frozenset[str]]]:
    """By zone that has left a dark operator for one that answers: the caches that this has not reached."""
    for place in state.moves.under_way:
        kind, _, zone = place.partition(" ")
        cut, move = state.zones.cuts.get(zone), under_way(state.moves, "delegation", zone)
        if kind != "delegation" or cut is None or move is None or hosts.get(zone, frozenset()) <= dark.operators:
            continue
        old = {cut.servers[server] for server in move.old if server in cut.servers}
        if old and old <= dark.operators and (caches := behind(move, state.now)):
            yield zone, caches


def runway_of(state: State, view: View, reach: Reach, now: int) -> Runway | None:
    """The runway at this moment; None where no sampled resolver holds anything of it."""
    seen = list(_seen(state, reach, now))
    if not seen:
        return None
    most: dict[tuple[str, str], int] = {}
    for each in seen:
        for found in each.sets:
            most[found.owner, found.type] = max(most.get((found.owner, found.type), 0), found.most_ns)
    resolvers: dict[str, list[_Seen]] = {}
    for each in seen:
        resolvers.setdefault(f"{each.cache.probe}\x1f{each.cache.resolver}", []).append(each)
    gone = {name for name, own in resolvers.items() if any(each.is_gone(now) for each in own)}
    stale = {
        name for name, own in resolvers.items() if any(each.sample.stale and not each.reached for each in own)
    } - gone
    held = {(each.cache.resolver, found.owner, found.type, min(found.untils)) for each in seen for found in each.sets}
    ahead = sorted((h for h in held if h[3] > now), key=lambda h: (h[3], h))
    run_out = sorted((h for h in held if h[3] <= now), key=lambda h: (-h[3], h))
    return Runway(
        names=tuple(sorted({each.sample.name for each in seen}))[:MAX_NAMES],
        earliest_at=min((each.ends_at for each in seen if each.ends_at), default=None),
        latest_at=_latest(state, seen, most),
        sampled=len(resolvers),
        expired=len(gone),
        stale=len(stale),
        users=_users(view, resolvers, gone),
        held=tuple(Held(resolver=r, owner=o, type=t, until=u) for r, o, t, u in (ahead + run_out)[:MAX_HELD]),
    )


def carried_names(view: View, reach: Reach, check_name: str) -> bool:
    """Whether a check asks for, or dials, a name that is cut off."""
    check = view.checks.get(check_name)
    if check is None:
        return False
    names = {check.query} if check.query else {target.host for target in check.targets.values()}
    return any(reach.cuts_off(name) for name in names if name)


class _Seen(NamedTuple):
    """A sample of a cache, and its record sets that are cut off. `ends_at` is when the first of those runs out, or when
    it was found to have; 0 where neither is known. `reached`: its zone has moved, and this cache knows."""

    cache: Cache
    sample: Sample
    sets: list[RecordSet]
    ends_at: int
    reached: bool = False

    def is_gone(self, now: int) -> bool:
        if self.sample.stale or self.reached:
            return False
        return not self.sample.ok or 0 < self.ends_at <= now


def _seen(state: State, reach: Reach, now: int) -> Iterator[_Seen]:
    for cache in state.zones.caches.values():
        for sample in cache.samples.values():
            if now > sample.fresh_until:
                continue
            data = [each for each in sample.sets if each.type not in ("NS", "DS")]
            sets = [each for each in data if reach.cuts_off_at(cache, each.owner)]
            if sets or (not sample.ok and reach.cuts_off_at(cache, sample.name)):
                moments = [until for each in sets for until in each.untils]
                moments += [sample.failed_at] if sample.failed_at else []
                yield _Seen(cache, sample, sets, min(moments, default=0))
            elif any(reach.moves(each.owner) for each in data) or reach.moves(sample.name):
                yield _Seen(cache, sample, [], 0, reached=True)


def _latest(state: State, seen: list[_Seen], most: dict[tuple[str, str], int]) -> int | None:
    """When the last of them has run out, wherever it was fetched."""
    ends = {}
    for (owner, rdtype), span in most.items():
        alive, _ = last_alive(state.zones, owner)
        ends[owner, rdtype] = alive + span if alive else 0
    found = [min(max(*each.untils, ends[each.owner, each.type]) for each in one.sets) for one in seen if one.sets]
    return max(found, default=None)


def _users(view: View, resolvers: dict[str, list[_Seen]], gone: set[str]) -> float | None:
    """The share of users behind resolvers at which a name has run out. Where several caches were sampled of one, its
    users are taken to be spread over them evenly."""
    caches: dict[str, list[bool]] = {}
    for name in resolvers:
        caches.setdefault(name.partition("\x1f")[2], []).append(name in gone)
    shares = 0.0
    for resolver, ended in caches.items():
        known = view.resolvers.get(resolver)
        if known is None or known.weight is None:
            return None
        shares += known.weight * sum(ended) / len(ended)
    return round(min(shares, 1.0), 6)
