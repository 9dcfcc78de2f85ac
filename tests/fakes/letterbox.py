"""A mailbox that has its letters already."""

from collections.abc import Callable
from typing import Any

from parallax.letters import Letter, LetterKind
from probe.mailbox import KINDS


class Letterbox:
    """It gives those letters that fit; `asked` is what was waited for."""

    kinds = KINDS

    def __init__(self, *letters: Letter) -> None:
        self.letters = letters
        self.asked: list[tuple[LetterKind, str, bool, float]] = []

    async def wait(
        self, to: str, since: float, within_s: float, *, kind: LetterKind = "mail", proven: bool = False,
        fits: Callable[[Letter], bool] | None = None,
    ) -> list[Letter]:  # fmt: skip
        self.asked.append((kind, to, proven, within_s))
        fitting = [letter for letter in self.letters if not letter.refused and (fits is None or fits(letter))]
        return fitting or [letter for letter in self.letters if letter.refused]


def letter(kind: LetterKind, text: str = "", **more: Any) -> Letter:
    """One that has just arrived."""
    return Letter(number=1, kind=kind, to="x", sender="y", text=text, **{"age_s": 0.0, **more})
