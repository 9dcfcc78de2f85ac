"""What a page's scripts and frames are, as far as that can be told without running anything. Pure."""

import re

from probe.pages.addresses import resolve
from probe.pages.facts import Scripts

SHORT_SCRIPT = 3000
"""A page whose scripts are no longer than this and set one location is taken to go there."""
MAX_SCRIPTS = 50
MAX_SCRIPT = 65_536
MAX_SOURCES = 20
MAX_FRAMES = 10
_LOCATION = re.compile(
    r"(?:\blocation(?:\.href)?\s*=\s*|\blocation\.(?:replace|assign)\(\s*)([\"'])(https?:[^\"']{1,4000}|/[^\"']{0,4000})\1",
    re.I,
)


class ScriptReader:
    """Takes what a page has of scripts, in order."""

    def __init__(self) -> None:
        self.on_load = ""
        """The body's onload."""
        self._count = self._inline = 0
        self._texts: list[str] = []
        self._sources: list[str] = []
        self._frames: list[str] = []

    def tag(self, source: str, base: str) -> None:
        """A script's start tag; `source` is empty for one in the page."""
        self._count += 1
        if source and (url := resolve(base, source)) and len(self._sources) < MAX_SOURCES:
            self._sources.append(url)

    def text(self, text: str) -> None:
        """Some of a script in the page."""
        self._inline += len(text)
        if len(self._texts) < MAX_SCRIPTS:
            self._texts.append(text[:MAX_SCRIPT])

    def frame(self, source: str, base: str) -> None:
        """A visible frame."""
        if len(self._frames) < MAX_FRAMES and (url := resolve(base, source)):
            self._frames.append(url)

    def facts(self, base: str) -> Scripts:
        """What came of it."""
        text = "\n".join(self._texts)
        locations = {found.group(2) for found in _LOCATION.finditer(text)} if len(text) <= SHORT_SCRIPT else set()
        return Scripts(
            count=self._count,
            inline_chars=self._inline,
            sources=tuple(self._sources),
            submits=".submit(" in text or "submit(" in self.on_load,
            submits_on_load="submit(" in self.on_load,
            location=resolve(base, locations.pop()) if len(locations) == 1 else None,
            frames=tuple(self._frames),
        )
