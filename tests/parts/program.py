"""A command of ours as a real process, whose lines are read as they come."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, Queue

PARALLAX = [sys.executable, "-m", "parallax"]
ROOT = Path(__file__).parents[2]
PATIENCE_S = 240


class Program:
    """A running command, whose output is read as it comes."""

    def __init__(self, *arguments: str, state_home: Path) -> None:
        self._lines: Queue[str | None] = Queue()
        self.seen: list[str] = []
        self.process = subprocess.Popen(
            [*PARALLAX, *arguments],
            cwd=ROOT,
            env={**os.environ, "XDG_STATE_HOME": str(state_home), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_line(self, pattern: str) -> re.Match[str]:
        """The next line with the pattern in it."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                raise AssertionError(f"no line with {pattern!r} within {PATIENCE_S} s; came: {self.seen}") from None
            if line is None:
                raise AssertionError(f"ended without a line with {pattern!r}; came: {self.seen}")
            self.seen.append(line)
            if match := re.search(pattern, line):
                return match

    def end(self, *signals: signal.Signals) -> tuple[int, float]:
        """Sends the signals; the exit status, and how long it took, seconds. Its output is all in `seen` then."""
        began = time.monotonic()
        for number in signals:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        took_s = time.monotonic() - began
        self.close()
        return status, took_s

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        while (line := self._lines.get()) is not None:
            self.seen.append(line)
        self._lines.put(None)
        assert self.process.stdout is not None
        self.process.stdout.close()
