"""Subjects come and go: within bounds, and so that no probe crowds out what others see. Pure."""

from collector.detect.state import MAX_KEYS, MAX_SUBJECTS, Ends, Key, State, Vote
from collector.detect.verdicts.votes import ends_id
from collector.detect.view import CheckView

MAX_OWN = 64
"""Subjects of one (check, target) that one probe alone speaks of: a probe that makes them up must not crowd out those
that the others see."""


def forget(state: State, key_name: str) -> None:
    """Drops a subject."""
    key = state.keys.pop(key_name)
    name = ends_id(key.check, key.target)
    ends = state.ends.get(name)
    if ends is not None:
        ends.keys.remove(key_name)
        ends.lookup = None if ends.lookup == key_name else ends.lookup
        if not ends.keys:
            del state.ends[name]


def may_open(state: State, ends: Ends, probe: str) -> bool:
    """Whether the probe may bring up another subject; one that it alone spoke of makes room for it."""
    own = [name for name in ends.keys if state.keys[name].votes.keys() <= {probe}]
    return len(own) < MAX_OWN or _make_room(state, own, 1)


def open_key(
    state: State, ends: Ends, name: str, check: CheckView, target: str, subject: str, *, lookup: bool
) -> Key | None:
    """A new subject; None where there is no room for it."""
    if len(ends.keys) >= MAX_SUBJECTS and not _make_room(state, ends.keys, 1):
        return None
    if len(state.keys) >= MAX_KEYS and not _make_room(state, list(state.keys), MAX_KEYS // 20):
        return None
    state.ends[ends_id(check.name, target)] = ends
    key = state.keys[name] = Key(
        check=check.name, target=target, subject=subject, born_at=state.now, since=state.now, lookup=lookup
    )
    ends.keys.append(name)
    if lookup:  # who has had an answer from an address has passed it
        ends.lookup = name
        for other in ends.keys:
            for probe, vote in state.keys[other].votes.items() if other != name else ():
                known = key.votes.get(probe)
                if vote.counts and (known is None or known.at < vote.at):
                    key.votes[probe] = Vote(at=vote.at, passed_at=vote.at)
    return key


def _make_room(state: State, names: list[str], number: int) -> bool:
    """Drops those that nobody spoke of for longest. One of which something was told stays: that must come to its end.
    False if there is none to drop."""
    idle = [name for name in names if state.keys[name].told == "up" and state.keys[name].incident is None]
    idle.sort(key=lambda name: state.keys[name].spoke_at)
    for name in idle[:number]:
        forget(state, name)
    return bool(idle)
