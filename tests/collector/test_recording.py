"""A stretch of a collector's inputs as a file: what is played of it is what happened, whatever becomes of the file."""

import random
import sqlite3
import struct
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio
import zstandard

from collector.detect import State, encode_state, initial, step
from collector.detector import SNAPSHOT
from collector.events import Event, encode_event
from collector.importing import import_recording
from collector.inputs import ClockInput, encode_input
from collector.recording import (
    FORM,
    Header,
    RecordingError,
    export,
    form_of,
    inputs_of,
    read_header,
    read_inputs,
    read_recording,
)
from lab.replay.fleet import Fleet
from parallax.clock import NS
from parallax.journal import Entry, Limits, Record, open_journal
from parallax.state import lock_state_folder
from tests.lab.replay.scripts import fault, load

LIMITS = Limits(max_bytes=10**9, max_age_s=10**9, ballast_bytes=0)


def records_of(folder: Path) -> list[Record]:
    """A short outage, as a collector wrote it."""
    folder.mkdir(exist_ok=True)
    return list(Fleet(load(folder, fault("region east", "errors", "12:01:00", "12:02:00")), 0))


async def keep(state: Path, records: list[Record], marks: dict[str, bytes] | None = None) -> None:
    state.mkdir(exist_ok=True)
    entries = [Entry(kind=r.kind, body=r.body, at_ns=r.at_ns, count=r.count) for r in records]
    async with open_journal(state / "inputs.db", LIMITS) as inputs, open_journal(state / "events.db", LIMITS) as events:
        await inputs.append(entries)
        if marks:
            await events.append([], marks)


def concluded(records: list[Record], seed: str) -> tuple[State, list[Event]]:
    state, events = initial(seed), []
    for record in records:
        state, more = step(state, record)
        events += more
    return state, events


async def test_what_is_played_of_an_export_is_what_was_concluded_live(tmp_path: Path):
    records = records_of(tmp_path / "script")
    state, live = concluded(records, "1234567890abcdef")
    assert {event.type for event in live} >= {"incident.opened", "check.up", "component.changed"}
    await keep(tmp_path / "state", records, {SNAPSHOT: encode_state(state)})
    file = tmp_path / "outage.journal"
    done = export(inputs_of(tmp_path / "state"), file)
    assert (done.records, done.damaged) == (len(records), 0)
    assert (done.first_at, done.last_at) == (records[0].at_ns, records[-1].at_ns)
    assert done.observations == sum(record.count for record in records if record.kind == "batch")
    head = read_header(file)
    assert (head.whole, head.seed) == (True, "1234567890abcdef")
    played = list(read_recording(file))
    assert played == records
    again = concluded(played, head.seed)[1]
    assert [encode_event(event) for event in again] == [encode_event(event) for event in live]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []


async def test_an_export_becomes_a_journal_again(tmp_path: Path):
    records = records_of(tmp_path / "script")
    await keep(tmp_path / "state", records)
    file = tmp_path / "outage.journal"
    export(tmp_path / "state" / "inputs.db", file)
    assert await import_recording(file, tmp_path / "copy") == len(records)
    assert list(read_inputs(inputs_of(tmp_path / "copy"))) == records
    with pytest.raises(RecordingError, match=r"inputs\.db: is there already, and stays; name another folder"):
        await import_recording(file, tmp_path / "copy")
    assert list(read_inputs(inputs_of(tmp_path / "copy"))) == records
    assert {each.name for each in (tmp_path / "copy").iterdir()} <= {
        "inputs.db",
        "inputs.db-wal",
        "inputs.db-shm",
        "lock",
    }


async def test_a_stretch_brings_the_plan_that_was_in_force(tmp_path: Path):
    records = records_of(tmp_path / "script")
    await keep(tmp_path / "state", records)
    start, end = records[0].at_ns + 100 * NS, records[0].at_ns + 200 * NS
    file = tmp_path / "stretch.journal"
    export(tmp_path / "state" / "inputs.db", file, start=start, end=end)
    found = list(read_recording(file))
    assert [record.kind for record in found[:3]] == ["clock", "plan", "plan_state"]
    assert [record.at_ns for record in found[:3]] == [start] * 3
    assert found[3:] == [record for record in records if start <= record.at_ns <= end]
    assert [record.position for record in found] == sorted(record.position for record in found)
    head = read_header(file)
    assert (head.start, head.end, head.whole, head.seed) == (start, end, False, "")
    types = {event.type for event in concluded(found, "x" * 16)[1]}
    assert "incident.opened" in types


async def test_a_collector_that_runs_is_not_disturbed(tmp_path: Path):
    state, file = tmp_path / "state", tmp_path / "outage.journal"
    state.mkdir()
    entry = Entry(kind="clock", body=encode_input(ClockInput(at=1), at_ns=1).body, at_ns=10**18)
    with lock_state_folder(state):
        async with open_journal(state / "inputs.db", LIMITS) as inputs:
            await inputs.append([entry] * 1000)
            more = trio.Event()

            async def write() -> None:
                for _ in range(50):
                    await inputs.append([entry] * 20)
                more.set()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(write)
                export_it = partial(export, state / "inputs.db", file)
                done = await trio.to_thread.run_sync(export_it)
            assert more.is_set()
            assert 1000 <= done.records <= 2000
            assert inputs.stats.records == 2000
            assert len(list(read_inputs(state / "inputs.db"))) == 2000
        assert len(list(read_inputs(state / "inputs.db"))) == 2000  # nobody has it open
    names = {each.name for each in state.iterdir()}
    assert names <= {"inputs.db", "inputs.db.ballast", "inputs.db-wal", "inputs.db-shm", "lock"}
    async with open_journal(state / "inputs.db", LIMITS) as inputs:
        assert inputs.stats.records == 2000


