"""The world as a process: how it takes orders, what it says when it can't start, how it ends."""

import json
import os
import resource
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.control import Reply, WorldReady
from lab.effects import EFFECTS
from lab.places import PROBES
from lab.stdio import of_line
from lab.truth import Fact

pytestmark = pytest.mark.slow

READY_S, ENDS_S = 10.0, 1.0
"""The first is generous for a loaded machine; measured: 0.3 s."""


class World:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def ask(self, **order: str) -> Reply:
        self.say(json.dumps(order).encode())
        return of_line(self.line(), Reply)

    def line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(5)


def _order(state: Path, **changes: Any) -> bytes:
    order = {
        "state": str(state),
        "collector": "127.0.0.1:9",
        "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "sign_in_password": "a password",
    }
    return json.dumps(order | changes).encode()


@contextmanager
def _process(files: int | None = None) -> Iterator[World]:
    def limit() -> None:
        if files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "lab.world"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=limit,
    )
    with process:
        try:
            yield World(process)
        finally:
            process.kill()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with _process() as started:
        began = time.monotonic()
        started.say(_order(tmp_path / "state"))
        ready = of_line(started.line(), WorldReady)
        assert time.monotonic() - began < READY_S
        assert set(ready.probes) == {probe.id for probe in PROBES}
        yield started


def test_orders_are_carried_out_and_the_truth_is_kept(world: World, tmp_path: Path) -> None:
    before = time.time_ns()
    for do, fault in (
        ("break", "region-down"),
        ("break", "region-down"),
        ("break", "throttled"),
        ("mend", "region-down"),
    ):
        assert world.ask(do=do, fault=fault, actor="anna").error == ""
    assert world.ask(do="mend", fault="bot-wall", actor="anna").error == ""  # is whole already
    [state] = world.ask(do="state").faults
    assert (state.fault, state.actor) == ("throttled", "anna")
    assert before < state.since < time.time_ns()
    file = tmp_path / "state" / "faults.jsonl"
    facts = [of_line(line, Fact) for line in file.read_bytes().splitlines()]
    assert [(fact.do, fact.fault) for fact in facts] == [
        ("break", "region-down"),
        ("break", "throttled"),
        ("mend", "region-down"),
    ]
    assert facts[1].at == state.since
    world.end()
    last = of_line(file.read_bytes().splitlines()[-1], Fact)
    assert (last.do, last.fault, last.actor) == ("mend", "throttled", "the end of the lab")
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}


def test_it_ends_with_its_input(world: World) -> None:
    began = time.monotonic()
    assert world.end() == 0
    assert time.monotonic() - began < ENDS_S


def test_it_ends_when_nobody_reads_its_answers(world: World) -> None:
    assert world.process.stdout is not None
    world.process.stdout.close()
    world.say(b'{"do": "state"}')
    assert world.process.wait(5) == 0


GARBAGE = [b"", b"\xff\xfe", b"[]", b'{"do": 1}', b"[" * 100_000, b'{"do": "explode"}', b'{"do": "break"}']


def test_garbage_is_answered_and_changes_nothing(world: World) -> None:
    for garbage in GARBAGE:
        world.say(garbage)
        assert of_line(world.line(), Reply).error
    assert world.ask(do="state") == world.ask(do="pager") == Reply()
    error = world.ask(do="break", fault="region-dwn").error
    assert 'did you mean "region-down"?' in error
    assert all(name in error for name in EFFECTS)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"this is no order", "the order is not understood"),
        (b'{"state": "/nowhere"}', "the order is not understood"),
    ],
)
def test_a_first_line_that_is_no_order_is_said(line: bytes, words: str) -> None:
    with _process() as world:
        world.say(line)
        _assert_refused(world, words)


def test_no_first_line_is_no_fault() -> None:
    with _process() as world:
        assert world.end() == 0


def test_a_secret_that_is_none_is_said(tmp_path: Path) -> None:
    with _process() as world:
        world.say(_order(tmp_path, webhook_secret="whsec_no"))
        _assert_refused(world, "webhook_secret")


def test_a_state_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with _process() as world:
        world.say(_order(tmp_path / "file" / "state"))
        _assert_refused(world, "cannot be written")


def test_too_few_sockets_are_said(tmp_path: Path) -> None:
    with _process(files=100) as world:
        world.say(_order(tmp_path))
        _assert_refused(world, "Too many open files")


def _assert_refused(world: World, words: str) -> None:
    """Status 2 and one line on stderr."""
    assert world.process.stderr is not None
    said = world.process.stderr.read().decode()
    assert world.process.wait(5) == 2
    assert said.count(os.linesep) == 1
    assert words in said
