"""Catchments: which site of an anycast address answers which probe, and what changes in it. Pure.

IPv4 and IPv6 are apart, as are name servers and front ends of one address: they have other sites, and other routes. Of
a name server's address only what comes over UDP counts: over TCP it is asked rarely, and may be routed elsewhere.
"""

from functools import lru_cache
from typing import Any, Literal, cast

from collector.board import CatchmentBoard, Caught, SiteBoard
from collector.detect.sites.light import Disc, Witness, sites_at_least, witnesses
from collector.detect.sites.reach import MAX_PROBES, Catch, Catchments, Reach
from collector.detect.sites.shifts import components_of, detour, median_ns, places_of, tell_shifts
from collector.detect.view import CheckView, View
from collector.events import EventData, Noticed
from parallax.clock import NS
from parallax.observation import Observation
from parallax.spans import measured

__all__ = ["Catchments", "catchments_of", "note_catchments", "tell_catchments"]

MAX_CATCHES = 1000
MAX_LABEL, MAX_IP = 100, 45
LOOK_NS = NS
EACH_NS = 15 * NS
"""How often an address is looked at of which nothing new is known."""
MOST_LOOKED = 64
"""Addresses that one look takes: a second is no time to be away."""
BACK_NS = 5 * NS
FORGOTTEN_NS = 86400 * NS
MAX_ODD = 32
SUSPECT_SHARE, SUSPECT_ADDRESSES, SUSPECT_PARTNERS = 0.8, 3, 2
NEARBY_NS = 1_000_000
OWN_TROUBLE = ("probe", "config", "blocked")

Verdict = Literal["anycast", "unicast_consistent", "unknown"]


def note_catchments(
    catchments: Catchments, view: View, check: CheckView, probe: str, observation: Observation, at: int
) -> None:
    """Takes one observation; `at` is when it was measured, by the collector's clock."""
    dims, dns = observation.dims, check.kind.startswith("dns")
    if dns and (dims.get("transport") == "tcp" or observation.subject.endswith("/tcp")):
        return
    ip = _ip_of(dims.get("address") or observation.subject)
    if not ip:
        return
    key = f"{'dns' if dns else 'http'} {ip}"
    catch = catchments.catches.get(key)
    site = (observation.site or "")[:MAX_LABEL]
    authority = dns and bool(dims.get("server")) and "resolver" not in dims and check.role != "resolver"
    if catch is None:
        if not site and not (authority and observation.reason is None):
            return  # nothing but failures, or none of whom anything could be told
        if observation.target not in check.targets or (check.probes and probe not in check.probes):
            return
        catch = _open(catchments, key, ip, check)
    if at - catch.described_at >= EACH_NS:
        catch.described_at = at
        _describe(catch, view, check, observation)
    reach = catch.reaches.get(probe)
    if reach is None:
        if len(catch.reaches) >= MAX_PROBES:
            del catch.reaches[min(catch.reaches, key=lambda name: catch.reaches[name].at)]
        reach = catch.reaches[probe] = Reach(at, at + check.fresh_ns)
    if at < reach.at - check.fresh_ns:
        return
    failed = observation.reason is not None and observation.fault not in OWN_TROUBLE
    if "resolver" in dims:  # what the name's own side does is not the resolver's
        failed = observation.reason is not None and observation.fault == "resolver"
    changed = reach.note(
        at,
        at + check.fresh_ns,
        site,
        0 if failed else _rtt_ns(observation, dns=dns),
        passed=observation.reason is None,
        failed=failed,
    )
    catch.restless |= changed
    catch.heard_at = max(catch.heard_at, at)
    if reach.site and (site == reach.site or changed):
        catch.note_site(probe, reach.site, at)


def tell_catchments(catchments: Catchments, view: View, now: int, told: list[EventData]) -> None:
    """Says what changed; called at every tick."""
    if now < catchments.now - BACK_NS:
        _turn_back(catchments, now)
    catchments.now = max(now, catchments.now)
    if now - catchments.looked_at < LOOK_NS:
        return
    catchments.looked_at = now
    for key in [key for key, catch in catchments.catches.items() if catch.heard_at < now - FORGOTTEN_NS]:
        del catchments.catches[key]
    due = [catch for catch in catchments.catches.values() if catch.restless or now - catch.looked_at >= EACH_NS]
    due.sort(key=lambda catch: (not catch.restless, catch.looked_at))
    for catch in due[:MOST_LOOKED]:
        catch.looked_at, catch.restless = now, False
        _judge(catchments, catch, view, now, told)
        tell_shifts(catch, view, now, told)
    if due:
        _suspects(catchments, view, now, told)


