"""Tokens: who may send and who may ask. Kept hashed in the state folder, changed by the command line at run time.

A token is 256 random bits, so one round of SHA-256 is enough to keep it from a reader of the file: a slow hash guards
guessable passwords, and there is nothing to guess here, while every request has to be checked. Comparing goes over
all candidates with `hmac.compare_digest`, whose time does not depend on where two texts differ. A probe or a person
has two tokens at most, so that a new one can be brought out before the old one goes.
"""

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from collector.in_force import InForce, KeptError
from parallax.state import StartError, write_private

Role = Literal["probe", "viewer", "owner", "facts", "peer"]
"""`facts` may push facts of the members of failover groups, and nothing else."""
VALID_AT_A_TIME = 2
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What a probe or a person may be called."""
_MAX_FILE = 10_000_000


class Identity(msgspec.Struct, frozen=True):
    """Who holds a token: a probe by its id, or a person by name."""

    role: Role
    name: str


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as the file has it: the hash (SHA-256, hex), never the token. `id` is for revoking it."""

    id: str
    role: Role
    name: str
    hash: str
    made_at: str

    @property
    def identity(self) -> Identity:
        return Identity(self.role, self.name)


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: int = 1
    tokens: list[Token] = []


class TokenError(KeptError):
    """The tokens cannot be read or changed; one line that says what to do."""


def add_token(state: Path, role: Role, name: str) -> str:
    """Makes a token and returns its text, which is not kept anywhere. A third one of a name ends the oldest.

    Raises TokenError.
    """
    if not NAME.fullmatch(name):
        raise TokenError(f"{name[:80]!r} is no name: use 1 to 64 letters, digits, '-', '_' and '.'")
    text = f"parallax-{role}-{secrets.token_urlsafe(32)}"
    with _changing(state) as tokens:
        others = [token for token in tokens if token.identity != Identity(role, name)]
        same = [token for token in tokens if token.identity == Identity(role, name)]
        fresh = Token(
            id=secrets.token_hex(4),
            role=role,
            name=name,
            hash=hash_of(text),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        tokens[:] = [*others, *same[-(VALID_AT_A_TIME - 1) :], fresh]
    return text


def leave_token(state: Path, probe: str, file: Path) -> None:
    """Makes a token for a probe on this host, in a file that only this user reads; that of the start before the last
    ends with it. Raises StartError."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, add_token(state, "probe", probe).encode())
    except TokenError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        raise StartError(f"{file} cannot be written: {error.strerror}; set another --state") from None


def revoke_tokens(state: Path, which: str) -> list[Token]:
    """Ends the token with this id, or all tokens of this probe or person; returns those ended. Raises TokenError."""
    with _changing(state) as tokens:
        ended = [token for token in tokens if which in (token.id, token.name)]
        tokens[:] = [token for token in tokens if token not in ended]
    return ended


def list_tokens(state: Path) -> list[Token]:
    """All tokens, oldest first. Raises TokenError."""
    return _read(state / "tokens.json")


class Tokens:
    """The tokens in force. Looks at the file before each use, so that a revocation holds for the next request."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._kept = InForce[list[Token]](state / "tokens.json", _read, [])
        self._own: list[Token] = []

    @property
    def problem(self) -> str | None:
        """Why the file was not read anew; None where it was."""
        return self._kept.problem

    def add_own(self, role: Role, name: str) -> str:
        """A token that holds as long as this process, for commands on this host."""
        text = f"parallax-{role}-{secrets.token_urlsafe(32)}"
        self._own.append(Token(id="own", role=role, name=name, hash=hash_of(text), made_at=""))
        return text

    def identify(self, text: str) -> Identity | None:
        """Who holds this token; None for nobody."""
        presented = hash_of(text)
        found: Identity | None = None
        for token in (*self._kept.look(), *self._own):
            if hmac.compare_digest(presented, token.hash):
                found = token.identity
        return found

    def probes(self) -> set[str]:
        """The ids of the probes that have a token."""
        return {token.name for token in self._kept.look() if token.role == "probe"}


def hash_of(text: str) -> str:
    """What is kept of a token: SHA-256, hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> list[Token]:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE)
        content = msgspec.json.decode(raw, type=_File)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TokenError(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise TokenError(f"{path} is no file of tokens: {error}; mend it, or delete it and make new tokens") from None
    if content.version != 1:
        raise TokenError(f"{path} is of version {content.version}; this program knows 1: upgrade it")
    return content.tokens


@contextmanager
def _changing(state: Path) -> Iterator[list[Token]]:
    """The tokens to change in place, under a lock that all writers take; written at the end of the block."""
    path = state / "tokens.json"
    with locked(state, "tokens.lock"):
        tokens = _read(path)
        yield tokens
        try:
            write_private(path, msgspec.json.format(msgspec.json.encode(_File(tokens=tokens)), indent=1) + b"\n")
        except OSError as error:
            raise TokenError(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def locked(state: Path, name: str) -> Iterator[None]:
    """Holds a lock that all writers of a file in the state folder take. Blocks. Raises TokenError."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(state / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise TokenError(f"{state} cannot be written: {error.strerror}; run this as the collector's user") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
