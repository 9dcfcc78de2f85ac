"""Values of strangers, made fit for every reader."""

import json
from typing import Any

import msgspec
import pytest

from probe.plain import MAX_DEPTH, plain


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, "(a number of 64 bits)"),
        (-(10**4000), "(a number of 13288 bits)"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (1e300, 1e300),
        (True, True),
        (None, None),
        ("\ud800half", "?half"),
        ("caf\u00e9", "caf\u00e9"),
        ({"\udfffkey": [10**30, [1, "\ud800"]]}, {"?key": ["(a number of 100 bits)", [1, "?"]]}),
    ],
)
def test_what_no_wire_carries_is_told_in_words(value: Any, told: Any) -> None:
    found = plain(value)
    assert found == told
    assert type(found) is type(told)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=type(told)) == told
    assert isinstance(json.dumps(found, allow_nan=False).encode(), bytes)


def test_what_is_nested_without_end_is_cut() -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    text = json.dumps(plain(deep))
    assert text.count("[") == MAX_DEPTH
    assert "too deep" in text
