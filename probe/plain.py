"""Findings as every reader can hold them. Pure.

Some findings are a stranger's values: a claim of a token, a member of a document. JSON has numbers of any size and text
that is no Unicode; the wire, databases and other languages have not. One such value must cost its own finding, and not
the batch, or the probe, that carries it.
"""

import math
from typing import Any

MAX_DEPTH = 20
_DEEP = "(nested too deep)"


def plain(value: Any, depth: int = 0) -> Any:
    """The value with integers that fit 64 bits, finite floats, and text that UTF-8 has; what does not fit is told in
    words. Names, addresses and whatever else a kind puts into findings stay as they are."""
    if isinstance(value, str):
        return value if value.isascii() else _unicode(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else f"(a number of {value.bit_length()} bits)"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return _DEEP if depth >= MAX_DEPTH else {_key(key): plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return _DEEP if depth >= MAX_DEPTH else type(value)(plain(each, depth + 1) for each in value)
    return value


def _key(key: Any) -> Any:
    return _unicode(key) if isinstance(key, str) else key


def _unicode(text: str) -> str:
    """Without halves of surrogate pairs, which no encoding of Unicode has."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
