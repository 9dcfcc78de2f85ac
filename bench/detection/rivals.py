"""How others decide that a target is down, as rules on the same runs that ours sees.

Each is: a probe is bad after `fails` failures in a row and good after `passes` passes in a row, and the target is down
while at least `share` of the probes are bad. None of them abstains, and none looks again when something fails.

- one vantage, three failures in a row, two passes: gatus (TwiN/gatus, README, "alerts": failure-threshold,
  success-threshold).
- half of the regions by each one's latest run: OpenStatus (openstatusHQ/openstatus, apps/workflows/src/checker).
- Route 53: healthy while more than 18 % of the checkers say so; three in a row by default, every 30 s or every 10 s;
  checkers do not coordinate (Amazon Route 53 Developer Guide, "How Amazon Route 53 determines
  whether a health check is healthy").
- staggered share of latest: what one would build with slots and a tuned share, and nothing else.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from bench.detection.world import OK_S, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`over`: the share must be more than that, not only as much."""

    fails: int = 1
    passes: int = 1
    share: float = 0.5
    over: bool = False

    def needs(self, probes: int) -> int:
        """How many bad probes make it down."""
        wanted = self.share * probes
        return max(1, int(wanted + 1e-9) + 1 if self.over else ceil(wanted - 1e-9))


@dataclass(frozen=True, slots=True)
class Span:
    """A rule's word stood from `start` to `end`, seconds."""

    start: float
    end: float


def down_spans(world: World, rule: Rule) -> list[Span]:
    """When the rule says that the target is down."""
    return spans_of(bad_spans(world, rule.fails, rule.passes), rule.needs(world.fleet.size))


def bad_spans(world: World, fails: int, passes: int) -> list[Span]:
    """When probes are bad by the rule, over all probes."""
    return [span for probe in range(world.fleet.size) for span in _of_probe(world, probe, fails, passes)]


def _of_probe(world: World, probe: int, fails: int, passes: int) -> Iterator[Span]:
    streak, last = 0, -10
    since: float | None = None
    for place, run in world.failing[probe].items():
        if since is not None and place - last > passes:
            yield Span(since, world.at(probe, last + passes) + OK_S)
            since = None
        streak = streak + 1 if place == last + 1 else 1
        last = place
        if since is None and streak >= fails:
            since = run.ends
    if since is not None:
        yield Span(since, world.at(probe, last + passes) + OK_S)


def spans_of(bad: Iterable[Span], needs: int) -> list[Span]:
    """When at least so many of these spans overlap."""
    turns = sorted([turn for span in bad for turn in ((span.start, 1), (span.end, -1))])
    found: list[Span] = []
    count, since = 0, 0.0
    for at, change in turns:
        was, count = count, count + change
        if was < needs <= count:
            since = at
        elif count < needs <= was and at > since:
            found.append(Span(since, at))
    return found


RIVALS: dict[str, tuple[Rule, int, float, bool]] = {
    "one vantage, 3 of 3": (Rule(fails=3, passes=2), 1, 60.0, False),
    "majority of 5": (Rule(share=0.5), 5, 60.0, False),
    "Route 53 standard": (Rule(fails=3, passes=3, share=0.82), 15, 30.0, False),
    "Route 53 fast": (Rule(fails=3, passes=3, share=0.82), 15, 10.0, False),
}
"""Rule, probes, period in seconds, whether staggered: as they are deployed."""

SHARES = (0.2, 0.25, 0.34, 0.4, 0.5, 0.6, 0.66, 0.8, 1.0)
TUNED = tuple(Rule(fails=fails, share=share) for fails in (1, 2, 3) for share in SHARES)
"""The family of the strongest rival, which is tuned to the same false alarms."""
