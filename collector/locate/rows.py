"""What inference stands on: how often results that carry the same places failed and passed."""

from collections.abc import Iterable, Mapping
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


class Row(NamedTuple):
    """Results that all carry these places. A result that cannot tell whether a place works (a cached answer says
    nothing of the servers that it came from) leaves that place out when it passes, and has it when it fails."""

    places: frozenset[Place]
    failed: int
    passed: int


def aggregate(results: Iterable[tuple[frozenset[Place], bool]]) -> list[Row]:
    """Rows from single results (places, whether it failed), in the order in which their places first came."""
    counts: dict[frozenset[Place], list[int]] = {}
    for places, failed in results:
        counts.setdefault(places, [0, 0])[not failed] += 1
    return rows_of(counts)


def rows_of(counts: Mapping[frozenset[Place], list[int]]) -> list[Row]:
    """Rows from counts of failed and passed results."""
    return [Row(places, failed, passed) for places, (failed, passed) in counts.items()]
