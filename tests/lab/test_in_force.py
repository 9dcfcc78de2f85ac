"""Orders about faults, and the truth that is noted of them."""

from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from lab.control import FaultState, Order
from lab.in_force import END, InForce, reply_to
from lab.truth import Fact, Truth

NAMES = ("region-down", "region-slow")


class Bench:
    """What was carried out, and the truth."""

    def __init__(self, file: Path, truth: Truth) -> None:
        self.file, self.carried_out = file, list[list[str]]()
        self.in_force = InForce(NAMES, truth, self.carry_out, wall=lambda: 7)

    def carry_out(self, faults: Collection[str]) -> None:
        self.carried_out.append(list(faults))

    def facts(self) -> list[tuple[str, str, str]]:
        facts = [msgspec.json.decode(line, type=Fact) for line in self.file.read_bytes().splitlines()]
        return [(fact.do, fact.fault, fact.actor) for fact in facts]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    file = tmp_path / "faults.jsonl"
    with closing(Truth(file)) as truth:
        yield Bench(file, truth)


def test_each_turn_is_carried_out_and_noted_once(bench: Bench) -> None:
    for _ in range(2):
        reply = bench.in_force.take(Order(do="break", fault="region-down", actor="me"))
        assert (reply.error, reply.faults) == ("", [FaultState(fault="region-down", since=7, actor="me")])
    bench.in_force.take(Order(do="break", fault="region-slow", actor="x" * 1000))
    for _ in range(2):
        assert not bench.in_force.take(Order(do="mend", fault="region-down", actor="you")).error
    assert bench.carried_out == [["region-down"], ["region-down", "region-slow"], ["region-slow"]]
    assert bench.facts() == [
        ("break", "region-down", "me"),
        ("break", "region-slow", "x" * 200),
        ("mend", "region-down", "you"),
    ]


def test_what_is_broken_at_the_end_is_noted_as_mended(bench: Bench) -> None:
    bench.in_force.take(Order(do="break", fault="region-slow", actor="me"))
    bench.in_force.end()
    bench.in_force.end()
    assert bench.facts() == [("break", "region-slow", "me"), ("mend", "region-slow", END)]


def test_what_cannot_be_noted_is_not_done() -> None:
    full = Path("/dev/full")
    with closing(Truth(full)) as truth:
        bench = Bench(full, truth)
        reply = bench.in_force.take(Order(do="break", fault="region-down"))
    assert reply.error == "nothing was done, as /dev/full cannot be written: No space left on device"
    assert (reply.faults, bench.carried_out) == ([], [])


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"do":"state"}', ""),
        (b'{"do":"dance"}', "there is no order 'dance' here; the orders are break, mend and state"),
        (
            b'{"do":"break","fault":"region-dwn"}',
            "there is no fault 'region-dwn' here; did you mean \"region-down\"? "
            "the faults here are region-down, region-slow",
        ),
        (b"[" * 100_000, "the order is not understood: "),
        (b"\xff", "the order is not understood: "),
    ],
)
def test_every_line_is_answered_with_what_is_in_force(bench: Bench, line: bytes, error: str) -> None:
    bench.in_force.take(Order(do="break", fault="region-slow"))
    reply = reply_to(line, bench.in_force.take)
    assert reply.error.startswith(error)
    assert bool(reply.error) == bool(error)
    assert [state.fault for state in reply.faults] == ["region-slow"]
