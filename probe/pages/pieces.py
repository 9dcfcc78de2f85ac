"""The text of a page as one list of pieces, of which a label, a button or an alert is a range: read at the end, so that
no element keeps a copy, and misnested tags cost nothing. Pure."""

import re

MAX_TEXT = 20_000
MAX_PIECES = 10_000
MAX_RANGE = 400
"""Pieces of one range that are read."""
_BLANKS = re.compile(r"\s+")


class Pieces:
    """Takes pieces in the order of the page, into `parts`; a break stands between blocks. `clipped` once something was
    left out."""

    __slots__ = ("_noscript", "_shown", "clipped", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._shown: list[bool] = []
        self._noscript: list[str] = []
        self.clipped = False

    def add(self, text: str, shown: bool, noscript: int) -> None:
        """Some text; `noscript`: only for those without scripts."""
        if len(self.parts) >= MAX_PIECES:
            self.clipped = True
            return
        piece = text.replace("\n", " ")
        if noscript:
            self._noscript.append(piece)
        self.parts.append(piece)
        self._shown.append(shown and not noscript)

    def add_break(self, noscript: int) -> None:
        if self.parts and self.parts[-1] != "\n" and len(self.parts) < MAX_PIECES:
            self.parts.append("\n")
            self._shown.append(True)
            if noscript:
                self._noscript.append("\n")

    def text(self, start: int, end: int, limit: int) -> str:
        """Of a range, hidden or not (a label may be for screen readers), blanks collapsed."""
        pieces = self.parts[start : min(end, start + MAX_RANGE)]
        return collapsed(" ".join(pieces) if end - start < 2 else "".join(pieces))[:limit]

    def shown_text(self, start: int, end: int, limit: int) -> str:
        """Of a range, only what is visible."""
        end = min(end, start + MAX_RANGE)
        pairs = zip(self.parts[start:end], self._shown[start:end], strict=True)
        return collapsed("".join(piece for piece, shown in pairs if shown))[:limit]

    def lines(self) -> tuple[str, str]:
        """What is visible, and what is said to those without scripts: a line for each block."""
        visible = "".join(piece for piece, shown in zip(self.parts, self._shown, strict=True) if shown)
        if len(visible) > 4 * MAX_TEXT:
            visible, self.clipped = visible[: 4 * MAX_TEXT], True
        text = _lines(visible)
        if len(text) > MAX_TEXT:
            text, self.clipped = text[:MAX_TEXT], True
        return text, _lines("".join(self._noscript)[:MAX_TEXT])[:2000]


def collapsed(text: str) -> str:
    """Every run of blanks as one, none at the ends."""
    return _BLANKS.sub(" ", text).strip()


def _lines(text: str) -> str:
    """Blanks collapsed and empty lines left out; a line break in the source was turned into a blank before."""
    return "\n".join(line for part in text.split("\n") if (line := collapsed(part)))
