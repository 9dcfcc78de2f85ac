"""What an engine says: after every piece of work, and when it is asked."""

import msgspec

from collector.board import Board
from collector.detect.asking.asks import Ask
from collector.events import Event, Incident
from collector.peer_word import PeerWord
from collector.routing.state import Charge, Silence


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What others of the collector may want to know at any moment."""

    position: int
    """The last record of `inputs` that was taken."""
    planned: bool
    """Whether a plan is known."""
    charge: Charge
    """Which of two collectors pages; not to be kept."""
    silences: tuple[Silence, ...]
    """Those in force."""
    serving: dict[str, tuple[str, int]]
    """By failover group: who serves, "" while nobody can tell, and the epoch of its last command."""
    asks: tuple[Ask, ...] | None
    """All that probes are asked; None where that is what it was."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What people and the other collector are shown."""

    board: Board
    incidents: tuple[Incident, ...]
    """Open ones and the last that ended, the newest first: those that people can say something of."""
    peer_word: PeerWord


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What some records came to."""

    events: list[Event]
    snapshot: bytes | None
    """The state after them; None where nothing was concluded and nobody wanted it."""
    standing: Standing
