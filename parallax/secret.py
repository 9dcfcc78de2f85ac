"""A secret that a config names and the host holds: read once at start, never printed.

A config says where a secret is, never what it is: file:PATH, env:NAME, or credential:NAME, which systemd's
LoadCredential= puts into the folder $CREDENTIALS_DIRECTORY.
"""

import os
import re
import stat
from pathlib import Path

_MAX_OCTETS = 65536
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_.@-]+")


class SecretError(ValueError):
    """The secret cannot be had; the message is one line that says what to do, and has nothing of the secret."""


class Secret:
    """A text that shows itself only when asked to (`reveal`)."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not copied out of its process")


def check_reference(reference: str) -> None:
    """Whether the text can be where a secret is. Raises SecretError."""
    scheme, colon, rest = reference.partition(":")
    if not colon or scheme not in ("file", "env", "credential"):
        raise SecretError(
            "is no place of a secret; write file:PATH, env:NAME or credential:NAME, not the secret itself"
        )
    if not rest:
        raise SecretError(f"has nothing after {scheme}:")
    if scheme == "env" and not _ENV.fullmatch(rest):
        raise SecretError("has no name of an environment variable after env:")
    if scheme == "credential" and (not _CREDENTIAL.fullmatch(rest) or rest in (".", "..")):
        raise SecretError("has no name of a systemd credential after credential:")


def read_secret(reference: str) -> Secret:
    """The secret at a reference (a relative path is relative to the working folder; config loading makes paths
    absolute). Blank space around it is not part of it. Raises SecretError."""
    check_reference(reference)
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        if rest not in os.environ:
            raise SecretError(f"the environment variable {rest} is not set")
        return _checked(os.environ[rest], reference)
    if scheme == "file":
        return _checked(_read(Path(rest), private=True), reference)
    return _checked(_read(_credential(reference, rest), private=False), reference)


def secret_file(reference: str) -> Path:
    """The file at a reference, for what must be read from one, as OpenSSL reads keys. Raises SecretError."""
    check_reference(reference)
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        raise SecretError(f"{reference} is no file; write file:PATH or credential:NAME")
    path = Path(rest) if scheme == "file" else _credential(reference, rest)
    _read(path, private=scheme == "file")
    return path


def _credential(reference: str, name: str) -> Path:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder is None:
        raise SecretError(f"{reference}: there are no systemd credentials here; add LoadCredential={name}:PATH")
    return Path(folder) / name


def _read(path: Path, *, private: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(_MAX_OCTETS + 1)
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from None
    if private and mode & (stat.S_IROTH | stat.S_IWOTH):
        raise SecretError(f"{path} can be read or written by everyone on this host; run: chmod 600 {path}")
    if len(raw) > _MAX_OCTETS:
        raise SecretError(f"{path} is larger than 64 kB; that is no secret")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not UTF-8") from None


def _checked(text: str, reference: str) -> Secret:
    text = text.strip()
    if not text:
        raise SecretError(f"{reference} is empty")
    if not text.isprintable():
        raise SecretError(f"{reference} has more than one line, or control characters")
    return Secret(text)
