"""The journal against a model in memory: any order of operations and restarts, the same answers."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import hypothesis.strategies as st
import pytest
import trio
from hypothesis import HealthCheck, given, settings

from parallax.clock import NS
from parallax.journal import Entry, Journal, Limits, Record, open_journal
from parallax.journal.bounds import cost

pytestmark = pytest.mark.slow

AT = 1_800_000_000 * NS
READERS = ("a", "b", "c")


class Model:
    """The same promises, told in lists."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.now_ns = limits, AT
        self.records: list[Record] = []
        self.last = 0
        self.cursors: dict[str, int] = {}
        self.marks: dict[str, bytes] = {}
        self.lost: dict[str, int] = {}

    def append(self, entries: Sequence[Entry], marks: dict[str, bytes]) -> int:
        need = sum(self.cost(entry) for entry in entries)
        while self.records:
            head = self.records[0]
            if self.held() + need > self.limits.max_bytes:
                self.drop("size")
            elif head.at_ns <= self.now_ns - self.limits.max_age_s * NS:
                self.drop("age")
            elif not self.limits.keep_read and self.cursors and head.position <= min(self.cursors.values()):
                self.drop("read")
            else:
                break
        for entry in entries:
            self.last += 1
            self.records.append(
                Record(position=self.last, kind=entry.kind, body=entry.body, at_ns=entry.at_ns, count=entry.count)
            )
        self.marks |= marks
        return self.last

    def commit(self, reader: str, position: int) -> None:
        self.cursors[reader] = max(position, self.cursors.get(reader, 0))
        if not self.limits.keep_read:
            while self.records and self.records[0].position <= min(self.cursors.values()):
                self.drop("read")

    def register(self, readers: Sequence[str]) -> None:
        self.cursors = {reader: self.cursors.get(reader, 0) for reader in readers}

    def drop(self, cause: str) -> None:
        record = self.records.pop(0)
        if self.cursors and record.position > min(self.cursors.values()):
            self.lost[cause] = self.lost.get(cause, 0) + record.count

    def held(self) -> int:
        return sum(self.cost(record) for record in self.records)

    @staticmethod
    def cost(what: Entry | Record) -> int:
        return cost(len(what.body), len(what.kind.encode()))


entries = st.builds(
    lambda kind, size, count: (kind, size, count),
    st.sampled_from(["batch", "plan", "ü"]),
    st.sampled_from([0, 10, 3_000, 4_030, 9_000, 25_000]),
    st.integers(0, 500),
)
operations = st.one_of(
    st.tuples(st.just("append"), st.lists(entries, max_size=4), st.sampled_from(["", "x", "y"])),
    st.tuples(st.just("commit"), st.sampled_from(READERS), st.floats(0, 1)),
    st.tuples(st.just("register"), st.lists(st.sampled_from(READERS), unique=True), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
    st.tuples(st.just("wait"), st.integers(-40, 60), st.none()),
)


def agree(journal: Journal, model: Model, read: list[Record]) -> None:
    assert read == model.records
    stats = journal.stats
    assert (stats.records, stats.bytes, stats.last) == (len(model.records), model.held(), model.last)
    assert stats.things == sum(record.count for record in model.records)
    assert stats.first == (model.records[0].position if model.records else model.last + 1)
    assert {cause: lost for cause, lost in stats.lost.items() if lost} == {c: n for c, n in model.lost.items() if n}
    assert journal.cursors == model.cursors
    assert journal.marks("") == model.marks


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(operations, min_size=3, max_size=30), st.booleans())
def test_the_journal_is_its_model(steps: list[tuple[str, object, object]], keep_read: bool) -> None:
    limits = Limits(max_bytes=101_000, max_age_s=100, keep_read=keep_read, ballast_bytes=0)

    async def main(folder: Path) -> None:
        model = Model(limits)
        left = list(steps)
        while True:
            async with open_journal(folder / "j", limits, wall=lambda: model.now_ns) as journal:
                agree(journal, model, await journal.read(0, max_records=10_000, max_bytes=10**9))
                while left:
                    what, first, second = left.pop(0)
                    if what == "restart":
                        break
                    await _do(journal, model, what, first, second)
                    agree(journal, model, await journal.read(0, max_records=10_000, max_bytes=10**9))
                else:
                    return

    with tempfile.TemporaryDirectory() as folder:
        trio.run(main, Path(folder), clock=_Still(steps))


class _Still(trio.abc.Clock):
    """Time passes only by "wait" steps, which move the wall clock; the journal must take those for real."""

    def __init__(self, steps: object) -> None:
        self._now = 0.0

    def start_clock(self) -> None:
        pass

    def current_time(self) -> float:
        self._now += 3600  # enough for no wall time to look like a jump
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        return 999999 if deadline == float("inf") else 0


async def _do(journal: Journal, model: Model, what: str, first: object, second: object) -> None:
    if what == "append":
        batch = [Entry(kind=k, body=bytes(size), at_ns=model.now_ns, count=count) for k, size, count in first]  # type: ignore[attr-defined]
        marks = {str(second): b"%d" % model.last} if second else {}
        assert await journal.append(batch, marks) == model.append(batch, marks)
    elif what == "commit":
        position = int(float(second) * model.last)  # type: ignore[arg-type]
        await journal.commit(str(first), position)
        model.commit(str(first), position)
    elif what == "register":
        await journal.register(first)  # type: ignore[arg-type]
        model.register(first)  # type: ignore[arg-type]
    else:
        model.now_ns += int(first) * NS  # type: ignore[call-overload]