def catchments_of(catchments: Catchments, view: View, now: int) -> tuple[CatchmentBoard, ...]:
    """As they are now, by address."""
    return tuple(
        _board(catch, view, now)
        for _, catch in sorted(catchments.catches.items(), key=lambda item: (item[1].server, item[1].address))
        if catch.fresh(now) or catch.verdict == "anycast"
    )


def _open(catchments: Catchments, key: str, ip: str, check: CheckView) -> Catch:
    """A new address. Of too many, one goes that a single probe speaks of: the one not heard for longest."""
    catches = catchments.catches
    while len(catches) >= MAX_CATCHES:
        del catches[min(catches, key=lambda name: (len(catches[name].reaches) > 1, catches[name].heard_at))]
    catch = catches[key] = Catch(address=ip, family=6 if ":" in ip else 4, check=check.name)
    return catch


@lru_cache(maxsize=4096)
def _ip_of(text: str) -> str:
    """A literal address, without port and brackets; empty where it is none."""
    host = text.rpartition(":")[0] if text.startswith("[") or text.count(":") == 1 else text
    ip = host.strip("[]")
    return ip if len(ip) <= MAX_IP and (":" in ip or ip.replace(".", "").isdigit()) else ""


def _describe(catch: Catch, view: View, check: CheckView, observation: Observation) -> None:
    dims = observation.dims
    target = check.targets.get(observation.target)
    catch.server = (dims.get("server") or dims.get("resolver") or (target.host if target else ""))[:MAX_LABEL]
    operator = dims.get("operator") or observation.findings.get("site_operator")
    if isinstance(operator, str) and operator:
        catch.operator = operator[:MAX_LABEL]
    elif not catch.operator and (known := view.operator_of(catch.server, catch.address)) is not None:
        catch.operator = known.name


def _rtt_ns(observation: Observation, *, dns: bool) -> int:
    """The round trip: as the kernel stamped it, else the query's; of a connection, how long it took to open."""
    stamped: Any = observation.findings.get("rtt_ns")
    if isinstance(stamped, int) and not isinstance(stamped, bool) and stamped > 0:
        return stamped
    wanted = "query" if dns else "connect"
    return next((phase.duration_ns for phase in observation.phases if phase.name == wanted), 0)


# ---- one site or several
def _judge(catchments: Catchments, catch: Catch, view: View, now: int, told: list[EventData]) -> None:
    discs = _discs(catchments, catch, view, now)
    found = witnesses(discs)
    catch.odd = [
        (pair.one, pair.other)
        for pair in found
        if catch.reaches[pair.one].site and catch.reaches[pair.one].site == catch.reaches[pair.other].site
    ][:MAX_ODD]
    believed = [disc for disc in discs if disc.probe not in catchments.suspects]
    if len(believed) < len(discs):
        found = witnesses(believed)
    near = len(believed) > 2 and all(disc.rtt_ns < NEARBY_NS for disc in believed) and bool(found)
    sites = sorted({reach.site for reach in catch.fresh(now).values()})
    if near:
        catch.verdict = "anycast" if len(sites) > 1 else "unknown"
        catch.why = "all probes are answered within 1 ms: something near each of them may answer in its place"
    elif found or len(sites) > 1:
        catch.verdict = "anycast"
        facts = [f"{len(sites)} sites answer: {', '.join(sites[:6])}{', ...' * (len(sites) > 6)}"] * (len(sites) > 1)
        facts += [_in_words(found[0], believed), f"at least {len(sites_at_least(believed))} sites"] if found else []
        catch.why = "; ".join(facts)
    elif len(believed) < 2:
        catch.verdict = "unknown"
        catch.why = "fewer than two probes whose place is known have timed it five times within ten minutes"
    else:
        catch.verdict = "unicast_consistent"
        catch.why = f"one place can have answered all {len(believed)} located probes; so can sites of one region"
    if found and not near and not catch.confirmed:
        catch.confirmed = True
        told.append(
            Noticed(
                word="anycast_confirmed",
                title=f"{catch.server or catch.address} ({catch.address}) is anycast",
                check=catch.check,
                target=catch.address,
                components=components_of(catch, view),
                probes=(found[0].one, found[0].other),
                why=catch.why,
            )
        )


