"""How much the words of a fleet weigh: charts of each probe's results, capped, and how long a trouble has lasted. Pure.

Each probe has three charts on a subject. A result moves them by its log-likelihood ratio, in nats: a failure by
ln(p1/p0), a pass by ln((1-p1)/(1-p0)), never below zero (CUSUM: E. S. Page, "Continuous Inspection Schemes",
Biometrika 41, 1954; that no rule is quicker in the worst case: G. Lorden, Ann. Math. Statist. 42, 1971, and
G. V. Moustakides, Ann. Statist. 14, 1986). The hard chart looks for an outage (p1 = 0.9), the partial one for one run
in four that fails, the slow one for one in ten. That one is raised only where a probe that passed begins to fail, and
by one probe at a moment: a broken vantage, or all that a blip meets, are one beginning to it. p0 is what the probe
usually fails at this subject: learnt while it is up, frozen else.

Those theorems hold for results that are independent. Those of a broken vantage are not: all of them fail. So what one
probe can add is capped, and what one network can; the rest must come from others. And however sure it is that
something fails, a quorum of all who vote now has to see it, for as long as a blip may last.

That is measured from launch to launch, never by when words arrive, as a run that hangs says late what it saw early.
The trouble began with the first failing run since which a quorum may have failed without a break; it has lasted as
long as it is from there to the runs by which it is still seen.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Protocol

import msgspec

from collector.detect.state import Vote
from parallax.clock import NS

HARD_P1, PARTIAL_P1, SLOW_P1 = 0.9, 0.25, 0.1
VOTE_CAP = 5.0
"""Nats that one probe can add, to either chart."""
HARD_CAP, PARTIAL_CAP, SLOW_CAP = 6.0, 8.0, 8.0
"""And one network."""
SUSPECT = 2.0
"""So much on one chart is worth to be looked at again."""
REMEMBERED = 3.0
"""With so much left of a failure before, the next is less likely chance."""
LOWEST_P0, USUAL_P0, HIGHEST_P0 = 0.002, 0.005, 0.05
LEARNS = 0.005
"""What one result adds to p0: it remembers some 200 of them, under two hours at 30 s."""
HANGS_IF_DOWN, HANGS_IF_UP = 0.5, 0.015
"""How many runs still wait at the probe's own 99th percentile."""
PENDING = math.log(HANGS_IF_DOWN / HANGS_IF_UP)
TAU_NS = 8 * NS
"""What must be ignored is shorter than this: a blip of six seconds, and its look-up."""
TAU_PERIODS = 0.6
"""Where runs are frequent it is less: a quorum of them takes two thirds of a round anyway."""
WINDOW = 8.0
"""Runs of a probe by which the extent is told; older ones fade."""


class Weighed(Protocol):
    """A voter: its word, and the network whose trouble it shares."""

    @property
    def vote(self) -> Vote: ...
    @property
    def network(self) -> str: ...


class Weight(msgspec.Struct, frozen=True):
    """The sum of a chart over the fleet, nats, and how many networks add to it."""

    nats: float
    networks: int


def note(vote: Vote, *, failed: bool, at: int, up: bool, counted: bool = False) -> None:
    """A word that counts, of a run launched then, into a vote, in place. `up`: its subject is, so that what fails is
    usual. `counted`: it is one of the runs by which the extent is told."""
    low = vote.p0
    if failed:
        vote.failed_at = max(vote.failed_at, at)
        if vote.streak <= 0:
            vote.failing_since = vote.onset_at = at
        vote.streak = vote.streak + 1 if vote.streak > 0 else 1
        vote.hard = min(VOTE_CAP, vote.hard + math.log(HARD_P1 / low))
        vote.partial = min(VOTE_CAP, vote.partial + math.log(PARTIAL_P1 / low))
    else:
        vote.failing_since, vote.passed_at = 0, at
        vote.streak = vote.streak - 1 if vote.streak < 0 else -1
        if vote.hard:
            vote.hard = max(0.0, vote.hard + math.log((1 - HARD_P1) / (1 - low)))
        if vote.partial:
            vote.partial = max(0.0, vote.partial + math.log((1 - PARTIAL_P1) / (1 - low)))
        if vote.slow:
            vote.slow = max(0.0, vote.slow + math.log((1 - SLOW_P1) / (1 - low)))
    if up:
        low += LEARNS * (failed - low)
        vote.p0 = LOWEST_P0 if low < LOWEST_P0 else HIGHEST_P0 if low > HIGHEST_P0 else low
    if vote.pending_at <= at:
        vote.pending_at = 0
    if not counted:
        return
    vote.runs, vote.fails = vote.runs + 1, vote.fails + failed
    if vote.runs > WINDOW:
        vote.runs, vote.fails = WINDOW, vote.fails * WINDOW / vote.runs


def note_onset(vote: Vote) -> None:
    """That a probe which passed fails again, apart from what others met at the same moment, into its slow chart, in
    place."""
    vote.slow = min(VOTE_CAP, vote.slow + math.log(SLOW_P1 / min(max(vote.p0, USUAL_P0), HIGHEST_P0)))


