"""Which name servers of an operator serve an old version of a zone, by the serial of its SOA. Pure.

Serials are compared as RFC 1982 says, and within one operator only: two operators number a zone each in its own way.
Sites of one anycast address are told apart. The newest version is one that two probes saw, and an address is behind by
the word of two, where there are two: each probe's word is kept apart, so that one alone neither raises nor clears it.
"""

from collections.abc import Iterator

import msgspec

from collector.detect.numbers import whole
from collector.detect.view import View
from parallax.clock import NS
from parallax.observation import Observation

MAX_ZONES = 2000
MAX_PLACES = 600
MAX_OWN = 64
"""Places of one probe: what one makes up must not crowd out what the others see."""
MAX_VERSIONS = 8
AT_LEAST_NS = 120 * NS
"""A transfer may take so long, whatever the SOA's refresh says."""
KEPT_NS = 900 * NS
"""What was not heard of for so long is no server of the zone any more, or is dark."""


class Served(msgspec.Struct, array_like=True):
    """What one address serves one probe at one site. `behind_since` 0: it has the newest. `went_back`: it had a newer
    one. Refresh and expire are those of its SOA."""

    serial: int
    at: int
    behind_since: int = 0
    went_back: bool = False
    refresh_ns: int = 0
    expire_ns: int = 0


class Version(msgspec.Struct, array_like=True):
    """A serial, when it was first seen, and by whom (two are enough)."""

    serial: int
    first_at: int
    probes: list[str]


class Serials(msgspec.Struct):
    at: int
    servers: dict[str, Served] = {}
    """By address, site and probe."""
    versions: list[Version] = []
    """Oldest first."""


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """Servers of a zone that serve an old version."""

    zone: str
    operator: str
    addresses: tuple[str, ...]
    serial: int
    newest: int
    since: int
    expires_at: int | None
    """When they stop to answer if they cannot fetch it till then (SOA expire)."""
    went_back: bool


def newer(one: int, other: int) -> bool:
    """Whether the first serial is the newer (RFC 1982 section 3.2); False for two that are half of all numbers apart,
    which nobody can order."""
    ahead = (one - other) % 2**32
    return 0 < ahead < 2**31


def note_serial(serials: dict[str, Serials], view: View, operator: str, observation: Observation, at: int) -> None:
    """Takes one answer of a name server of the operator."""
    serial = whole(observation.findings.get("serial"), 2**32)
    if observation.reason is not None or serial is None:
        return
    name = f"{observation.target}\x1f{operator}"
    found = serials.get(name)
    if found is None:
        if len(serials) >= MAX_ZONES:
            del serials[min(serials, key=lambda each: (_voices(serials[each]) > 1, serials[each].at))]
        found = serials[name] = Serials(at=at)
    found.at = max(found.at, at)
    address, probe = observation.subject.removesuffix("/tcp")[:100], observation.probe
    place = f"{address}\x1f{(observation.site or '')[:100]}\x1f{probe}"
    served = found.servers.get(place)
    if served is not None and at < served.at:
        return
    if served is None:
        _make_room(found, probe)
    _note_version(found, serial, probe, at)
    back = served is not None and (newer(served.serial, serial) or (served.went_back and served.serial == serial))
    since = served.behind_since if served else 0
    found.servers[place] = Served(serial, at, since, back, _span(observation, "refresh"), _span(observation, "expire"))
    _compare(found, view, at)


def behind(serials: dict[str, Serials], now: int) -> Iterator[Behind]:
    """Those that have been behind for so long that it is no transfer under way."""
    for name, found in serials.items():
        zone, _, operator = name.partition("\x1f")
        late = _late(found, now)
        if not late:
            continue
        since = min(served.behind_since for served in late.values())
        newest = _newest(found.versions, 2) or _newest(found.versions, 1)
        expire_ns = min((served.expire_ns for served in late.values() if served.expire_ns), default=0)
        yield Behind(
            zone=zone,
            operator=operator,
            addresses=tuple(sorted({place.partition("\x1f")[0] for place in late})),
            serial=next(iter(late.values())).serial,
            newest=newest.serial if newest else 0,
            since=since,
            expires_at=since + expire_ns if expire_ns else None,
            went_back=any(served.went_back for served in late.values()),
        )


def _late(found: Serials, now: int) -> dict[str, Served]:
    """What is behind by the word of enough probes: of two, where two look at addresses of that family."""
    if not any(served.behind_since for served in found.servers.values()):
        return {}
    late: dict[str, set[str]] = {}
    looking: dict[bool, set[str]] = {True: set(), False: set()}
    fresh = {place: served for place, served in found.servers.items() if now - served.at <= KEPT_NS}
    for place, served in fresh.items():
        address, _, rest = place.partition("\x1f")
        probe = rest.rpartition("\x1f")[2]
        looking[address.startswith("[")].add(probe)
        if _is_late(served, now):
            late.setdefault(address, set()).add(probe)
    vouched = {
        address for address, probes in late.items() if len(probes) >= min(2, len(looking[address.startswith("[")]))
    }
    return {
        place: served
        for place, served in fresh.items()
        if _is_late(served, now) and place.partition("\x1f")[0] in vouched
    }


def _is_late(served: Served, now: int) -> bool:
    patience = max(served.refresh_ns, AT_LEAST_NS)
    return bool(served.behind_since) and (served.went_back or now - served.behind_since >= patience)


def _voices(found: Serials) -> int:
    return len({place.rpartition("\x1f")[2] for place in found.servers})


def _make_room(found: Serials, probe: str) -> None:
    own = [place for place in found.servers if place.endswith(f"\x1f{probe}")]
    full = own if len(own) >= MAX_OWN else list(found.servers) if len(found.servers) >= MAX_PLACES else []
    if full:
        del found.servers[min(full, key=lambda each: found.servers[each].at)]


def _note_version(found: Serials, serial: int, probe: str, at: int) -> None:
    known = next((version for version in found.versions if version.serial == serial), None)
    if known is None:
        found.versions.append(Version(serial, at, [probe]))
    elif probe not in known.probes and len(known.probes) < 2:
        known.probes.append(probe)
    served = {each.serial for each in found.servers.values() if at - each.at <= KEPT_NS} | {serial}
    found.versions = [version for version in found.versions if version.serial in served]
    if len(found.versions) > MAX_VERSIONS:  # the oldest that one probe alone saw
        found.versions.remove(min(found.versions, key=lambda each: (len(each.probes) > 1, each.first_at)))


def _compare(found: Serials, view: View, at: int) -> None:
    newest = _newest(found.versions, 1 if len(view.probes) == 1 else 2)
    for served in found.servers.values():
        if newest is None or not newer(newest.serial, served.serial):
            served.behind_since, served.went_back = 0, False
        elif not served.behind_since:
            served.behind_since = max(newest.first_at, at - 3600 * NS)


def _newest(versions: list[Version], probes: int) -> Version | None:
    """The newest of the versions that so many probes saw."""
    found = None
    for version in versions:
        if len(version.probes) >= probes and (found is None or newer(version.serial, found.serial)):
            found = version
    return found


def _span(observation: Observation, key: str) -> int:
    return (whole(observation.findings.get(key), 2**31) or 0) * NS
