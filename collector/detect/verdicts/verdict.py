"""From the count to a state. Pure.

    voters                   down                                     suspected
    1                        3 consecutive failures                   2 of them
    2 to 4, or 2 networks    a majority fails, in 2 networks          2 fail, or one twice in a row
                             if there are 2
    5 and more, 3 networks   2/3 fail, in 3 networks, and the hard    the same
                             charts add up to 10 nats

But for one voter alone, down and degraded must have lasted (`tau_ns`, measured from launch to launch: charts.py): a
blip is nobody's outage. Degraded is what reached the quorum with soft reasons only, what looks like a refusal of data
centres alone, a part that fails for ever (two probes in two networks, each twice in a row: an anycast site gone), and
what the partial charts find: one run in four that fails, whoever meets it; what the slow charts find: a run in ten,
here and there, for minutes; and what takes several times as long as it usually does (pace.py). Up again once three
quarters pass, and so many runs in a row that what failed before would have shown.

Where more than half of those that look at it cannot say anything, nothing is concluded from the rest.
"""

import math
from typing import Literal

import msgspec

from collector.detect.verdicts.charts import TAU_NS, began_at, hard_weight, partial_weight, seen_at, slow_weight
from collector.detect.verdicts.pace import are_slow
from collector.detect.verdicts.votes import Ballot, Tally, networks
from collector.events import CheckState
from parallax.clock import NS

SINGLE_DOWN, SINGLE_SUSPECTED = 3, 2
"""One vantage has nobody to ask, so it must see it thrice."""
LARGE, LARGE_NETWORKS = 5, 3
"""From so many voters in so many networks on, charts are weighed, and a failover may rest on the verdict."""
CONFIRM = 10.0
"""Nats of the hard charts: all is well as often as this by chance in e^10 rounds."""
PARTIAL_CONFIRM, PARTIAL_SHARE, PARTIAL_LEAST, PARTIAL_NETWORKS = 14.0, 0.2, 2, 4
"""Of the partial charts, nats; how many of those who vote, and how many at least, fail anew once that has lasted; and
how many networks have to add to the charts."""
LATELY_NS = 30 * NS
"""Within so long, and within a period of the grid, whoever is to bear that out has looked."""
SLOW_CONFIRM = 30.0
"""Of the slow charts, nats, over as many networks."""
RENEWED = 3
"""So many networks must see that it has lasted, as others fail by chance just as a blip is over."""
PERSISTENT = 2
"""Consecutive failures of one probe that make a partial failure more than noise."""
WELL = 0.75
WELL_NATS, STEADY_NATS = 4.0, 8.0
"""Of the mirror chart, to be up after an outage, and after what failed in part: there, many runs in a row pass by
chance."""
FULL_SHARE, STILL_FULL_SHARE = 0.9, 2 / 3
"""429 to so many is an outage in all but name (19 Feb 2026); and remains one until that many, as it is by chance who
gets through."""


PROBES_ONLY = frozenset({"signin_captcha", "signin_account_locked", "signin_account_throttled"})
"""Refusals that say nothing of users even on a line as they have: people solve captchas, and the account that is locked
is the check's own."""


