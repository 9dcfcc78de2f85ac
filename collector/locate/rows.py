"""What inference stands on: how often results that carry the same places failed and passed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

PlaceKind = Literal[
    "vantage",
    "network",
    "family",
    "resolver",
    "operator",
    "zone",
    "name_server",
    "region",
    "address",
    "site",
    "certificate",
    "endpoint",
    "application",
]
"""What a result passes through, and a fault may sit at. `vantage` is a probe, `network` its ASN, `application` what a
check asks for once the way there is clear."""


class Place(NamedTuple):
    """One of the things that a result passed through."""

    kind: PlaceKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.name}"


Voices = Mapping[frozenset[Place], Sequence[int]]
"""By who it came from, the probe and its network: how many results failed, and how many passed."""


class Row(NamedTuple):
    """Results that all carry these places. A result that cannot tell whether a place works (a cached answer says
    nothing of the servers that it came from) leaves that place out when it passes, and has it when it fails."""

    places: frozenset[Place]
    failed: int
    passed: int
    voices: Voices = MappingProxyType({})
    """The same results by the places that they carry besides, where those are told apart. Most probes go the same way
    to a subject: so a place on it is looked at once, and not once for each probe."""

    @property
    def parts(self) -> Voices:
        """By what they carry besides; all in one where that is not told apart."""
        return self.voices or {frozenset(): (self.failed, self.passed)}


def carrying(rows: Iterable[Row], place: Place) -> list[Row]:
    """The results that carry a place."""
    found = []
    for row in rows:
        if place in row.places:
            found.append(row)
        elif voices := {who: counts for who, counts in row.voices.items() if place in who}:
            found.append(_row(row.places, voices))
    return found


def without(rows: Iterable[Row], places: Collection[Place]) -> list[Row]:
    """Those that carry none of the places."""
    found = []
    for row in rows:
        if row.places.isdisjoint(places):
            voices = {who: counts for who, counts in row.voices.items() if who.isdisjoint(places)}
            if len(voices) == len(row.voices):
                found.append(row)
            elif voices:
                found.append(_row(row.places, voices))
    return found


def aggregate(results: Iterable[tuple[frozenset[Place], bool]]) -> list[Row]:
    """Rows from single results (places, whether it failed), in the order in which their places first came."""
    counts: dict[frozenset[Place], list[int]] = {}
    for places, failed in results:
        counts.setdefault(places, [0, 0])[not failed] += 1
    return [Row(places, failed, passed) for places, (failed, passed) in counts.items()]


def rows_of(counts: Mapping[frozenset[Place], Voices]) -> list[Row]:
    """Rows by the places that all of their results carry."""
    return [_row(places, voices) for places, voices in counts.items()]


def _row(places: frozenset[Place], voices: Voices) -> Row:
    failed, passed = (sum(numbers) for numbers in zip(*voices.values(), strict=True))
    return Row(places, failed, passed, voices)
