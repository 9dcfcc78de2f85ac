"""What the probes say of one subject at one moment: who votes, who fails, and who does not count."""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from collector.detect.places import heard_by_more
from collector.detect.state import Key, State, Vote
from collector.detect.verdicts.charts import WINDOW, wilson
from collector.detect.verdicts.flows import every_ns, vote_fresh_ns
from collector.detect.view import CheckView, ProbeView, View
from collector.events import Evidence, Extent

SAME_FOR_ALL = ("dns.zone", "dns.resolve", "dns.mail", "dns.dnssec")
"""The kinds that find the same subjects wherever they look from, where the plan names the resolvers."""


class Ballot(msgspec.Struct, frozen=True):
    """One voter's word."""

    probe: str
    vote: Vote
    view: ProbeView

    @property
    def failing(self) -> bool:
        return self.vote.reason is not None

    @property
    def network(self) -> str:
        """Whose trouble it shares."""
        return self.view.network


class Tally(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The count. `expected` is how many voters a quorum is held against: more than have spoken, while a subject is
    new and probes have not had their turn."""

    voters: list[Ballot]
    failing: list[Ballot]
    expected: int
    enrolled: int = 0
    """How many probes look at it, those that cannot say anything now too; 0 where nobody knows."""
    abstaining: int = 0
    silent: int = 0
    misset: Mapping[str, int] = {}
    """Of those that abstain: the words of fresh runs that are wrongly set up, and how many have each."""
    expires_at: int | None = None
    """When the first of the voters' words is no longer fresh."""
    grace_until: int = 0

    @cached_property
    def networks(self) -> int:
        """How many networks the voters are in."""
        return networks(self.voters)

    @cached_property
    def reasons(self) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for ballot in self.failing:
            reason = ballot.vote.reason or ""
            counts[reason] = counts.get(reason, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def count_of(voters: list[Ballot], *, expected: int = 0, enrolled: int = 0) -> Tally:
    """The count of these voters, and of no others."""
    failing = [ballot for ballot in voters if ballot.failing]
    return Tally(voters=voters, failing=failing, expected=max(expected, len(voters)), enrolled=enrolled)


def networks(ballots: list[Ballot]) -> int:
    """How many networks they are in."""
    return len({ballot.view.network for ballot in ballots})


def tally(state: State, view: View, check: CheckView, key: Key) -> Tally:
    """Counts the fresh words on a subject."""
    voters: list[Ballot] = []
    failing: list[Ballot] = []
    abstaining = silent = held_back = 0
    misset: dict[str, int] = {}
    ends: int | None = None
    now, members, planned = state.now, state.probes, view.probes
    usual_ns = vote_fresh_ns(check, key.subject, 0)
    for name, vote in key.votes.items():
        member, of_plan = members.get(name), planned.get(name) or view.probe(name)
        if member is None or of_plan is None:
            continue
        if member.state == "silent":
            silent += 1
            continue
        if vote.unreached:
            held_back += vote.unreached == "failed"
            continue
        until = vote.at + (vote_fresh_ns(check, key.subject, vote.every_ns) if vote.every_ns else usual_ns)
        if until < now:
            continue
        odd = bool(member.cloned_at or member.astray)
        if not vote.counts or odd:
            abstaining += 1
            if vote.fault == "config" and vote.abstain is None and not odd:
                misset[vote.reason or ""] = misset.get(vote.reason or "", 0) + 1
            ends = until if ends is None or until < ends else ends
            continue
        ballot = Ballot(name, vote, of_plan)
        voters.append(ballot)
        if vote.reason is not None:
            failing.append(ballot)
        ends = until if ends is None or until < ends else ends
    grace_until = _grace_until(state, check, key)
    expected = len(voters) + (held_back if voters else 0)
    if now < grace_until:
        expected = max(expected, _live(state, view, check) - abstaining)
    if expected == 1 and _is_lone(state, view, check, key):
        expected = 2
    return Tally(
        voters=voters,
        failing=failing,
        expected=expected,
        enrolled=len(voters) + abstaining + silent,
        abstaining=abstaining,
        silent=silent,
        misset=misset,
        expires_at=None if ends is None else ends + 1,
        grace_until=grace_until,
    )


def evidence_of(count: Tally, extent: Extent | None = None) -> Evidence:
    """The count as events show it."""
    times = [ballot.vote.at for ballot in count.failing]
    return Evidence(
        failing=len(count.failing),
        voters=len(count.voters),
        networks=networks(count.failing),
        span_ns=max(times) - min(times) if times else 0,
        abstaining=count.abstaining,
        silent=count.silent,
        reasons=count.reasons,
        single=len(count.voters) == 1 and count.expected == 1,
        extent=extent,
    )


def extent_of(count: Tally, began: int | None) -> Extent | None:
    """How much of it fails, of the runs launched since it began: the share of each probe, then of each network, then
    of all of them. None where no run failed since."""
    if began is None:
        return None
    sums: dict[str, float] = {}
    probes: dict[str, int] = {}
    runs = 0.0
    for ballot in count.voters:
        counted = runs_of(ballot.vote, began)
        if counted is None:
            continue
        bad, of = counted
        network = ballot.view.network
        sums[network] = sums.get(network, 0.0) + bad / of
        probes[network] = probes.get(network, 0) + 1
        runs += of
    if not any(sums.values()):
        return None
    share = sum(total / probes[network] for network, total in sums.items()) / len(sums)
    low, high = wilson(share, runs)
    return Extent(share=round(share, 3), low=round(low, 3), high=round(high, 3), since=began)


def runs_of(vote: Vote, began: int) -> tuple[float, float] | None:
    """How many of a probe's runs failed that were launched since it began, of how many; None where none was."""
    if vote.at < began:
        return None
    failing = vote.reason is not None
    if failing and vote.passed_at < began:  # what it counted before is from before it began
        of = bad = float(min(max(vote.streak, 1), WINDOW))
        return bad, of
    return (vote.fails, vote.runs) if vote.runs else (float(failing), 1.0)


def _grace_until(state: State, check: CheckView, key: Key) -> int:
    """Until every probe had its turn: since the subject is known, or since the collector listens."""
    born_at = key.born_at
    if key.lookup and (ends := state.ends.get(ends_id(key.check, key.target))):
        born_at = ends.born_at
    return max(born_at, state.started_at) + every_ns(check, key) + check.timeout_ns


def _is_lone(state: State, view: View, check: CheckView, key: Key) -> bool:
    """Whether one probe speaks of it where the others look at the same things, and do not find it: they are asked too,
    as it may be made up."""
    if check.kind not in SAME_FOR_ALL or (key.resolver and not view.resolvers):
        return False
    ends = state.ends.get(ends_id(key.check, key.target))
    keys = [state.keys[name] for name in ends.keys] if ends else []
    return all(each is not key for each in heard_by_more(keys))


def _live(state: State, view: View, check: CheckView) -> int:
    """The probes that should have a word on it: those of the plan that were not heard yet, too."""
    names = check.probes or view.probes.keys() or state.probes.keys()
    members = [state.probes.get(name) for name in names if view.probe(name) is not None]
    return sum(
        m is None or (m.state != "silent" and not m.cloned_at and not m.astray and m.skewed < 2) for m in members
    )


def ends_id(check: str, target: str) -> str:
    """The name of a (check, target) in the state."""
    return f"{check}\x1f{target}"


def key_id(check: str, target: str, subject: str) -> str:
    """The name of a subject in the state."""
    return f"{check}\x1f{target}\x1f{subject}"
