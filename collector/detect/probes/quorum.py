"""Whether enough probes can vote for anything to be concluded of targets. Pure.

A fleet that had a quorum and lost it sees too little: what the few that are left say may be their own trouble. Then
monitoring itself is what has failed; nothing new is confirmed and nothing may be switched until enough are back. A
fleet that never had one is small, which is another thing (verdict.py).
"""

from collections.abc import Iterable

from collector.detect.state import State
from collector.detect.view import View
from parallax.clock import NS

VOTERS, NETWORKS = 3, 3
"""The fewest that can tell a target's trouble from their own; of a larger fleet it takes half."""
BLIND_NS = 60 * NS
"""A quorum is lost when it has been missing for so long."""


def voting(state: State, view: View) -> list[str]:
    """The probes that can say something of targets now."""
    return [
        name
        for name, member in state.probes.items()
        if member.state == "healthy" and not member.cloned_at and not member.astray and view.measures(name)
    ]


def watch_quorum(state: State, view: View) -> None:
    """Looks at who can vote now."""
    fleet = [name for name in state.probes if view.measures(name)]
    able = voting(state, view)
    if len(fleet) < VOTERS or networks_of(view, fleet) < NETWORKS:
        state.had_quorum, state.blind_since = False, 0
    elif len(able) >= max(VOTERS, -(-len(fleet) // 2)) and networks_of(view, able) >= NETWORKS:
        state.had_quorum, state.blind_since = True, 0
    elif not state.blind_since or state.blind_since > state.now:  # the clock was put back
        state.blind_since = state.now


def lost_quorum(state: State) -> bool:
    """Whether there was a quorum, and has been none for long enough to say so."""
    return state.had_quorum and state.blind_since > 0 and state.now - state.blind_since >= BLIND_NS


def quorum_words(state: State, view: View) -> str:
    """ "2 of 8 probes can vote, in 1 network"."""
    able = voting(state, view)
    networks = networks_of(view, able)
    fleet = sum(view.measures(name) for name in state.probes)
    where = f", in {networks} network{'s' * (networks != 1)}" if able else ""
    return f"{len(able)} of {fleet} probes can vote{where}"


def networks_of(view: View, names: Iterable[str]) -> int:
    """How many networks these probes are in."""
    probes = [view.probe(name) for name in names]
    return len({probe.network for probe in probes if probe is not None})
