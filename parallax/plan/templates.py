"""Texts of a plan with gaps in them: `synthetic-{probe}`, `Bearer {secret:API_KEY}`, `{md.token_endpoint}`. Pure.

A check of kind `http` has gaps for secrets only (`parse_secrets`), so that JSON can stand in its body as it is.

A gap is a name in braces: a value of the run, or `secret:NAME`; `{{` and `}}` are plain braces. A text that is
`secret:NAME` as a whole is that secret. A plan has names of secrets only; what they are, and where they may be sent, is
the matter of the probe's own config.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

import msgspec

NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
SecretReference = Annotated[
    str,
    msgspec.Meta(
        pattern=f"secret:{NAME}",
        description="secret:NAME, as the probe's config has it under [secrets]",
        extra={"private": True},
    ),
]
Template = Annotated[str, msgspec.Meta(max_length=4096)]
"""A text that may have gaps."""

_PIECE = re.compile(rf"\{{\{{|\}}\}}|\{{(?:(secret):({NAME})|({NAME}(?:\.{NAME}){{0,5}}))\}}|[{{}}]")


class TemplateError(ValueError):
    """The text has a brace that opens no gap; the message says what to write."""


class Gap(msgspec.Struct, frozen=True):
    """What is filled in at a run: a secret's name, or the name of a value of the run (`user.name`)."""

    name: str
    secret: bool = False


@lru_cache(4096)
def parse_template(text: str) -> tuple[str | Gap, ...]:
    """The pieces of a text in order. Raises TemplateError."""
    if re.fullmatch(f"secret:{NAME}", text):
        return (Gap(text.removeprefix("secret:"), secret=True),)
    pieces: list[str | Gap] = []
    place = 0
    for match in _PIECE.finditer(text):
        pieces.append(text[place : match.start()])
        place = match.end()
        if match[0] in ("{{", "}}"):
            pieces.append(match[0][0])
        elif match[1]:
            pieces.append(Gap(match[2], secret=True))
        elif match[3]:
            pieces.append(Gap(match[3]))
        else:
            raise TemplateError(
                f"has a {match[0]} that belongs to no gap; a gap is {{name}} or {{secret:NAME}}, and {match[0] * 2} is "
                "a plain brace"
            )
    pieces.append(text[place:])
    return tuple(piece for piece in pieces if piece)


_SECRET = re.compile(rf"\{{secret:({NAME})\}}")


@lru_cache(4096)
def parse_secrets(text: str) -> tuple[str | Gap, ...]:
    """The pieces of a text whose only gaps are secrets; every other brace is itself."""
    if re.fullmatch(f"secret:{NAME}", text):
        return (Gap(text.removeprefix("secret:"), secret=True),)
    pieces: list[str | Gap] = []
    for number, part in enumerate(_SECRET.split(text)):
        if part:
            pieces.append(Gap(part, secret=True) if number % 2 else part)
    return tuple(pieces)


def gaps_of(text: str) -> Iterator[Gap]:
    """The gaps of a text. Raises TemplateError."""
    return (piece for piece in parse_template(text) if isinstance(piece, Gap))


def secrets_of(value: object) -> Iterator[str]:
    """The names of the secrets that a spec, or any value in it, refers to."""
    if isinstance(value, str):
        try:
            gaps = list(gaps_of(value))
        except TemplateError:  # a text with other braces in it: JSON, say
            gaps = [piece for piece in parse_secrets(value) if isinstance(piece, Gap)]
        yield from (gap.name for gap in gaps if gap.secret)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from secrets_of(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from secrets_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from secrets_of(inner)
