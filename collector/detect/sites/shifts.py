"""What changes in a catchment, as notices. Pure.

With few probes some things cannot be known: a site that only one probe reaches is not told apart from that probe, so
nothing is said of its loss or its failures; and two of three probes are a shift, where one of three is not.
"""

from statistics import median

from collector.detect.sites.fisher import fisher_greater
from collector.detect.sites.light import KM_A_MS, Place, distance_km
from collector.detect.sites.reach import DAY_NS, RTT_SAMPLES, Catch, Reach
from collector.detect.view import View
from collector.events import EventData, FaultDomain, Noticed, NoticeWord, Severity
from parallax.clock import NS
from parallax.spans import lasting, measured

SHIFT_NS = 300 * NS
SHIFT_SHARE = 0.3
SETTLED_NS = 60 * NS
"""A shift is said once no probe moved for so long, or its window ends: it may turn out to be a site's loss."""
SAME_RTT_NS = 2_000_000
SAME_CITY_KM = 50.0
REMOTE_KM, REMOTE_NS, REMOTE_FOR_NS = 2000.0, 80_000_000, 900 * NS
HOUR_NS = 3600 * NS
FLAPS = 6
BAD_P = 0.001
BAD_FAILURES = 3
BAD_SHARE, WELL_SHARE = 0.2, 0.1
"""A site is broken from the one on, and well again below the other."""
MOST_WEIGHT = 2
"""So many times the median's attempts of one probe count."""
NAMED = 8

Movers = dict[str, Reach]
Places = dict[str, Place]
"""By site."""


def tell_shifts(catch: Catch, view: View, now: int, told: list[EventData]) -> None:
    """Everything that is to be said of an address now."""
    _forget(catch, now)
    fresh = catch.fresh(now)
    explained = _losses(catch, view, fresh, now, told)
    _shift(catch, view, fresh, explained, now, told)
    _flaps(catch, view, fresh, now, told)
    _bad(catch, view, fresh, now, told)
    _remote(catch, view, fresh, now, told)


def place_of(catch: Catch, view: View, site: str) -> Place | None:
    """Where a site stands, by the plan: of this operator, else of any."""
    named = [each for each in view.sites if each.name == site]
    own = [each for each in named if each.operator and each.operator == catch.operator]
    return next((each.location for each in (*own, *(each for each in named if not each.operator))), None)


def places_of(catch: Catch, view: View) -> Places:
    """Those of the sites that some probe reached within a day, as far as the plan says."""
    found = {site: place_of(catch, view, site) for site in catch.sites}
    return {site: place for site, place in found.items() if place is not None}


def is_remote(places: Places, view: View, probe: str, reach: Reach, now: int) -> tuple[float, int] | None:
    """The detour of a probe that is sent far and slowly; None where it is not far, not slow, or not known."""
    found = detour(places, view, probe, reach, now)
    return found if found is not None and found[0] > REMOTE_KM and found[1] > REMOTE_NS else None


def detour(
    places: Places, view: View, probe: str, reach: Reach, now: int, *, samples: int = RTT_SAMPLES
) -> tuple[float, int] | None:
    """How many km further than the nearest known site a probe's site is, and how many ns slower than that one could be;
    None where it is not known. What is nearest is nearest of those that some probe reached."""
    of_plan, at = view.probe(probe), places.get(reach.site)
    rtt_ns = reach.least_ns(now, samples=samples)
    home = of_plan.probe.location if of_plan else None
    if home is None or at is None or rtt_ns is None:
        return None
    nearest_km = min(distance_km(home, place) for place in places.values())
    further_km = distance_km(home, at) - nearest_km
    slower_ns = rtt_ns - round(nearest_km / KM_A_MS * 1_000_000)
    return further_km, slower_ns


