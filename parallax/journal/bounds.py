"""What must go before something is written: the journal's bounds as arithmetic. Pure.

Records go from the oldest on, never from the middle, so what is dropped is always a prefix. Age is judged at the head
only: a record is taken to be no older than those before it, so a clock that stood wrong for a while (1970 at boot)
cannot make young records look old; at worst some stay longer than they need to, within the size.
"""

from collections.abc import Iterable

import msgspec

from parallax.clock import to_ns

PAGE = 4096
_OVERFLOW = PAGE - 4
_MOST_LOCAL = PAGE - 35
_LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
_PAGE_HEADER = 8
_CELL = 16
_COLUMNS = 28
DROPS_AT_ONCE = 2_000
"""How many records age or readers may clear away in one transaction, so that one append never waits for gigabytes."""


def cost(body: int, kind: int) -> int:
    """Octets on the disk for a record, from the length of its body and kind: SQLite's page arithmetic (file format,
    section 1.6 "Cell Payload Overflow Pages"). Within some percent of the real use for records of like size."""
    payload = body + kind + _COLUMNS
    local, overflow = payload, 0
    if payload > _MOST_LOCAL:
        local = _LEAST_LOCAL + (payload - _LEAST_LOCAL) % _OVERFLOW
        if local > _MOST_LOCAL:
            local = _LEAST_LOCAL
        overflow = -(-(payload - local) // _OVERFLOW)
    on_one_page = max((PAGE - _PAGE_HEADER) // (local + _CELL), 1)
    return PAGE // on_one_page + overflow * PAGE


class Head(msgspec.Struct, frozen=True):
    """A record as the bounds see it."""

    position: int
    at_ns: int
    count: int
    cost: int
    records: int = 1
    """0 for a damaged record, which left the totals when it was found."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one transaction."""

    max_bytes: int
    before_ns: int
    """Records stamped at or before this are too old."""
    keep_read: bool
    full: bool = False
    """Whether `max_bytes` is what a full disk leaves, not what the owner set."""
    keep_unread: bool = False
    """Whether `max_bytes` may cost only what every registered reader has committed."""


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """What goes: every record up to and with `upto`."""

    upto: int
    records: int
    things: int
    bytes: int
    lost: dict[str, int]


def plan_drop(heads: Iterable[Head], bounds: Bounds, *, held: int, need: int, read_upto: int) -> Drop | None:
    """Which of the oldest records (in order) must go so that `need` more octets fit beside the `held` ones.

    `read_upto` is the position up to which every registered reader has committed; what goes beyond it is lost, by
    cause. None: nothing must go, or with `keep_unread` nothing may."""
    upto = rows = records = things = gone = 0
    lost: dict[str, int] = {}
    for head in heads:
        read = head.position <= read_upto
        if held - gone + need > bounds.max_bytes and (read or not bounds.keep_unread):
            cause = "disk_full" if bounds.full else "size"
        elif rows >= DROPS_AT_ONCE:
            break
        elif head.at_ns <= bounds.before_ns:
            cause = "age"
        elif read and not bounds.keep_read:
            cause = "read"
        else:
            break
        upto, rows, records = head.position, rows + 1, records + head.records
        things, gone = things + head.count, gone + head.cost
        if not read:
            lost[cause] = lost.get(cause, 0) + head.count
    return Drop(upto=upto, records=records, things=things, bytes=gone, lost=lost) if rows else None


class AgeClock:
    """Now, for judging age: the wall clock, but never further ahead of the last known moment than time has passed.

    A wall clock that steps forward while the program runs (a first synchronisation after boot) would otherwise age
    everything at once. `last_ns` is the newest stamp in the journal at the start; clocks are read by the caller."""

    def __init__(self, *, wall_ns: int, last_ns: int, now_s: float) -> None:
        self._base_ns, self._base_s = max(wall_ns, last_ns), now_s

    def now_ns(self, *, wall_ns: int, now_s: float) -> int:
        return min(wall_ns, self._base_ns + to_ns(now_s - self._base_s))