def recount(vote: Vote, began: int) -> None:
    """Counts, of the runs by which the extent is told, only those launched since then (ns), in place: as far as the
    newest runs in a row tell."""
    failing = vote.streak > 0
    lately = float(min(vote.streak if failing and vote.failing_since >= began else 1, WINDOW))
    vote.runs = lately if vote.at >= began else 0.0
    vote.fails = vote.runs if failing else 0.0


def note_pending(vote: Vote, *, at: int) -> None:
    """A run launched then still waits when 99 of 100 have answered. Its answer, or that of a later run, withdraws
    it."""
    if at > vote.at:
        vote.pending_at = max(vote.pending_at, at)


def carry(vote: Vote, before: Vote) -> None:
    """What a probe's next word takes over from the one before."""
    vote.streak, vote.failing_since, vote.passed_at = before.streak, before.failing_since, before.passed_at
    vote.hard, vote.partial, vote.p0 = before.hard, before.partial, before.p0
    vote.runs, vote.fails, vote.pending_at = before.runs, before.fails, before.pending_at
    vote.usual, vote.learnt = before.usual, before.learnt
    vote.lately, vote.slow_since = before.lately, before.slow_since
    vote.slow, vote.failed_at, vote.onset_at = before.slow, before.failed_at, before.onset_at


def suspects(vote: Vote) -> bool:
    """Whether the word is worth to be looked at again, or a run is waiting for too long."""
    waiting = PENDING if vote.pending_at > vote.at else 0.0
    return max(vote.hard, vote.partial) + waiting > SUSPECT


def remembers(vote: Vote) -> bool:
    """Whether it failed so lately that what fails elsewhere now is less likely chance."""
    return vote.partial > REMEMBERED


def hard_weight(voters: Iterable[Weighed]) -> Weight:
    """The hard chart over the fleet."""
    return _sum(voters, _HARD, HARD_CAP)


def partial_weight(voters: Iterable[Weighed]) -> Weight:
    """The partial chart over the fleet."""
    return _sum(voters, _PARTIAL, PARTIAL_CAP)


def slow_weight(voters: Iterable[Weighed]) -> Weight:
    """The slow chart over the fleet."""
    return _sum(voters, _SLOW, SLOW_CAP)


_HARD: Callable[[Weighed], float] = attrgetter("vote.hard")
_PARTIAL: Callable[[Weighed], float] = attrgetter("vote.partial")
_SLOW: Callable[[Weighed], float] = attrgetter("vote.slow")


def _sum(voters: Iterable[Weighed], chart: Callable[[Weighed], float], cap: float) -> Weight:
    groups: dict[str, float] = {}
    for each in voters:
        nats = chart(each)
        if nats > 0:
            network = each.network
            nats += groups.get(network, 0.0)
            groups[network] = nats if nats < cap else cap
    return Weight(sum(groups.values()), len(groups))


def tau_ns(every_ns: int) -> int:
    """How long a trouble must have lasted from launch to launch, ns, where each probe looks so often."""
    return min(TAU_NS, int(TAU_PERIODS * every_ns))


def began_at(voters: Sequence[Weighed], *, spare: int) -> int | None:
    """The launch of the first failing run of this trouble, ns; None where none fails. `spare`: so many of the voters
    may pass and leave a quorum. Where one more than that passed, there was none: the trouble is younger. So it is where
    one network failed once, and somebody passed before the next did: that was chance, or is a vantage's own."""
    passed = sorted((each.vote.passed_at for each in voters), reverse=True)
    contradicted = passed[spare] if 0 <= spare < len(passed) else 0
    starts: dict[str, int] = {}
    again: list[int] = []
    for each in voters:
        vote = each.vote
        if vote.reason is None or vote.at <= contradicted:
            continue
        own = vote.failing_since > contradicted
        start = vote.failing_since if own else vote.at
        starts[each.network] = min(start, starts.get(each.network, start))
        if own and (vote.streak > 1 or vote.pending_at > vote.at):
            again.append(start)
    if len(starts) < 2:
        return min(starts.values(), default=None)
    first, second = sorted(starts.values())[:2]
    if any(first < at < second for at in passed):
        return min([second, *again])
    return first


def seen_at(vote: Vote) -> int:
    """The launch of the newest run by which a failing probe sees that it still fails; one that waits for longer than
    passes take is as good."""
    return max(vote.at, vote.pending_at)


def wilson(share: float, runs: float) -> tuple[float, float]:
    """The 95 % interval of a share of so many runs (E. B. Wilson, "Probable Inference, the Law of Succession, and
    Statistical Inference", J. Amer. Statist. Assoc. 22, 1927)."""
    z = 1.96
    if runs <= 0:
        return 0.0, 1.0
    middle = share + z * z / (2 * runs)
    spread = z * math.sqrt(max(share * (1 - share), 0.0) / runs + z * z / (4 * runs * runs))
    scale = 1 + z * z / runs
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
