"""What a rule finds wrong with something that a server sent: a word of parallax.reasons, and what was seen.

The rules of sign-in give one instead of raising; it ends the step, or is remarked on, and becomes the step's verdict.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from parallax import reasons


class Fault(msgspec.Struct, frozen=True):
    """Why a document, a page, an answer or a token does not do."""

    reason: str
    note: Mapping[str, Any] = {}
    """Plain values for the findings; nothing secret."""
    side: reasons.Fault | None = None
    """None: the reason's usual side."""
    abstain: str | None = None
    """Why it must not count, if it must not."""

    @property
    def soft(self) -> bool:
        return reasons.REASONS[self.reason].soft


def worst(problems: Iterable[Fault]) -> Fault | None:
    """The first hard one, else the first; None of none."""
    found = list(problems)
    return next((each for each in found if not each.soft), found[0] if found else None)
