"""Who serves whom, by the newest run of each vantage. Pure.

A vantage is where its newest run that told showed; a run that fails without telling leaves it there, until nobody could
have told for three TTLs. A switchover is over when 80 % of vantages are at another member than before, whoever did it;
it began when the first of that wave saw the new one. What one vantage has always seen differently is no part of a wave.
"""

import math
from itertools import takewhile

from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import (
    BUCKET_NS,
    MAX_BUCKETS,
    MAX_SEEN,
    MAX_SWITCHES,
    GroupMemory,
    Sight,
    Switch,
)
from collector.detect.view import FRESH_PERIODS
from parallax.clock import NS

SETTLED = 0.8
"""The share of vantages by which a member serves."""
BOTH = 0.2
"""So many vantages at each of two members are no chance."""
WAVE_NS = 600 * NS
"""Who saw the new member longer before most others is no part of the same switchover."""
GONE_NS = 3600 * NS
DRAIN_TTLS = 3
MAX_POINTS = 60
MAX_RUN = 64


def note_sight(
    memory: GroupMemory, probe: str, run: str, members: tuple[str, ...], at: int, *, failed: bool, enrolled: bool
) -> None:
    """Takes in what one observation of the group's check shows: `members` is empty where it does not tell."""
    run = run[:MAX_RUN]
    sight = memory.seen.get(probe)
    if sight is None:
        if not enrolled or len(memory.seen) >= MAX_SEEN:
            return
        memory.born_at = memory.born_at or at
        sight = memory.seen[probe] = Sight(at=at, run="")
    if failed and sight.failed != run:
        sight.failed = run
        _count(memory, at)
    if members and (run == sight.run or at >= sight.at):
        _turn(sight, run, members, at)
    if at > sight.at:
        sight.at, sight.run = at, run


