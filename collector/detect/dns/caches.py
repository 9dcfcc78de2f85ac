"""What resolvers hold of names, by the answers that probes got of them. Pure.

A cache counts a TTL down, so an answer says when a record set runs out there: at + TTL stays the same from answer to
answer. A resolver may be several caches behind one address (load balancing): each such moment that does not fit the
ones known is a cache of its own. A new fetch begins anew once the moment before has passed.

The longest TTL that was ever seen of a record set at a resolver is what it begins with there, clamps included.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from collector.detect.numbers import whole
from collector.detect.view import CheckView, View
from parallax.clock import NS
from parallax.observation import Observation

MAX_CACHES = 2000
MAX_OWN = 32
"""Caches of one probe: what one makes up must not crowd out what the others sample."""
MAX_NAMES = 1000
"""Names of one cache."""
MAX_SETS = 12
MAX_UNTILS = 4
SAME_NS = 3 * NS // 2
"""TTLs are whole seconds, and the way there and back takes time too."""
PAST_NS = 2 * NS
DEAD = ("dns_name_down", "dns_servfail", "dns_timeout", "dns_refused", "dns_nxdomain", "dns_nodata")
"""What says that a name is not answered at a resolver, though it may be asked."""
STALE = "dns_stale"


class RecordSet(msgspec.Struct, array_like=True):
    """A record set of an answer. `untils` is when it runs out in each cache behind the resolver."""

    owner: str
    type: str
    untils: list[int]
    most_ns: int
    """The longest time to live seen here."""


class Sample(msgspec.Struct):
    """A name at a resolver, as last seen."""

    name: str
    at: int
    fresh_until: int
    ok: bool = True
    """Whether it is answered."""
    failed_at: int = 0
    stale: str = ""
    """Why the answer is known to be stale: definite (the resolver says so), past_ttl (the authority is dark for longer
    than it can be held)."""
    sets: list[RecordSet] = []
    """Those of the last good answer."""


class Cache(msgspec.Struct):
    """A resolver as one probe sees it."""

    probe: str
    resolver: str
    at: int = 0
    samples: dict[str, Sample] = {}
    """By check and target."""


Alive = Callable[[str], tuple[int, int]]
"""From a name to when its zone was last seen alive, and how old that may be while all is well."""


def note_answers(
    caches: dict[str, Cache],
    view: View,
    check: CheckView,
    probe: str,
    observation: Observation,
    at: int,
    *,
    alive: Alive,
) -> None:
    """Takes an observation of a name at a resolver."""
    host = check.targets[observation.target].host
    resolver = (observation.dims.get("resolver") or (host if check.kind == "dns" else observation.subject))[:100]
    name = str(check.query or host)  # a name as snapshots can hold it
    answers = list(_answers(observation.findings))
    carried = observation.reason in (None, STALE) and (bool(answers) or observation.reason == STALE)
    if not carried and observation.reason not in DEAD:
        return
    if check.kind == "dns.resolve" and view.resolvers and resolver not in view.resolvers:
        return
    cache = _cache(caches, probe, resolver, at)
    if cache is None:
        return
    cache.at = max(cache.at, at)
    key = f"{check.name}\x1f{observation.target}"
    sample = cache.samples.get(key)
    if sample is None:
        if len(cache.samples) >= MAX_NAMES:
            del cache.samples[min(cache.samples, key=lambda each: cache.samples[each].at)]
        sample = cache.samples[key] = Sample(name=name, at=at, fresh_until=0)
    elif at < sample.at:
        return
    sample.at, sample.fresh_until = at, at + check.fresh_ns
    if not carried:
        sample.failed_at = at if sample.ok else sample.failed_at
        sample.ok, sample.stale = False, ""
        return
    sample.ok, sample.failed_at = True, 0
    sample.stale = _staleness(sample, observation, answers, at, alive)
    if not sample.stale:
        sample.sets = _merged(sample.sets, answers, at)


def _cache(caches: dict[str, Cache], probe: str, resolver: str, at: int) -> Cache | None:
    name = f"{probe}\x1f{resolver}"
    cache = caches.get(name)
    if cache is None:
        own = [each for each in caches if each.startswith(f"{probe}\x1f")]
        full = own if len(own) >= MAX_OWN else list(caches) if len(caches) >= MAX_CACHES else []
        if full:
            del caches[min(full, key=lambda each: caches[each].at)]
        cache = caches[name] = Cache(probe=probe, resolver=resolver, at=at)
    return cache


def _staleness(
    sample: Sample, observation: Observation, answers: list[tuple[str, str, int]], at: int, alive: Alive
) -> str:
    if observation.reason == STALE:
        return "definite"
    known = {(each.owner, each.type): each.most_ns for each in sample.sets}
    for owner, rdtype, ttl in answers:
        last, slack = alive(owner)
        most = max(known.get((owner, rdtype), 0), ttl * NS)
        if last and at - last > most + slack + PAST_NS:
            return "past_ttl"
    return ""


def _merged(before: list[RecordSet], answers: list[tuple[str, str, int]], at: int) -> list[RecordSet]:
    known = {(each.owner, each.type): each for each in before}
    found = []
    for owner, rdtype, ttl in answers:
        old = known.get((owner, rdtype))
        until = at + ttl * NS
        others = [each for each in old.untils if each > at + NS and abs(each - until) > SAME_NS] if old else []
        most = max(ttl * NS, old.most_ns if old else 0)
        found.append(RecordSet(owner, rdtype, [*others[-MAX_UNTILS + 1 :], until], most))
    return found


def _answers(findings: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    """(owner, type, TTL in s) of each record set in an answer."""
    found: dict[tuple[str, str], int] = {}
    answers = findings.get("answers")
    for answer in answers[:50] if isinstance(answers, list) else ():
        if isinstance(answer, dict):
            owner, rdtype, ttl = answer.get("owner"), answer.get("type"), whole(answer.get("ttl"), 2**31)
            if isinstance(owner, str) and isinstance(rdtype, str) and ttl is not None:
                key = (owner[:255].lower().rstrip("."), rdtype[:16])
                found[key] = min(ttl, found.get(key, ttl))
    for (owner, rdtype), ttl in list(found.items())[:MAX_SETS]:
        yield owner, rdtype, ttl
