"""What is remembered of delegations and chains as probes see them. Pure.

Of each zone and name is kept how every probe last saw it, what is settled of it, and what helps to tell the operators
apart once it moves: markers, MNAMEs, TTLs, and which name servers serve.
"""

import msgspec

from collector.detect.dns.moving import Move
from collector.detect.dns.pictures import Kind, Picture
from collector.detect.view import View
from collector.events import Noticed
from parallax.clock import NS

SILENT_NS = 3600 * NS


class Sight(msgspec.Struct, array_like=True):
    """How one probe last saw a zone's delegation, or a chain."""

    at: int
    sign: str
    since: int = 0
    """Since when it sees it like this."""
    met: bool = False
    """It has seen what is settled."""
    parents: dict[str, tuple[str, int]] = {}
    """Where it differs from what is settled: by the parent's server, the sign and when."""


class Serving(msgspec.Struct, array_like=True):
    """An address of a name server: when it last served, and which probes say since that it does not."""

    server: str
    ok_at: int = 0
    bad: dict[str, int] = {}


class Mark(msgspec.Struct, array_like=True):
    first_at: int
    last_at: int


class Place(msgspec.Struct):
    """A zone's delegation, or the chain of a name."""

    kind: Kind
    name: str
    check: str
    born_at: int
    fresh_ns: int
    settled: str = ""
    """The sign of the picture that holds until another is seen."""
    beside: list[str] = []
    """Signs that single servers of the parent have had since the first sight: a standing disagreement."""
    pictures: dict[str, Picture] = {}
    sights: dict[str, Sight] = {}
    ttl_s: int = 0
    """Of what is settled."""
    ttls: dict[str, int] = {}
    """Of a chain: by the name that a hop leads to."""
    marks: dict[str, Mark] = {}
    """Markers and MNAMEs that resolvers gave."""
    servers: dict[str, Serving] = {}

    @property
    def seen_at(self) -> int:
        """When a probe last looked."""
        return max((sight.at for sight in self.sights.values()), default=self.born_at)


class Moves(msgspec.Struct):
    """Part of the state, hence plain values, bounded."""

    number: int = 0
    now: int = 0
    looked_at: int = 0
    places: dict[str, Place] = {}
    restless: dict[str, bool] = {}
    """Places of which something else was seen than what is settled."""
    moves: dict[str, Move] = {}
    """By id, oldest first; ended ones too."""
    under_way: dict[str, str] = {}
    """By place: the id of the move."""
    forgot_at: int = 0
    news: list[Noticed] = []
    """What a command led to, until the next tick says it."""


def under_way(moves: Moves, kind: Kind, name: str) -> Move | None:
    id_ = moves.under_way.get(f"{kind} {name}")
    return moves.moves.get(id_) if id_ is not None else None


def voters(place: Place, view: View, now: int) -> int:
    """How many probes look at it. One that is silent for a while still counts: that it sees nothing else is not known,
    so another is not the only one yet."""
    check = view.checks.get(place.check)
    return sum(
        sight.at >= now - SILENT_NS
        for probe, sight in place.sights.items()
        if view.probe(probe) is not None and (check is None or not check.probes or probe in check.probes)
    )
