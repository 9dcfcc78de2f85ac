"""Asks: what a collector wants a probe to look at now, and not at its next tick. Both sides share them.

An ask stands until it runs out or its collector no longer has it, so none is lost for good and none is carried out
late: the answer to a probe is always all that is asked of it. Spans are told, not moments: no two clocks need to agree.
"""

import msgspec

LONGEST_S = 60.0
"""No ask stands for longer."""
MAX_ASKS = 64
"""Asks of one answer."""


WHY = ("suspicion", "recovery")
"""The words for why something is asked."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One target of one check, to be run now. A run covers all its subjects."""

    id: str
    """The same as long as the same is asked: who has carried it out once need not do so again."""
    check: str
    target: str
    in_s: float = 0.0
    """How long it must wait, from the answer on."""
    every_s: float = 0.0
    """How often while it stands; 0: once."""
    left_s: float
    """How long it still stands, from the answer on."""
    why: str = ""
    """A word of WHY; a probe passes on no other."""


class Asks(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: all that is asked of the probe now. `version` changes with the asks, and is "" where there are none;
    a question with `?after=VERSION` waits for another."""

    version: str = ""
    asks: list[Ask] = []
