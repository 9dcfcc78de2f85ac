"""What the rules of sign-in find wrong: a word of parallax.reasons, whose side it is on, and what was seen."""

from collections.abc import Iterable
from typing import Any

import msgspec

from parallax import reasons


class Fault(msgspec.Struct, frozen=True):
    """Why a document, an answer or a token does not do. Nothing in probe.oidc raises for what a server sent."""

    reason: str
    note: dict[str, Any] = {}
    """Plain values for the findings; nothing secret."""
    side: reasons.Fault | None = None
    """None: the reason's usual side."""

    @property
    def soft(self) -> bool:
        return reasons.REASONS[self.reason].soft


def worst(problems: Iterable[Fault]) -> Fault | None:
    """The first hard one, else the first; None of none."""
    found = list(problems)
    return next((each for each in found if not each.soft), found[0] if found else None)
