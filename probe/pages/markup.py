"""HTML text to tags and text, in time linear in its length (the tokenization of the HTML standard, section 13.2.5).

Not html.parser: in Python 3.11 it takes 31 s of CPU for 48 kB of `<a <a <a` (quadratic in what is never closed), and a
page comes from whoever answers. Here every step consumes what it looked at: quantifiers are possessive, and what is not
closed ends the document, as the standard has it.

Left out of the standard: the escaped states inside of scripts, and foreign content (CDATA in SVG is a comment here).
"""

import html.entities
import re
from collections.abc import Iterator
from typing import Literal

MAX_STEPS = 10_000
"""Tags and attributes (and character references in them, four as one) that are read of one page. A sign-in page has 50
to 5,000 of them."""

RAW = frozenset({"script", "style", "xmp", "iframe", "noembed", "noframes"})
"""Elements whose content is text and nothing else. `noscript` is not one of them: here no script runs."""
PLAIN = frozenset({"textarea", "title"})
"""Elements whose content is text, with references."""

_OPEN = re.compile(r"<(?=[a-zA-Z/!?])")
_NAME = re.compile(r"[a-zA-Z][^\s/>]*+")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)("?)|'([^']*+)('?)|((?!>)[^\s>]*+)))?""",
)
_TAG_END = re.compile(r"[\s/]*+>")
_COMMENT_END = re.compile(r"--!?>")
_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.I) for name in RAW | PLAIN}
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7}+);?|#[xX]([0-9a-fA-F]{1,6}+);?|([a-zA-Z][a-zA-Z0-9]{0,40}+)(;?))")

Attributes = dict[str, str]
Token = tuple[Literal["start"], str, Attributes] | tuple[Literal["end"], str, None] | tuple[Literal["text"], str, None]


def unescape(text: str, *, attribute: bool = False) -> str:
    """Character references put in place. In an attribute, `&copy=1` is no reference, so that query strings survive (the
    standard's named character reference state). A number that is no character becomes U+FFFD."""
    if "&" not in text:
        return text

    def put(found: re.Match[str]) -> str:
        decimal, hexadecimal, name, semicolon = found.groups()
        if name is not None:
            if semicolon:
                known = html.entities.html5.get(f"{name};")
                if known is not None:
                    return known
            elif attribute and text[found.end() : found.end() + 1] == "=":
                return found.group()
            known = html.entities.html5.get(name)
            return found.group() if known is None else known + semicolon
        number = int(decimal) if decimal is not None else int(hexadecimal, 16)
        if 0x80 <= number <= 0x9F:
            return bytes([number]).decode("cp1252", "replace")
        if number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            return "\ufffd"
        return chr(number)

    return _REFERENCE.sub(put, text)


def read_tokens(text: str, max_steps: int = MAX_STEPS) -> Iterator[Token]:
    """Start tags with their attributes (names in lower case, the first of a name counts), end tags, and text as it
    stands, references and all, in document order. A raw element comes as start, text, end. Never raises; past
    `max_steps` it ends early, with the token ("end", "", None)."""
    at, size, left = 0, len(text), max_steps
    while at < size:
        opening = _OPEN.search(text, at)
        if opening is None:
            yield "text", text[at:], None
            return
        opened = opening.start()
        if opened > at:
            yield "text", text[at:opened], None
        following = text[opened + 1]
        if following == "!" and text.startswith("<!--", opened):
            comment = _COMMENT_END.search(text, opened + 2)
            if comment is None:
                return
            at = comment.end()
            continue
        closing = following == "/"
        name_match = _NAME.match(text, opened + 1 + closing)
        if name_match is None:
            left -= 1
            at = text.find(">", opened + 1) + 1
            if at == 0:
                return
            continue
        name = name_match.group().lower()
        at = name_match.end()
        left -= 1
        if text.startswith(">", at):
            attributes: Attributes = {}
            at += 1
        else:
            attributes, at, left = _attributes(text, at, left)
        if left <= 0:
            yield "end", "", None
            return
        if at < 0:
            return
        if closing:
            yield "end", name, None
            continue
        yield "start", name, attributes
        if name in _ENDS:
            left -= 2
            closed = _ENDS[name].search(text, at)
            content = text[at : closed.start() if closed else size]
            if name == "textarea" and content[:1] in ("\n", "\r"):
                content = content[2 if content.startswith("\r\n") else 1 :]
            if content:
                yield "text", content, None
            yield "end", name, None
            if closed is None:
                return
            _, at, left = _attributes(text, closed.end(), left)
            if at < 0:
                return


def _attributes(text: str, at: int, left: int) -> tuple[Attributes, int, int]:
    """The attributes from `at` on, the place after the tag's `>` (-1 where the document ends inside of the tag), and
    how many steps are left."""
    found: Attributes = {}
    while left > 0:
        end = _TAG_END.match(text, at)
        if end is not None:
            return found, end.end(), left
        match = _ATTRIBUTE.match(text, at)
        if match is None:
            return found, -1, left
        name, double, double_end, single, single_end, bare = match.groups()
        if double_end == "" or single_end == "":
            return found, -1, left
        at = match.end()
        left -= 1
        value = double if double is not None else single if single is not None else bare
        if value and "&" in value:
            left -= value.count("&") // 4
            value = unescape(value, attribute=True)
        if (name := name.lower()) not in found:
            found[name] = value or ""
    return found, -1, left
