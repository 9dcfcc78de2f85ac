"""How words are looked for: texts folded to plain words, phrases as needles in them. Pure.

A phrase is a row of whole words; `log*` begins a word; `a + b` needs both in the same text, in any order. Chinese,
Japanese and Korean phrases are found anywhere, as nothing parts their words. Accents and case make no difference.
Looking for a needle is one substring search, so that hundreds of phrases cost microseconds and no text is slow.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable

import msgspec

_NO_WORD = re.compile(r"[\W_]+")
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_LANGUAGE = re.compile(r"^,?\s*[a-z]{2}:", re.M)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])|(?<=[A-Z])(?=[A-Z][a-z])")


@functools.lru_cache(maxsize=2048)
def fold(text: str) -> str:
    """Lower case, without accents and punctuation, one blank between words and around: " sign in "."""
    return _fold(text)


def _fold(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))
    return f" {_NO_WORD.sub(' ', text.casefold()).strip()} "


def fold_name(name: str) -> str:
    """A field's name or id as words: " user name " of `userName`, `user-name` and `user_name`."""
    return fold(_CAMEL.sub(" ", name[:200]))


class Vocabulary(msgspec.Struct, frozen=True):
    """Phrases as needles: each entry is found when all of its needles are."""

    needles: tuple[tuple[str, ...], ...]

    def found(self, folded: str) -> str | None:
        """The first phrase that is in a folded text, as it is looked for."""
        for needles in self.needles:
            if needles[0] in folded and all(needle in folded for needle in needles[1:]):
                return " + ".join(needles).strip()
        return None

    def found_in(self, texts: Iterable[str]) -> str | None:
        """The first of the texts (not folded) that holds a phrase."""
        return next((text for text in texts if self.found(fold(text))), None)


def names(text: str) -> frozenset[str]:
    """A set of single words, written in a row."""
    return frozenset(text.split())


def vocabulary(text: str) -> Vocabulary:
    """The phrases of a table: a line `en: phrase, phrase` for each language, which may go on in more lines.
    They count as one; a page's language is not asked for, as many pages say a wrong one."""
    phrases = _LANGUAGE.sub(",", text.replace("\n", "\n,")).split(",")
    found = (tuple(map(_needle, phrase.split(" + "))) for phrase in map(str.strip, phrases) if phrase)
    return Vocabulary(tuple(dict.fromkeys(found)))


def _needle(phrase: str) -> str:
    folded = _fold(phrase.rstrip("*"))
    if any(unicodedata.category(character) == "Lo" for character in folded):
        return folded.strip()
    return folded.rstrip() if phrase.endswith("*") else folded
