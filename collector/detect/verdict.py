"""From the count to a state. Pure.

    M voters     down                                     suspected
    1            3 consecutive failures                   2 of them
    2 and more   2/3 fail, in 2 networks if there are 2   2 fail, or one twice in a row

Degraded is what reached the quorum with soft reasons only, a part that fails for ever (two probes in two networks,
each twice in a row: an anycast site gone), and what looks like a refusal of data centres alone. Up again below a third.
"""

import msgspec

from collector.detect.votes import Ballot, Tally, networks
from collector.events import CheckState

SINGLE_DOWN, SINGLE_SUSPECTED = 3, 2
"""One vantage has nobody to ask, so it must see it thrice."""
PERSISTENT = 2
"""Consecutive failures of one probe that make a partial failure more than noise."""
FULL_SHARE, STILL_FULL_SHARE = 0.9, 2 / 3
"""429 to so many is an outage in all but name (19 Feb 2026); and remains one until that many, as it is by chance who
gets through."""


PROBES_ONLY = frozenset({"signin_captcha", "signin_account_locked", "signin_account_throttled"})
"""Refusals that say nothing of users even on a line as they have: people solve captchas, and the account that is locked
is the check's own."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`blocked`: refusals that nothing corroborates. `throttled`: nearly all get 429."""

    state: CheckState
    blocked: bool = False
    throttled: bool = False
    single: bool = False


def judge(
    count: Tally,
    before: CheckState,
    *,
    since: int = 0,
    throttled: bool = False,
    blocked: bool = True,
    outside: bool = False,
) -> Verdict:
    """The state of a subject by the count, and by the state (never `unknown`), its start and the verdict before it.
    `outside`: what a limit on data centres does not touch fails in earnest, too."""
    if not count.voters:
        return Verdict(state="unknown")
    if _size(count) == 1:
        return _judge_single(count.voters[0], before, outside=outside)
    failing = count.failing
    refused = [ballot for ballot in failing if ballot.vote.fault == "blocked"]
    corroborated = _corroborated(count, outside=outside)
    hard = [b for b in failing if not b.vote.soft and (b.vote.fault != "blocked" or corroborated)]
    full = corroborated and _throttled(count, was=throttled and before == "degraded")
    if _quorum(hard, count):
        return Verdict(state="down")
    others = [ballot for ballot in failing if ballot.vote.fault != "blocked"]
    # who mends first must not make a mere refusal of an outage, nor the reverse
    was_plain = not blocked if before == "degraded" else not refused
    plain = was_plain or corroborated or _quorum(others, count) or _persistent(others)
    degraded = Verdict(state="degraded", blocked=not plain, throttled=full)
    if before in ("down", "degraded"):
        if _well(count) and not _persistent(failing):
            return Verdict(state="up")
        if before == "down" and not _quorum(failing, count) and not _halved(count, hard):
            return Verdict(state="down")
        return degraded
    late = [ballot for ballot in failing if ballot.vote.at > since or before != "up"]
    if _quorum(failing, count) or full or _persistent(late):
        return degraded
    if len(late) >= 2 or any(ballot.vote.streak >= PERSISTENT for ballot in late):
        return Verdict(state="suspected")
    return Verdict(state="up")


def _size(count: Tally) -> int:
    return max(count.expected, len(count.voters))


def _halved(count: Tally, hard: list[Ballot]) -> bool:
    """What is left of an outage is no more than a part, and not for want of a second look: those who pass have passed
    twice, so the others have had their turn too."""
    return 2 * len(hard) <= len(count.voters) and all(b.failing or b.vote.streak <= -2 for b in count.voters)


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
    needed = max(2, -(-2 * _size(count) // 3))
    return len(failing) >= needed and (networks(count.voters) < 2 or networks(failing) >= 2)


def _persistent(failing: list[Ballot]) -> bool:
    lasting = [ballot for ballot in failing if ballot.vote.streak >= PERSISTENT]
    return len(lasting) >= 2 and networks(lasting) >= 2


def _well(count: Tally) -> bool:
    """Less than a third fails, and two thirds passed of all who are to be asked."""
    failing, voters = len(count.failing), len(count.voters)
    return 3 * failing < voters and 3 * (voters - failing) >= 2 * _size(count)


def _corroborated(count: Tally, *, outside: bool) -> bool:
    """Lines as users have fail too: at least half of those that vote. Where none votes, what else is outside."""
    access = sum(ballot.view.access for ballot in count.voters)
    failing = sum(ballot.view.access and ballot.vote.reason not in PROBES_ONLY for ballot in count.failing)
    return 2 * failing >= access if access else outside


def _throttled(count: Tally, *, was: bool) -> bool:
    throttled = [ballot for ballot in count.failing if ballot.vote.reason == "http_throttled"]
    return len(throttled) >= 2 and len(throttled) >= (STILL_FULL_SHARE if was else FULL_SHARE) * _size(count)
