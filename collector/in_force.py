"""A small file of the state folder that the command line changes while the collector runs: what it says now.

It is looked at before each use, so that a change holds for the next request. One that cannot be read leaves what was
in force: a slip of an editor must not lock the fleet out.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from parallax.log import get_log

T = TypeVar("T")
_log = get_log(__name__)


class KeptError(Exception):
    """What is kept cannot be read or changed; one line that says what to do."""


class InForce(Generic[T]):
    """The content of a file; `value` until there is one. `read` raises KeptError."""

    def __init__(self, path: Path, read: Callable[[Path], T], value: T) -> None:
        self._path, self._read = path, read
        self._seen: tuple[int, ...] | None = None
        self.value = value
        self.problem: str | None = None

    def look(self) -> T:
        """What is in force now."""
        try:
            stat = self._path.stat()
            seen: tuple[int, ...] = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        except FileNotFoundError:
            seen = ()
        except OSError as error:
            self._complain(f"{self._path} cannot be read: {error.strerror}")
            return self.value
        if seen != self._seen:
            try:
                self.value = self._read(self._path)
            except KeptError as error:
                self._complain(str(error))
            else:
                self.problem = None
            self._seen = seen
        return self.value

    def _complain(self, problem: str) -> None:
        if problem != self.problem:
            _log.error("a file is not read anew; the old content stays in force", problem=problem)
        self.problem = problem