async def test_nothing_is_overwritten_and_nothing_is_left_of_a_failure(tmp_path: Path):
    await keep(tmp_path / "state", records_of(tmp_path / "script"))
    there = tmp_path / "there"
    there.write_text("mine")
    with pytest.raises(RecordingError, match="there: is there already; name another file, or take it away"):
        export(tmp_path / "state" / "inputs.db", there)
    assert there.read_text() == "mine"
    with pytest.raises(RecordingError, match="has no record between these times"):
        export(tmp_path / "state" / "inputs.db", tmp_path / "none", start=10**19 // 2)
    with pytest.raises(RecordingError, match="cannot be written: No such file or directory"):
        export(tmp_path / "state" / "inputs.db", tmp_path / "no" / "folder")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["script", "state", "there"]


def test_what_is_no_journal_says_so(tmp_path: Path):
    with pytest.raises(RecordingError, match="there is no journal of a collector"):
        inputs_of(tmp_path)
    other = tmp_path / "inputs.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE t (a)")
    db.close()
    with pytest.raises(RecordingError, match="is no journal; name a collector's state folder"):
        list(read_inputs(other))
    other.write_bytes(b"garbage" * 1000)
    with pytest.raises(RecordingError, match="cannot be read"):
        list(read_inputs(other))
    assert form_of(other) == ""


def frame(*values: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(b"".join(struct.pack(">I", len(each)) + each for each in values))


def test_a_damaged_recording_says_so(tmp_path: Path):
    head = msgspec.msgpack.encode(Header(form=FORM, version=1))
    row, end = msgspec.msgpack.encode([1, "clock", 2, 3, b"body"]), msgspec.msgpack.encode({"records": 1})
    whole = frame(head, row, end)
    file = tmp_path / "x.journal"
    file.write_bytes(whole)
    assert list(read_recording(file)) == [Record(position=1, kind="clock", body=b"body", at_ns=2, count=3)]
    cases = {
        "has no end; it was cut off": [frame(head), frame(head, row)],
        "lacks 1 records; it is damaged": [frame(head, end)],
        "is no recording": [
            frame(b"\x80"),
            frame(b""),
            frame(msgspec.msgpack.encode(Header(form="other", version=1))),
            frame(),
        ],
        "recording of version 2, this program reads 1": [frame(msgspec.msgpack.encode(Header(form=FORM, version=2)))],
        "holds what is no record": [frame(head, b"\xc1"), frame(head, b"\x91" * 500)],
        "damaged, or no recording": [b"plain text", b"\x28\xb5\x2f\xfd" + b"\xff" * 50],
        "larger than any recording": [
            zstandard.ZstdCompressor().compress(struct.pack(">I", len(head)) + head + b"\xff\xff\xff\xff")
        ],
        "ends in the middle": [
            zstandard.ZstdCompressor().compress(struct.pack(">I", len(head)) + head + b"\0\0\0\x09ab")
        ],
    }
    for words, files in cases.items():
        for content in files:
            file.write_bytes(content)
            with pytest.raises(RecordingError, match=words):
                list(read_recording(file))


async def test_a_recording_that_is_cut_off_gives_what_was_whole_and_imports_as_nothing(tmp_path: Path):
    records = records_of(tmp_path / "script")
    await keep(tmp_path / "state", records)
    file = tmp_path / "outage.journal"
    export(tmp_path / "state" / "inputs.db", file)
    content = file.read_bytes()
    for cut in (len(content) // 3, len(content) - 5):
        file.write_bytes(content[:cut])
        found: list[Record] = []
        with pytest.raises(RecordingError):
            found.extend(read_recording(file))
        with pytest.raises(RecordingError):
            await import_recording(file, tmp_path / "copy")
        assert {each.name for each in (tmp_path / "copy").glob("*")} <= {"lock"}


@pytest.mark.parametrize(
    "row",
    [
        [2**63, "clock", 1, 1, b""],
        [1, "clock", 2**64 - 1, 1, b""],
        [1, "clock", 1, 2**64 - 1, b""],
        [1, "clock", 1, -1, b""],
        [1, "x" * 100_000, 1, 1, b""],
    ],
)
async def test_numbers_that_no_journal_holds_are_refused_and_not_imported(tmp_path: Path, row: list[object]):
    pack = msgspec.msgpack.encode
    file = tmp_path / "x.journal"
    file.write_bytes(frame(pack(Header(form=FORM, version=1)), pack(row), pack({"records": 1})))
    with pytest.raises(RecordingError, match="holds what is no record; it is damaged"):
        list(read_recording(file))
    with pytest.raises(RecordingError, match="holds what is no record; it is damaged"):
        await import_recording(file, tmp_path / "copy")


async def test_a_recording_does_not_come_under_the_events_of_another(tmp_path: Path):
    records = records_of(tmp_path / "script")
    await keep(tmp_path / "state", records)
    export(tmp_path / "state" / "inputs.db", file := tmp_path / "outage.journal")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "events.db").touch()
    with pytest.raises(RecordingError, match=r"events\.db: is there already, and stays; name another folder"):
        await import_recording(file, tmp_path / "copy")


def test_garbage_raises_nothing_else(tmp_path: Path):
    rng = random.Random(5)
    good = frame(
        msgspec.msgpack.encode(Header(form=FORM, version=1)),
        *[msgspec.msgpack.encode([n, "clock", n, 1, b"x" * 40]) for n in range(20)],
    )
    file = tmp_path / "x.journal"
    for _ in range(300):
        content = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        file.write_bytes(bytes(content[: rng.randrange(1, len(content) + 1)]))
        with suppress(RecordingError):
            assert len(list(read_recording(file))) <= 20