def _losses(catch: Catch, view: View, fresh: Movers, now: int, told: list[EventData]) -> set[str]:
    """Sites that nobody reaches any more, and those that are back. Returns the probes whose move this explains."""
    explained: set[str] = set()
    there = {reach.site for reach in fresh.values()}
    for site in [site for site in catch.lost if site in there]:
        back = {probe: reach for probe, reach in fresh.items() if reach.site == site}
        if len(back) >= min(2, len(catch.sites.get(site, {}))):
            del catch.lost[site]
            explained |= {probe for probe, reach in back.items() if reach.before}
            title = f"Site {site} of {_where(catch)} is back"
            why = "; ".join(_moved(probe, reach, now) for probe, reach in list(back.items())[:NAMED] if reach.before)
            before = tuple(sorted({reach.before for reach in back.values() if reach.before}))
            told.append(_notice("catchment_shift", catch, view, title, why, "info", site, back, before, (site,)))
    for site, seen in list(catch.sites.items()):
        if site in there or site in catch.lost:
            continue
        movers = {probe: fresh[probe] for probe in seen if probe in fresh}
        if not movers or any(probe not in fresh and catch.reaches.get(probe, _NOBODY).site == site for probe in seen):
            continue  # who was there last is not heard of now
        goals = {reach.site for reach in movers.values()}
        last = {probe: reach for probe, reach in movers.items() if reach.before == site}
        if len(goals) == 1 and last.keys() == movers.keys() and _renumbered(catch, view, site, movers, now):
            catch.lost[site] = now
            explained |= movers.keys()
            goal = next(iter(goals))
            title = f"Site {site} of {_where(catch)} is now called {goal}"
            why = f"{_names(movers)} went over to it, and the round trip stayed the same"
            told.append(_notice("site_renumbered", catch, view, title, why, "info", site, movers, (site,), (goal,)))
        elif len(movers) >= 2 and last:
            catch.lost[site] = now
            explained |= last.keys()
            title = f"Site {site} of {_where(catch)} is gone: nobody reaches it any more"
            why = "; ".join(_moved(probe, reach, now) for probe, reach in list(last.items())[:NAMED])
            after = tuple(sorted(goals))
            told.append(_notice("site_lost", catch, view, title, why, "warning", site, movers, (site,), after))
    if explained:
        catch.shifted_at = max(catch.shifted_at, *(fresh[probe].since for probe in explained))
    return explained


_NOBODY = Reach(0, 0)


def _renumbered(catch: Catch, view: View, site: str, movers: Movers, now: int) -> bool:
    """Whether it is the same site by another name: the same probes, as far away as before, in the same city."""
    goal = next(iter(movers.values())).site
    others = set(catch.sites.get(goal, {})) - set(movers)
    here, there = place_of(catch, view, site), place_of(catch, view, goal)
    moved_km = distance_km(here, there) if here is not None and there is not None else 0.0
    if others or moved_km > SAME_CITY_KM or set(catch.sites[site]) - set(movers):
        return False
    for reach in movers.values():
        rtt_ns = reach.least_ns(now, samples=1)
        if rtt_ns is None or not reach.before_rtt_ns or abs(rtt_ns - reach.before_rtt_ns) > SAME_RTT_NS:
            return False
    return True


def _shift(catch: Catch, view: View, fresh: Movers, explained: set[str], now: int, told: list[EventData]) -> None:
    """Many probes were moved at once."""
    movers = {
        probe: reach
        for probe, reach in fresh.items()
        if reach.before and reach.since > max(now - SHIFT_NS, catch.shifted_at) and probe not in explained
    }
    if len(movers) < 2 or len(movers) < SHIFT_SHARE * len(fresh):
        return
    since = [reach.since for reach in movers.values()]
    if max(since) > now - SETTLED_NS and min(since) > now - SHIFT_NS + SETTLED_NS:
        return
    catch.shifted_at = max(since)
    title = f"{len(movers)} of {len(fresh)} probes reach another site of {_where(catch)} than before"
    why = "; ".join(_moved(probe, reach, now) for probe, reach in list(movers.items())[:NAMED])
    before = tuple(sorted({reach.before for reach in movers.values()}))
    after = tuple(sorted({reach.site for reach in movers.values()}))
    told.append(_notice("catchment_shift", catch, view, title, why, "warning", "", movers, before, after))


def _flaps(catch: Catch, view: View, fresh: Movers, now: int, told: list[EventData]) -> None:
    movers = {probe: reach for probe, reach in fresh.items() if reach.changes(now - HOUR_NS) > FLAPS}
    if not movers or now - catch.flapped_at < HOUR_NS:
        return
    catch.flapped_at = now
    counts = [f"{probe} {reach.changes(now - HOUR_NS)} times" for probe, reach in list(movers.items())[:NAMED]]
    title = f"Probes are sent to and fro between sites of {_where(catch)}"
    severity: Severity = "warning" if len(movers) > 1 else "info"
    sites = tuple(sorted({name for reach in movers.values() for name in (reach.site, reach.before) if name}))
    why = f"within an hour {', '.join(counts)}"
    told.append(_notice("site_flapping", catch, view, title, why, severity, "", movers, (), sites))


