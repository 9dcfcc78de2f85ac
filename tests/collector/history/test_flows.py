"""Attempts and flows as history tells them, from real files."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from collector.history import History
from collector.history.flows import MAX_ATTEMPTS
from collector.retries import builtin_policies
from parallax.clock import NS
from parallax.observation import Observation, Phase
from tests.fakes.histories import AT, World, world
from tests.fakes.observations import observation

MS = 1_000_000
STEPS = ("discovery", "authorize", "password", "token")
HOUR = {"since": AT, "until": AT + 3600 * NS}


def flow(number: int, *, stops: str = "", probe: str = "p1", cadence: str = "full", **more: Any) -> list[Observation]:
    """A run of four steps, the last of which is the one where it stops."""
    found = []
    at = AT + number * 60 * NS
    for place, step in enumerate(STEPS, 1):
        known: dict[str, Any] = {
            "probe": probe,
            "kind": "signin",
            "check": "sign-in",
            "target": "https://idp.example",
            "subject": step,
            "run": f"{probe}-{number}",
            "dims": {"step": step, "cadence": cadence},
            "scheduled_at": at,
            "started_at": at + place * 100 * MS,
            "duration_ns": 90 * MS,
            "phases": [Phase("connect", 0, MS), Phase("connect", 2 * MS, MS)],
            "findings": {"place": [place, 4], "status": 200, "title": f"Page {place}", "hops": [{"method": "GET"}]},
        }
        if step == stops:
            known |= more
        found.append(observation(**known))
        if step == stops:
            break
    return found


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[tuple[World, History]]:
    async with world(tmp_path, now=AT + 3000 * NS) as made, made.running(tmp_path / "history") as history:
        yield made, history


async def test_the_latest_run_of_each_probe_and_cadence(here: tuple[World, History]) -> None:
    made, history = here
    failed: dict[str, Any] = {
        "reason": "http_status",
        "fault": "target",
        "findings": {"status": 503, "hops": [{"method": "POST"}]},
    }
    await made.take(*flow(1), *flow(2, stops="password", **failed), *flow(0, cadence="light"))
    await made.take(*flow(1, probe="p2"))
    await made.settle(history)
    found = await history.flow("sign-in", **HOUR, runs_since=AT)
    assert [(run.probe, run.cadence, run.run) for run in found.runs] == [
        ("p1", "full", "p1-2"),
        ("p1", "light", "p1-0"),
        ("p2", "full", "p2-1"),
    ]
    stopped = found.runs[0]
    assert [step.name for step in stopped.steps] == ["discovery", "authorize", "password"]
    assert [step.at - stopped.steps[0].at for step in stopped.steps] == [0, 100 * MS, 200 * MS]
    assert stopped.steps[0].findings == {"place": [1, 4], "status": 200, "title": "Page 1"}
    assert stopped.steps[0].phases == (("connect", 0, MS), ("connect", 2 * MS, MS))
    assert (stopped.steps[2].reason, stopped.steps[2].findings["status"]) == ("http_status", 503)
    assert (await history.flow("sign-in", **HOUR, runs_since=AT + 90 * NS)).runs[0].run == "p1-2"


async def test_the_counts_of_a_funnel(here: tuple[World, History]) -> None:
    made, history = here
    for number in range(6):
        await made.take(*flow(number))
    await made.take(*flow(6, stops="authorize", reason="connect_refused", fault="target"))
    again = observation(
        **{
            name: getattr(flow(7)[0], name)
            for name in ("kind", "check", "target", "subject", "run", "dims", "scheduled_at", "findings")
        },
        attempt=2,
        started_at=AT + 7 * 60 * NS + 250 * MS,
    )
    await made.take(*flow(7, stops="discovery", reason="connect_refused", fault="target"), again)
    clean = flow(8, stops="password", reason="http_status", fault="target")
    await made.take(*clean, observation(**_after(clean[-1])))
    await made.settle(history)
    counts = (await history.flow("sign-in", **HOUR, runs_since=AT)).counts
    assert [(each.step, each.runs, each.stopped) for each in sorted(counts, key=lambda c: (c.place, -c.runs))] == [
        ("discovery", 9, None),
        ("authorize", 7, None),
        ("authorize", 1, "connect_refused"),
        ("password", 6, None),
        ("password", 1, "http_status"),
        ("token", 6, None),
    ]


def _after(last: Observation) -> dict[str, Any]:
    """The cleaning up after a step."""
    fields = {name: getattr(last, name) for name in ("probe", "kind", "check", "target", "run", "dims")}
    return {**fields, "subject": "cleanup", "scheduled_at": last.scheduled_at, "started_at": last.started_at + NS}


async def test_attempts_with_their_outcomes_and_methods(here: tuple[World, History]) -> None:
    made, history = here
    for number in range(4):
        await made.take(*flow(number))
    broken: dict[str, Any] = {"reason": "connect_refused", "fault": "target"}
    posted: dict[str, Any] = {"findings": {"hops": [{"method": "GET"}, {"method": "POST"}]}}
    await made.take(*flow(4, stops="password", **broken, **posted), *flow(5, stops="discovery", **broken))
    slow: dict[str, Any] = {
        "reason": "http_throttled",
        "fault": "blocked",
        "findings": {"status": 429, "retry_after": 12},
    }
    await made.take(*flow(6, stops="token", **slow), *flow(9, stops="token", **{**slow, "findings": {}}))
    await made.take(*flow(7, stops="token", reason="secret_missing", fault="config"))
    await made.take(*flow(8, stops="discovery", reason="connect_refused", fault="target", abstain="uplink"))
    await made.settle(history)
    found = await history.retried("sign-in", builtin_policies(), **HOUR)
    steps = {each.subject: each for each in found.report.by_subject}
    assert list(steps) == list(STEPS)
    assert steps["password"].met == {"network": 1, "ok": 7}
    assert steps["discovery"].met == {"network": 1, "ok": 8}
    assert steps["discovery"].of("clerk-js-get", 2).unknown == 1
    assert steps["password"].of("clerk-js-get", 2).unknown == 0  # a POST is not tried again
    assert steps["token"].met == {"429": 2, "ok": 4}
    assert (steps["token"].throttling.retry_after_p50_s, steps["token"].left_out) == (12.0, 1)
    assert (found.since, found.until) == (HOUR["since"], HOUR["until"])


async def test_a_value_that_is_no_number_is_none(here: tuple[World, History]) -> None:
    made, history = here
    odd: dict[str, Any] = {"status": "many", "retry_after": "soon", "hops": "none", "place": {"x": 1}}
    await made.take(*flow(1, stops="discovery", reason="http_status", fault="target", findings=odd))
    huge: dict[str, Any] = {
        "reason": "http_status",
        "fault": "target",
        "findings": {"status": 2**62, "retry_after": 1e308},
    }
    await made.take(*flow(2, stops="discovery", **huge))
    await made.settle(history)
    report = (await history.retried("sign-in", builtin_policies(), **HOUR)).report
    assert report.total.met == {"other": 2}
    assert len((await history.flow("sign-in", **HOUR, runs_since=AT)).counts) == 1


@pytest.mark.slow
async def test_of_too_many_attempts_the_latest_are_taken(here: tuple[World, History]) -> None:
    made, history = here
    number = 0
    while number < MAX_ATTEMPTS + 500:
        await made.take(*(observation(started_at=AT + (number + n) * MS, run=str(number + n)) for n in range(500)))
        number += 500
    await made.settle(history)
    found = await history.retried("web", builtin_policies(), **HOUR)
    assert found.report.total.calls == MAX_ATTEMPTS
    assert found.since == AT + 500 * MS
