"""A component's state where a part of it fails: a part of the runs, or a place that is dark (a region that probes stand
in, a family, or one of them over the other). What an incident did to it is judged by the same rule."""

import random
from typing import Any

import pytest

from collector.events import ComponentChanged
from parallax.plan.types import Check
from tests.collector.detect.scenes import Scene, fleet

FLEET = [
    (f"{region}{n}", region, f"host{n}", 64500 + n + 10 * place, "data-centre")
    for place, region in enumerate(("eu", "us", "asia", "africa", "oceania"))
    for n in (1, 2)
]
PLAN = fleet(FLEET) + (
    '[defaults]\nperiod = "10s"\ntimeout = "2s"\n[[check]]\nname = "api"\nkind = "http"\nexternal = false\n'
    'targets = ["https://a.example/"]\n[[component]]\nname = "Sign-in"\nchecks = ["api"]\n'
)
V4, V6 = "192.0.2.1", "2001:db8::1"
ADDRESSES = {"a.example": [V4, V6]}
EU, US = ["eu1", "eu2"], ["us1", "us2"]
EVERY = [name for name, *_ in FLEET]


def scene(*broken: dict[str, object], reason: str = "connect_timeout", seconds: float = 90) -> Scene:
    found = Scene(PLAN, ADDRESSES)
    found.run(30)
    for each in broken:
        found.fails(reason, **each)  # type: ignore[arg-type]
    found.run(seconds)
    return found


def line(found: Scene) -> tuple[str, str]:
    [component] = found.board.components
    return component.state, component.why.partition("; ")[2]


def impact(found: Scene) -> tuple[str, str]:
    [incident] = found.incidents()
    return incident.impact, incident.severity


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ({"probes": EU}, "in eu"),
        ({"probes": EU, "subject": V6}, "in eu over IPv6"),
        ({"probes": [*EU, *US], "subject": V6}, "in eu over IPv6, in us over IPv6"),
        ({"subject": V6}, "over IPv6"),
        ({"probes": EU[:1] + US[:1]}, ""),
    ],
)
def test_a_part_that_is_dark_is_a_partial_outage_and_named(broken: dict[str, object], where: str) -> None:
    found = scene(broken)
    state, said = line(found)
    assert said == (f"hardly a run gets through {where}" if where else "")
    assert state == ("partial_outage" if where else "degraded_performance")
    assert impact(found) == (state, "critical" if where else "warning")


def test_what_is_only_slow_there_is_degraded_there() -> None:
    found = scene({"probes": EU, "subject": V6}, reason="http_slow")
    assert line(found) == ("degraded_performance", "hardly a run gets through in eu over IPv6")
    assert impact(found) == ("degraded_performance", "warning")


def test_what_is_dark_everywhere_is_no_part() -> None:
    assert line(scene({}, seconds=30)) == ("full_outage", "")


def test_a_region_of_one_probe_is_that_probe_for_all_that_is_known() -> None:
    found = scene({"probes": [name for name in EVERY if name.endswith("1")][:2]})
    assert line(found) == ("degraded_performance", "")


@pytest.mark.parametrize(
    ("share", "reason", "state"),
    [
        (0.3, "http_server_error", "partial_outage"),
        (0.3, "http_slow", "degraded_performance"),
        (0.12, "http_server_error", "degraded_performance"),
    ],
)
def test_where_a_quarter_of_the_runs_fails_in_earnest_the_incident_is_a_partial_outage_too(
    share: float, reason: str, state: str
) -> None:
    found = Scene(PLAN, ADDRESSES)
    found.run(30)
    chance = random.Random(3)

    def some_fail(probe: str, check: Check, target: str, subject: str, t: float) -> dict[str, Any]:
        return {"reason": reason} if chance.random() < share else {}

    found.rule(some_fail)
    found.run(250)
    assert "down" not in {state for _, _, state in found.turns()}, "else that would be what makes the outage"
    states = {event.data.state for event in found.events if isinstance(event.data, ComponentChanged)}
    assert state in states
    assert "full_outage" not in states
    assert impact(found) == (state, "critical" if state == "partial_outage" else "warning")
