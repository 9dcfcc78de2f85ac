"""The closed list of reasons: every word has a meaning, a side, and somewhere to look."""

import re
from importlib import import_module
from pkgutil import iter_modules
from typing import get_args

import pytest

from parallax import reasons
from parallax.reasons import REASONS, Fault


@pytest.mark.parametrize("word", REASONS)
def test_a_reason_is_a_word_with_a_meaning_and_a_way_on(word):
    reason = REASONS[word]
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", word)
    assert reason.fault in get_args(Fault)
    assert len(reason.meaning) > 10
    assert len(reason.look) > 10
    assert not reason.meaning.endswith(".")


def test_no_word_is_in_two_layers() -> None:
    layers = [import_module(f"parallax.reasons.{each.name}") for each in iter_modules(reasons.__path__)]
    words = [word for layer in layers if layer.__name__ != "parallax.reasons.reason" for word in layer.REASONS]

    assert sorted(words) == sorted(REASONS)
