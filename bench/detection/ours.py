"""Our own detector in the simulation: the very code that runs live, on votes that no wire brought.

What is added here is bookkeeping: which probes have a word, and that runs of the grid passed while nothing was told.
Passes in a row, once the charts are drained, are noted as one step: what they do to a vote has a closed form, and a
test holds it to the single steps.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log

from bench.detection.simulation import State
from bench.detection.world import World
from collector.detect.state import Key, Vote
from collector.detect.verdicts import charts, trouble, verdict
from collector.detect.verdicts.votes import Ballot, count_of
from parallax.clock import NS

BEGAN = 1_000_000_000 * NS
"""The stretch begins then: a launch of zero would mean never."""
WARM_S = 3600.0
"""How long the fleet has been looking when a stretch begins."""
BAD = ("down", "degraded")


@dataclass(frozen=True, slots=True)
class Unweighted:
    """A probe that stands for no share of the users."""

    weight: None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a probe is, as far as the count asks."""

    network: str
    access: bool = False
    probe: Unweighted = Unweighted()


def ns(seconds: float) -> int:
    """A moment of the stretch as detection counts it."""
    return BEGAN + int(seconds * NS)


class Live:
    """One target: its votes, its trouble, its verdict."""

    def __init__(self, world: World, *, tau_s: float = charts.TAU_NS / NS, abstain: bool = True) -> None:
        fleet = world.fleet
        self.world, self.period, self.tau_ns, self.abstain = world, fleet.period_s, int(tau_s * NS), abstain
        self.period_ns = int(fleet.period_s * NS)
        self.last = [world.at(probe, -1) for probe in range(fleet.size)]
        """When the newest word was launched."""
        self.votes = [Vote(at=ns(last - WARM_S)) for last in self.last]
        self.ballots = [
            Ballot(f"probe-{probe}", vote, Place(f"AS{64496 + fleet.groups[probe]}"))  # type: ignore[arg-type]
            for probe, vote in enumerate(self.votes)
        ]
        self.key = Key(check="page", target="page", subject="page", born_at=BEGAN, state="up")
        self.key.votes = {ballot.probe: ballot.vote for ballot in self.ballots}
        self.failing: set[int] = set()
        self.pending: set[int] = set()
        self.absent: set[int] = set()
        self.stepped = False
        for probe, vote in enumerate(self.votes):
            count = int(WARM_S // fleet.period_s)
            vote.streak, vote.at = -1, ns(self.last[probe]) - count * self.period_ns
            self._passed(vote, count, ns(self.last[probe]))

    def begin_steps(self, now: float) -> None:
        self.settle(now)
        self.stepped = True

    def end_steps(self, now: float) -> None:
        self.stepped = False
        for probe, last in enumerate(self.last):
            self.last[probe] = max(last, self.world.at(probe, self.world.next_place(probe, now - 1e-6) - 1))

    def settle(self, now: float) -> None:
        if self.stepped:
            return
        key = self.key
        counts = [self._fell_due(probe, now) for probe in range(len(self.votes))]
        if not any(counts):
            return
        share = min(max(key.share, trouble.LEAST_SHARE), charts.HARD_P1)
        over = key.held == "up" and key.calm - log(1 - share) * sum(counts) >= verdict.WELL_NATS
        for probe, count in enumerate(counts):
            if count:
                self.last[probe] = self.world.at(probe, self.world.next_place(probe, now - 1.0) - 1)
                self.absent.discard(probe)
                self.failing.discard(probe)
                self.votes[probe].reason = self.votes[probe].fault = None
                if key.trouble_at and not over:
                    for back in reversed(range(count)):
                        self._word(self.votes[probe], False, ns(self.last[probe]) - back * self.period_ns)
                else:
                    self._passed(self.votes[probe], count, ns(self.last[probe]))
        if key.trouble_at and over:  # as trouble.py lets it go
            key.trouble_at = key.partly_at = 0
            key.share = key.calm = 0.0
            for vote in self.votes:
                if vote.streak <= 0:
                    vote.hard = vote.partial = vote.slow = vote.runs = vote.fails = 0.0

    def hear(self, now: float, probe: int, launched: float, *, failed: bool, abstains: bool) -> None:
        if self.key.trouble_at:
            self.settle(launched)
        elif not self.stepped and (count := self._fell_due(probe, launched)):
            self.last[probe] = self.world.at(probe, self.world.next_place(probe, launched - 1.0) - 1)
            self.absent.discard(probe)
            self._passed(self.votes[probe], count, ns(self.last[probe]))
        self.pending.discard(probe)
        if launched > self.last[probe]:
            self.last[probe] = launched
        if abstains and self.abstain:
            self.absent.add(probe)
            self.failing.discard(probe)
            return
        self.absent.discard(probe)
        self._word(self.votes[probe], failed, ns(launched))
        (self.failing.add if failed else self.failing.discard)(probe)

    def wait(self, now: float, probe: int, launched: float) -> None:
        if probe not in self.absent:
            charts.note_pending(self.votes[probe], at=ns(launched))
            self.pending.add(probe)

    def is_calm(self) -> bool:
        return not self.failing and not self.pending and self.key.held not in BAD

    def remembers(self) -> Iterable[int]:
        self.settle(max(self.last))
        return [probe for probe, vote in enumerate(self.votes) if charts.remembers(vote)]

    def is_near(self) -> bool:
        # what was not drained since is too high, so a sum that is too low is so in truth
        if not self._is_much():
            return False
        self.settle(max(self.last))
        return self._is_much()

    def _is_much(self) -> bool:
        partial, slow = sum([vote.partial for vote in self.votes]), sum([vote.slow for vote in self.votes])
        return partial >= verdict.PARTIAL_CONFIRM or slow >= verdict.SLOW_CONFIRM

    def state(self, now: float) -> State:
        key = self.key
        if key.held not in BAD and not key.partly_at and self._cannot_turn():
            key.state = key.held = "suspected" if self._is_suspected() else "up"
            return "up"
        voters = [ballot for probe, ballot in enumerate(self.ballots) if probe not in self.absent]
        count = count_of(voters, enrolled=len(self.votes))
        found = verdict.judge(
            count, key.held, since=key.since, tau_ns=self.tau_ns, calm=key.calm, partly_at=key.partly_at
        )
        trouble.settle(key, count, found)
        if found.state not in ("unknown", key.held):
            key.state = key.held = found.state
            key.since = ns(now)
        return key.held if key.held in BAD else "up"  # type: ignore[return-value]

    def _cannot_turn(self) -> bool:
        """Whether no verdict but up or suspected can come of it: too few fail for a quorum, at most one keeps failing,
        and the charts of a part are low."""
        voters = len(self.votes) - len(self.absent)
        if voters < 2 or len(self.failing) > voters // 2:
            return False
        return sum(self.votes[probe].streak >= verdict.PERSISTENT for probe in self.failing) < 2 and not self.is_near()

    def _is_suspected(self) -> bool:
        return len(self.failing) > 1 or any(self.votes[probe].streak > 1 for probe in self.failing)

    def _word(self, vote: Vote, failed: bool, at: int) -> None:
        vote.at, vote.reason, vote.fault = (at, "tcp_timeout", "target") if failed else (at, None, None)
        trouble.hear(self.key, vote, failed=failed, at=at)

    def _fell_due(self, probe: int, now: float) -> int:
        """How many runs of the grid were launched since the newest word, and have ended: they passed."""
        if now - self.last[probe] <= self.period:
            return 0
        first, after = self.world.next_place(probe, self.last[probe] + 1e-6), self.world.next_place(probe, now - 1.0)
        return max(0, after - first)

    def _passed(self, vote: Vote, count: int, newest: int) -> None:
        """So many runs of the grid in a row passed while there was no trouble; the newest was launched then."""
        vote.reason = vote.fault = None
        while count and (vote.hard or vote.partial or vote.slow or vote.streak >= 0):
            count -= 1
            self._word(vote, False, newest - count * self.period_ns)
        if count:
            vote.at = vote.passed_at = newest
            vote.streak -= count
            vote.p0 = max(charts.LOWEST_P0, vote.p0 * (1 - charts.LEARNS) ** count)
