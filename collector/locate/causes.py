"""Which places are at fault: a greedy search for the set of causes that makes the results most likely. Pure.

A result that carries places at fault fails unless it gets past each of them: with causes of severities q1, q2, ...
among its places it fails with

    p = 1 - (1 - noise)(1 - q1)(1 - q2)...

A cause's severity is not known: one that lets nothing through, one that is all but complete, one of most results, and
one of a third are tried, and the likeliest counts. A place's prior says how readily it is believed; a place that passes
as well as it fails is acquitted by its passes, and failures that a cause explains speak for no other (they are
explained away).

    repeat, at most three times:
        take the place j and severity q that maximise
            gain = ln P(results | causes, j) - ln P(results | causes) + ln prior(j)
        stop where no gain is above zero

As the passes' part is ln(1 - q) for each, whatever else is at fault, and failures differ only in which causes they
carry already, a search takes one count per place and set of causes; no result is looked at twice in a round. Greedy
choice can take a place first that another makes needless later, so each cause is then weighed anew against all others
in its stead. Others within two nats of a cause cannot be told from it.

Model: noisy-or diagnosis as in Steinder and Sethi, "Probabilistic fault localization in communication systems using
belief networks" (IEEE/ACM Transactions on Networking 12(5), 2004); unlike there, the severity is unknown.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf, log
from types import MappingProxyType

import msgspec

from collector.locate.rows import Place, PlaceKind, Row

NOISE = 0.03
"""Failures that have no cause."""
SEVERITIES = (0.9999, 0.98, 0.6, 0.3)
AT_MOST = 3
AMBIGUOUS_NATS = 2.0
MAX_RIVALS = 12
PRIORS: Mapping[PlaceKind, float] = MappingProxyType(
    {
        "vantage": -4.0,
        "endpoint": -4.4,
        "region": -4.6,
        "name_server": -4.8,
        "resolver": -5.0,
        "site": -5.0,
        "address": -5.4,
        "network": -5.5,
        "operator": -5.5,
        "zone": -6.0,
        "application": -6.0,
        "certificate": -6.5,
        "family": -6.5,
    }
)
"""Natural logarithms. A probe's own line breaks far more often than an operator. Of two places that every result has
together the one with the higher is named: a server that has but one address is called by its name."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A place at fault. `gain` in nats: how much likelier it makes the results."""

    place: Place
    severity: float
    gain: float
    failed: int
    """Of the results that carry it."""
    passed: int
    rivals: tuple[tuple[Place, float], ...] = ()
    """What else explains something in its stead, and how far behind it is, in nats; the best first, bounded. A place
    that has no failure in common with it is another matter, however likely."""

    @property
    def margin(self) -> float:
        """How far the next best is behind; infinite where nothing else explains anything."""
        return self.rivals[0][1] if self.rivals else inf

    @property
    def instead(self) -> tuple[Place, ...]:
        """Places that explain it nearly as well."""
        return tuple(place for place, behind in self.rivals if behind <= AMBIGUOUS_NATS)


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """The causes, the one with the greatest gain first; empty where noise explains everything."""

    causes: tuple[Cause, ...]
    failed: int
    passed: int
    unexplained: int
    """Failures at none of the causes."""

    @property
    def margin(self) -> float:
        """How sure the first cause is, in nats; zero without any."""
        return self.causes[0].margin if self.causes else 0.0

    @property
    def alternatives(self) -> tuple[Place, ...]:
        """Where else the first cause might be."""
        return self.causes[0].instead if self.causes else ()


class _Option(msgspec.Struct, frozen=True):
    gain: float
    place: int
    severity: float


