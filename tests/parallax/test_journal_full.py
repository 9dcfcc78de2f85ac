"""The full disk: a small file system of its own where that is allowed, else a limit on the size of files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from parallax.journal import Entry, JournalFull, file
from parallax.journal.ballast import Ballast
from parallax.journal.store import Append, Register, Room, Store
from parallax.journal.writer import Done, Ended, Writer

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

# Runs in a process of its own, in a mount namespace of its own, on a file system of 24 MB.
ON_A_SMALL_DISK = """
import os, sys, trio
from contextlib import suppress
from pathlib import Path
from parallax.journal import *

AT = 1_800_000_000 * 10**9
folder = Path(sys.argv[1])
path, filler = folder / "j", folder / "filler"
limits = Limits(max_bytes=100_000_000, max_age_s=1e6, ballast_bytes=2_000_000)

def fill() -> None:
    with filler.open("ab", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(65536))
        with suppress(OSError):
            while True:
                file.write(bytes(512))

def entry(n, size=25_000):
    return Entry(kind="batch", body=b"%d " % n + bytes(size), at_ns=AT, count=500)

async def positions(journal):
    found, after = [], 0
    while records := await journal.read(after):
        assert all(int(r.body.split()[0]) == r.position for r in records)
        found += [r.position for r in records]
        after = found[-1]
    return found

async def main():
    async with open_journal(path, limits, wall=lambda: AT) as journal:
        await journal.register(["reader"])
        # 1. More than the disk holds: the newest are kept, the rest is counted.
        for n in range(1, 2001):
            assert await journal.append([entry(n)]) == n
        stats = journal.stats
        found = await positions(journal)
        assert found == list(range(stats.first, 2001)), (found[:3], found[-3:], stats)
        assert len(found) > 300, stats
        assert stats.lost == {"disk_full": (stats.first - 1) * 500}, stats
        # 2. Somebody else takes the rest: still every append is taken, within the room that the file has.
        fill()
        for n in range(2001, 2301):
            assert await journal.append([entry(n)]) == n
        await journal.commit("reader", 2300)
        assert not journal.stats.ballast
        # 3. What cannot fit even so is refused, and nothing of it is in.
        try:
            await journal.append([entry(0, 23_000_000)])
        except JournalFull as error:
            assert str(error) == f"{path}: the disk is full; free some room on it", error
        else:
            raise AssertionError("taken")
        assert await journal.append([entry(2301)], {"m": b"1"}) == 2301
        # 4. A full disk does not keep the program from starting again.
    async with open_journal(path, limits, wall=lambda: AT) as journal:
        assert journal.salvaged is None, journal.salvaged
        assert journal.cursor("reader") == 2300 and journal.mark("m") == b"1"
        assert (await positions(journal))[-1] == 2301
        for n in range(2302, 2402):
            assert await journal.append([entry(n)]) == n
    print("ok")

trio.run(main)
"""

WITH_ROOM_AGAIN = """
import os, sys, trio
from pathlib import Path
from parallax.journal import *

AT = 1_800_000_000 * 10**9
folder = Path(sys.argv[1])
path, filler = folder / "j", folder / "filler"
limits = Limits(max_bytes=100_000_000, max_age_s=1e6, ballast_bytes=2_000_000)

def entry(n):
    return Entry(kind="batch", body=b"%d " % n + bytes(25_000), at_ns=AT, count=500)

async def main():
    async with open_journal(path, limits, wall=lambda: AT) as journal:
        await journal.register(["reader"])
        for n in range(1, 101):
            await journal.append([entry(n)])
        assert journal.stats.ballast
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        n = 100
        while journal.stats.ballast:
            n += 1
            assert await journal.append([entry(n)]) == n
            assert n < 1000
        assert folder.joinpath("j.ballast").stat().st_size == 0
        for n in range(n + 1, n + 51):
            assert await journal.append([entry(n)]) == n
        records, lost = journal.stats.records, journal.stats.lost["disk_full"]
        assert lost > 0
        filler.unlink()
        for n in range(n + 1, n + 101):
            assert await journal.append([entry(n)]) == n
        assert journal.stats.ballast
        assert folder.joinpath("j.ballast").stat().st_size == 2_000_000
        assert journal.stats.records == records + 100, (records, journal.stats)
        assert journal.stats.lost == {"disk_full": lost}
    print("ok")

trio.run(main)
"""


WHAT_IS_UNREAD_STAYS = """
import sys, trio
from pathlib import Path
from parallax.journal import *

AT = 1_800_000_000 * 10**9
folder = Path(sys.argv[1])
path, filler = folder / "j", folder / "filler"
limits = Limits(max_bytes=100_000_000, max_age_s=1e6, ballast_bytes=2_000_000, refuse_when_full=True)

def entry(n):
    return Entry(kind="batch", body=b"%d " % n + bytes(25_000), at_ns=AT, count=500)

