"""Fleets that are not as they should be: a probe that lies or flaps, half of it gone, a clock put back, too few left.
And how much fails, as components and events say it."""

import random

import pytest

from collector.events import CheckChanged
from tests.collector.detect.scenes import EIGHT, Scene, fleet

PLAN = fleet() + (
    '[defaults]\nperiod = "10s"\ntimeout = "2s"\n[[check]]\nname = "api"\nkind = "http"\nexternal = false\n'
    'targets = ["https://a.example/"]\n[[component]]\nname = "Sign-in"\nchecks = ["api"]\n'
)
ADDRESSES = {"a.example": ["192.0.2.1"]}
NAMES = [name for name, *_ in EIGHT]


def scene() -> Scene:
    """Eight probes, all well for half a minute."""
    found = Scene(PLAN, ADDRESSES)
    found.run(30)
    return found


def _states(found: Scene) -> set[str]:
    return {state for _, _, state in found.turns()}


def test_a_probe_that_lies_always_fires_nothing() -> None:
    found = scene()
    found.fails("connect_timeout", probes=["fra1"])
    found.run(240)
    assert _states(found) <= {"suspected", "up"}
    assert found.component("Sign-in") == "operational"


@pytest.mark.parametrize("liar", ["fra1", "gru1"])
def test_a_probe_that_always_passes_hides_nothing(liar: str) -> None:
    found = scene()
    found.fails("connect_timeout", probes=[name for name in NAMES if name != liar])
    found.run(20)
    assert found.check("api") == "down"
    assert found.component("Sign-in") == "partial_outage", "seven of eight: no whole one as far as can be told"


def test_a_probe_that_flaps_every_minute_fires_nothing() -> None:
    found = scene()
    for _ in range(4):
        handle = found.fails("connect_timeout", probes=["sin1"])
        found.run(30)
        found.mend(handle)
        found.run(30)
    assert _states(found) <= {"suspected", "up"}


def test_half_the_fleet_restarts_at_once() -> None:
    found = scene()
    found.mute = set(NAMES[:4])
    found.run(12)
    found.streams = dict.fromkeys(NAMES[:4], "fedcba9876543210")
    found.mute = set()
    found.run(20)
    assert found.turns() == []
    assert found.incidents() == []


def test_more_than_half_of_those_that_look_must_be_heard() -> None:
    """Three of eight are left, and fail: it may be theirs."""
    found = scene()
    for name in NAMES[:5]:
        found.fails("connect_timeout", probes=[name], abstain="uplink_v4")
    found.run(12)
    found.fails("connect_timeout", probes=NAMES[5:])
    found.run(40)
    assert "down" not in _states(found)


def test_a_fleet_that_lost_its_quorum_concludes_nothing_and_says_so() -> None:
    found = scene()
    found.mute = set(NAMES[:6])
    found.run(150)
    assert found.state.blind is not None
    assert found.component("Sign-in") == "unknown"
    handle = found.fails("connect_timeout")
    found.run(60)
    assert "down" not in _states(found)
    found.mend(handle)
    found.mute = set()
    found.run(120)
    assert found.state.blind is None
    assert found.component("Sign-in") == "operational"


def test_contradictory_words_of_one_run_are_one_failure() -> None:
    found = scene()
    both = [
        found.observe("fra1", "api", "https://a.example/", "192.0.2.1:443", reason=reason)
        for reason in (None, "connect_timeout", None, "connect_timeout")
    ]
    found.say("fra1", both)
    [key] = found.state.keys.values()
    assert (key.votes["fra1"].reason, key.votes["fra1"].streak) == ("connect_timeout", 1)


def test_a_clock_put_back_amid_an_outage_ends_well() -> None:
    found = scene()
    handle = found.fails("connect_timeout")
    found.run(15)
    assert found.check("api") == "down"
    found.t -= 3000
    found.run(30)
    assert found.check("api") == "down"
    found.mend(handle)
    found.run(60)
    assert found.check("api") == "up"
    assert found.component("Sign-in") == "operational"


def test_a_restart_amid_a_suspicion_comes_to_the_same_verdict_at_the_same_time() -> None:
    told = []
    for reloads in (False, True):
        found = scene()
        found.fails("connect_timeout")
        for _ in range(80):
            found.run(0.25)
            if reloads:
                found.reload()
        told.append([(event.type, event.at) for event in found.events])
    assert told[0] == told[1]
    assert any(what == "check.down" for what, _ in told[0])


def test_a_part_of_the_runs_fails_and_the_component_says_how_much() -> None:
    found = scene()
    chance = random.Random(5)
    found.rule(lambda *_: {"reason": "http_server_error"} if chance.random() < 0.4 else {})
    found.run(180)
    assert found.check("api") in ("degraded", "down")
    assert found.component("Sign-in") == "partial_outage"
    extents = [
        e.data.evidence.extent
        for e in found.events
        if isinstance(e.data, CheckChanged) and e.data.state in ("degraded", "down")
    ]
    assert extents[0] is not None
    assert extents[0].low < 0.4 < extents[0].high
    assert extents[0].of == "vantages"


def test_a_full_outage_says_its_extent() -> None:
    found = scene()
    found.fails("connect_timeout")
    found.run(15)
    [down] = [e.data for e in found.events if isinstance(e.data, CheckChanged) and e.data.state == "down"]
    assert down.evidence.extent is not None
    assert (down.evidence.extent.share, down.evidence.extent.high) == (1.0, 1.0)
    assert down.evidence.extent.low > 0.5
    assert found.component("Sign-in") == "full_outage"


@pytest.mark.parametrize("gap_s", [5, 20])
def test_one_failure_a_moment_before_makes_a_full_outage_no_partial_one(gap_s: float) -> None:
    """What passed before it began is no part of its extent."""
    found = scene()
    handle = found.fails("connect_timeout", probes=["fra1"])
    found.run(9.9)
    found.mend(handle)
    found.run(gap_s)
    found.fails("connect_timeout")
    found.run(15)
    assert found.check("api") == "down"
    assert found.component("Sign-in") == "full_outage"
