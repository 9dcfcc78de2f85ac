"""A probe that says other things than all others do, of most that it looks at, for long. Pure.

It may be lying, or have trouble that its own controls do not see (a broken resolver, a wrong trust store, a cache in
between). One subject on which a probe stands alone says nothing of the probe: somebody sees an outage first. So its
words are laid beside the others' every half minute, on subjects where all others agree with each other, in two networks
besides its own. It is astray where it contradicts them on 80 % of those, at three targets and five subjects at least,
time after time (the share is that of ThousandEyes' rule for agents with local problems). It does so in one of two ways:
it fails where all pass, or passes where all fail. In the second way it may just have a cache that lasts longer, so that
takes more time.

Where its labels say that it may be right, it is not held against it: a site or region that answers it alone, a line as
users have among data centres, and refusals, which meet some and not others.
"""

import msgspec

from collector.detect.state import Key, State, Vote
from collector.detect.verdicts.flows import vote_fresh_ns
from collector.detect.view import ProbeView, View
from parallax.clock import NS

ROUND_NS = 30 * NS
SHARE = 0.8
SUBJECTS, TARGETS = 5, 3
ROUNDS_FAILING, ROUNDS_PASSING, ROUNDS_BACK = 4, 10, 2
"""Looks in a row: until it is astray by failing, or by passing, alone; and until it is back with the others."""
OTHERS, OTHER_NETWORKS = 3, 2
MOST = 2000
"""Subjects that one look takes; of more, other ones each time."""


class _Words(msgspec.Struct):
    """Of one probe, in one look."""

    fails_alone: int = 0
    passes_with: int = 0
    passes_alone: int = 0
    fails_with: int = 0
    targets: set[tuple[str, str]] = msgspec.field(default_factory=set)
    """Where it stands alone."""


Said = tuple[str, Vote, ProbeView]


def compare_words(state: State, view: View) -> None:
    """Lays the probes' words beside each other's, if it is time to."""
    if 0 <= state.now - state.compared_at < ROUND_NS:
        return
    state.compared_at = state.now
    if len(state.probes) <= OTHERS:
        return
    words: dict[str, _Words] = {name: _Words() for name in state.probes}
    for key in _some(state):
        _lay(words, key, _said(state, view, key))
    for name, said in words.items():
        _turn(state, name, said)


def _some(state: State) -> list[Key]:
    keys = list(state.keys.values())
    step = len(keys) // MOST + 1
    return keys[state.now // ROUND_NS % step :: step]


def _said(state: State, view: View, key: Key) -> list[Said]:
    """The fresh words that count, those of probes astray among them."""
    check = view.checks.get(key.check)
    if check is None:
        return []
    found = []
    for name, vote in key.votes.items():
        member, probe = state.probes.get(name), view.probe(name)
        if member is None or probe is None or member.state == "silent" or member.cloned_at:
            continue
        if not vote.counts or vote.unreached or vote.aside:
            continue
        if vote.at + vote_fresh_ns(check, key.subject, vote.every_ns) >= state.now:
            found.append((name, vote, probe))
    return found


def _lay(words: dict[str, _Words], key: Key, said: list[Said]) -> None:
    if len(said) <= OTHERS:
        return
    failing = [each for each in said if each[1].reason is not None]
    if not failing or len(failing) == len(said):
        for name, _, _ in said:
            if failing:
                words[name].fails_with += 1
            else:
                words[name].passes_with += 1
        return
    passing = [each for each in said if each[1].reason is None]
    few, others = (failing, passing) if len(failing) < len(passing) else (passing, failing)
    if len(few) > 1 or _may_be_right(few[0], others):
        return
    alone = words[few[0][0]]
    alone.targets.add((key.check, key.target))
    if few is failing:
        alone.fails_alone += 1
    else:
        alone.passes_alone += 1


def _may_be_right(alone: Said, others: list[Said]) -> bool:
    """Whether what it looks at may be another thing than what the others see."""
    _, vote, probe = alone
    if len({other.network for _, _, other in others} - {probe.network}) < OTHER_NETWORKS:
        return True
    if vote.fault == "blocked" or any(other.fault == "blocked" for _, other, _ in others):
        return True
    if probe.access and not any(other.access for _, _, other in others):
        return True
    sites, regions = {other.site for _, other, _ in others}, {other.region for _, other, _ in others}
    return (vote.site is not None and vote.site not in sites) or (
        vote.region is not None and vote.region not in regions
    )


def _turn(state: State, name: str, said: _Words) -> None:
    member = state.probes[name]
    failing = _most(said, said.fails_alone, said.passes_with)
    passing = _most(said, said.passes_alone, said.fails_with)
    if not (said.fails_alone or said.passes_alone or said.passes_with or said.fails_with):
        return  # nothing to compare: it stays what it was
    if not failing and not passing:
        member.rounds = min(member.rounds, 0) - 1
        if member.rounds <= -ROUNDS_BACK:
            member.rounds, member.astray = -ROUNDS_BACK, ""
        return
    member.rounds = min(max(member.rounds, 0) + 1, ROUNDS_PASSING)
    if failing and member.rounds >= ROUNDS_FAILING:
        of = said.fails_alone + said.passes_with
        member.astray = f"it disagrees with all others: {said.fails_alone} of {of} that pass everywhere else fail here"
    elif passing and member.rounds >= ROUNDS_PASSING:
        of = said.passes_alone + said.fails_with
        member.astray = f"it disagrees with all others: {said.passes_alone} of {of} that fail everywhere else pass here"


def _most(said: _Words, alone: int, together: int) -> bool:
    return alone >= SUBJECTS and len(said.targets) >= TARGETS and alone >= SHARE * (alone + together)