async def positions(journal):
    found, after = [], 0
    while records := await journal.read(after):
        found += [r.position for r in records]
        after = found[-1]
    return found

async def until_full(journal, n):
    while True:
        try:
            assert await journal.append([entry(n + 1)]) == n + 1
        except JournalFull:
            return n
        n += 1

async def main():
    async with open_journal(path, limits, wall=lambda: AT) as journal:
        n = await until_full(journal, 0)
        assert n > 300, n
        assert await until_full(journal, n) == n
        assert await positions(journal) == list(range(1, n + 1)), "nobody reads yet: nothing goes"
        await journal.register(["reader"])
        assert await until_full(journal, n) == n
        await journal.commit("reader", 100)
        more = await until_full(journal, n)
        assert n + 80 < more <= n + 100, (n, more, journal.stats)
        assert await positions(journal) == list(range(101, more + 1))
    async with open_journal(path, limits, wall=lambda: AT) as journal:
        n = await until_full(journal, more)
        assert await positions(journal) == list(range(101, n + 1)), journal.stats
        assert journal.stats.lost == {}, journal.stats
    print("ok")

trio.run(main)
"""


ON_NO_DISK = """
import sys, trio
from pathlib import Path
from parallax.journal import *

async def main():
    folder = Path(sys.argv[1])
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    path = folder / "j"
    try:
        async with open_journal(path, Limits(max_bytes=1_000_000, max_age_s=1)):
            pass
    except JournalError as error:
        assert str(error).startswith(f"{path}: the journal cannot be opened ("), error
        assert str(error).endswith("; free some room on the disk"), error
    (folder / "filler").unlink()
    async with open_journal(path, Limits(max_bytes=1_000_000, max_age_s=1)) as journal:
        assert await journal.append([Entry(kind="batch", body=b"", at_ns=1)]) == 1
    print("ok")

trio.run(main)
"""


def run(program: str, folder: Path, *prefix: str) -> None:
    done = subprocess.run(
        [*prefix, sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "ok", done.stdout


def small_disk(folder: Path, megabytes: int) -> tuple[str, ...]:
    """How to run a command where the folder is a file system of its own; skips where that is not allowed."""
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    mount = f'mount -t tmpfs -o size={megabytes}m none "{folder}" && exec "$@"'
    prefix = (*namespace, "sh", "-c", mount, "sh")
    try:
        allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("no mount namespace for a small disk: run as root, or allow user namespaces")
    return prefix


def test_a_full_disk_keeps_the_newest_and_counts_the_rest(tmp_path: Path) -> None:
    run(ON_A_SMALL_DISK, tmp_path, *small_disk(tmp_path, 24))


def test_a_journal_that_refuses_loses_nothing_unread_on_a_full_disk(tmp_path: Path) -> None:
    run(WHAT_IS_UNREAD_STAYS, tmp_path, *small_disk(tmp_path, 24))


def test_the_ballast_comes_back_with_the_room(tmp_path: Path) -> None:
    run(WITH_ROOM_AGAIN, tmp_path, *small_disk(tmp_path, 24))


def test_a_new_journal_on_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    run(ON_NO_DISK, tmp_path, *small_disk(tmp_path, 4))


def test_without_room_in_the_file_old_records_make_way(tmp_path: Path) -> None:
    """The same by SQLite's own limit on pages, which needs no rights: the writer alone, without its journal."""
    path = tmp_path / "j"
    path.touch()
    file.create(path)
    connection = file.connect_writer(path, 100_000)
    connection.execute("PRAGMA max_page_count = 700").fetchall()
    ballast = Ballast.open(tmp_path / "j.ballast", 100_000)
    assert ballast.refill()
    news: list[Done | Ended] = []
    room = Room(max_bytes=100_000_000, max_age_ns=10**18, keep_read=True)
    opened = Store(connection)
    writer = Writer(path, opened, ballast, room, news.append)
    writer.put(0, Register(["reader"]))
    for ticket in range(1, 301):
        writer.put(ticket, Append([Entry(kind="batch", body=bytes(25_000), at_ns=1)], {}, 1))
    writer.put(301, Append([Entry(kind="batch", body=bytes(5_000_000), at_ns=1)], {"m": b"1"}, 1))
    writer.put(302, Append([Entry(kind="batch", body=bytes(25_000), at_ns=1)], {"m": b"2"}, 1))
    writer.close()
    writer.start()
    writer.join()
    last = news.pop()
    assert isinstance(last, Ended)
    assert last.why is None
    outcomes = [outcome for done in news if isinstance(done, Done) for outcome in done.outcomes]
    assert outcomes[:301] == [(ticket, ticket) for ticket in range(301)]
    assert isinstance(outcomes[301][1], JournalFull)
    assert outcomes[302] == (302, 301)
    assert opened.marks == {"m": b"2"}
    assert opened.totals.records > 50
    assert opened.totals.lost == {"disk_full": opened.totals.first - 1}
    opened.close()
    ballast.close()