class _Table:
    """Rows by number. Of places that explain as much the first is named, so their order is theirs, not that of the
    rows; and the longest name comes first, as it is the narrowest of zones within one another.

    Places at which nothing failed explain nothing, and have no number: of most rows, which only passed, hardly anything
    is left, and telling what that is costs no look at each of their places."""

    def __init__(self, rows: Iterable[Row], priors: Mapping[PlaceKind, float]) -> None:
        kept = [row for row in rows if row.failed > 0 or row.passed > 0]
        suspects = {place for row in kept if row.failed for place in row.places}
        suspects.update(*(who for row in kept if row.failed for who, (failed, _) in row.voices.items() if failed))
        self.places = sorted(suspects, key=_order)
        number = {place: n for n, place in enumerate(self.places)}
        self.priors = [priors[place.kind] for place in self.places]
        self.passed = [0] * len(self.places)
        self.failed = [0] * len(self.places)
        self.failures: list[tuple[tuple[int, ...], int]] = []
        """Places and number of each row that failed at all."""
        self.all_failed = self.all_passed = 0
        voices: dict[frozenset[Place], tuple[int, ...]] = {}
        for row in kept:
            numbers = tuple(number[place] for place in row.places & suspects)
            self.all_failed += row.failed
            self.all_passed += row.passed
            self._count(numbers, row.failed, row.passed)
            for who, (failed, passed) in row.parts.items():
                own = voices.get(who)
                if own is None:
                    own = voices[who] = tuple(number[place] for place in who & suspects)
                self._count(own, failed, passed)
                if failed:
                    self.failures.append((numbers + own, failed))

    def _count(self, numbers: tuple[int, ...], failed: int, passed: int) -> None:
        for n in numbers:
            self.passed[n] += passed
            self.failed[n] += failed

    def options(self, chosen: Sequence[_Option], noise: float) -> list[_Option]:
        """Each place with its likeliest severity, beside those chosen; the best first."""
        bits = {each.place: 1 << n for n, each in enumerate(chosen)}
        sums: list[dict[int, int]] = [{} for _ in self.places]
        for numbers, failed in self.failures:
            mask = 0
            for n in numbers:
                mask |= bits.get(n, 0)
            for n in numbers:
                counts = sums[n]
                counts[mask] = counts.get(mask, 0) + failed
        logs = [self._logs(chosen, noise, severity) for severity in SEVERITIES]
        found = []
        for n, counts in enumerate(sums):
            if not counts or n in bits:
                continue
            passed, best, severity = self.passed[n], -inf, 0.0
            in_order = sorted(counts.items())  # else the order of rows would be in the last digit
            for q, (log_miss, log_more) in zip(SEVERITIES, logs, strict=True):
                gain = passed * log_miss
                for mask, failed in in_order:
                    gain += failed * log_more[mask]
                if gain > best:
                    best, severity = gain, q
            found.append(_Option(best + self.priors[n], n, severity))
        found.sort(key=lambda option: (-option.gain, option.place))
        return found

    @staticmethod
    def _logs(chosen: Sequence[_Option], noise: float, severity: float) -> tuple[float, list[float]]:
        """What a pass and, by set of causes that it carries, a failure say for a place of that severity."""
        more = []
        for mask in range(1 << len(chosen)):
            well = 1 - noise
            for n, each in enumerate(chosen):
                if mask >> n & 1:
                    well *= 1 - each.severity
            more.append(log((1 - well * (1 - severity)) / (1 - well)))
        return log(1 - severity), more


def locate(
    rows: Iterable[Row],
    *,
    noise: float = NOISE,
    certain: bool = False,
    at_most: int = AT_MOST,
    priors: Mapping[PlaceKind, float] = PRIORS,
) -> Located:
    """The causes of these results. `noise` is above zero and below one. `certain`: something is known to be at fault,
    so the likeliest place is named even where noise alone might do. The time grows with rows, not with results."""
    table = _Table(rows, priors)
    chosen: list[_Option] = []
    while len(chosen) < at_most:
        options = table.options(chosen, noise)
        if not options or (options[0].gain <= 0 and (chosen or not certain)):
            break
        chosen.append(options[0])
        if len(chosen) > 1:
            chosen = _weighed_anew(table, chosen, noise)
    causes = [_cause(table, chosen, n, noise) for n in range(len(chosen))]
    while len(chosen) > 1 and min(cause.gain for cause in causes) <= 0:  # what came after has made it needless
        del chosen[min(range(len(causes)), key=lambda n: causes[n].gain)]
        causes = [_cause(table, chosen, n, noise) for n in range(len(chosen))]
    causes.sort(key=lambda cause: -cause.gain)
    at_fault = {each.place for each in chosen}
    left = sum(failed for numbers, failed in table.failures if at_fault.isdisjoint(numbers))
    return Located(causes=tuple(causes), failed=table.all_failed, passed=table.all_passed, unexplained=left)


def _order(place: Place) -> tuple[str, int, str]:
    return place.kind, -len(place.name), place.name


def _weighed_anew(table: _Table, chosen: list[_Option], noise: float) -> list[_Option]:
    """Each cause against all others in its stead; one that the rest make needless goes."""
    kept = list(chosen)
    for each in chosen:
        others = [other for other in kept if other.place != each.place]
        options = table.options(others, noise)
        kept = others
        if options and options[0].gain > 0:
            kept = [*others, options[0]]
    return kept


def _cause(table: _Table, chosen: Sequence[_Option], number: int, noise: float) -> Cause:
    own = chosen[number]
    others = [each for n, each in enumerate(chosen) if n != number]
    options = table.options(others, noise)
    gain = next((option.gain for option in options if option.place == own.place), own.gain)
    beside = {n for numbers, _ in table.failures if own.place in numbers for n in numbers} - {own.place}
    rest = [option for option in options if option.place in beside and option.gain > min(gain, 0.0)]
    return Cause(
        place=table.places[own.place],
        severity=own.severity,
        gain=gain,
        failed=table.failed[own.place],
        passed=table.passed[own.place],
        rivals=tuple((table.places[each.place], max(0.0, gain - each.gain)) for each in rest[:MAX_RIVALS]),
    )
