"""Flows that must not be tried again for a while: a password that was refused once locks the account if it is sent on.

Kept in a small file of the probe's state folder, so that a restart does not try again. A halt is of one provider, user
and password, whatever the checks are called that sign the user in: a changed password is tried at once, and so is a run
by hand, which has no such file.

A program that is killed in mid-sign-in never learns what came of its password, and one that is killed so again and
again would send it each time. So each sign-in is written down before it begins, as a halt that ends with it; what a
start finds of these holds for a while.
"""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from parallax.log import get_log
from parallax.state import write_private

HALTS_S = {
    "signin_bad_credentials": 6 * 3600.0,
    "signin_bad_otp": 6 * 3600.0,
    "signin_account_locked": 3600.0,
}
"""What ends a flow for how long."""
CUT_OFF = "cut_off"
"""Why a flow is halted that was under way when the program ended."""
CUT_OFF_S = 900.0
MOST = 1_000
_MAX_FILE = 1_000_000
_log = get_log(__name__)


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """Why and until when (seconds since the Unix epoch) a flow is not tried, and the step where it was refused."""

    step: str
    because: str
    until: float


class Halts:
    """The halts in force; at most MOST, those that end first go. Without a path they last as long as the process."""

    def __init__(self, path: Path | None = None, write: Callable[[Path, bytes], None] = write_private) -> None:
        self._path, self._write = path, write
        self._halts = _read(path) if path is not None else {}
        self._under_way: set[str] = set()
        self._saving = threading.Lock()

    def get(self, key: str, now: float) -> Halt | None:
        """The halt of this key, if it is not over. `now` is wall time, seconds."""
        found = self._halts.get(key)
        return found if found is not None and found.until > now and key not in self._under_way else None

    def begin(self, key: str, step: str, now: float) -> None:
        """A sign-in begins; `save` keeps it."""
        self._under_way.add(key)
        self._keep(key, Halt(step=step, because=CUT_OFF, until=now + CUT_OFF_S), now)

    def end(self, key: str) -> None:
        """It is over, and what came of it known; `put` comes after, and `save`."""
        self._under_way.discard(key)
        found = self._halts.get(key)
        if found is not None and found.because == CUT_OFF:
            del self._halts[key]

    def put(self, key: str, step: str, reason: str, now: float) -> Halt | None:
        """Halts where the reason is one to halt for; `save` keeps it."""
        if reason not in HALTS_S:
            return None
        halt = Halt(step=step, because=reason, until=now + HALTS_S[reason])
        self._keep(key, halt, now)
        return halt

    def _keep(self, key: str, halt: Halt, now: float) -> None:
        self._halts = {old: each for old, each in self._halts.items() if each.until > now}
        while len(self._halts) >= MOST:
            del self._halts[min(self._halts, key=lambda old: self._halts[old].until)]
        self._halts[key] = halt

    def save(self) -> None:
        """Writes the file; blocks. A disk that does not take it is logged: the halt holds until the process ends."""
        if self._path is None:
            return
        try:
            with self._saving:  # who writes last writes what is true last
                self._write(self._path, msgspec.json.encode(self._halts))
        except OSError as error:
            _log.error("halted sign-ins cannot be saved", file=str(self._path), error=error.strerror or str(error))


def key_of(provider: str, user: str, password: str) -> str:
    """The key of a halt: tells two passwords apart, and neither of them."""
    told = hashlib.sha256(password.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return hashlib.sha256(f"{provider}\0{user}\0{told}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _read(path: Path) -> dict[str, Halt]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE + 1)
        if len(content) > _MAX_FILE:
            raise ValueError("the file is too large")
        return msgspec.json.decode(content, type=dict[str, Halt])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, msgspec.DecodeError, RecursionError) as error:
        _log.warning("the file of halted sign-ins cannot be read, and is left out", file=str(path), error=str(error))
        return {}
