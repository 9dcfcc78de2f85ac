"""Which incident explains another one. Pure.

What fails in the same way at one place is one incident, by the places that its subjects share (`joining.py`): the names
that no longer resolve under a zone whose operator is dark are in that one, and so are hosts whose lookup fails. What
fails in another way stays an incident of its own, as it may be its own fault; but it has a parent, and nobody is told
of it beside that one where it is not worse:

- refusals at the place where an outage is: a front end of a region that is down refuses requests, say;
- hosts that fail as a whole, by whatever they do, under a zone that nobody serves any more: who runs them resolves its
  own names there, too. One region or address of a host says nothing of its name.
"""

from collections.abc import Mapping

import msgspec

from collector.detect.dns.zones import hosted_by, zone_among
from collector.detect.incidents.joining import place_of
from collector.detect.places import Spot, asked_names, spot_of, zones_of
from collector.detect.state import MAX_MEMBERS, Case, State
from collector.detect.view import View
from parallax.clock import NS

EARLIER_NS = 30 * NS
"""A child may have begun so long before its parent, by the evidence: who looks more often sees it first."""
WHOLE = ("endpoint", "zone", "network")
"""Fault domains that may be the doing of a name."""
SERVED = ("operator", "zone")
"""And those that leave a zone without anybody who serves it."""


class Kinship(msgspec.Struct, frozen=True, kw_only=True):
    """What the open incidents are to each other: true until one of them is told of, is drawn anew or ends."""

    parents: frozenset[str]
    """Those that have children."""
    elders: tuple[Case, ...]
    """Those that may get some, the oldest first."""
    dark: tuple[Case, ...]
    """Those of them that may leave a zone without anybody who serves it."""


def kinship_of(state: State) -> Kinship:
    """As they are now."""
    elders = tuple(
        case
        for case in state.open.values()
        if case.kin == "failure"
        and not case.shown.probes
        and not case.shown.parent
        and case.pending != "opened"
        and place_of(case)
    )
    return Kinship(
        parents=frozenset(case.shown.parent for case in state.open.values()),
        elders=elders,
        dark=tuple(case for case in elders if case.domain is not None and case.domain.kind in SERVED),
    )


def parent_of(state: State, view: View, case: Case, kinship: Kinship) -> str:
    """The open incident that explains all of this one's subjects; the one it has as long as that is open; "" for none.
    No incident has a parent that has one itself."""
    known, domain = case.shown.parent, case.domain
    whole = domain is None or domain.kind in WHOLE
    if known and known in state.open:
        return known if whole or case.kin != "failure" else ""
    if case.shown.id in kinship.parents:
        return ""
    dark = [other for other in kinship.dark if other is not case] if whole else []
    if not dark and case.kin == "failure":
        return ""
    elders = [other for other in kinship.elders if other is not case]
    if not elders:
        return ""
    spots = [spot for name in case.bad[:MAX_MEMBERS] if (spot := spot_of(state, view, name)) is not None]
    found = _of_place(case, elders, spots) or _of_zone(state, view, case, dark, spots)
    return found.shown.id if found is not None else ""


def _of_place(case: Case, elders: list[Case], spots: list[Spot]) -> Case | None:
    """The outage at whose fault domain all of these refusals are."""
    if case.kin == "failure" or not spots:
        return None
    shared = {place_of(other) for other in elders}
    for spot in spots:
        shared &= set(spot.places)
        if not shared:
            return None
    return next((other for other in elders if place_of(other) in shared), None)


def _of_zone(state: State, view: View, case: Case, elders: list[Case], spots: list[Spot]) -> Case | None:
    """The incident of a zone that nobody serves any more, under which all of these hosts are."""
    if not spots or any(spot.check.of_dns for spot in spots):
        return None
    for elder in elders:
        if case.shown.started_at < elder.shown.started_at - EARLIER_NS:
            continue
        dark = _unserved(state, view, elder)
        if dark and all(zone_among(dark, spot.host) for spot in spots):
            return elder
    return None


def _unserved(state: State, view: View, elder: Case) -> Mapping[str, None]:
    """The zones that nobody serves while this incident lasts, and those below whose own servers nobody knows."""
    domain = elder.domain
    if domain is None or not domain.certain:
        return {}
    found: dict[str, None] = {}
    for name in elder.bad[:MAX_MEMBERS]:
        spot = spot_of(state, view, name)
        if spot is not None and spot.server and not spot.standby and spot.key.counts_as == "down":
            zone = spot.key.zone
            found.update(dict.fromkeys([zone] if zone else zones_of(asked_names(spot.key, spot.check))))
    hosted = hosted_by(state.zones, view)
    return {
        zone: None
        for zone in found
        if domain.kind == "zone" or not hosted.get(zone) or hosted[zone] == frozenset({domain.name})
    }
