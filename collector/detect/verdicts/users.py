"""How many users are hurt, by the weights that the plan gives its probes. Pure.

What a probe's first attempts meet is taken for what the users meet that it stands for. One goes to one of a name's
addresses, so a probe's share there is the mean over them; nobody gets past a step of a sign-in that fails, so there it
is the worst; through resolvers it is the mean, or goes by their weights where all of them have one. Of several things
that fail together the one counts that hurts most: who is hurt by two of them is hurt once.

The interval is Wilson's, of as many runs as unequal weights leave of those there were (L. Kish, "Survey Sampling",
1965: the square of the sum over the sum of squares), and then as wide as those may change it who are behind no probe
that has a word now: none of them hurt, or all.
"""

from collections.abc import Collection, Iterable

import msgspec

from collector.detect.state import Key, State
from collector.detect.verdicts.charts import wilson
from collector.detect.verdicts.flows import BEHIND
from collector.detect.verdicts.votes import Tally, ends_id, runs_of, tally
from collector.detect.view import CheckView, View
from collector.events import Extent

LEAST_SEEN = 0.5
"""Where fewer of the users are behind probes that have a word, nothing is said of users."""
MAX_GROUPS, MAX_SUBJECTS = 10, 32
"""Targets that are looked at, those first of which most fails; and subjects of each."""


class _Met(msgspec.Struct):
    """What the users of one probe met at one subject: the share that failed, the runs that say so, and what the subject
    weighs beside the target's others."""

    share: float
    runs: float
    weight: float


def is_weighted(view: View) -> bool:
    """Whether the plan says of any probe which share of users it stands for."""
    return any(each.probe.weight is not None for each in view.probes.values())


def users_hurt(state: State, view: View, bad: Iterable[Key]) -> Extent | None:
    """The share of users that these failing subjects hurt. None where a probe that looks at them has no weight, where
    the probes that have a word stand for too few, and where no user goes."""
    if not is_weighted(view):
        return None
    hurting = frozenset(name for component in view.components for name in component.checks)
    began: dict[tuple[str, str], int] = {}
    worst: dict[tuple[str, str], float] = {}
    for key in bad:
        check = view.checks.get(key.check)
        if check is None or check.member or key.apart or key.blocked or not key.trouble_at:
            continue
        if hurting and key.check not in hurting:
            continue
        name = (key.check, key.target)
        began[name] = min(key.trouble_at, began.get(name, key.trouble_at))
        worst[name] = max(key.extent.share if key.extent else 0.0, worst.get(name, 0.0))
    found = None
    for name in sorted(worst, key=lambda each: -worst[each])[:MAX_GROUPS]:
        extent = _of_target(state, view, view.checks[name[0]], name[1], began[name])
        if extent is not None and (found is None or extent.share > found.share):
            found = extent
    return found


def share_of_users(count: Tally, began: int) -> float | None:
    """Of the users who go to one subject, the share whose runs fail since it began. None where a probe that has a word
    has no weight, and where those that have one stand for too few."""
    seen = hurt = 0.0
    for ballot in count.voters:
        weight = ballot.view.probe.weight
        if weight is None:
            return None
        counted = runs_of(ballot.vote, began)
        if counted is not None:
            seen += weight
            hurt += weight * counted[0] / counted[1]
    return round(hurt / seen, 3) if seen >= LEAST_SEEN else None


def _of_target(state: State, view: View, check: CheckView, target: str, began: int) -> Extent | None:
    ends = state.ends.get(ends_id(check.name, target))
    keys = [state.keys[name] for name in ends.keys] if ends else []
    lookups = [key for key in keys if key.lookup and key.counts_as in ("down", "degraded")]
    keys = lookups or [key for key in keys if not key.lookup and not key.apart]
    if check.of_steps:
        keys = [key for key in keys if key.subject not in BEHIND] or keys
    met: dict[str, list[_Met]] = {}
    weighted = all((known := view.resolvers.get(key.resolver)) and known.weight is not None for key in keys)
    for key in keys[:MAX_SUBJECTS]:
        of = view.resolvers[key.resolver].weight or 0.0 if weighted else 1.0
        _note(met, tally(state, view, check, key), began, of)
    return _extent(view, met, began, worst=check.of_steps)


def _note(met: dict[str, list[_Met]], count: Tally, began: int, weight: float) -> None:
    for ballot in count.voters:
        counted = runs_of(ballot.vote, began)
        if counted is not None:
            bad, runs = counted
            met.setdefault(ballot.probe, []).append(_Met(bad / runs, runs, weight))


def _extent(view: View, met: dict[str, list[_Met]], began: int, *, worst: bool) -> Extent | None:
    seen = hurt = squares = 0.0
    for probe, those in met.items():
        known = view.probe(probe)
        weight = known.probe.weight if known is not None else None
        if weight is None:
            return None
        share, runs = _share(those, worst=worst)
        seen += weight
        hurt += weight * share
        squares += weight * weight / runs
    if seen < LEAST_SEEN or not hurt:
        return None
    share = hurt / seen
    low, high = wilson(share, seen * seen / squares)
    seen = min(seen, 1.0)
    low, high = low * seen, high * seen + 1 - seen
    return Extent(share=round(share, 3), low=round(low, 3), high=round(high, 3), of="users", since=began)


def _share(those: Collection[_Met], *, worst: bool) -> tuple[float, float]:
    """Of one probe's users: the share that is hurt, and by how many runs."""
    total = sum(each.weight for each in those)
    if worst or not total:
        most = max(those, key=lambda each: each.share)
        return most.share, most.runs
    return sum(each.share * each.weight for each in those) / total, sum(each.runs for each in those)
