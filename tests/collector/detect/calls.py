"""Work, counted."""

import sys
from typing import Self


class Calls:
    """Counts the calls of Python functions while it is entered: work, whatever the machine."""

    def __init__(self) -> None:
        self.number = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)

    def _count(self, frame: object, event: str, argument: object) -> None:
        self.number += event == "call"
