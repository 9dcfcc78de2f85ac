"""JSONPath (RFC 9535) in plans, by python-jsonpath in its strict mode; its one importer.

A query is written by the owner and applied to what a stranger wrote. So it must be simple: what takes time that grows
with the square of the text, and regular expressions inside it, are refused when the plan is read, and whoever applies
one bounds text and time. The library takes 0.1 s to import, and is so only for a plan that has a query.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonpath import JSONPath

MAX_PATH = 300
"""Characters of a query."""
MAX_FOUND = 1000
"""Values that a query finds at most; more are left out."""
_MAX_SEGMENTS = 20


def load() -> None:
    """Imports the library."""
    import jsonpath

    _ = jsonpath


def path_complaint(path: str) -> str | None:
    """What is wrong with a query, or None."""
    from jsonpath.exceptions import JSONPathError

    if len(path) > MAX_PATH:
        return f"is longer than {MAX_PATH} characters"
    try:
        query = _compiled(path)
    except (JSONPathError, RecursionError, ValueError) as error:
        why = next(iter(error.args), "") if path.startswith("$") else "one begins with $, like $.status"
        return f"is no JSONPath (RFC 9535): {why}"
    if not query.segments:
        return "is the whole text; name something in it, like $.status"
    if len(query.segments) > _MAX_SEGMENTS:
        return f"has more than {_MAX_SEGMENTS} segments"
    text = str(query)
    if text.count("..") > 1:
        return "descends (..) more than once, which takes long on a large text; write the names on the way"
    if text.count("?") > 1:
        return "has more than one filter (?), which takes long on a large text; write one"
    if "?" in text and ".." in text:
        return "has a filter (?) beside a descent (..), which takes long on a large text; write the names on the way"
    if "match(" in text or "search(" in text:
        return "has a regular expression; compare with `matches` beside it"
    return None


def found_at(path: str, value: Any) -> list[Any]:
    """What the query finds, in order, at most MAX_FOUND values. Raises RecursionError for what is nested too deep."""
    from jsonpath.exceptions import JSONPathError

    found: Iterator[Any] = (match.obj for match in _compiled(path).finditer(value))
    try:
        return list(islice(found, MAX_FOUND))
    except JSONPathError as error:
        raise RecursionError(str(error)) from None


@lru_cache(256)
def _compiled(path: str) -> "JSONPath":
    from jsonpath import JSONPathEnvironment

    query = JSONPathEnvironment(strict=True).compile(path)
    if not hasattr(query, "segments"):
        raise ValueError("one query only")
    return query  # type: ignore[return-value]
