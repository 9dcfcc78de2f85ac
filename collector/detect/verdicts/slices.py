"""Where a part that fails is: the region that the probes stand in, the family, or both, in which hardly a run passes.
Pure.

"One in ten runs fails" and "nobody in eu gets through over IPv6" may be the same numbers, and are not the same news:
who is there has an outage, however few they are beside all others.
"""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from collector.detect.state import Key, State, Vote
from collector.detect.verdicts.votes import Ballot, ends_id, runs_of, tally
from collector.detect.view import View, ip_of

DARK = 0.9
"""So many of the runs fail there."""
MAX_TARGETS, MAX_SUBJECTS = 3, 16
MAX_NAMED = 3

Where = tuple[str, str]
"""Region and family; "" for any."""


class _Cell(msgspec.Struct, frozen=True):
    """What one probe met at one subject."""

    region: str
    family: str
    ballot: Ballot
    share: float

    def is_in(self, where: Where) -> bool:
        return where[0] in ("", self.region) and where[1] in ("", self.family)


def dark_slices(state: State, view: View, bad: Iterable[Key]) -> tuple[str, ...]:
    """The slices in which hardly a run gets through at the targets of these failing subjects ("in eu over IPv6"), the
    widest first; empty where nothing is dark, where everything is, and where fewer than two probes in two networks say
    so."""
    found: dict[str, None] = {}
    targets = dict.fromkeys((key.check, key.target) for key in bad if key.check in view.checks)
    for check, target in list(targets)[:MAX_TARGETS]:
        cells = _cells(state, view, check, target)
        found.update(dict.fromkeys(_words(where) for where in _dark(cells)))
    return tuple(found)[:MAX_NAMED]


def _cells(state: State, view: View, check: str, target: str) -> list[_Cell]:
    ends = state.ends.get(ends_id(check, target))
    keys = [state.keys[name] for name in ends.keys] if ends else []
    keys = [key for key in keys if not key.lookup or key.counts_as in ("down", "degraded")]
    cells = []
    for key in keys[:MAX_SUBJECTS]:
        ip = "" if key.lookup else key.address or ip_of(key.subject)
        for ballot in tally(state, view, view.checks[check], key).voters:
            share = _share(ballot.vote, key.trouble_at)
            if share is not None:
                family = _family(ip or ballot.vote.address)
                cells.append(_Cell(ballot.view.probe.region, family, ballot, share))
    return cells


def _share(vote: Vote, began: int) -> float | None:
    """None where it has no run since it began; what is well passes."""
    if not began:
        return 0.0 if vote.reason is None else None
    counted = runs_of(vote, began)
    return None if counted is None else counted[0] / counted[1]


def _family(ip: str) -> str:
    return "" if not ip else "IPv6" if ":" in ip else "IPv4"


def _dark(cells: list[_Cell]) -> list[Where]:
    """The widest slices that are dark, none of them within another; empty where all is."""
    within: dict[Where, list[_Cell]] = defaultdict(list)
    for cell in cells:
        for where in {(cell.region, cell.family), (cell.region, ""), ("", cell.family)} - {("", "")}:
            within[where].append(cell)
    found: list[Where] = []
    for where in sorted(within, key=_width):
        own = within[where]
        if len(own) < len(cells) and not any(_covers(wider, where) for wider in found) and _is_dark(own):
            found.append(where)
    return found if any(not any(cell.is_in(where) for where in found) for cell in cells) else []


def _width(where: Where) -> tuple[bool, bool, Where]:
    """The widest first: families, then regions, then one over the other."""
    region, family = where
    return bool(region and family), bool(region), where


def _covers(wider: Where, where: Where) -> bool:
    return all(wide in ("", narrow) for wide, narrow in zip(wider, where, strict=True))


def _is_dark(own: list[_Cell]) -> bool:
    failing = [cell.ballot for cell in own if cell.share >= DARK]
    apart = len({ballot.network for ballot in failing}) > 1 and len({ballot.probe for ballot in failing}) > 1
    return apart and sum(cell.share for cell in own) >= DARK * len(own)


def _words(where: Where) -> str:
    region, family = where
    return " ".join(text for text in (f"in {region}" if region else "", f"over {family}" if family else "") if text)
