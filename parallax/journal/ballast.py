"""The ballast: room on the disk that is given back when the disk is full, since SQLite cannot even delete without room.

The file also carries the lock that keeps a second process off the journal: closing any descriptor of the database file
itself would drop SQLite's own locks in this process (POSIX record locks), so the lock needs a file of its own.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from parallax.journal.types import JournalError


class Ballast:
    """Held from `open` to `close`; the file stays, so that the room does too."""

    def __init__(self, fd: int, path: Path, size: int) -> None:
        self._fd, self._path, self._size = fd, path, size

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
        return os.fstat(self._fd).st_size == self._size

    def release(self) -> None:
        """Gives the room back to the disk."""
        os.ftruncate(self._fd, 0)

    def refill(self, spare: int = 0) -> bool:
        """Takes the room, if the disk then still has `spare` octets; whether the ballast is whole now."""
        if self.whole:
            return True
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize < self._size + spare:
            return False
        try:
            os.ftruncate(self._fd, 0)
            if self._size:
                os.posix_fallocate(self._fd, 0, self._size)
        except OSError:
            os.ftruncate(self._fd, 0)
            return False
        return True

    def close(self) -> None:
        os.close(self._fd)
