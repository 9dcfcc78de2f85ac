"""Join tokens: each lets one probe enrol once, within an hour. Kept hashed beside the tokens, in a file of their own:
a collector of an earlier version, which does not know them, still reads the tokens.

What was used or has run out is remembered for a day, so that whoever comes with it is told what happened.
"""

import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from collector.tokens import NAME, TokenError, add_token, hash_of, locked
from parallax.state import write_private

ROLE = "join"
VALID = timedelta(hours=1)
REMEMBERED = timedelta(days=1)
MOST = 1000
"""Join tokens that may wait at a time."""
_MAX_FILE = 1_000_000


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """A join token as the file has it. Times are UTC; `used_at` is None until a probe has enrolled with it."""

    id: str
    name: str
    """The probe that may enrol."""
    hash: str
    made_at: datetime
    used_at: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        return self.made_at + VALID


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: int = 1
    joins: list[Join] = []


class JoinRefused(Exception):
    """Nobody may enrol with this token; one line that says why, and what to do."""


def add_join(state: Path, probe: str, now: datetime | None = None) -> str:
    """Makes a join token for a probe and returns its text, which is not kept anywhere. It ends the one before, if that
    was not used. Raises TokenError."""
    if not NAME.fullmatch(probe):
        raise TokenError(f"{probe[:80]!r} is no probe's name: use 1 to 64 letters, digits, '-', '_' and '.'")
    now = now or datetime.now(UTC)
    text = f"parallax-{ROLE}-{secrets.token_urlsafe(32)}"
    with _changing(state, now) as joins:
        joins[:] = [join for join in joins if join.name != probe or join.used_at is not None]
        if len(joins) >= MOST:
            raise TokenError(f"there are {MOST} join tokens already; revoke some, or wait: they expire in an hour")
        joins.append(Join(id=secrets.token_hex(4), name=probe, hash=hash_of(text), made_at=now))
    return text


def revoke_joins(state: Path, which: str) -> list[Join]:
    """Ends the join token with this id, or that of this probe, where it was not used yet. Raises TokenError."""
    with _changing(state, datetime.now(UTC)) as joins:
        ended = [join for join in joins if which in (join.id, join.name) and join.used_at is None]
        joins[:] = [join for join in joins if join not in ended]
    return ended


def list_joins(state: Path, now: datetime | None = None) -> list[Join]:
    """Those that still hold, oldest first. Raises TokenError."""
    now = now or datetime.now(UTC)
    return [join for join in _read(state) if join.used_at is None and now < join.expires_at]


def look_up(state: Path, text: str, now: datetime | None = None) -> str:
    """The probe that a join token is for. Raises JoinRefused where it does not hold, TokenError."""
    return _holding(_read(state), text, now or datetime.now(UTC)).name


def use_join(
    state: Path, text: str, now: datetime | None = None, *, sign: Callable[[str], str] | None = None
) -> tuple[str, str, str]:
    """Spends a join token: the probe's id, its own token, and what `sign` gives for that probe: its certificate. Of two
    that come at once, one gets it.

    Raises JoinRefused and TokenError; the join token still holds then."""
    now = now or datetime.now(UTC)
    with _changing(state, now) as joins:
        join = _holding(joins, text, now)
        joins[joins.index(join)] = msgspec.structs.replace(join, used_at=now)
        certificate = sign(join.name) if sign else ""
        token = add_token(state, "probe", join.name)
    return join.name, token, certificate


def _holding(joins: list[Join], text: str, now: datetime) -> Join:
    presented, found = hash_of(text), None
    for join in joins:
        if hmac.compare_digest(presented, join.hash):
            found = join
    again = 'make another: "parallax collector token add --role join PROBE"'
    if found is None:
        raise JoinRefused(f"this is no join token of this collector, or it was ended, or is long used; {again}")
    if found.used_at is not None:
        raise JoinRefused(f"this join token was used at {found.used_at:%Y-%m-%d %H:%M} UTC; {again}")
    if not found.made_at <= now < found.expires_at:
        raise JoinRefused(f"this join token expired at {found.expires_at:%Y-%m-%d %H:%M} UTC; {again}")
    return found


def _read(state: Path) -> list[Join]:
    path = state / "joins.json"
    try:
        with path.open("rb") as file:
            content = msgspec.json.decode(file.read(_MAX_FILE), type=_File)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TokenError(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise TokenError(f"{path} is no file of join tokens: {error}; delete it and make new ones") from None
    return content.joins


@contextmanager
def _changing(state: Path, now: datetime) -> Iterator[list[Join]]:
    with locked(state, "joins.lock"):
        joins = [join for join in _read(state) if now - join.made_at < REMEMBERED]
        yield joins
        path = state / "joins.json"
        try:
            write_private(path, msgspec.json.encode(_File(joins=joins)) + b"\n")
        except OSError as error:
            raise TokenError(f"{path} cannot be written: {error.strerror}") from None
