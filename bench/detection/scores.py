"""What a rule's word is worth: false alarms of stretches without an outage, delays of outages.

The bound of a rate is the exact one for counts (F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika
28, 1936), one-sided, 95 %.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, sqrt

from bench.detection.rivals import Span
from bench.detection.world import Trouble

TOGETHER_S = 600.0
"""Alarms that are no further apart are one to who is woken."""


def alarms(spans: Iterable[Span]) -> int:
    """How many alarms these are to people."""
    count, last = 0, -2 * TOGETHER_S
    for span in spans:
        count += span.start - last > TOGETHER_S
        last = max(last, span.end)
    return count


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one outage: seconds from its start to the word, and from its end to the word's end. None: it was
    missed; `early`: the word stood before it began, so that it says nothing of delay."""

    delay: float | None
    recovery: float | None
    early: bool = False


def seen(spans: Iterable[Span], outage: Trouble) -> Seen:
    """How a rule saw an outage."""
    found = [span for span in spans if span.end > outage.start and span.start < outage.end]
    if not found:
        return Seen(None, None)
    if found[0].start < outage.start:
        return Seen(None, None, early=True)
    return Seen(found[0].start - outage.start, found[-1].end - outage.end)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which that share lies; None of none."""
    if not values:
        return None
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def delay_quantile(all_seen: Sequence[Seen], share: float) -> float | None:
    """Of the delays, where an outage that was missed counts as endless; None where that is the answer."""
    judged = [each for each in all_seen if not each.early]
    value = quantile([each.delay if each.delay is not None else 1e9 for each in judged], share)
    return None if value is None or value >= 1e9 else value


def at_most(count: int, confidence: float = 0.95) -> float:
    """The upper bound of the mean of a Poisson variable that came out as `count`."""
    low, high = float(count), count + 20.0 + 5 * sqrt(count)
    for _ in range(60):
        mean = (low + high) / 2
        low, high = (mean, high) if _up_to(count, mean) > 1 - confidence else (low, mean)
    return high


def _up_to(count: int, mean: float) -> float:
    """How likely a Poisson variable is at most `count`."""
    if mean <= 0:
        return 1.0
    return sum(exp(n * log(mean) - mean - lgamma(n + 1)) for n in range(count + 1))


def divergence(after: float, before: float) -> float:
    """Kullback-Leibler divergence of one coin from another, nats."""
    return after * log(after / before) + (1 - after) * log((1 - after) / (1 - before))


def lorden_bound_s(probes: int, period_s: float, before: float, after: float, between_s: float) -> float:
    """No rule on a fixed schedule of independent runs has a smaller mean delay, to first order (G. Lorden, "Procedures
    for reacting to a change in distribution", Annals of Mathematical Statistics 42, 1971), at a false alarm every
    `between_s` seconds."""
    step = period_s / probes
    return step * log(between_s / step) / divergence(after, before)
