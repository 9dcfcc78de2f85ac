"""`parallax up` without a plan: the lab as a person has it, with real processes and real signals."""

import html
import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.faults import FAULTS
from tests.parts.program import PARALLAX, PATIENCE_S, ROOT, Program

pytestmark = pytest.mark.slow
ENDS_WITHIN_S = 5
"""3 s on a machine that does nothing else; tests share theirs."""


class LabHost:
    """A host with a lab on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "home" / "parallax" / "lab"
        self.programs: list[Program] = []

    def up(self, *more: str) -> Program:
        program = Program("up", "--listen", "127.0.0.1:0", "--json", *more, state_home=self.folder / "home")
        self.programs.append(program)
        return program

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

    def ask(self, method: str, path: str, *, owner: bool = True, **headers: str) -> tuple[int, bytes, str]:
        """Status, body and where it leads, of a request to the collector."""
        way = json.loads((self.state / "collector" / "owner.json").read_bytes())
        address = way["url"].removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
        bearer = {"Authorization": f"Bearer {way['token']}"} if owner else {}
        fields = {name.replace("_", "-"): value.format(url=way["url"]) for name, value in headers.items()}
        try:
            connection.request(method, path, headers={**bearer, **fields})
            response = connection.getresponse()
            return response.status, response.read(), response.getheader("Location", "")
        finally:
            connection.close()

    def wait(self, what: Callable[[], Any]) -> Any:
        """The first true answer."""
        until = time.monotonic() + PATIENCE_S
        while not (answer := what()):
            assert time.monotonic() < until, "it did not come to that"
        return answer

    def board(self) -> Any:
        return json.loads(self.ask("GET", "/v1/board")[1])

    def broken(self) -> list[str]:
        answer = json.loads(self.run("lab", "list", "--json").stdout)
        return [fault["name"] for fault in answer["faults"] if fault["since"] is not None]

    def truth(self) -> list[tuple[str, str, str]]:
        lines = (self.state / "world" / "faults.jsonl").read_bytes().splitlines()
        return [(fact["do"], fact["fault"], fact["actor"]) for fact in map(json.loads, lines)]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[LabHost]:
    host = LabHost(tmp_path)
    yield host
    for program in host.programs:
        program.close()


def children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")  # a thread's children each
    return [int(child) for children in lists for child in children.read_text().split()]


def runs(pid: int) -> bool:
    try:
        return "(python" in (stat := Path(f"/proc/{pid}/stat").read_text()) and ") Z" not in stat
    except FileNotFoundError:
        return False


def named(pids: list[int], module: str) -> int:
    (pid,) = [pid for pid in pids if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    return pid


def test_eight_probes_watch_and_faults_come_and_go_by_command_line_and_button(host: LabHost):
    up = host.up()
    up.wait_line('"what":"up"')
    host.wait(lambda: [probe["state"] for probe in host.board()["probes"]] == ["healthy"] * 8)

    told = host.run("lab", "break", "region-down")
    assert told.returncode == 0, told.stderr
    assert "BROKEN" in told.stdout
    up.wait_line('"type":"incident.opened".*"data"')
    assert host.broken() == ["region-down"]
    assert host.run("lab", "break", "region-down").returncode == 0, "to break what is broken is no error"
    assert host.run("lab", "mend", "region-down").returncode == 0
    up.wait_line('"type":"incident.monitoring"')
    [report] = json.loads(host.run("lab", "report", "--json").stdout)
    assert (report["fault"], report["actor"]) == ("region-down", "local")
    assert 0 < report["confirmed_s"] < PATIENCE_S, "read beside a collector that runs"

    origin = "{url}"
    assert host.ask("POST", "/lab/break/clock-wrong", owner=False, Origin=origin)[::2] == (303, "/lab#b-clock-wrong")
    status, page, _ = host.ask("GET", "/lab", owner=False)
    text = html.unescape(page.decode())
    assert status == 200
    assert "LAB: a world in miniature" in text
    assert "/lab/mend/clock-wrong" in text
    assert all(fault.title in text for fault in FAULTS.values())
    host.wait(lambda: {p["id"]: p["state"] for p in host.board()["probes"]}["nrt1"] == "unhealthy")
    assert host.ask("POST", "/lab/mend", owner=False, Origin=origin)[0] == 303
    assert host.broken() == []
    assert host.truth() == [
        ("break", "region-down", "local"),
        ("mend", "region-down", "local"),
        ("break", "clock-wrong", "page"),
        ("mend", "clock-wrong", "page"),
    ]
    up.wait_line('"the lab is told".*"do": "break", "fault": "clock-wrong", "actor": "page"')
    assert oct((host.state / "world" / "faults.jsonl").stat().st_mode & 0o777) == "0o600"

    status, took_s = up.end(signal.SIGINT)
    assert (status, took_s < ENDS_WITHIN_S) == (0, True), (took_s, up.seen[-5:])
    assert "Traceback" not in "\n".join(up.seen)


def test_buttons_are_for_the_page_and_the_api_for_owners(host: LabHost):
    up = host.up()
    up.wait_line('"what":"up"')
    assert host.ask("POST", "/lab/break/region-down", owner=False)[0] == 403, "no page asks that"
    assert host.ask("POST", "/lab/break/region-down", owner=False, Origin="http://evil.example")[0] == 403
    assert host.ask("POST", "/v1/lab/break/region-down", owner=False)[0] == 401
    assert host.ask("GET", "/lab/break/region-down", owner=False)[0] in (404, 405)
    assert host.ask("POST", "/lab/break/nonsense", owner=False, Origin="{url}")[0] == 404
    status, body, _ = host.ask("POST", "/v1/lab/break/regin-down")
    assert (status, "did you mean 'region-down'?" in json.loads(body)["message"]) == (404, True)
    assert host.broken() == []


def test_a_name_that_no_fault_has_is_answered_with_those_that_there_are(host: LabHost):
    refused = host.run("lab", "break", "regin-down")
    assert refused.returncode == 2
    first, *rest = refused.stderr.splitlines()
    assert first == "parallax: there is no fault 'regin-down'; did you mean 'region-down'?"
    assert [line.split()[1] for line in rest] == list(FAULTS)


def test_a_collector_that_watches_no_lab_says_so(host: LabHost):
    nobody = host.run("lab", "list")
    assert (nobody.returncode, "no lab runs" in nobody.stderr) == (2, True)
    plan = host.folder / "plan.toml"
    plan.write_text('schema = 1\n[[check]]\nname = "x"\nkind = "tls"\ntargets = ["127.0.0.1:1"]\n')
    up = host.up("--plan", str(plan))
    up.wait_line('"what":"up"')
    own = host.folder / "home" / "parallax" / "up"
    refused = host.run("lab", "list", "--state", str(own))
    assert (refused.returncode, "watches no lab" in refused.stderr) == (2, True)


@pytest.mark.parametrize("module", ["lab.world", "lab.probes"])
def test_a_process_of_the_lab_that_is_killed_ends_it_with_one_line(host: LabHost, module: str):
    up = host.up()
    up.wait_line('"what":"up"')
    pids = children(up.process.pid)
    os.kill(named(pids, module), signal.SIGKILL)
    assert up.process.wait(PATIENCE_S) == 2
    up.close()
    said = [line for line in up.seen if line.startswith("parallax: ")]
    name = module.removeprefix("lab.")
    assert len(said) == 1, up.seen[-10:]
    assert said[0].startswith(f"parallax: the lab's {name} (process ")
    assert "was killed by signal 9" in said[0]
    assert not any(map(runs, pids))


def test_a_killed_parent_leaves_nothing_behind(host: LabHost):
    up = host.up()
    up.wait_line('"what":"up"')
    pids = children(up.process.pid)
    assert len(pids) == 2
    up.process.kill()
    host.wait(lambda: not any(map(runs, pids)))


@pytest.mark.parametrize("after", ['"event": "collector is up"', '"event": "plan promoted"'])
def test_ctrl_c_while_it_still_starts(host: LabHost, after: str):
    up = host.up()
    up.wait_line(after)
    pids = children(up.process.pid)
    status, took_s = up.end(signal.SIGINT, signal.SIGINT)
    assert (status, took_s < ENDS_WITHIN_S) == (0, True), (took_s, up.seen[-5:])
    assert "Traceback" not in "\n".join(up.seen)
    assert not any(map(runs, pids))


def test_a_second_lab_on_the_same_state_is_one_line(host: LabHost):
    up = host.up()
    up.wait_line('"what":"up"')
    second = host.run("up", "--listen", "127.0.0.1:0")
    assert second.returncode == 2
    assert f"is in use by process {up.process.pid}" in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_what_goes_with_a_plan_is_refused_without_one(host: LabHost):
    refused = host.run("up", "--allow", "10.0.0.0/8")
    assert (refused.returncode, "--allow goes with --plan" in refused.stderr) == (2, True)
