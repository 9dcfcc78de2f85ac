"""Regular expressions of a plan: whether Python can compile one, and whether it can hang a probe.

Python's `re` backtracks. A repeat inside a repeat, like (a+)+, takes time that doubles with each character of a text
that almost matches, and nothing can stop it, so such a pattern is refused when the plan is read. The test is by shape
and errs on the strict side; it does not find every slow pattern, so whoever applies one bounds the text as well.
"""

import re
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT)
_MANY = 10


def pattern_complaint(pattern: str) -> str | None:
    """What is wrong with a pattern, or None."""
    try:
        re.compile(pattern)
        tree = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    if _nested_repeat(tree, inside=False):
        return "repeats within a repeat, like (a+)+, which can take for ever on a hostile text; write it without"
    return None


def _nested_repeat(node: Any, *, inside: bool) -> bool:
    """Walks the parse tree: nested tuples and lists of (opcode, argument)."""
    if isinstance(node, tuple) and len(node) == 2 and node[0] in _REPEATS:
        _, most, body = node[1]
        many = most is constants.MAXREPEAT or most > _MANY
        return (many and inside) or _nested_repeat(body, inside=inside or many)
    if isinstance(node, tuple | list | parser.SubPattern):
        return any(_nested_repeat(inner, inside=inside) for inner in node)
    return False
