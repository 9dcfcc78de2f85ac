"""The state folder of one program: private, owned by one process at a time, its small files replaced atomically."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class StartError(Exception):
    """A program cannot start. The message is one line that names the place and the way out."""


@contextmanager
def lock_state_folder(path: Path) -> Iterator[Path]:
    """Makes the folder if need be (mode 0700) and holds it for this process; gives its absolute path. The mode of one
    that is there already is its owner's business (it could be /tmp): every file in it is private by itself.

    The kernel drops the lock with the process, so nothing is left after kill -9. Raises StartError.
    """
    path = path.absolute()
    lock = path / "lock"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(
            f"the state folder {path} cannot be written: {error.strerror}; give it to this user, or set another `state`"
        ) from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN):
                raise StartError(f"the state folder {path} cannot be locked: {error.strerror}") from None
            raise StartError(
                f"the state folder {path} is in use{_by(fd)}; stop that one, or set another `state`"
            ) from None
        with suppress(OSError):  # on a full disk the lock holds all the same, only nobody can read whose it is
            os.ftruncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
        yield path
    finally:
        os.close(fd)


def write_private(path: Path, content: bytes) -> None:
    """Replaces a small file, mode 0600: after a crash there is the old content or the new, never part of it.

    Raises OSError. Callers that could meet each other hold a lock of their own.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _by(fd: int) -> str:
    """Who holds the lock, where the file says so."""
    pid = os.pread(fd, 20, 0)
    return f" by process {int(pid)}" if pid.isdigit() else ""
