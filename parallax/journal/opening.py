"""From a path to an open journal file: lock, ballast, identity, health, salvage if need be. Blocking.

Everything that can be wrong with the path is one JournalError of one line that says what to do.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec

from parallax.journal import file, salvage
from parallax.journal.ballast import Ballast, log_bytes
from parallax.journal.bounds import PAGE
from parallax.journal.store import Store
from parallax.journal.types import JournalError, Limits, Salvage
from parallax.journal.writer import marker_of


class Opened(msgspec.Struct, frozen=True):
    """What the journal runs on. The two connections may be used in any thread, one at a time."""

    store: Store
    reader: sqlite3.Connection
    ballast: Ballast
    salvaged: Salvage | None

    def close(self) -> None:
        self.reader.close()
        self.store.close()  # last, so that it brings the write-ahead log into the file
        self.ballast.close()


def open_files(path: Path, limits: Limits, check_cancelled: Callable[[], None]) -> Opened:
    """Raises JournalError."""
    _look_at_folder(path)
    try:
        ballast = Ballast.open(path.with_name(path.name + ".ballast"), limits.ballast_bytes)
    except OSError as error:
        raise JournalError(f"{path}: cannot be opened ({error.strerror}); make the folder writable") from None
    try:
        try:
            opened, salvaged = _open_store(path, log_bytes(limits.ballast_bytes), check_cancelled)
        except sqlite3.Error as error:
            if not file.is_full(error):
                raise
            ballast.release()
            opened, salvaged = _open_store(path, log_bytes(limits.ballast_bytes), check_cancelled)
        ballast.refill()
        return Opened(opened, file.connect_reader(path), ballast, salvaged)
    except sqlite3.Error as error:
        ballast.close()
        way = "free some room on the disk" if file.is_full(error) else "see to the folder's disk and its permissions"
        raise JournalError(f"{path}: the journal cannot be opened ({error}); {way}") from None
    except OSError as error:
        ballast.close()
        raise JournalError(f"{path}: the journal cannot be opened ({error.strerror}); see to the folder") from None
    except BaseException:
        ballast.close()
        raise


def _look_at_folder(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise JournalError(f"{path}: there is no folder {folder}; make it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise JournalError(f"{path}: the folder {folder} is not writable for this user; change its owner or mode")
    if path.exists() and not path.is_file():
        raise JournalError(f"{path}: is not a file; choose another path")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise JournalError(f"{path}: is not readable and writable for this user; change its owner or mode")


def _open_store(path: Path, log: int, check_cancelled: Callable[[], None]) -> tuple[Store, Salvage | None]:
    salvage.finish(path)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    opened, found = _open_sound(path, log, check_cancelled)
    if opened:
        return opened, None
    report = salvage.salvage(path, found, check_cancelled)
    opened, found = _open_sound(path, log, check_cancelled)
    if opened is None:
        raise JournalError(
            f"{path}: damaged again right after it was salvaged ({found[0]}); the disk is not to be trusted"
        )
    return opened, report


def _open_sound(path: Path, log: int, check_cancelled: Callable[[], None]) -> tuple[Store | None, list[str]]:
    """The store, or what is wrong with the file."""
    if marker_of(path).exists():
        return None, ["damage was met while it was in use"]
    if 0 < path.stat().st_size < PAGE and not path.with_name(path.name + "-journal").exists():
        return None, ["the file is shorter than its first page"]  # which SQLite would take for a new one
    try:
        _identify(path)
        connection = file.connect_writer(path, log)
    except sqlite3.DatabaseError as error:
        if not file.is_damage(error):
            raise
        return None, [str(error)]
    with ExitStack() as undo:
        undo.callback(connection.close)
        found: list[str] = []
        try:
            opened = Store(connection)
            if path.stat().st_size <= salvage.CHECKED_BYTES:
                found = salvage.examine(connection, opened.totals, check_cancelled)
        except sqlite3.DatabaseError as error:
            if not file.is_damage(error):
                raise
            found = [str(error)]
        if not found:
            undo.pop_all()
            return opened, []
    return None, found


def _identify(path: Path) -> None:
    """Makes the tables in a new file; refuses what is another program's or a later version's."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
    finally:
        db.close()
    if not tables and not application:
        file.create(path)
    elif application != file.APPLICATION_ID:
        raise JournalError(f"{path}: is another program's SQLite file; choose another path")
    elif version > file.FORMAT:
        raise JournalError(
            f"{path}: is a journal of format {version}, this version knows {file.FORMAT}; upgrade, or move it away"
        )
