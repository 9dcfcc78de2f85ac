"""What the types say about themselves: a struct's docstring, and the docstring below each of its fields.

Python keeps no docstrings of fields, so they are read from the source. Docs and JSON Schema are made from them.
"""

import ast
import inspect
import textwrap
from functools import cache

import msgspec


class Described(msgspec.Struct, frozen=True):
    """A struct's own text, and its fields' texts by attribute name; no newlines in any."""

    text: str
    fields: dict[str, str]


@cache
def describe(struct: type) -> Described:
    """The texts of a struct type. Fields without one are left out."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(struct)))
    body = tree.body[0]
    assert isinstance(body, ast.ClassDef)
    fields = {
        before.target.id: _joined(after.value.value)
        for before, after in zip(body.body, body.body[1:], strict=False)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }
    return Described(_joined(ast.get_docstring(body) or ""), fields)


def _joined(text: str) -> str:
    return " ".join(text.split())
