"""The table of replayed nights in docs/failover.md."""

import pytest

from bench.replay import BLOCK, ROWS, table
from bench.switching.pages import PAGE, write_block
from lab.replay.expectations import Outcome, Played
from lab.replay.playing import INCIDENTS, Performance, open_piece


def performance(seed: int, switchovers: int, back: float | str) -> Performance:
    observed: dict[str, float | str] = dict.fromkeys(ROWS, 1) | {
        "switchovers_max": switchovers,
        "back_on_primary_within_minutes": back,
    }
    outcomes = [
        Outcome(name=name, expected=4, observed=value, met=value != "never") for name, value in observed.items()
    ]
    return Performance(seed=seed, played=Played(start=0, end=1, events=(), told=(), outages=()), outcomes=outcomes)


def test_a_row_has_the_mean_and_the_most_and_what_never_came_counts_as_endless() -> None:
    rows = table([performance(0, 2, 18.5), performance(1, 4, "never")])
    assert "| switchovers | 3.00 | 4 | at most 4 | 2 of 2 |" in rows
    assert "| back on the primary, min after the last outage | inf | inf | at most 4 | 1 of 2 |" in rows
    assert "| pages | 1.00 | 1 | 4 | 2 of 2 |" in rows


def test_every_row_is_expected_by_the_script_and_the_page_has_its_place() -> None:
    loaded = open_piece(INCIDENTS / "2025-08-06-region-flapping.toml").loaded
    assert loaded is not None
    assert all(getattr(loaded.script.expect, name) is not None for name in ROWS)
    assert f"<!-- {BLOCK} -->" in PAGE.read_text()
    with pytest.raises(ValueError, match="has no <!-- no such block -->"):
        write_block("no such block", [])
