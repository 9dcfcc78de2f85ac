"""The lines of `parallax status`."""

from typing import Any

import pytest

from parallax.cli.remote import series_lines, status_lines

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
        ({"unhealthy": "its host is overloaded"}, "heard 1 s ago, UNHEALTHY: its host is overloaded, 7 obs"),
        ({"skewed": True, "clock_offset_s": 4.2}, "its clock is off by 4.2 s"),
    ],
)
def test_a_probes_trouble_is_named(probe: dict[str, Any], words: str):
    assert words in lines(probe=probe)[-1]


def test_what_was_lost_of_the_events_is_named():
    events = {"things": 9, "records": 9, "bytes": 2_000_000, "lost": {"age": 0, "size": 5}}
    assert "events     9 records, 2.0 MB; lost: 5 by size" in lines(events=events)


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


@pytest.mark.parametrize(
    ("receiver", "line"),
    [
        ({}, "receiver   ops: 12 delivered, 0 waiting; incident.opened delivered: answered 204"),
        (
            {"state": "failing", "failing_s": 240.0, "waiting": 2, "last_word": "answered 500"},
            "receiver   ops: failing for 4 min; 12 delivered, 2 waiting; answered 500",
        ),
        (
            {"state": "disabled", "given_up": 3, "last_word": "answered 410"},
            "receiver   ops: disabled until the plan changes; 12 delivered, 0 waiting, 3 given up; answered 410",
        ),
    ],
)
def test_a_receiver_has_a_line(receiver: dict[str, Any], line: str):
    plain = {
        "name": "ops", "kind": "webhook", "delivered": 12, "waiting": 0, "given_up": 0, "state": "ok",
        "failing_s": None, "last_word": "incident.opened delivered: answered 204",
    }  # fmt: skip
    assert lines(receivers=[plain | receiver])[-1] == line


def test_an_action_has_a_line():
    known = {"name": "zone", "kind": "dns-update", "group": "api", "state": "ok", "last_word": "reachable: it would"}
    shown = lines(
        actions=[known | {"looked_s_ago": 120.0}, known | {"looked_s_ago": None, "last_word": "not looked at yet"}]
    )
    assert shown[-2:] == [
        "action     zone of api: reachable: it would (2 min ago)",
        "action     zone of api: not looked at yet",
    ]


def test_history_says_how_far_it_is_and_what_it_lacks():
    reader = {"position": 5, "behind": 0, "missed": 0}
    history = {
        "inputs": reader, "events": reader, "observations": 7, "bytes": 1_500_000, "unreadable": 0, "problem": None,
    }  # fmt: skip
    assert lines(history=history)[-2] == "history    7 observations, 1.5 MB"
    history |= {"inputs": reader | {"behind": 3, "missed": 2}, "unreadable": 1, "problem": "the disk is full"}
    assert lines(history=history)[-3:-1] == [
        "history    7 observations, 1.5 MB; 3 records of inputs behind, 2 of inputs were gone unread, "
        "1 could not be read",
        "problem    the disk is full",
    ]


def test_an_open_incident_has_a_line() -> None:
    incident = {"id": "i1", "title": "Region us-east is down", "severity": "critical", "started_s_ago": 240.0}
    assert "incident   critical: Region us-east is down; for 4 min" in lines(incidents=[incident])


def test_hooks_and_what_is_wrong_with_their_keys():
    hook = {"name": "events", "takes": "webhook", "taken": 3, "lost": {"signature": 2, "untimely": 0}, "problem": "x"}
    shown = lines(hooks=[hook])
    assert "hook       events: 3 taken; lost: 2 by signature" in shown
    assert "problem    hook events: x" in shown


def test_a_server_of_series_that_is_away_is_told_with_its_backlog() -> None:
    sink = {
        "name": "influx", "written": 7, "behind": 3, "rejected": 2, "missed": 1, "why": ["2 points: answered 400"],
        "problem": "refused: connection refused",
    }  # fmt: skip
    assert series_lines(sink) == [
        "series     influx: 7 points written, 3 records behind, 2 points refused, 1 records were gone unread",
        "           refused: 2 points: answered 400",
        "problem    series influx: refused: connection refused",
    ]
    calm = sink | {"behind": 0, "rejected": 0, "missed": 0, "why": [], "problem": None}
    assert series_lines(calm) == ["series     influx: 7 points written"]
