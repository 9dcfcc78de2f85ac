"""JSONPaths of a plan: which are refused, and what the others find."""

from typing import Any

import pytest

from parallax.json_paths import MAX_FOUND, found_at, path_complaint

DATA = {"a": [{"b": "x", "c": 1}, {"b": "y", "c": 2}], "d e": {"f": None}, "": 0}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a[0].b", ["x"]),
        ("$.a[*].c", [1, 2]),
        ("$.a[-1].b", ["y"]),
        ("$.a[?@.b=='y'].c", [2]),
        ("$.a[?@.c>1 && @.b!='x'].c", [2]),
        ("$['d e'].f", [None]),
        ("$..c", [1, 2]),
        ("$.nothing", []),
        ("$.a.b", []),
        ("$['']", [0]),
    ],
)
def test_what_is_found(path: str, found: list[Any]) -> None:
    assert path_complaint(path) is None
    assert found_at(path, DATA) == found


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "is no JSONPath"),
        ("a.b", "is no JSONPath"),
        ("$.a[", "is no JSONPath"),
        ("$.a, $.b", "is no JSONPath"),
        ("$.a | $.b", "is no JSONPath"),
        ("$", "is the whole text"),
        ("$..a..b", "descends (..) more than once"),
        ("$[?@.a][?@.b]", "has more than one filter"),
        ("$..[?@.a]", "has a filter (?) beside a descent"),
        ("$[?match(@.a, '(a+)+')]", "has a regular expression"),
        ("$[?search(@.a, 'x')]", "has a regular expression"),
        ("$" + ".a" * 21, "has more than 20 segments"),
        ("$." + "a" * 400, "is longer than 300 characters"),
        ("$" + "[?" * 100, "is no JSONPath"),
        ("$[?" + "(" * 290, "is no JSONPath"),
    ],
)
def test_what_is_refused(path: str, why: str) -> None:
    assert str(path_complaint(path)).startswith(why)


def test_what_is_found_is_bounded() -> None:
    assert len(found_at("$[*]", list(range(5000)))) == MAX_FOUND


def test_nested_too_deep() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    with pytest.raises(RecursionError):
        found_at("$..b", deep)
