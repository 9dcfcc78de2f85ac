"""Which name servers of an operator serve an old version of a zone, by the serial of its SOA. Pure.

Serials are compared as RFC 1982 says, and within one operator only: two operators number a zone each in its own way.
Sites of one anycast address are told apart. The newest version is one that two probes saw, where there are two.
"""

from collections.abc import Iterator

import msgspec

from collector.detect.view import View
from parallax.clock import NS
from parallax.observation import Observation

MAX_ZONES = 2000
MAX_SERVERS = 200
MAX_VERSIONS = 8
AT_LEAST_NS = 120 * NS
"""A transfer may take so long, whatever the SOA's refresh says."""
KEPT_NS = 900 * NS
"""What was not heard of for so long is no server of the zone any more, or is dark."""


class Served(msgspec.Struct, array_like=True):
    """What one address serves at one site. `behind_since` 0: it has the newest. `went_back`: it had a newer one."""

    serial: int
    at: int
    behind_since: int = 0
    went_back: bool = False


class Version(msgspec.Struct, array_like=True):
    """A serial, when it was first seen, and by whom (two are enough)."""

    serial: int
    first_at: int
    probes: list[str]


class Serials(msgspec.Struct):
    at: int
    refresh_ns: int = 0
    expire_ns: int = 0
    servers: dict[str, Served] = {}
    """By address and site."""
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


def note_serial(serials: dict[str, Serials], view: View, observation: Observation, at: int) -> None:
    """Takes one answer of a name server."""
    serial, dims = observation.findings.get("serial"), observation.dims
    if observation.reason is not None or not isinstance(serial, int) or not 0 <= serial < 2**32:
        return
    name = f"{observation.target}\x1f{dims.get('operator', '')[:100]}"
    found = serials.get(name)
    if found is None:
        if len(serials) >= MAX_ZONES:
            del serials[min(serials, key=lambda each: serials[each].at)]
        found = serials[name] = Serials(at=at)
    found.at = max(found.at, at)
    found.refresh_ns = _span(observation, "refresh") or found.refresh_ns
    found.expire_ns = _span(observation, "expire") or found.expire_ns
    address = observation.subject.removesuffix("/tcp")[:100]
    place = f"{address}\x1f{(observation.site or '')[:100]}"
    served = found.servers.get(place)
    if served is not None and at < served.at:
        return
    _note_version(found, view, serial, observation.probe, at)
    if served is None and len(found.servers) >= MAX_SERVERS:
        del found.servers[min(found.servers, key=lambda each: found.servers[each].at)]
    back = served is not None and (newer(served.serial, serial) or (served.went_back and served.serial == serial))
    found.servers[place] = Served(serial, at, served.behind_since if served else 0, back)
    _compare(found, view, at)


def behind(serials: dict[str, Serials], now: int) -> Iterator[Behind]:
    """Those that have been behind for so long that it is no transfer under way."""
    for name, found in serials.items():
        zone, _, operator = name.partition("\x1f")
        patience = max(found.refresh_ns, AT_LEAST_NS)
        late = {
            place: served
            for place, served in found.servers.items()
            if served.behind_since
            and now - served.at <= KEPT_NS
            and (served.went_back or now - served.behind_since >= patience)
        }
        if not late:
            continue
        since = min(served.behind_since for served in late.values())
        newest = _newest(found.versions, 1)
        yield Behind(
            zone=zone,
            operator=operator,
            addresses=tuple(sorted({place.partition("\x1f")[0] for place in late})),
            serial=next(iter(late.values())).serial,
            newest=newest.serial if newest else 0,
            since=since,
            expires_at=since + found.expire_ns if found.expire_ns else None,
            went_back=any(served.went_back for served in late.values()),
        )


def _note_version(found: Serials, view: View, serial: int, probe: str, at: int) -> None:
    known = next((version for version in found.versions if version.serial == serial), None)
    if known is None:
        found.versions.append(Version(serial, at, [probe]))
        del found.versions[:-MAX_VERSIONS]
    elif probe not in known.probes and len(known.probes) < 2:
        known.probes.append(probe)
    served = {each.serial for each in found.servers.values() if at - each.at <= KEPT_NS} | {serial}
    found.versions = [version for version in found.versions if version.serial in served]


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
    value = observation.findings.get(key)
    return value * NS if isinstance(value, int) and 0 < value < 2**31 else 0