Because = Literal["", "quorum", "lasting", "partial"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`blocked`: refusals that nothing corroborates. `throttled`: nearly all get 429. `may_switch`: down, by enough
    vantages in enough networks for a failover to rest on it."""

    state: CheckState
    blocked: bool = False
    throttled: bool = False
    single: bool = False
    may_switch: bool = False
    because: Because = ""
    """For degraded that was not: by a quorum of those who vote, probes that go on to fail, or the partial charts."""
    slower: bool = False
    """Nothing fails, but most passes take several times as long as usual."""
    partly: bool = False
    """The partial charts are sure; whether it lasts, they will show."""


def judge(
    count: Tally,
    before: CheckState,
    *,
    since: int = 0,
    throttled: bool = False,
    blocked: bool = True,
    outside: bool = False,
    blind: bool = False,
    tau_ns: int = TAU_NS,
    calm: float = math.inf,
    partly_at: int = 0,
    every_ns: int = 0,
) -> Verdict:
    """The state of a subject by the count, and by the state (never `unknown`), its start and the verdict before it.
    `outside`: what a limit on data centres does not touch fails in earnest, too. `blind`: the fleet has lost its
    quorum, so that nothing new is concluded. `tau_ns`: how long it must have lasted from launch to launch. `calm`: the
    mirror chart, how sure it is that what failed no longer does, nats. `partly_at`: the launch of the run by which the
    partial charts were sure first, ns; 0 where they are not. `every_ns`: how often each probe looks."""
    verdict = _judge(
        count,
        before,
        since=since,
        throttled=throttled,
        blocked=blocked,
        outside=outside,
        blind=blind,
        tau_ns=tau_ns,
        calm=calm,
        partly_at=partly_at,
        every_ns=every_ns,
    )
    if verdict.state in ("up", "suspected") and not blind and are_slow(count.voters, were=before == "degraded"):
        return Verdict(state="degraded", slower=True)
    return verdict


def _judge(
    count: Tally,
    before: CheckState,
    *,
    since: int,
    throttled: bool,
    blocked: bool,
    outside: bool,
    blind: bool,
    tau_ns: int,
    calm: float,
    partly_at: int,
    every_ns: int,
) -> Verdict:
    if not count.voters:
        return Verdict(state="unknown")
    if _size(count) == 1 and not blind:
        return _judge_single(count.voters[0], before, outside=outside)
    failing = count.failing
    if not failing and before in ("up", "suspected"):
        return Verdict(state="up")
    refused = [ballot for ballot in failing if ballot.vote.fault == "blocked"]
    corroborated = _corroborated(count, outside=outside)
    hard = [b for b in failing if not b.vote.soft and (b.vote.fault != "blocked" or corroborated)]
    full = corroborated and _throttled(count, was=throttled and before == "degraded")
    heard = not blind and 2 * len(count.voters) >= count.enrolled
    down = _quorum(hard, count)
    if down and (before == "down" or (heard and _significant(count) and _lasts(hard, count, tau_ns))):
        return Verdict(state="down", may_switch=is_large(count) and heard)
    others = [ballot for ballot in failing if ballot.vote.fault != "blocked"]
    # who mends first must not make a mere refusal of an outage, nor the reverse
    was_plain = not blocked if before == "degraded" else not refused
    plain = was_plain or corroborated or _quorum(others, count) or _persistent(others, 0)
    partly = _partly(count)
    degraded = Verdict(state="degraded", blocked=not plain, throttled=full, partly=partly)
    if before in ("down", "degraded"):
        if blind:
            return degraded if before == "degraded" else Verdict(state="down")
        if _well(count, calm, before) and not _persistent(failing, 0):
            return Verdict(state="up")
        if before == "down" and not _quorum(failing, count) and not _halved(count, hard):
            return Verdict(state="down")
        return degraded
    late = [ballot for ballot in failing if ballot.vote.at > since or before != "up"]
    because: Because = ""
    if (_quorum(failing, count) or full) and _lasts(failing, count, tau_ns):
        because = "quorum"
    elif _persistent(late, tau_ns):
        because = "lasting"
    elif (partly and _goes_on(count, partly_at, tau_ns, every_ns)) or (late and _keeps_failing(count)):
        because = "partial"
    if heard and because:
        return msgspec.structs.replace(degraded, because=because)
    if len(late) >= 2 or any(ballot.vote.streak >= PERSISTENT for ballot in late):
        return Verdict(state="suspected", partly=partly)
    return Verdict(state="up", partly=partly)


def needed(size: int, *, large: bool) -> int:
    """How many of so many voters are a quorum."""
    return max(2, -(-2 * size // 3) if large else size // 2 + 1)


def starts_at(count: Tally) -> int | None:
    """When the trouble began, by its first failing run's launch, ns; None where none fails."""
    size = _size(count)
    return began_at(count.voters, spare=size - needed(size, large=is_large(count)))


def changed_at(count: Tally, because: Because) -> int:
    """Since when what fails now does, by the launch of its first run, ns: of a quorum as `starts_at` has it, else of
    the probes that fail again and again; of what the partial charts find only where more than half fail, as in a part
    passes are mixed with failures. 0 where none does."""
    failing = len(count.failing)
    if _quorum(count.failing, count):
        return starts_at(count) or 0
    if 2 * failing > _size(count):
        return began_at(count.voters, spare=_size(count) - failing) or 0
    if because == "partial":
        return 0
    lasting = [ballot.vote.failing_since for ballot in count.failing if ballot.vote.streak >= PERSISTENT]
    return min(lasting, default=0)


def _size(count: Tally) -> int:
    return max(count.expected, len(count.voters))


def is_large(count: Tally) -> bool:
    """Whether so many vote, in so many networks, that two thirds of them are a quorum."""
    return len(count.voters) >= LARGE and count.networks >= LARGE_NETWORKS


def _significant(count: Tally) -> bool:
    return not is_large(count) or hard_weight(count.voters).nats >= CONFIRM


def _lasts(failing: list[Ballot], count: Tally, tau_ns: int) -> bool:
    """Whether enough networks see it by runs launched so long after the first. Of few, each must have seen it go on: a
    vantage that is broken, and one more failure by chance, are a majority of three."""
    began, large = starts_at(count), is_large(count)
    if began is None:
        return False
    own_ns = 0 if large else tau_ns // 2
    renewed = [
        ballot for ballot in failing if seen_at(ballot.vote) >= max(began + tau_ns, ballot.vote.failing_since + own_ns)
    ]
    enough = min(RENEWED, needed(_size(count), large=large))
    return networks(renewed) >= min(enough, count.networks)


def _partly(count: Tally) -> bool:
    """Whether the partial charts are sure."""
    if not is_large(count):
        return False
    weight = partial_weight(count.voters)
    return weight.nats >= PARTIAL_CONFIRM and weight.networks >= min(PARTIAL_NETWORKS, count.networks)


def _goes_on(count: Tally, partly_at: int, tau_ns: int, every_ns: int) -> bool:
    """Whether enough fail by runs launched so long after the partial charts were sure, and lately, who passed
    meanwhile: what is broken at the probes fails always, and chance failures add up over minutes. It does not matter
    that some of them pass again by now."""
    half = partly_at + tau_ns // 2
    after = max(partly_at + tau_ns, max(b.vote.at for b in count.voters) - max(LATELY_NS, every_ns))
    anew = [b for b in count.voters if b.vote.failed_at >= after and b.vote.onset_at >= half]
    enough = len(anew) >= max(PARTIAL_LEAST, PARTIAL_SHARE * _size(count))
    return partly_at > 0 and enough and networks(anew) >= RENEWED


def _keeps_failing(count: Tally) -> bool:
    """Whether the slow charts are sure: here and there a run fails, again and again."""
    if not is_large(count):
        return False
    weight = slow_weight(count.voters)
    return weight.nats >= SLOW_CONFIRM and weight.networks >= min(PARTIAL_NETWORKS, count.networks)


def _halved(count: Tally, hard: list[Ballot]) -> bool:
    """What is left of an outage is no more than a part, and not for want of a second look."""
    return 2 * len(hard) <= len(count.voters) and all(abs(b.vote.streak) >= 2 for b in count.voters)


def _judge_single(only: Ballot, before: CheckState, *, outside: bool) -> Verdict:
    vote = only.vote
    if vote.reason is None:
        return Verdict(state="up", single=True)
    refused = vote.fault == "blocked"
    alone = refused and not (only.view.access and vote.reason not in PROBES_ONLY) and not outside
    if vote.streak >= SINGLE_DOWN:
        soft = vote.soft or refused
        return Verdict(state="degraded" if soft else "down", blocked=alone, single=True)
    if before in ("down", "degraded"):
        return Verdict(state=before, blocked=before == "degraded" and alone, single=True)
    return Verdict(state="suspected" if vote.streak >= SINGLE_SUSPECTED else "up", single=True)


def _quorum(failing: list[Ballot], count: Tally) -> bool:
    large = is_large(count)
    apart = min(count.networks, LARGE_NETWORKS if large else 2)
    return len(failing) >= needed(_size(count), large=large) and networks(failing) >= apart


def _persistent(failing: list[Ballot], tau_ns: int) -> bool:
    lasting = [
        ballot
        for ballot in failing
        if ballot.vote.streak >= PERSISTENT and ballot.vote.at - ballot.vote.failing_since >= tau_ns
    ]
    return len(lasting) >= 2 and networks(lasting) >= 2


def _well(count: Tally, calm: float, before: CheckState) -> bool:
    """Three quarters of all who are to be asked pass, and have for long enough to show what failed before."""
    failing, voters = len(count.failing), len(count.voters)
    sure = calm >= (WELL_NATS if before == "down" else STEADY_NATS)
    return sure and voters - failing >= WELL * voters and 3 * (voters - failing) >= 2 * _size(count)


def _corroborated(count: Tally, *, outside: bool) -> bool:
    """Lines as users have fail too: at least half of those that vote. Where none votes, what else is outside."""
    lines = [ballot.vote.reason for ballot in count.voters if ballot.view.access]
    failing = [reason for reason in lines if reason is not None and reason not in PROBES_ONLY]
    return 2 * len(failing) >= len(lines) if lines else outside


def _throttled(count: Tally, *, was: bool) -> bool:
    throttled = [ballot for ballot in count.failing if ballot.vote.reason == "http_throttled"]
    return len(throttled) >= 2 and len(throttled) >= (STILL_FULL_SHARE if was else FULL_SHARE) * _size(count)
