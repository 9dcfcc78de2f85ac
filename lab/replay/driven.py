"""An address whose traffic a failover group moves, and what its users had of it. Pure."""

from collections.abc import Sequence

from lab.replay.breakage import Broken, Shift
from lab.replay.script import Front
from parallax.clock import NS, to_ns

SLICE_NS = NS
HARMLESS = ("slow",)
"""Users have their answer, if late."""


class Driven:
    """A front, and where it was told to lead."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.moves: list[Shift] = []

    def move(self, region: str, at: int) -> None:
        """From now on all new traffic goes there; what was led elsewhere before drains evenly."""
        if (self.moves[-1].region if self.moves else self.front.regions[0]) != region:
            self.moves.append(Shift(at, region))

    def region(self, place: float, at: int) -> str:
        """Where a client is led whose cached answer runs out at this place (0 to 1) of the drain."""
        region, lag = self.front.regions[0], int(to_ns(self.front.drain) * place)
        for move in self.moves:
            region = move.region if move.at + lag <= at else region
        return region

    def share(self, region: str, at: int) -> float:
        """The share of users that is led to a region."""
        shares = {self.front.regions[0]: 1.0}
        drain = to_ns(self.front.drain)
        for number, move in enumerate(self.moves):
            until = self.moves[number + 1].at if number + 1 < len(self.moves) else at
            part = min(max((min(at, until) - move.at) / drain, 0.0), 1.0) if drain else float(at >= move.at)
            shares = {name: each * (1 - part) for name, each in shares.items()}
            shares[move.region] = shares.get(move.region, 0.0) + part
        return shares.get(region, 0.0)

    def bad_minutes(self, broken: Sequence[Broken], start: int, end: int) -> float:
        """How many minutes of no service an average user had in this span."""
        bad = 0.0
        for each in broken:
            named = each.place == "service" or (each.place == "region" and each.name in self.front.regions)
            if not named or each.mode in HARMLESS:
                continue
            at = max(each.start, start)
            while at < min(each.end, end):
                middle = at + SLICE_NS // 2
                bad += each.severity * (1.0 if each.place == "service" else self.share(each.name, middle))
                at += SLICE_NS
        return bad * SLICE_NS / (60 * NS)
