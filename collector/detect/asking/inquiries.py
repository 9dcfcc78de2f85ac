"""What detection remembers of its asks: part of the state, so that a restart and a replay ask the same. Values only."""

from typing import Literal

import msgspec

Why = Literal["suspicion", "recovery"]
How = Literal["once", "again", "later"]


class Inquiry(msgspec.Struct):
    """One (check, target) that probes are asked to look at now. Times are ns since the Unix epoch."""

    number: int
    began: int
    until: int
    why: Why = "suspicion"
    wide: bool = False
    """All who run the check are asked."""
    rounds: dict[str, How] = {}
    """The probes that are asked, and how: to look now and be done, or again and again; or only from `hold_at` on."""
    hold_at: int = 0
    """When all of them look again, and again, as by then it has lasted; 0: that is not waited for."""


class Rest(msgspec.Struct, array_like=True):
    """A (check, target) of which asking brought no decision: it is let be for a while, for longer each time."""

    until: int
    """No inquiry begins before."""
    span: int
    """How long this rest is, ns."""
    why: Why = "suspicion"
    probes: tuple[str, ...] = ()
    """Whose word it was; another's begins an inquiry all the same."""


class Inquiries(msgspec.Struct):
    """All of them."""

    number: int = 0
    """How many there were, for ids."""
    open: dict[str, Inquiry] = {}
    """By the id of the (check, target)."""
    rests: dict[str, Rest] = {}


def rewind_inquiries(inquiries: Inquiries, at: int) -> None:
    """The collector's clock was put back: what lay later is now, and what was asked then is over."""
    inquiries.open.clear()
    for rest in inquiries.rests.values():
        rest.until = min(rest.until, at + rest.span)
