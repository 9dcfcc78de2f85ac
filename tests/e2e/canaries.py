"""Secrets that are recognised anywhere: in whatever coding, and cut to their first characters."""

import base64
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

KEPT = 12
"""Characters of a secret that must not be found: a cut one is still a leak."""

PASSWORD = "Wq7passWordXk29+p/1:a%b c\"<&'ü>"
CLIENT_SECRET = "Hj4cliEntSecZr81+s/2:c%d \\<&é"
HEADER = "Tn5heAderKeyVb63+k/3:e%f=="
OTHER = "Gs8othErHeadMw05 +o/4'g%h"
BODY = "Ld2bodYsecrEtQx77+b/5:i%j&"
NAMED = {"PASSWORD": PASSWORD, "CLIENT": CLIENT_SECRET, "HEADER": HEADER, "OTHER": OTHER, "BODY": BODY}


def needles(secrets: Mapping[str, str]) -> dict[str, str]:
    """What must be nowhere, by where it comes from: the first characters of each secret, raw and in codings."""
    found: dict[str, str] = {}
    for name, value in secrets.items():
        for part, text in _telling(value):
            for coding, coded in _coded(text):
                found[f"{name}{part} {coding}"] = coded
    return found


def leaks(haystack: bytes, wanted: Mapping[str, str]) -> list[str]:
    """Which of them are in it, and where."""
    text = haystack.decode("utf-8", "replace")
    return [
        f"{name}: ...{text[max(0, at - 60) : at + 80]!r}"
        for name, needle in wanted.items()
        if (at := text.find(needle)) >= 0
    ]


def _telling(value: str) -> Iterator[tuple[str, str]]:
    """The parts of a secret that give it away; of a signed token, not what every one begins with."""
    if re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", value):
        _, payload, signature = value.split(".")
        yield " (payload)", payload[-KEPT - 4 : -4]
        yield " (signature)", signature[:KEPT]
    else:
        yield "", value[:KEPT]


def _coded(text: str) -> Iterator[tuple[str, str]]:
    yield "raw", text
    yield "url", quote(text, safe="")
    yield "hex", text.encode().hex()
    yield "HEX", text.encode().hex().upper()
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + text.encode()).decode()
        inner = coded[(lead * 8 + 5) // 6 : (lead + len(text.encode())) * 8 // 6]
        yield f"base64 at {lead}", inner
        yield f"base64url at {lead}", inner.replace("+", "-").replace("/", "_")
