"""What a probe says that its host lacks is on the board, bounded, and gone when it says so."""

from typing import Any

import pytest

from collector.detect.probes.lacks import lacks_in, not_run_in


@pytest.mark.parametrize(
    ("findings", "lacks", "not_run"),
    [
        ({}, {}, {}),
        ({"lacks": {"ipv6": "no route"}, "not_run": {"ipv6": 7}}, {"ipv6": "no route"}, {"ipv6": 7}),
        ({"lacks": ["ipv6"], "not_run": "7"}, {}, {}),
        ({"lacks": {1: None}, "not_run": {"a": True, "b": 2**64, "c": -1, "d": "x", "e": 1.5}}, {"1": "None"}, {}),
        ({"lacks": {"w" * 99: "y" * 999}}, {"w" * 40: "y" * 200}, {}),
    ],
)
def test_a_probes_word_is_bounded(findings: dict[str, Any], lacks: dict[str, str], not_run: dict[str, int]) -> None:
    assert lacks_in(findings) == lacks
    assert not_run_in(findings) == not_run


def test_a_flood_of_words_is_cut() -> None:
    flood = {f"w{n}": 1 for n in range(10_000)}
    assert len(lacks_in({"lacks": flood})) == len(not_run_in({"not_run": flood})) == 8