def _discs(catchments: Catchments, catch: Catch, view: View, now: int) -> list[Disc]:
    found = []
    for probe, reach in sorted(catch.reaches.items()):
        of_plan, rtt_ns = view.probe(probe), reach.least_ns(now)
        if of_plan is not None and of_plan.probe.location is not None and rtt_ns is not None:
            found.append(Disc(probe=probe, place=of_plan.probe.location, rtt_ns=rtt_ns))
    return found


def _in_words(witness: Witness, discs: list[Disc]) -> str:
    times = {disc.probe: measured(disc.rtt_ns) for disc in discs}
    return (
        f"{witness.one} and {witness.other} are {witness.km:.0f} km apart and were answered within "
        f"{times[witness.one]} and {times[witness.other]}, which no one place can"
    )


def _suspects(catchments: Catchments, view: View, now: int, told: list[EventData]) -> None:
    """Probes that stand elsewhere than the plan says. What counts is a site that answered two probes faster than light
    gets from one place to both; where sites have no names, a wrong place looks like anycast."""
    pairs: list[tuple[str, str]] = []
    where: dict[str, set[str]] = {}
    partners: dict[str, set[str]] = {}
    for catch in catchments.catches.values():
        for one, other in catch.odd:
            pairs.append((one, other))
            for probe, partner in ((one, other), (other, one)):
                where.setdefault(probe, set()).add(catch.operator or catch.address)
                partners.setdefault(probe, set()).add(partner)
    for probe in [probe for probe in catchments.suspects if probe not in where]:
        del catchments.suspects[probe]
    for probe, places in sorted(where.items()):
        share = sum(probe in pair for pair in pairs) / len(pairs)
        odd = sum(any(probe in pair for pair in catch.odd) for catch in catchments.catches.values())
        if probe in catchments.suspects or share <= SUSPECT_SHARE or len(partners[probe]) < SUSPECT_PARTNERS:
            continue
        if odd < SUSPECT_ADDRESSES or len(places) < 2:
            continue
        catchments.suspects[probe] = now
        told.append(
            Noticed(
                word="probe_location_suspect",
                title=f"{probe} seems to stand elsewhere than the plan says",
                severity="warning",
                target=probe,
                probes=(probe,),
                why=f"{odd} addresses answered it and other probes from one site, faster than light gets to both; "
                f"it is in {share:.0%} of such pairs".replace("%", " %"),
            )
        )


# ---- shown, and forgotten
def _board(catch: Catch, view: View, now: int) -> CatchmentBoard:
    fresh = catch.fresh(now)
    by_site: dict[str, list[str]] = {}
    for probe, reach in sorted(fresh.items()):
        by_site.setdefault(reach.site, []).append(probe)
    rtts = {probe: reach.least_ns(now, samples=1) for probe, reach in fresh.items()}
    places = places_of(catch, view)
    ways = {probe: detour(places, view, probe, reach, now, samples=1) for probe, reach in fresh.items()}
    detours = {probe: way for probe, way in ways.items() if way is not None}
    return CatchmentBoard(
        address=catch.address,
        server=catch.server,
        operator=catch.operator,
        family=catch.family,
        verdict=cast(Verdict, catch.verdict),
        why=catch.why,
        sites=tuple(
            SiteBoard(
                name=site,
                probes=tuple(probes),
                rtt_ns=median_ns([rtt for probe in probes if (rtt := rtts[probe]) is not None]),
                location=places.get(site),
            )
            for site, probes in sorted(by_site.items())
        ),
        caught=tuple(
            Caught(
                probe=probe,
                site=reach.site,
                since=reach.since,
                rtt_ns=rtts[probe],
                changes=reach.changes(now - 86400 * NS),
                remote=bool(reach.remote_since),
                flip_share=reach.flip_share(now),
                further_km=round(detours[probe][0], 1) if probe in detours else None,
                slower_ns=detours[probe][1] if probe in detours else None,
            )
            for probe, reach in sorted(fresh.items())
        ),
    )


def _turn_back(catchments: Catchments, now: int) -> None:
    """The clock was put back: all that lay later is now."""
    catchments.now = catchments.looked_at = now
    for catch in catchments.catches.values():
        catch.heard_at, catch.looked_at = min(catch.heard_at, now), min(catch.looked_at, now)
        catch.shifted_at, catch.flapped_at = min(catch.shifted_at, now), min(catch.flapped_at, now)
        catch.described_at = 0
        for seen in catch.sites.values():
            for probe in seen:
                seen[probe] = min(seen[probe], now)
        for reach in catch.reaches.values():
            reach.turn_back(now)
