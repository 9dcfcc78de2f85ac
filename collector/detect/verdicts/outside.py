"""What bears out that a refusal is an outage, from outside the limit that may be behind it. Pure.

Data centres are refused alike (429, 403, a bot wall) by limits that users do not meet. So a refusal is an outage only
if what such a limit does not touch fails as well: lines as users have (`verdict` looks at those), what the same
provider publishes for everybody (discovery, keys), or another tenant of it; each in earnest, not by a refusal of its
own.
"""

from collections.abc import Iterator

from collector.detect.state import Key, State
from collector.detect.verdicts.flows import METADATA
from collector.detect.verdicts.votes import ends_id
from collector.detect.view import CheckView, View


def fails_outside(state: State, view: View, check: CheckView, key: Key) -> bool:
    """Whether anything outside the limit fails in earnest right now."""
    return any(_in_earnest(other) for other in _outside(state, view, check, key))


def is_watched(view: View, check: CheckView, key: Key) -> bool:
    """Whether the plan has anything to look at outside the limit."""
    host = check.targets[key.target].host
    return bool(view.published.get(host) or (check.of_steps and view.tenants.get(check.name)))


def _outside(state: State, view: View, check: CheckView, key: Key) -> Iterator[Key]:
    host = check.targets[key.target].host
    for name, target in view.published.get(host, ()):
        for other in _keys(state, name, target):
            if not view.checks[name].of_steps or other.subject in METADATA:
                yield other
    for name, target in view.tenants.get(check.name, ()) if check.of_steps else ():
        if view.checks[name].targets[target].host != host:
            yield from _keys(state, name, target)


def _keys(state: State, check: str, target: str) -> Iterator[Key]:
    ends = state.ends.get(ends_id(check, target))
    for name in ends.keys if ends is not None else ():
        yield state.keys[name]


def _in_earnest(key: Key) -> bool:
    return key.state == "down" and any(
        vote.counts and vote.reason == key.reason and vote.fault in ("target", "network") for vote in key.votes.values()
    )
