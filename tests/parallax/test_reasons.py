"""The closed list of reasons: every word has a meaning, a side, and somewhere to look."""

import re
from typing import get_args

import pytest

from parallax.reasons import REASONS, Fault


@pytest.mark.parametrize("word", REASONS)
def test_a_reason_is_a_word_with_a_meaning_and_a_way_on(word):
    reason = REASONS[word]
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", word)
    assert reason.fault in get_args(Fault)
    assert len(reason.meaning) > 10
    assert len(reason.look) > 10
    assert not reason.meaning.endswith(".")
