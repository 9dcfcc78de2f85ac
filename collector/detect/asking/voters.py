"""Whose word begins an inquiry, and who can be asked to bear it out. Pure."""

from collections import Counter
from collections.abc import Iterator

from collector.detect.state import Ends, Key, State, Vote
from collector.detect.verdicts.charts import remembers
from collector.detect.verdicts.flows import vote_fresh_ns
from collector.detect.view import CheckView, View

OTHERS, MORE = 2, 5
"""Voters in other networks that are asked first; and where a failure elsewhere is not forgotten yet."""
PART = 2 / 3
"""Where more than this fail, that a third does is news enough."""
BAD = ("down", "degraded")


def suspects(state: State, check: CheckView, ends: Ends) -> dict[str, bool]:
    """The probes that fail where it is not yet decided, or wait for long, and whether they have failed; where it is
    known to be degraded, they are those that fail while half do in earnest: it may be getting worse."""
    found: dict[str, bool] = {}
    for key in keys_of(state, ends):
        if key.held == "down" or not any(v.reason is not None or v.pending_at > v.at for v in key.votes.values()):
            continue
        votes = list(_votes(state, check, key))
        failing = {p: v.reason is not None for p, v in votes if v.reason is not None or v.pending_at > v.at}
        worse = sum(v.reason is not None and not v.soft and v.fault != "blocked" for _, v in votes)
        if failing and (key.held != "degraded" or 2 * worse >= len(votes) > 1):
            found |= {probe: failed or found.get(probe, False) for probe, failed in failing.items()}
    return found


def recovering(state: State, check: CheckView, ends: Ends) -> dict[str, bool]:
    """The probes that have come to pass where it is down; where it is degraded, while half as many fail as did: before,
    passing is no news."""
    found: dict[str, bool] = {}
    for key in keys_of(state, ends):
        if key.held not in BAD or not any(v.reason is None and v.at > key.since for v in key.votes.values()):
            continue
        votes = list(_votes(state, check, key))
        passing = [probe for probe, vote in votes if vote.reason is None and vote.at > key.since]
        if key.held == "down" or 2 * (len(votes) - len(passing)) < min(key.share or 1.0, PART) * len(votes):
            found |= dict.fromkeys(passing, True)
    return found


def askable(state: State, view: View, check: CheckView) -> list[str]:
    """Who runs the check, and is heard."""
    names = check.probes or view.probes.keys() or state.probes.keys()
    return [
        name
        for name in sorted(names)
        if view.probe(name) is not None and (member := state.probes.get(name)) is not None and member.state != "silent"
    ]


def others_than(
    state: State, view: View, check: CheckView, ends: Ends, suspects: set[str], most: int = OTHERS
) -> list[str]:
    """A few in other networks than the suspects: one of each network first, and those whose word is the oldest. Where
    there are none, the suspects' neighbours."""
    everyone = [name for name in askable(state, view, check) if name not in suspects]
    taken = {name: view.probe(name) for name in (*suspects, *everyone)}
    network = {name: of_plan.network for name, of_plan in taken.items() if of_plan is not None}
    foreign = {network[name] for name in suspects if name in network}
    keys = list(keys_of(state, ends))
    said = {name: max((said_at(key, name) for key in keys), default=0) for name in everyone}
    rank: dict[str, int] = {}
    met: Counter[str] = Counter()
    for name in sorted(everyone, key=lambda each: (said[each], each)):
        rank[name] = met[network[name]]
        met[network[name]] += 1
    return sorted(everyone, key=lambda each: (network[each] in foreign, rank[each], said[each], each))[:most]


def remembered(state: State, ends: Ends) -> set[str]:
    """The probes of which some failure of late still weighs, whatever they have said since."""
    return {probe for key in keys_of(state, ends) for probe, vote in key.votes.items() if remembers(vote)}


def said_at(key: Key, probe: str) -> int:
    vote = key.votes.get(probe)
    return max(vote.at, vote.pending_at) if vote is not None else 0


def keys_of(state: State, ends: Ends) -> Iterator[Key]:
    return (state.keys[name] for name in ends.keys)


def _votes(state: State, check: CheckView, key: Key) -> Iterator[tuple[str, Vote]]:
    """The words that count, and are fresh."""
    usual_ns = vote_fresh_ns(check, key.subject, 0)
    for probe, vote in key.votes.items():
        if not vote.counts or vote.unreached:
            continue
        member = state.probes.get(probe)
        if member is None or member.state == "silent" or member.cloned_at:
            continue
        fresh_ns = vote_fresh_ns(check, key.subject, vote.every_ns) if vote.every_ns else usual_ns
        if vote.at + fresh_ns >= state.now:
            yield probe, vote