def _bad(catch: Catch, view: View, fresh: Movers, now: int, told: list[EventData]) -> None:
    """Failures that are concentrated at one site."""
    counts: dict[str, list[tuple[str, int, int]]] = {}
    most = MOST_WEIGHT * (median_ns([sum(reach.outcomes(now)) for reach in fresh.values()]) or 0)
    for probe, reach in fresh.items():
        counts.setdefault(reach.site, []).append((probe, *_bounded(reach.outcomes(now), most)))
    if len(counts) < 2:
        return
    for site, own in counts.items():
        rest = [each for name, others in counts.items() if name != site for each in others]
        passed, failed = sum(each[1] for each in own), sum(each[2] for each in own)
        rest_passed, rest_failed = sum(each[1] for each in rest), sum(each[2] for each in rest)
        if failed < WELL_SHARE * (passed + failed):
            catch.bad.pop(site, None)
        failing = {probe: fresh[probe] for probe, good, bad in own if bad and bad >= BAD_SHARE * (good + bad)}
        if site in catch.bad or failed < max(BAD_FAILURES, BAD_SHARE * (passed + failed)):
            continue
        if len(failing) < 2 or not rest_passed:
            continue
        if failed * (rest_passed + rest_failed) <= rest_failed * (passed + failed):
            continue
        p = fisher_greater(failed, passed, rest_failed, rest_passed)
        if p >= BAD_P:
            continue
        catch.bad[site] = now
        title = f"Site {site} of {_where(catch)} is broken"
        why = (
            f"{failed} of {passed + failed} attempts fail there, {rest_failed} of {rest_passed + rest_failed} elsewhere"
        )
        why += f" (Fisher's exact test: p = {p:.1g}); {_names(failing)} are affected"
        told.append(_notice("site_bad", catch, view, title, why, "warning", site, failing, (), (site,)))


def _bounded(outcomes: tuple[int, int], most: int) -> tuple[int, int]:
    """Passes and failures, made fewer in proportion where one probe asks so often that it would outweigh the others."""
    passed, failed = outcomes
    total = passed + failed
    return outcomes if total <= most else (passed * most // total, failed * most // total)


def _remote(catch: Catch, view: View, fresh: Movers, now: int, told: list[EventData]) -> None:
    places = places_of(catch, view)
    for probe, reach in fresh.items():
        found = is_remote(places, view, probe, reach, now)
        if found is None:
            reach.remote_since = 0
            catch.remote.pop(probe, None)
            continue
        reach.remote_since = reach.remote_since or now
        if probe in catch.remote or now - reach.remote_since < REMOTE_FOR_NS:
            continue
        catch.remote[probe] = now
        further_km, slower_ns = found
        title = f"{probe} reaches {_where(catch)} at {reach.site}, {further_km:.0f} km further than need be"
        why = f"its round trip is {measured(slower_ns)} longer than to the nearest, for {lasting(REMOTE_FOR_NS)} now"
        severity: Severity = "warning" if reach.before else "info"  # else it was never otherwise
        before = (reach.before,) if reach.before else ()
        told.append(
            _notice("remote_catchment", catch, view, title, why, severity, "", {probe: reach}, before, (reach.site,))
        )


def _forget(catch: Catch, now: int) -> None:
    for site, seen in list(catch.sites.items()):
        for probe in [probe for probe, at in seen.items() if at < now - DAY_NS]:
            del seen[probe]
        if not seen:
            del catch.sites[site]
            catch.lost.pop(site, None)
            catch.bad.pop(site, None)
    for probe in [probe for probe, reach in catch.reaches.items() if reach.at < now - DAY_NS]:
        del catch.reaches[probe]
    catch.remote = {probe: at for probe, at in catch.remote.items() if probe in catch.reaches}


def _where(catch: Catch) -> str:
    return f"{catch.server} ({catch.address})" if catch.server and catch.server != catch.address else catch.address


def _moved(probe: str, reach: Reach, now: int) -> str:
    rtt_ns = reach.least_ns(now, samples=1)
    times = (
        f" ({measured(reach.before_rtt_ns)} before, {measured(rtt_ns)} now)" if reach.before_rtt_ns and rtt_ns else ""
    )
    return f"{probe} from {reach.before} to {reach.site}{times}"


def _names(probes: Movers) -> str:
    names = list(probes)
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def components_of(catch: Catch, view: View) -> tuple[str, ...]:
    """Those that name the check that first met the address."""
    return tuple(each.name for each in view.components if catch.check in each.checks or catch.check in each.risks)


def median_ns(values: list[int]) -> int | None:
    return round(median(values)) if values else None


def _notice(
    word: NoticeWord,
    catch: Catch,
    view: View,
    title: str,
    why: str,
    severity: Severity,
    site: str,
    probes: Movers,
    before: tuple[str, ...],
    after: tuple[str, ...],
) -> Noticed:
    return Noticed(
        word=word,
        title=title,
        severity=severity,
        check=catch.check,
        target=catch.address,
        before=before,
        after=after,
        domain=FaultDomain(kind="site", name=site) if site else None,
        components=components_of(catch, view),
        probes=tuple(probes),
        why=why,
    )
