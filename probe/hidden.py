"""The secrets that a run knows, so that nothing that leaves it has one of them: raw, or in any coding that servers and
libraries like to give it back in.

`parallax.redaction` masks what looks like a secret; this masks what is one. A server may echo a password into a page,
a header, an error or the name of a JSON key; so every text of an observation goes through here before it exists.
"""

import base64
import html
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from parallax.redaction import MASK

SHORTEST = 4
"""Characters: what is shorter would mask half of every text, and is no secret."""
MOST = 200
"""Secrets of one run; what comes in beyond takes the place of nothing, and is counted."""


class Hidden:
    """Knows texts, and takes them out of others."""

    __slots__ = ("_forms", "_heads", "_known", "_ordered", "left_out")

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._forms: set[str] = set()
        self._heads: set[str] = set()
        """How the forms begin: a text with none of these in it has none of the forms, which is seen much sooner."""
        self._ordered: list[str] = []
        self.left_out = 0

    def add(self, text: str) -> None:
        """From now on this is hidden."""
        if len(text) < SHORTEST or text in self._known:
            return
        if len(self._known) >= MOST:
            self.left_out += 1
            return
        self._known.add(text)
        found = set(_forms_of(text))
        self._forms |= found
        self._heads.update(form[:SHORTEST] for form in found)
        self._ordered = []

    def scrub(self, value: Any) -> Any:
        """The value without what is hidden: a text, or anything that a finding is made of, names of keys too."""
        if not self._forms:
            return value
        if isinstance(value, str):
            if self._heads.isdisjoint([value[at : at + SHORTEST] for at in range(len(value) - SHORTEST + 1)]):
                return value
            if not self._ordered:  # the longest first: one may be within another
                self._ordered = sorted(self._forms, key=len, reverse=True)
            for form in self._ordered:
                if form in value:
                    value = value.replace(form, MASK)
            return value
        if isinstance(value, dict):
            return {self.scrub(key): self.scrub(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.scrub(inner) for inner in value)
        return value


def _forms_of(text: str) -> Iterator[str]:
    """The text as it is, and as it looks in URLs, forms, HTML, JSON, hex and base64."""
    raw = text.encode("utf-8", "surrogatepass")
    yield text
    for coded in (quote(text, safe=""), quote(text), quote_plus(text), quote(text, safe="").lower(), html.escape(text)):
        yield coded
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield raw.hex()
    yield raw.hex().upper()
    yield repr(text)[1:-1]
    for lead in range(3):  # within a longer text, base64 has one of three alignments (RFC 4648 section 4)
        coded = base64.b64encode(b"\0" * lead + raw).decode()
        inner = coded[(lead * 8 + 5) // 6 : len(coded) - len(coded) % 4 - (3 if (lead + len(raw)) % 3 else 0)]
        if len(inner) >= SHORTEST + 2:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
