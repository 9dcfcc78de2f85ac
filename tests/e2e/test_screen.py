"""The live screen of `parallax up`, on a real terminal (a pty)."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.program import PARALLAX, PATIENCE_S, ROOT

pytestmark = pytest.mark.slow
ENDS_WITHIN_S = 5
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """`parallax up` on a terminal of 80 x 24."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.state = folder / "lab"
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        known = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            [*PARALLAX, "up", "--state", str(self.state), "--listen", "127.0.0.1:0"],
            cwd=ROOT,
            env=known | environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = b""

    def read(self, wait_s: float = 0.1) -> bool:
        """Takes what there is; False at the end."""
        if not select.select([self._ours], [], [], wait_s)[0]:
            return True
        try:
            more = os.read(self._ours, 65536)
        except OSError:  # EIO: nobody holds the other end any more
            return False
        self.seen += more
        return bool(more)

    def wait(self, pattern: bytes) -> re.Match[bytes]:
        until = time.monotonic() + PATIENCE_S
        while not (match := re.search(pattern, self.seen)):
            assert time.monotonic() < until, self.seen[-2000:]
            assert self.read() or re.search(pattern, self.seen), self.seen[-2000:]
        return match

    def end(self, number: signal.Signals) -> tuple[int, float]:
        began = time.monotonic()
        self.process.send_signal(number)
        while self.read():
            assert time.monotonic() < began + PATIENCE_S
        return self.process.wait(PATIENCE_S), time.monotonic() - began

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def test_a_screen_is_drawn_logs_go_to_a_file_and_the_terminal_is_given_back(terminals: list[Terminal], tmp_path: Path):
    terminal = Terminal(tmp_path)
    terminals.append(terminal)
    terminal.wait(rb"8 of 8 healthy")
    assert terminal.seen.startswith(ENTER)
    assert b"collector is up" not in terminal.seen, "a log line tears the screen"
    assert "collector is up" in (terminal.state / "up.log").read_text()
    assert (terminal.state / "up.log").stat().st_mode & 0o777 == 0o600
    status, took_s = terminal.end(signal.SIGINT)
    assert (status, took_s < ENDS_WITHIN_S) == (0, True), took_s
    assert terminal.seen.count(LEAVE) == 1
    assert terminal.seen.endswith(b"\x1b[?25h") or LEAVE in terminal.seen[-200:], terminal.seen[-400:]


def test_what_ends_it_is_said_on_the_terminal_that_was_there_before(terminals: list[Terminal], tmp_path: Path):
    terminal = Terminal(tmp_path)
    terminals.append(terminal)
    terminal.wait(rb"8 of 8 healthy")
    lists = Path(f"/proc/{terminal.process.pid}/task").glob("*/children")
    child = int(" ".join(pids.read_text() for pids in lists).split()[0])
    os.kill(child, signal.SIGKILL)
    while terminal.read():
        pass
    assert terminal.process.wait(PATIENCE_S) == 2
    after = terminal.seen.partition(LEAVE)[2]
    assert b"was killed by signal 9" in after


def test_a_terminal_that_is_stopped_stops_no_measuring(terminals: list[Terminal], tmp_path: Path):
    terminal = Terminal(tmp_path)
    terminals.append(terminal)
    page = terminal.wait(rb"http://127\.0\.0\.1:\d+/")[0].decode()
    terminal.wait(rb"8 of 8 healthy")
    # nobody reads the terminal from here on: its buffer (some kB) is full after a few frames
    log = terminal.state / "collector" / "inputs.db-wal"
    until = time.monotonic() + 8
    seen = set()
    while time.monotonic() < until:
        seen.add(log.stat().st_mtime_ns)
        assert urllib.request.urlopen(page, timeout=5).status == 200
    assert len(seen) > 3, "nothing was taken any more"
    began = time.monotonic()
    terminal.process.send_signal(signal.SIGINT)
    terminal.process.wait(PATIENCE_S)
    assert time.monotonic() - began < ENDS_WITHIN_S


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_lines_where_a_screen_is_not_wanted(terminals: list[Terminal], tmp_path: Path, environment: dict[str, str]):
    terminal = Terminal(tmp_path, **environment)
    terminals.append(terminal)
    terminal.wait(rb"to break something +parallax lab break region-down --state")
    status, _ = terminal.end(signal.SIGINT)
    assert status == 0
    assert b"\x1b[" not in terminal.seen
