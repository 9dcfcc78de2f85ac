"""What the service manager is told, over a real socket; the pace of the signs of life in virtual time."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from parallax.supervisor import Supervisor, supervised


@contextmanager
def manager(name: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        sock.setblocking(False)
        yield sock


def told(sock: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(sock.recv(1000).decode())
        except BlockingIOError:
            return found


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"NOTIFY_SOCKET": "/x"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "30000000"}, 30.0),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "7"}, 0.5),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "8"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "²"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "-5"}, None),
    ],
)
def test_who_is_told(environ: dict[str, str], watchdog_s: float | None) -> None:
    assert Supervisor.of(environ, 7) == Supervisor(socket=environ["NOTIFY_SOCKET"], watchdog_s=watchdog_s)


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}, {"WATCHDOG_USEC": "9"}])
def test_nobody_is_told(environ: dict[str, str]) -> None:
    nobody = Supervisor.of(environ, 7)
    assert nobody == Supervisor()
    assert not nobody.tell_nowait("READY=1")


@pytest.mark.parametrize("abstract", [False, True])
async def test_a_program_is_followed_from_ready_to_its_end(
    abstract: bool, tmp_path: Path, autojump_clock: MockClock
) -> None:
    name = f"@parallax-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with manager(name) as sock:
        seen: list[list[str]] = []

        async def main(task_status: trio.TaskStatus[str]) -> None:
            await trio.sleep(100)  # a slow start is no life that is watched yet
            seen.append(told(sock))
            task_status.started("up")
            await trio.sleep(21)
            seen.append(told(sock))
            await trio.sleep_forever()

        with trio.move_on_after(150):
            await supervised(main, Supervisor(socket=name, watchdog_s=10))
        seen.append(told(sock))
    signs = ["WATCHDOG=1"]
    assert seen == [[], ["READY=1", *signs * 4], [*signs * 5, "STOPPING=1"]]


async def test_a_program_that_ends_by_itself_ends_the_signs(tmp_path: Path, autojump_clock: MockClock) -> None:
    name = str(tmp_path / "notify")
    with manager(name) as sock:

        async def main(task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            await trio.sleep(1)

        await supervised(main, Supervisor(socket=name))
        assert told(sock) == ["READY=1", "STOPPING=1"]


async def test_one_that_cannot_start_was_never_ready(tmp_path: Path) -> None:
    name = str(tmp_path / "notify")
    with manager(name) as sock:

        async def main(task_status: trio.TaskStatus[None]) -> None:
            raise ValueError("no")

        with pytest.RaisesGroup(ValueError, flatten_subgroups=True):
            await supervised(main, Supervisor(socket=name))
        assert told(sock) == []


async def test_a_manager_that_is_gone_or_takes_nothing_ends_nobody(tmp_path: Path) -> None:
    gone = Supervisor(socket=str(tmp_path / "nobody"))
    assert not gone.tell_nowait("READY=1")
    name = str(tmp_path / "notify")
    with manager(name):
        full = Supervisor(socket=name)
        for _ in range(10_000):
            if not full.tell_nowait("WATCHDOG=1"):
                break
        else:
            pytest.fail("the socket took everything")
