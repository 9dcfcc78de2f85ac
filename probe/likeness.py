"""Whether a text has a secret in it in some coding that nobody listed: escaped twice, in capitals, spaced out, split by
tags, cut, as UTF-16 read for something else.

`probe.hidden` takes out the forms that servers and libraries really make; this is for a server that means to get a
password past it. Of text and secret only letters and digits are compared, in small letters, once every escape is
undone: what is left of a text is all the same then, however it was dressed. It is enough that a piece of the secret is
there. So it says yes or no, and whoever asks hides the whole text.
"""

import base64
import codecs
import re
import unicodedata
from collections.abc import Iterator

PIECE = 10
"""Letters and digits of a secret that must be there in a row."""
STEP = 5
"""From one piece to the next, so that 14 in a row hold a whole one."""
SHORTEST = 8
"""A secret with fewer is compared as a whole by others; words would be taken for it."""
_FEW = 3
_ROUNDS = 3
"""So many times a text may have been escaped."""

_MOST_KEPT = 2_000
_LONGEST_KEPT = 300

_BARE = {code: None for code in range(128) if not chr(code).isalnum()}
# Every repeat has a bound: else a text of one letter only takes time that grows with its square.
_ESCAPE = re.compile(
    r"%(?:25){0,4}(?P<percent>[0-9a-f]{2})|&(?:amp;){0,4}#x0{0,6}(?P<hex>[0-9a-f]{1,5});?"
    r"|&(?:amp;){0,4}#0{0,6}(?P<dec>\d{1,6});?"
    r"|\\{1,4}u\{?(?P<u>[0-9a-f]{4})\}?|\\{1,4}x(?P<x>[0-9a-f]{2})"
    r"|\\{1,4}(?P<octal>[0-3][0-7]{2})|=(?P<quoted>[0-9A-F]{2})|=\r?\n",
    re.I,
)
_BASES = {"percent": 16, "hex": 16, "dec": 10, "u": 16, "x": 16, "octal": 8, "quoted": 16}
_TAG = re.compile(r"<[^<>]{0,300}>|&[a-z]{2,8};", re.I)
_DRESS = re.compile(r"[%&\\<]|=[0-9a-f]{2}|=\r?\n", re.I)
"""What an escape or a tag begins with."""


class Likeness:
    """Knows secrets by their pieces. Runs say the same again and again, so what was looked at is kept for a while."""

    __slots__ = ("_pieces", "_seen")

    def __init__(self) -> None:
        self._pieces: tuple[str, ...] = ()
        self._seen: dict[str, bool] = {}

    def add(self, secret: str) -> None:
        """From now on texts are looked through for this."""
        if len(_bare(secret)) >= SHORTEST:
            self._pieces = tuple(dict.fromkeys((*self._pieces, *_pieces_of(secret))))
            self._seen.clear()

    def is_in(self, text: str) -> bool:
        """Whether a piece of a secret is in the text."""
        if not self._pieces or len(text) < SHORTEST:
            return False
        found = self._seen.get(text)
        if found is None:
            found = any(piece in looked for looked in _looks(text) for piece in self._pieces)
            if len(text) <= _LONGEST_KEPT:
                if len(self._seen) >= _MOST_KEPT:
                    self._seen.clear()
                self._seen[text] = found
        return found


def is_bare(text: str) -> bool:
    """Whether the text has no escapes or tags, and no letters that may stand for others."""
    return text.isascii() and _DRESS.search(text) is None


def _looks(text: str) -> Iterator[str]:
    """What the text is without its dress."""
    yield _bare(text)
    if is_bare(text):
        return
    text = unicodedata.normalize("NFKC", text)
    for _ in range(_ROUNDS):
        undone = _ESCAPE.sub(_undo, text)
        yield _bare(undone)
        yield _bare(_TAG.sub("", undone))
        if undone == text:
            return
        text = undone


def _undo(found: re.Match[str]) -> str:
    kind = found.lastgroup
    code = int(found[kind], _BASES[kind]) if kind is not None else 0
    return chr(code) if 0 < code < 0xD800 else ""


def _bare(text: str) -> str:
    """Letters and digits, in small letters."""
    if text.isascii():
        return text.lower().translate(_BARE)
    return "".join(filter(str.isalnum, text.lower()))


def _pieces_of(secret: str) -> Iterator[str]:
    """Of the secret all, of what may be made of it some: the beginning, the middle and the end."""
    for plain in (secret, secret[::-1], codecs.encode(secret, "rot13")):
        yield from _cut(_bare(plain))
    raw = secret.encode("utf-8", "surrogatepass")
    wide = secret.encode("utf-16-le", "surrogatepass")
    once = [base64.b64encode(b"\0" * lead + octets)[4 : -4 or None] for octets in (raw, wide) for lead in range(3)]
    twice = [base64.b64encode(b"\0" * lead + once[0])[4:-4] for lead in range(3)]
    for coded in (raw.hex().encode(), base64.b32encode(raw).rstrip(b"="), *once, *twice):
        yield from _few(_bare(coded.decode("ascii")))


def _cut(bare: str) -> list[str]:
    if len(bare) <= PIECE:
        return [bare]
    return [bare[at : at + PIECE] for at in range(0, len(bare) - PIECE, STEP)] + [bare[-PIECE:]]


def _few(bare: str) -> list[str]:
    if len(bare) < PIECE:
        return []
    pieces = _cut(bare)
    return [pieces[0], pieces[len(pieces) // 2], pieces[-1]][:_FEW]
