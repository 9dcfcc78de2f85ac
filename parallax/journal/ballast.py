"""The ballast: room on the disk that is given back when the disk is full, since SQLite cannot even delete without room.

The file also carries the lock that keeps a second process off the journal: closing any descriptor of the database file
itself would drop SQLite's own locks in this process (POSIX record locks), so the lock needs a file of its own.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from parallax.journal.types import JournalError

# What stands in the write-ahead log must fit into the file when the disk is full, and only the ballast makes room for
# that: so log and transaction together stay below it. Without a ballast they are as with a large one.
_MOST = 4_000_000


def log_bytes(ballast: int) -> int:
    """From which size on the write-ahead log is brought into the file."""
    return min(ballast // 4, _MOST) or _MOST


def group_bytes(ballast: int) -> int:
    """How much one transaction takes in, unless a single append is more."""
    return min(ballast // 2, _MOST) or _MOST


class Ballast:
    """Held from `open` to `close`; the file stays, so that the room does too."""

    def __init__(self, fd: int, path: Path, size: int) -> None:
        self._fd, self._path, self.size = fd, path, size

    @classmethod
    def open(cls, path: Path, size: int) -> Self:
        """Raises JournalError when another process holds it, OSError when it cannot be opened."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            journal = path.with_suffix("")
            raise JournalError(f"{journal}: another process has this journal open; stop it first") from None
        return cls(fd, path, size)

    @property
    def whole(self) -> bool:
        return os.fstat(self._fd).st_size == self.size

    def release(self) -> None:
        """Gives the room back to the disk."""
        os.ftruncate(self._fd, 0)

    def refill(self, spare: int = 0) -> bool:
        """Takes the room, if the disk then still has `spare` octets; whether the ballast is whole now."""
        if self.whole:
            return True
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize < self.size + spare:
            return False
        try:
            os.ftruncate(self._fd, 0)
            if self.size:
                os.posix_fallocate(self._fd, 0, self.size)
        except OSError:
            os.ftruncate(self._fd, 0)
            return False
        return True

    def close(self) -> None:
        os.close(self._fd)
