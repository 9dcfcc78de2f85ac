"""The command line as a person or a service manager runs it: real processes, real signals."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.ports import free_port
from tests.parts.program import PARALLAX, PATIENCE_S, ROOT, Program

pytestmark = pytest.mark.slow

ENDS_WITHIN_S = 3

PLAN = """
schema = 1
[defaults]
period = "1s"
timeout = "500ms"
[[check]]
name = "door"
kind = "tls"
external = false
targets = ["127.0.0.1:{port}"]
"""


class Host:
    """A person's host: a folder for everything, and the programs that were started on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs: list[Program] = []
        (folder / "plan.toml").write_text(PLAN.format(port=free_port()))

    @property
    def plan(self) -> str:
        return str(self.folder / "plan.toml")

    def start(self, *arguments: str) -> Program:
        program = Program(*arguments, state_home=self.folder / "home")
        self.programs.append(program)
        return program

    def up(self, *more: str) -> Program:
        return self.start(
            "up", "--plan", self.plan, "--listen", "127.0.0.1:0", "--allow", "127.0.0.0/8", "--json", *more
        )

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*PARALLAX, *arguments],
            cwd=ROOT,
            env={**os.environ, "XDG_STATE_HOME": str(self.folder / "home")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    for program in host.programs:
        program.close()


def one_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_sees_a_failure_and_ends_on_a_signal_with_nothing_left(host: Host, number: signal.Signals):
    up = host.up()
    up.wait_line('"reason":"connect_refused"')
    status, took_s = up.end(number)
    assert status == 0
    assert took_s < ENDS_WITHIN_S
    assert "Traceback" not in "\n".join(up.seen)
    state = host.folder / "home" / "parallax" / "up"
    assert not (state / "collector" / "owner.json").exists()
    assert not list(state.rglob("*-wal")), "the journals were not closed"


def test_a_second_ctrl_c_breaks_nothing(host: Host):
    up = host.up()
    up.wait_line('"what":"up"')
    status, took_s = up.end(signal.SIGINT, signal.SIGINT, signal.SIGTERM)
    assert (status, took_s < ENDS_WITHIN_S) == (0, True)
    assert "Traceback" not in "\n".join(up.seen)


def test_ctrl_c_while_it_still_starts(host: Host):
    up = host.up()
    lock = host.folder / "home" / "parallax" / "up" / "collector" / "lock"
    until = time.monotonic() + PATIENCE_S
    while not lock.exists():
        assert time.monotonic() < until
        assert up.process.poll() is None
    status, took_s = up.end(signal.SIGINT)
    assert (status, took_s < ENDS_WITHIN_S) == (0, True)
    assert "Traceback" not in "\n".join(up.seen)


def test_a_second_start_goes_on_where_the_first_was(host: Host):
    up = host.up()
    up.wait_line('"reason":"connect_refused"')
    before = json.loads(host.run("status", "--json").stdout)
    up.end(signal.SIGINT)
    again = host.up()
    again.wait_line('"reason":"connect_refused"')
    after = json.loads(host.run("status", "--json").stdout)
    assert after["inputs"]["last"] > before["inputs"]["last"]
    assert after["plan"]["in_force"]["hash"] == before["plan"]["in_force"]["hash"]
    (probe,) = after["probes"]
    assert (probe["missing"], probe["conflicts"]) == (0, 0), "the numbers of the stream went on without a gap"
    assert probe["observations"] > before["probes"][0]["observations"]


def test_a_second_instance_is_told_who_has_the_folder(host: Host):
    up = host.up()
    up.wait_line('"what":"up"')
    tokens = host.folder / "home" / "parallax" / "up" / "collector" / "tokens.json"
    before = tokens.read_bytes()
    second = host.run("up", "--plan", host.plan, "--listen", "127.0.0.1:0")
    assert second.returncode == 2
    assert f"is in use by process {up.process.pid}" in one_line(second.stderr)
    assert up.process.poll() is None
    assert tokens.read_bytes() == before, "the token of the first was touched"


def test_up_keeps_its_state_private_and_warns_of_nothing(host: Host):
    up = host.up()
    up.wait_line('"reason":"connect_refused"')
    up.end(signal.SIGINT)
    assert not [line for line in up.seen if "warning" in line or "no probe has a token" in line]
    state = host.folder / "home" / "parallax" / "up"
    for folder in (state, state / "collector", state / "probes" / "local"):
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_a_port_in_use_is_one_line(host: Host):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = host.run("up", "--plan", host.plan, "--listen", address)
    assert refused.returncode == 2
    assert f"cannot listen on {address}: something else listens there" in one_line(refused.stderr)


@pytest.mark.parametrize("program", ["up", "collector", "probe"])
def test_a_state_folder_that_cannot_be_written_is_one_line(host: Host, program: str):
    (host.folder / "file").write_text("")
    state = host.folder / "file" / "state"  # so that root cannot write it either
    refused = host.run(*arguments(host, program, state))
    assert refused.returncode == 2
    assert str(state) in one_line(refused.stderr)
    assert "cannot be written" in refused.stderr


def test_a_bad_plan_is_refused_before_anything_starts(host: Host):
    Path(host.plan).write_text('[[check]]\nname = "x"\nkind = "tls"\ntarget = ["a"]\n')
    refused = host.run("up", "--plan", host.plan)
    assert refused.returncode == 2
    assert 'did you mean "targets"' in refused.stderr
    assert not (host.folder / "home").exists()


def test_up_is_for_this_host_only(host: Host):
    refused = host.run("up", "--plan", host.plan, "--listen", "0.0.0.0:8600")
    assert refused.returncode == 2
    assert "run `parallax collector` with [tls]" in one_line(refused.stderr)


def test_collector_and_probe_run_apart(host: Host):
    listen = f"127.0.0.1:{free_port()}"
    (host.folder / "collector.toml").write_text(f'state = "c"\nplan = "plan.toml"\nlisten = "{listen}"\n')
    config = str(host.folder / "collector.toml")
    made = host.run("collector", "token", "add", "fra1", "--config", config)
    assert made.returncode == 0
    token = host.folder / "token"
    token.touch(mode=0o600)
    token.write_text(made.stdout)
    (host.folder / "probe.toml").write_text(
        'id = "fra1"\nstate = "p"\nallow = ["127.0.0.0/8"]\n'
        f'[[collector]]\nurl = "http://{listen}"\ntoken = "file:token"\n'
    )
    collector = host.start("collector", "--config", config)
    collector.wait_line("collector is up")
    probe = host.start("probe", "--config", str(host.folder / "probe.toml"))
    until = time.monotonic() + PATIENCE_S
    while not (seen := json.loads(host.run("status", "--config", config, "--json").stdout)["probes"]):
        assert time.monotonic() < until
    assert seen[0]["id"] == "fra1"
    assert "fra1" in host.run("status", "--config", config).stdout
    for program in (probe, collector):
        status, took_s = program.end(signal.SIGTERM)
        assert (status, took_s < ENDS_WITHIN_S) == (0, True)
    gone = host.run("status", "--config", config)
    assert gone.returncode == 2
    assert "no collector runs" in one_line(gone.stderr)


def arguments(host: Host, program: str, state: Path) -> list[str]:
    if program == "up":
        return ["up", "--plan", host.plan, "--state", str(state), "--listen", "127.0.0.1:0"]
    token = host.folder / "token"
    token.touch(mode=0o600)
    token.write_text("x" * 40)
    config = host.folder / f"{program}.toml"
    config.write_text(
        f'state = "{state}"\nplan = "plan.toml"\nlisten = "127.0.0.1:{free_port()}"\n'
        if program == "collector"
        else f'id = "fra1"\nstate = "{state}"\n[[collector]]\nurl = "http://127.0.0.1:1"\ntoken = "file:token"\n'
    )
    return [program, "--config", str(config)]
