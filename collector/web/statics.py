"""Static files: read once at the start, served under a hash of them all, so that a browser may keep them for ever.

One hash for all, not one each: then modules find each other by relative paths, and a page never mixes two versions.
What is not in the folder at the start is not served, so no path of a request ever reaches the disk.
"""

import hashlib
import mimetypes
from pathlib import Path

import msgspec

STATIC = Path(__file__).with_name("static")
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class StaticFile(msgspec.Struct, frozen=True, kw_only=True):
    body: bytes
    media_type: str
    etag: str


class Statics:
    """The files below a folder, by their paths relative to it."""

    def __init__(self, folder: Path = STATIC) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        self._files = {path.relative_to(folder).as_posix(): _read(path) for path in paths}
        every = "\n".join(f"{name} {file.etag}" for name, file in self._files.items())
        self.version = hashlib.sha256(every.encode()).hexdigest()[:12]

    def url(self, name: str) -> str:
        """Where the file is served. Raises KeyError for one that there is not, which is a bug in a template."""
        if name not in self._files:
            raise KeyError(f"there is no static file {name!r}")
        return f"/static/{self.version}/{name}"

    def find(self, version: str, name: str) -> StaticFile | None:
        return self._files.get(name) if version == self.version else None


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    guessed = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return StaticFile(body=body, media_type=guessed, etag=f'"{hashlib.sha256(body).hexdigest()[:16]}"')
