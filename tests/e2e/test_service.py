"""The programs as a service manager runs them: real processes, a real notification socket."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from collector.tokens import add_token
from tests.parts.ports import free_port

pytestmark = pytest.mark.slow
PATIENCE_S = 90.0
PLAN = '[[check]]\nname = "a"\nkind = "tls"\nexternal = false\ntargets = ["127.0.0.1:1"]\n'


def program_of(name: str, folder: Path) -> list[str]:
    (folder / "plan.toml").write_text(PLAN)
    collector = 'state = "collector"\nplan = "plan.toml"\nlisten = "127.0.0.1:{}"\n'
    port = free_port()
    (folder / "token").write_text(add_token(folder / "collector", "probe", "p1"))
    (folder / "token").chmod(0o600)
    probe = 'id = "p1"\nstate = "probe"\n[[collector]]\nurl = "http://127.0.0.1:{}"\ntoken = "file:token"\n'
    (folder / "config.toml").write_text((collector if name == "collector" else probe).format(port))
    return [sys.executable, "-m", "parallax", name, "--config", str(folder / "config.toml")]


@pytest.mark.parametrize("name", ["collector", "probe"])
def test_the_manager_hears_of_start_life_and_end(name: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_S)
        environ = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        process = subprocess.Popen(program_of(name, tmp_path), env=environ, stderr=subprocess.PIPE)
        try:
            assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            process.send_signal(signal.SIGSTOP)  # as a loop that hangs: no sign of life comes any more
            manager.settimeout(0.5)
            with suppress(TimeoutError):
                while True:
                    manager.recv(100)
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
            manager.settimeout(PATIENCE_S)
            while (said := manager.recv(100)) != b"STOPPING=1":
                assert said == b"WATCHDOG=1"
            _, errors = process.communicate(timeout=PATIENCE_S)
            assert (process.returncode, b"Traceback" in errors) == (0, False), errors
        finally:
            process.kill()
            process.wait()
