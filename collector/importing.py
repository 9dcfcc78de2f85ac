"""A recording into the journal of a new state folder."""

import math
from pathlib import Path

import trio

from collector.recording import RecordingError, read_header, read_recording
from parallax.journal import Entry, Journal, JournalBusy, JournalFull, Limits, open_journal
from parallax.state import lock_state_folder

MAX_BYTES = 1_000_000_000_000
CHUNK = 200
CHUNK_BYTES = 4_000_000


async def import_recording(file: Path, state: Path) -> int:
    """Makes `state` if need be, and in it `inputs.db` with the records of a recording; how many they are. Positions
    are new ones, from 1.

    Raises RecordingError where there is a journal already, or where the file is damaged (then nothing is left);
    StartError, JournalError."""
    read_header(file)
    inputs = state / "inputs.db"
    with lock_state_folder(state):
        for there in (inputs, state / "events.db"):  # events of other inputs would be taken for theirs
            if there.exists():
                raise RecordingError(f"{there}: is there already, and stays; name another folder")
        part = state / "importing.db"
        _remove(part)
        try:
            count = await _fill(file, part)
            if not count:
                raise RecordingError(f"{file}: has no records")
            part.rename(inputs)
        finally:
            _remove(part)
    return count


async def _fill(file: Path, part: Path) -> int:
    limits = Limits(max_bytes=MAX_BYTES, max_age_s=math.inf, ballast_bytes=0, refuse_when_full=True)
    count = 0
    async with open_journal(part, limits) as journal:
        entries: list[Entry] = []
        octets = 0
        for record in read_recording(file):
            entries.append(Entry(kind=record.kind, body=record.body, at_ns=record.at_ns, count=record.count))
            octets += len(record.body)
            if len(entries) >= CHUNK or octets >= CHUNK_BYTES:
                count += await _append(journal, part, entries)
                entries, octets = [], 0
                await trio.lowlevel.checkpoint()
        if entries:
            count += await _append(journal, part, entries)
    return count


async def _append(journal: Journal, part: Path, entries: list[Entry]) -> int:
    try:
        await journal.append(entries)
    except (JournalFull, JournalBusy):
        raise RecordingError(f"{part.parent}: the disk is full; free some room on it") from None
    return len(entries)


def _remove(part: Path) -> None:
    for name in (part.name, f"{part.name}-wal", f"{part.name}-shm", f"{part.name}.ballast"):
        part.with_name(name).unlink(missing_ok=True)
