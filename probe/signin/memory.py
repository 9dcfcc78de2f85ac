"""What a probe remembers of its sign-ins from run to run: sessions that are kept, flows that are halted, what its
budgets have left, who is signing in right now, and the one-time codes that were used.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import trio

from parallax.log import get_log
from parallax.plan.types import Check
from probe.bounded import Bounded
from probe.buckets import Buckets
from probe.signin.halts import Halts

MOST_SESSIONS = 100
ENDING_S = 5.0
"""How long the end of all kept sessions may take together."""
_log = get_log(__name__)


SessionKey = tuple[str, str, str]


def session_key(check: Check, target: str) -> SessionKey:
    """Whose session it is: one at another address is not this one's."""
    return check.name, target, check.pinned or ""


class Session(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A session that one whole run left for the silent ones, until the next whole run ends it."""

    spec: Any
    """The check's, as it was: another one begins anew."""
    jar: Any
    state: Any
    """The preset's state: tokens, discovery."""
    secrets: Callable[[], Iterable[str]] = tuple
    """What in the state is secret, to be hidden by each run that takes the session over."""
    end: Callable[[], Awaitable[bool]]
    """Ends it at the provider; whether it could. Has its own deadline and never raises but for cancellation."""


class Sessions:
    """The kept sessions by check, target and where it is."""

    def __init__(self) -> None:
        self._kept: dict[SessionKey, Session] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, key: SessionKey, session: Session) -> bool:
        """Keeps it; False where there is no room, and it must be ended."""
        if key not in self._kept and len(self._kept) >= MOST_SESSIONS:
            return False
        self._kept[key] = session
        return True

    def get(self, key: SessionKey) -> Session | None:
        return self._kept.get(key)

    def take(self, key: SessionKey) -> Session | None:
        """Gives it away: whoever takes it ends it."""
        return self._kept.pop(key, None)

    def orphans(self, specs: dict[SessionKey, Any]) -> "list[Session]":
        """Takes those that no check of these has use for any more."""
        gone = [key for key, session in self._kept.items() if specs.get(key) != session.spec]
        return [self._kept.pop(key) for key in gone]


class Signins:
    """One for each probe; a run by hand has one of its own. `path` is where halts are kept."""

    def __init__(self, path: Path | None = None) -> None:
        self.halts = Halts(path)
        self.buckets = Buckets()
        self.shares: Mapping[str, float] = {}
        """By target: this probe's part, 0 to 1, of what the whole fleet may do there."""
        self.sessions = Sessions()
        self.used_codes: Bounded[int] = Bounded(1_000)
        """By user and secret, the time step of the code that was sent last."""
        self._busy: dict[tuple[str, str], tuple[trio.Lock, int]] = {}

    def turn(self, tenant: str, user: str) -> "Turn":
        """For `async with`: one sign-in of a user at a time, whatever the checks are."""
        return Turn(self._busy, (tenant, user))

    async def end_orphans(self, specs: dict[SessionKey, Any]) -> None:
        """Ends the sessions of checks that are no more, or have changed. Shielded, with a deadline."""
        await end_all(self.sessions.orphans(specs))

    async def end_all_at_last(self) -> None:
        """Waits to be cancelled; then ends every kept session."""
        try:
            await trio.sleep_forever()
        finally:
            await end_all(self.sessions.orphans({}))


class Turn:
    """Holds a user's place."""

    def __init__(self, busy: dict[tuple[str, str], tuple[trio.Lock, int]], key: tuple[str, str]) -> None:
        self._busy, self._key = busy, key

    async def __aenter__(self) -> None:
        lock, waiting = self._busy.get(self._key, (trio.Lock(), 0))
        self._busy[self._key] = lock, waiting + 1
        try:
            await lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *error: object) -> None:
        self._busy[self._key][0].release()
        self._leave()

    def _leave(self) -> None:
        lock, waiting = self._busy[self._key]
        if waiting == 1:
            del self._busy[self._key]
        else:
            self._busy[self._key] = lock, waiting - 1


async def end_all(sessions: list[Session]) -> None:
    """Ends these, side by side."""
    if not sessions:
        return
    ended: list[bool] = []

    async def one(session: Session) -> None:
        ended.append(await session.end())

    with trio.CancelScope(shield=True), trio.move_on_after(ENDING_S):
        async with trio.open_nursery() as nursery:
            for session in sessions:
                nursery.start_soon(one, session)
    lost = len(sessions) - sum(ended)
    if lost:
        _log.warning("sessions could not be ended, and live on until they expire", sessions=lost)
