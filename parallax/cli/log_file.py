"""A log file that is bounded: at its size it becomes FILE.1, and a new one begins."""

import io
import os
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 5_000_000


class LogFile(io.TextIOBase):
    """Text to the end of a file, mode 0600. Raises OSError where it cannot be opened."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path, self._max_bytes = path, max_bytes
        self._fd = self._open()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Appends it at once. A disk that takes no more loses log lines, as the program has better things to do."""
        if os.fstat(self._fd).st_size > self._max_bytes:
            self.path.replace(f"{self.path}.1")
            os.close(self._fd)
            self._fd = self._open()
        with suppress(OSError):
            os.write(self._fd, text.encode(errors="replace"))
        return len(text)

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
