"""The receiver of commands that docs/actions.md shows, as an owner would run it."""

import re
from pathlib import Path
from typing import Any

TEXT = (Path(__file__).parents[2] / "docs" / "actions.md").read_text("utf-8")
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def block(language: str) -> str:
    """The page's first block in a language."""
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.S)
    assert found is not None
    return found[1]


class OwnerAutomation:
    """`switched` has the members that it was led to."""

    def __init__(self, serving: str, epoch: int = 0) -> None:
        scope: dict[str, Any] = {}
        exec(block("python"), scope)
        self._status_of = scope["status_of"]
        self.state: dict[str, Any] = {"epoch": epoch, "id": "", "serving": serving}
        self.switched: list[str] = []

    def take(self, headers: dict[str, str], body: bytes, now_s: float) -> int:
        """The status that it answers with."""
        return int(self._status_of(KEY, headers, body, self.state, now_s, self.switched.append))
