"""The secrets that a run knows, so that nothing that leaves it has one of them: raw, or in any coding that servers and
libraries like to give it back in.

`parallax.redaction` masks what looks like a secret; this masks what is one. A server may echo a password into a page,
a header, an error or the name of a JSON key; so every text of an observation goes through here before it exists. What
the forms here do not cover, `probe.likeness` does for the secrets that the probe was given: then the whole text goes.
"""

import base64
import html
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from parallax.redaction import MASK
from probe.likeness import Likeness, is_bare

SHORTEST = 4
"""Characters: what is shorter would mask half of every text, and is no secret."""
CUT_SHORT = 6
"""Characters: so much of a secret, at the end of a text or before a mark of one that was cut, is hidden as well."""
MOST = 1000
"""Secrets of one run; what comes in beyond takes the place of nothing, and is counted."""
MOST_OF_MANY = 200
"""Of those that a server can send without end."""
_RUN = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{10,}")
"""What of a secret survives any escaping, and is no word that stands elsewhere too."""
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
"""What no coding of URLs, forms, HTML and JSON changes (RFC 3986 section 2.3), as of most tokens."""
_MOST_KEPT, _LONGEST_KEPT = 2_000, 300
_MARKS = ("…", "...", MASK)
"""What stands where something was left out."""


class Hidden:
    """Knows texts, and takes them out of others. `above` knows what all runs of a probe must hide: a server may give
    one run back what another has sent."""

    __slots__ = ("_above", "_alike", "_clean", "_clean_at", "_known", "_many", "added", "left_out", "starts")

    def __init__(self, above: "Hidden | None" = None) -> None:
        self._above = above
        self._known: set[str] = set()
        self._alike = Likeness()
        self._many = 0
        self.starts: dict[str, set[str]] = {}
        """The forms by how they begin: a text with none of these beginnings has none of them, which is seen soon."""
        self.left_out = 0
        self.added = 0
        """Forms so far, of this one alone."""
        self._clean: set[str] = set()
        """Short texts that have none of them, as findings say the same again and again; and by how many forms."""
        self._clean_at = 0

    def add(self, text: str, *, one_of_many: bool = False, for_all: bool = False) -> None:
        """From now on this is hidden; `for_all`: in the other runs, too, and a text that only looks like it is hidden
        as a whole. Cookies are `one_of_many`: they must not take the room of a password."""
        if for_all and self._above is not None:
            self._above.add(text, for_all=True)
            return
        if len(text) < SHORTEST or text in self._known:
            return
        if len(self._known) >= MOST or (one_of_many and self._many >= MOST_OF_MANY):
            self.left_out += 1
            return
        self._known.add(text)
        self._many += one_of_many
        if for_all:
            self._alike.add(text)
        for form in filter(_is_long, _forms_of(text)):
            self.starts.setdefault(form[:SHORTEST], set()).add(form)
            self.added += 1

    def scrub(self, value: Any) -> Any:
        """The value without what is hidden: a text, or anything that a finding is made of, names of keys too."""
        if not self.starts and not (self._above and self._above.starts):
            return value
        if isinstance(value, dict | list | tuple) and self._is_clear("\0".join(_texts(value))):
            return value
        return self._scrubbed(value)

    def _is_clear(self, texts: str) -> bool:
        """Whether texts have nothing of what is hidden, which is soon seen of all at once. Where they are dressed up
        in any way, each must be looked at."""
        return (
            is_bare(texts)
            and not self.looks_alike(texts)
            and not (self._above is not None and self._above.looks_alike(texts))
            and not self._begun_in(_starts_of(texts))
        )

    def _scrubbed(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._scrub_text(value)
        if isinstance(value, dict):
            return {self._scrubbed(key): self._scrubbed(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._scrubbed(inner) for inner in value)
        return value

    def _scrub_text(self, text: str) -> str:
        above = self._above
        added = self.added + (above.added if above is not None else 0)
        if added != self._clean_at or len(self._clean) >= _MOST_KEPT:
            self._clean.clear()
            self._clean_at = added
        elif text in self._clean:
            return text
        masked = self._masked(text)
        if self.looks_alike(masked) or (above is not None and above.looks_alike(masked)):
            return MASK
        if masked == text and len(text) <= _LONGEST_KEPT:
            self._clean.add(str(text))
        return masked

    def looks_alike(self, text: str) -> bool:
        """Whether one of the secrets that were given is in it in some dress."""
        return self._alike.is_in(text)

    def _masked(self, value: str) -> str:
        """The text without the forms of what is known."""
        starts = _starts_of(value)
        known = self._begun_in(starts)
        return _masked(value, starts, known) if known else value

    def _begun_in(self, starts: list[str]) -> list[dict[str, set[str]]]:
        """What is known that may begin at one of these."""
        return [
            hidden.starts for hidden in (self, self._above) if hidden and not hidden.starts.keys().isdisjoint(starts)
        ]


def _starts_of(text: str) -> list[str]:
    return [text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)]


def _masked(text: str, starts: list[str], known: Sequence[Mapping[str, Collection[str]]]) -> str:
    """The text with a mask for each stretch of it that forms cover; two may overlap."""
    kept: list[str] = []
    done = 0
    for at, start in enumerate(starts):
        end = max((_end_of(text, at, forms[start]) for forms in known if start in forms), default=0)
        if end <= done:
            continue
        if at > done or not kept:
            kept += (text[done:at], MASK)
        done = end
    return "".join((*kept, text[done:]))


def _end_of(text: str, at: int, forms: Collection[str]) -> int:
    """Where the longest of these that is at this place ends; 0 if none is. Whoever noted the text may have cut it
    first, or masked what follows by its shape: then the beginning of one is enough."""
    end = max((at + len(form) for form in forms if text.startswith(form, at)), default=0)
    stop = min(len(text), *(place for mark in _MARKS if (place := text.find(mark, at)) >= 0), len(text))
    if stop > end and stop - at >= CUT_SHORT:
        rest = text[at:stop]
        if any(form.startswith(rest) for form in forms):
            return stop
    return end


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _is_long(form: str) -> bool:
    return len(form) >= SHORTEST


def _forms_of(text: str) -> Iterator[str]:
    """The text as it is, and as it looks in URLs, forms, HTML, JSON, hex and base64."""
    raw = text.encode("utf-8", "surrogatepass")
    yield text
    if _PLAIN.fullmatch(text):
        yield text.lower()
    else:
        yield from _escaped(text, raw)
    yield from _RUN.findall(text)  # whatever was made of the rest: escaped twice, or taken for octets
    yield raw.hex()
    yield raw.hex().upper()
    for lead in range(3):  # within a longer text, base64 has one of three alignments (RFC 4648 section 4)
        coded = base64.b64encode(b"\0" * lead + raw).decode()
        inner = coded[(lead * 8 + 5) // 6 : len(coded) - len(coded) % 4 - (3 if (lead + len(raw)) % 3 else 0)]
        if len(inner) >= SHORTEST + 2:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def _escaped(text: str, raw: bytes) -> Iterator[str]:
    yield " ".join(text.split())
    yield raw.decode("latin-1")  # a header in UTF-8, as it is read
    yield from (quote(text, safe=""), quote(text), quote_plus(text), quote(text, safe="").lower(), html.escape(text))
    yield quote(quote(text, safe=""), safe="")
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
