"""A real server for the tests: started in a folder of its own, ready when it says so, gone with its whole group.

async with nsd({"auth.test": "www A 192.0.2.7"}) as server:     # knot, bind_authority, unbound, bind_resolver alike
    server.pause()              # dark: takes packets, answers none, until resume()
    server.kill()               # dark: connections are refused, until restart()
    await serve(server, "auth.test", "www A 192.0.2.8", serial=2)   # tests/parts/zones.py: another content
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio

from parallax.values import Address

_START_TIMEOUT_S = 60.0


class Daemon:
    """A server that runs. `address` is where it answers, `log` what it wrote to stderr so far; `also` where else, by a
    word of the part (dot, doh)."""

    def __init__(
        self, command: Sequence[str], address: Address, folder: Path, ready: str, also: Mapping[str, Address]
    ) -> None:
        self._command, self._ready = command, ready
        self.address, self.folder, self.also = address, folder, also
        self._awaited: tuple[str, Callable[[], None]] = "", lambda: None
        self._start()

    def _start(self) -> None:
        self.log = ""
        self._killed = False
        self._process = subprocess.Popen(
            self._command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """kill -9 of the server and its children, and waits until they and their sockets are gone. May be called
        twice."""
        if self._killed:
            return
        self._killed = True
        # The group outlives its leader for as long as a child of it runs.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(_START_TIMEOUT_S)  # the pipe ends with the last child
        _wait_port_free(self.address)

    async def restart(self) -> None:
        """Starts it again, with the files as they are now. Kills it first where it still runs."""
        self.kill()
        self._start()
        await self.wait_ready()

    def reload(self) -> None:
        """SIGHUP: the name servers read their changed zones. `tests.parts.zones.serve` waits for it as well."""
        os.kill(self.pid, signal.SIGHUP)

    def children(self) -> set[int]:
        """The processes of its group that live, without the first. With NSD the youngest is the one that answers."""
        return {pid for pid, state in _threads(self.pid) if pid != self.pid and state not in "ZX"}

    def pause(self) -> None:
        """It and its children take packets and answer none until `resume`; then they answer what still waits."""
        os.killpg(self.pid, signal.SIGSTOP)
        deadline = time.monotonic() + _START_TIMEOUT_S
        while any(state not in "TtZX" for _, state in _threads(self.pid)) and time.monotonic() < deadline:
            os.sched_yield()  # each thread stops on its own, a moment later

    def resume(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    async def wait_ready(self) -> None:
        """Waits until the server has said that it is ready. Fails the test if it ends first, or takes too long."""
        text = self._ready
        ready = trio.Event()
        token = trio.lowlevel.current_trio_token()
        self._awaited = text, lambda: token.run_sync_soon(ready.set)
        if text in self.log or not self._reader.is_alive():
            ready.set()
        with trio.move_on_after(_START_TIMEOUT_S):
            await ready.wait()
        if text not in self.log:
            pytest.fail(f"the server did not start:\n{self.log[-2000:]}")

    def _read(self) -> None:
        """A thread, for the server's whole life: a full pipe would stop it."""
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            for line in stderr:
                self.log += line.decode(errors="replace")
                self._announce()
        self._awaited = "", self._awaited[1]
        self._announce()

    def _announce(self) -> None:
        text, tell = self._awaited
        if text in self.log:
            with suppress(trio.RunFinishedError):
                tell()


def _threads(group: int) -> list[tuple[int, str]]:
    """The process and the state of each thread of a process group, by proc_pid_stat(5)."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # gone in the meantime, or no process
            for thread in (process / "task").iterdir():
                state, _, its_group = (thread / "stat").read_text().rpartition(") ")[2].split(" ")[:3]
                if int(its_group) == group:
                    found.append((int(process.name), state))
    return found


def _wait_port_free(address: Address) -> None:
    """The kernel closes a killed process's sockets a moment after its end; until then a packet would be swallowed."""
    family = socket.AF_INET6 if address.family == 6 else socket.AF_INET
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        with socket.socket(family, socket.SOCK_DGRAM) as probe, suppress(OSError):
            probe.bind((address.ip, address.port))
            return
        os.sched_yield()


def find_program(name: str, package: str) -> str:
    """Its path; skips the test where it is missing."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed: apt install {package}")
    return path


@asynccontextmanager
async def daemon(
    command: Callable[[Path], list[str]],
    ip: str,
    port: int,
    ready: str,
    files: Mapping[str, Callable[[Path], str | bytes]],
    also: Mapping[str, Address] | None = None,
) -> AsyncIterator[Daemon]:
    """Writes the files into a new folder, starts the command there, and waits for the `ready` text on its stderr."""
    with tempfile.TemporaryDirectory(prefix="parallax-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for path, content in files.items():
            made = content(folder)
            (folder / path).write_bytes(made.encode() if isinstance(made, str) else made)
        running = Daemon(command(folder), Address.of(ip, port), folder, ready, also or {})
        try:
            await running.wait_ready()
            yield running
        finally:
            running.kill()
