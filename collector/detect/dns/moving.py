"""One move: who of the parent's servers and of the sampled resolvers is on the new set, since when, and what to say of
it. Pure.

Whose word it is. A resolver's answers show which operator is behind them: by a marker record whose value differs by
operator, else by the SOA's MNAME, else by the NS set that it returns. A value that was seen before the move is the old
operator's. The value of a marker or MNAME that stayed the same all along says nothing, as both sides may serve it.

A switch to the new set is taken at the first word, one back at the second in a row: caches behind one resolver's
address answer by turns. Where they go on doing so, the move is `mixed`.

When it should be through: once all of the parent's servers have the new set, what a cache has taken before lives for
the longer of the parent's and the child's NS TTL, as resolvers differ in which of the two they keep (G. Moura et al.,
"Cache Me If You Can: Effects of DNS Time-to-Live", IMC 2019); for a chain, for the TTL of the records that changed.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from collector.board import MoveBoard, MoveState
from collector.detect.dns.pictures import Kind, Picture, Word
from parallax.clock import NS

POINT_NS = 15 * NS
MAX_POINTS = 240
MAX_STANDS = 1000
MAX_OWN = 32
"""Of one probe's resolvers, and of its words on the parent's servers."""
MAX_SIGNS = 32
GIVEN_UP_NS = 8 * 86400 * NS
STUCK_AT_LEAST_NS = 30 * NS
"""Resolvers are sampled every period, so nothing is late to the second."""
MIXED_TURNS = 3
MANY_VOICES = 3

On = Literal["old", "new", "other"]


class Stand(msgspec.Struct, array_like=True):
    """Where one of them stands, by its last word. `until` is how long that word is fresh."""

    at: int
    until: int
    on: On
    since: int
    back: bool = False
    """It was on the new set, and is no more."""
    doubt: int = 0
    """Words in a row that would take it back."""
    turns: int = 0
    """How often two words in a row differed."""
    said: On = "other"
    """The last word as it came."""
    old_at: int = 0
    """When it last said something else than the new set."""


class Move(msgspec.Struct):
    """`what` is compared: NS sets, DS sets, or the names of a chain."""

    id: str
    kind: Kind
    name: str
    what: Literal["names", "ds"]
    check: str
    by: str
    started_at: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    fresh_ns: int
    """How long a word of the check that sees it is fresh."""
    ttl_s: int = 0
    seen: bool = False
    """Probes have seen the new set, and it was said."""
    state: MoveState = "moving"
    ended_at: int | None = None
    parents: dict[str, Stand] = {}
    """By probe and server of the parent; of a chain, by probe: what it sees at the authoritative servers."""
    resolvers: dict[str, Stand] = {}
    """By probe and resolver."""
    marks: dict[str, bool] = {}
    """Markers and MNAMEs: whether they were seen before the move."""
    parents_since: int | None = None
    parents_at: int | None = None
    """Since when all of the parent's servers have the new set: those heard of, and once all can have been."""
    whole_at: int | None = None
    """Since when everybody is on it."""
    regressed_at: int | None = None
    unserved: list[str] = []
    """Addresses of the old set that did not serve when it began: the outage that it is the answer to."""
    failing: dict[str, int] = {}
    """Resolvers that were on the old set and get no answer any more, and since when."""
    words: list[str] = []
    points: list[tuple[int, int, int]] = []

    @property
    def under_way(self) -> bool:
        return self.ended_at is None

    @property
    def gone_servers(self) -> frozenset[str]:
        """Names that only the old set has."""
        return frozenset(self.old) - frozenset(self.new)

    def stand_of(self, picture: Picture) -> On:
        value = picture.names if self.what == "names" else picture.ds
        if value == self.new:
            return "new"
        return "old" if value == self.old or not self.old else "other"

    def stand_of_answer(self, names: tuple[str, ...]) -> On:
        """Of an answer that leads through these names; a chain's own names may go on beyond the part that moved."""
        if names == self.new or names == self.old:
            return "new" if names == self.new else "old"
        met = set(names)
        new, old = bool(met & (set(self.new) - set(self.old))), bool(met & (set(self.old) - set(self.new)))
        if new == old:
            return "other"
        return "new" if new else "old"

    def stand_of_word(self, word: Word) -> On | None:
        """Of what a resolver's answers show; None where they do not tell."""
        if self.what != "names":
            return None
        apart = not set(self.old) & set(self.new)  # else the old operator stays, and its marks with it
        for kind, value in (("marker", word.marker), ("mname", word.mname)):
            before = self._seen_before(f"{kind} {value}") if value else None
            if before is False:
                return "new"
            if before and apart and (kind == "marker" or self._differs(kind)):
                return "old"
        if word.names:
            return "new" if word.names == self.new else "old" if word.names == self.old or not self.old else "other"
        if word.mname in self.new and word.mname not in self.old:
            return "new"
        return "old" if word.mname in self.gone_servers else None

    def _seen_before(self, mark: str) -> bool | None:
        """Whether a marker or MNAME is of before the move; None where none of its kind was known then."""
        if mark not in self.marks:
            kind = mark.partition(" ")[0] + " "
            if not any(other.startswith(kind) and before for other, before in self.marks.items()):
                return None
            if len(self.marks) < MAX_SIGNS:
                self.marks[mark] = False
        return self.marks.get(mark, False)

    def _differs(self, kind: str) -> bool:
        return any(other.startswith(f"{kind} ") and not before for other, before in self.marks.items())

    def note(self, stands: dict[str, Stand], name: str, on: On, at: int, fresh_ns: int) -> None:
        """Takes a word; one that is older than the last is left out."""
        self.failing.pop(name, None)
        stand = stands.get(name)
        if stand is None:
            if len(stands) >= MAX_STANDS or _own(stands, name) >= MAX_OWN:
                return
            stands[name] = Stand(at, at + fresh_ns, on, at, said=on, old_at=0 if on == "new" else at)
            return
        if at < stand.at:
            return
        stand.at, stand.until = at, at + fresh_ns
        stand.turns += on != stand.said
        stand.said = on
        stand.old_at = stand.old_at if on == "new" else at
        if on == stand.on:
            stand.doubt = 0
        elif stand.on != "new" or stand.doubt:
            stand.back = stand.on == "new"
            stand.on, stand.since, stand.doubt = on, at, 0
        else:
            stand.doubt = 1

    def note_failing(self, name: str, at: int) -> None:
        """A sampled resolver gives no answer. That says something where it was on the old set; it goes on counting."""
        stand = self.resolvers.get(name)
        if stand is not None and stand.on == "old" and at >= stand.at:
            self.failing.setdefault(name, at)
            stand.until = max(stand.until, at + self.fresh_ns)

    # ---- what it comes to
    def by_parent(self, now: int) -> dict[str, list[Stand]]:
        """The fresh words on each server of the parent (of a chain: each probe's own)."""
        found: dict[str, list[Stand]] = {}
        for name, stand in self.parents.items():
            server = name.partition("\x1f")[2] or name
            found.setdefault(server, []).append(stand)
        if len({name.partition("\x1f")[0] for name in self.parents}) >= MANY_VOICES:
            # One that a single probe speaks of, beside others that more do, may be made up.
            shared = {server: stands for server, stands in found.items() if len(stands) > 1}
            found = shared or found
        return {server: [s for s in stands if s.until >= now] or stands for server, stands in found.items()}

    def parent_counts(self, now: int) -> tuple[int, int]:
        """Servers of the parent that most words have on the new set, of how many."""
        servers = self.by_parent(now)
        return sum(most(s.on == "new" for s in stands) for stands in servers.values()), len(servers)

    def sampled(self, now: int) -> list[Stand]:
        """Resolvers that were heard of late; all of an ended move."""
        at = self.ended_at if self.ended_at is not None else now
        return [stand for stand in self.resolvers.values() if stand.until + 2 * self.fresh_ns >= at]

    def resolver_counts(self, now: int) -> tuple[int, int]:
        """Sampled resolvers on the new set, of how many."""
        sampled = self.sampled(now)
        return sum(stand.on == "new" for stand in sampled), len(sampled)

    def bound_at(self) -> int | None:
        """When it should be through; None before the parent's servers are."""
        return None if self.parents_at is None else self.parents_at + self.ttl_s * NS

    def late_at(self) -> int | None:
        """From when on it is stuck."""
        if self.parents_at is None:
            return None
        span = self.ttl_s * NS
        return self.parents_at + span + max(span // 10, STUCK_AT_LEAST_NS, self.fresh_ns)

    def reached_at(self, share: float, now: int) -> int | None:
        """When that share of the sampled resolvers was on the new set, by when each of them switched."""
        sampled = self.sampled(now)
        needed = max(1, -int(-share * len(sampled) // 1))
        switched = sorted(max(stand.since, self.started_at) for stand in sampled if stand.on == "new")
        return switched[needed - 1] if sampled and len(switched) >= needed else None

    def draw(self, now: int) -> None:
        """A point of the curve, at most every 15 s; of a long move the older ones get further apart."""
        if self.points and now - self.points[-1][0] < POINT_NS:
            return
        self.points.append((now, _per_mille(self.parent_counts(now)), _per_mille(self.resolver_counts(now))))
        if len(self.points) > MAX_POINTS:
            half = MAX_POINTS // 2
            self.points = self.points[:half:2] + self.points[half:]

    def say(self, word: str) -> bool:
        """Notes a word of the board; False if it is said already."""
        if word in self.words:
            return False
        self.words.append(word)
        return True

    def turn_back(self, now: int) -> None:
        """The clock was put back: all that lay later is now."""
        self.started_at = min(self.started_at, now)
        self.parents_at = None if self.parents_at is None else min(self.parents_at, now)
        self.whole_at = self.regressed_at = self.parents_since = None
        self.ended_at = None if self.ended_at is None else min(self.ended_at, now)
        self.failing = {name: min(at, now) for name, at in self.failing.items()}
        self.points = [point for point in self.points if point[0] <= now]
        for stand in (*self.parents.values(), *self.resolvers.values()):
            stand.at, stand.since = min(stand.at, now), min(stand.since, now)
            stand.until, stand.old_at = min(stand.until, now + self.fresh_ns), min(stand.old_at, now)

    def board(self, now: int) -> MoveBoard:
        at = self.ended_at if self.ended_at is not None else now
        return MoveBoard(
            id=self.id,
            kind=self.kind,
            name=self.name,
            state=self.state,
            started_at=self.started_at,
            by=self.by,
            old=self.shown(self.old),
            new=self.shown(self.new),
            parents=self.parent_counts(at),
            resolvers=self.resolver_counts(at),
            bound_at=self.bound_at(),
            t50_at=self.reached_at(0.5, at),
            t90_at=self.reached_at(0.9, at),
            t100_at=self.reached_at(1.0, at),
            ended_at=self.ended_at,
            words=tuple(self.words),
            points=tuple(self.points),
        )

    def shown(self, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"DS {each}" for each in value) if self.what == "ds" else value


def most(truths: Iterable[bool]) -> bool:
    """More than half."""
    found = list(truths)
    return sum(found) * 2 > len(found)


def _own(stands: dict[str, Stand], name: str) -> int:
    probe = name.partition("\x1f")[0] + "\x1f"
    return sum(each.startswith(probe) for each in stands)


def _per_mille(counts: tuple[int, int]) -> int:
    return round(counts[0] / counts[1] * 1000) if counts[1] else 0
