"""The lines of `parallax status`."""

from typing import Any

import pytest

from parallax.cli.remote import status_lines

VERSION = {"hash": "ab" * 8, "loaded_s_ago": 300.0}
PLAN: dict[str, Any] = {
    "in_force": VERSION, "previous": [], "candidate": None, "canary": None, "refused": False, "problems": [],
}  # fmt: skip
PROBE: dict[str, Any] = {
    "id": "fra1", "connected": True, "heard_s_ago": 1.0, "plan": "", "observations": 7, "missing": 0, "repeats": 0,
    "conflicts": 0, "refused": 0, "skewed": False, "clock_offset_s": None,
}  # fmt: skip


def lines(plan: dict[str, Any] = {}, probe: dict[str, Any] = {}, **more: Any) -> list[str]:  # noqa: B006
    inputs = {"things": 9, "records": 3, "bytes": 4_000_000, "lost": {"age": 0}}
    status = {
        "version": "0.1.0", "up_s": 30.0, "plan": PLAN | plan, "inputs": inputs, "probes": [PROBE | probe],
        "waiting": [], "refused": {}, "problems": [],
    }  # fmt: skip
    return status_lines(status | more)


def test_all_is_well():
    assert lines() == [
        "collector  0.1.0, up 30 s",
        "plan       abababababababab loaded 5 min ago, in force",
        "inputs     9 things in 3 records, 4.0 MB; lost: nothing",
        "probe      fra1: connected, heard 1 s ago, 7 observations",
    ]


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        ({"missing": 2}, "2 observations missing"),
        ({"repeats": 1}, "1 batches sent again"),
        ({"refused": 3}, "3 batches refused (the collector's log says why)"),
        ({"connected": False, "heard_s_ago": None}, "fra1: silent, heard never"),
        ({"skewed": True, "clock_offset_s": 4.2}, "its clock is off by 4.2 s"),
    ],
)
def test_a_probes_trouble_is_named(probe: dict[str, Any], words: str):
    assert words in lines(probe=probe)[-1]


def test_what_was_lost_and_what_waits_is_named():
    shown = "\n".join(
        lines(
            plan={"candidate": VERSION, "canary": "fra1", "refused": True, "problems": ["plan.toml:3: is not TOML"]},
            inputs={"things": 9, "records": 3, "bytes": 0, "lost": {"age": 4, "size": 0}},
            waiting=["ams1"],
            refused={"busy": 2},
        )
    )
    assert "on trial at fra1" in shown
    assert "refused until it changes" in shown
    assert "problem    plan.toml:3: is not TOML" in shown
    assert "lost: 4 by age" in shown
    assert "size" not in shown
    assert "ams1: has a token and was never heard" in shown
    assert "refused    2 requests: busy" in shown