def shares_of(memory: GroupMemory, group: GroupView, now: int) -> dict[str, float]:
    """By member, the largest first: the share of vantages with a fresh word that it serves. Empty: nobody can tell."""
    fresh = fresh_sights(memory, group, now)
    found: dict[str, float] = {}
    for sight in fresh.values():
        for member in sight.members:
            found[member] = found.get(member, 0.0) + 1 / len(sight.members)
    shares = {member: round(number / len(fresh), 6) for member, number in found.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def fresh_sights(memory: GroupMemory, group: GroupView, now: int) -> dict[str, Sight]:
    """Those that count now."""
    fresh_ns = int(FRESH_PERIODS * group.period_ns) + group.timeout_ns
    told_ns = fresh_ns + DRAIN_TTLS * group.ttl_ns
    known = set(group.members)
    return {
        probe: sight
        for probe, sight in memory.seen.items()
        if sight.members and now - sight.at <= fresh_ns and now - sight.told_at <= told_ns and known >= {*sight.members}
    }


def settle(memory: GroupMemory, group: GroupView, shares: dict[str, float], now: int) -> Switch | None:
    """Moves on who serves as far as is settled; the switchover, if there was one."""
    top = next(iter(shares), "")
    if not top or shares[top] < SETTLED or top == memory.settled:
        return None
    fresh = fresh_sights(memory, group, now)
    if 2 * len(fresh) < _vantages(memory, now):
        return None
    if not memory.settled and now - memory.born_at <= group.period_ns + group.timeout_ns:
        return None  # not every vantage has had its turn
    before, memory.settled = memory.settled, top
    if not before:
        memory.settled_at = now
        return None
    wave = wave_of(fresh, top)
    started_at = wave[0] if wave else now
    reached = _reached_at(wave, len(fresh), now)
    switch = Switch(
        direction="failback" if top == group.group.primary else "failover",
        source=before,
        target=top,
        started_at=started_at,
        at=reached,
        dwell_ns=max(started_at - memory.settled_at, 0),
        hurt=sum(count for at, count in memory.fails if started_at - BUCKET_NS < at <= reached),
        points=points_of(wave, len(fresh)),
    )
    memory.settled_at = started_at
    return switch


def _vantages(memory: GroupMemory, now: int) -> int:
    """How many there are, those that have nothing fresh to say too; who was silent for an hour is none."""
    if len(memory.seen) > 0 and any(now - sight.at > GONE_NS for sight in memory.seen.values()):
        memory.seen = {probe: sight for probe, sight in memory.seen.items() if now - sight.at <= GONE_NS}
    return len(memory.seen)


def keep_switch(memory: GroupMemory, switch: Switch) -> None:
    """The last ones are kept."""
    memory.switches = [*memory.switches, switch][-MAX_SWITCHES:]


def wave_of(fresh: dict[str, Sight], member: str) -> list[int]:
    """When the vantages came to this member, the first first; without those that were there long before."""
    came = sorted(sight.since for sight in fresh.values() if sight.members == (member,))
    if not came:
        return []
    middle = came[len(came) // 2]
    return [at for at in came if at >= middle - WAVE_NS]


def points_of(wave: list[int], vantages: int) -> tuple[tuple[int, int], ...]:
    """When, and per mille of vantages at the new member then; thinned to what a chart needs."""
    every = max(math.ceil(len(wave) / MAX_POINTS), 1)
    points = [(at, min(1000 * number // max(vantages, 1), 1000)) for number, at in enumerate(wave, 1)]
    return tuple(point for number, point in enumerate(points, 1) if number % every == 0 or number == len(points))


def serves_both(memory: GroupMemory, group: GroupView, shares: dict[str, float], now: int) -> tuple[str, ...]:
    """The members that serve side by side for longer than any switchover lasts, where one alone did before."""
    both = tuple(member for member in group.members if shares.get(member, 0.0) >= BOTH)
    if len(both) < 2 or not memory.settled or group.group.several:
        memory.both_since, memory.both_said = 0, False
        return ()
    memory.both_since = memory.both_since or now
    drain_ns = DRAIN_TTLS * group.ttl_ns + int(FRESH_PERIODS * group.period_ns)
    under_way = memory.decision.phase in ("to_failover", "to_primary")
    asked = under_way and now - memory.decision.decided_at <= drain_ns
    return both if now - memory.both_since > drain_ns and not asked else ()


def _turn(sight: Sight, run: str, members: tuple[str, ...], at: int) -> None:
    """A run may tell in several observations, one an address: what is only a part of what the runs before showed
    counts once the run is through."""
    if run == sight.of:
        members = tuple(dict.fromkeys((*sight.showing, *members)))
    elif sight.showing and {*sight.showing} != {*sight.members}:
        sight.members, sight.since = sight.showing, sight.told_at
    sight.of, sight.showing = run, members
    if not {*members} <= {*sight.members}:
        sight.members, sight.since = members, at
    sight.told_at = max(sight.told_at, at)


def _count(memory: GroupMemory, at: int) -> None:
    bucket = at - at % BUCKET_NS
    for place in range(len(memory.fails) - 1, max(len(memory.fails) - 8, -1), -1):
        if memory.fails[place][0] == bucket:
            memory.fails[place] = (bucket, memory.fails[place][1] + 1)
            return
    memory.fails = sorted([*memory.fails, (bucket, 1)])[-MAX_BUCKETS:]


def _reached_at(wave: list[int], vantages: int, now: int) -> int:
    """When 80 % of vantages were there."""
    late = max(math.ceil(SETTLED * vantages - 1e-9) - 1, 0)
    return wave[late] if late < len(wave) else wave[-1] if wave else now


def rewind_sights(memory: GroupMemory, at: int) -> None:
    """The clock was put back."""
    for sight in memory.seen.values():
        sight.at, sight.told_at, sight.since = min(sight.at, at), min(sight.told_at, at), min(sight.since, at)
    memory.fails = list(takewhile(lambda each: each[0] <= at, memory.fails))
    memory.settled_at, memory.both_since = min(memory.settled_at, at), min(memory.both_since, at)
    memory.born_at = min(memory.born_at, at)
