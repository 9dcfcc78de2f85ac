"""Failover groups in a replay: who moves traffic, what users had of it, and what stands in the way of a switch."""

from pathlib import Path

import pytest

from collector.events import FailoverChanged
from lab.replay.breakage import Broken
from lab.replay.driven import Driven
from lab.replay.loading import ScriptErrors, load_script
from lab.replay.playing import Performance, Piece, perform
from lab.replay.script import Front
from parallax.clock import NS
from parallax.values import Duration
from tests.lab.replay.scripts import PLAN, WORLD, fault, write

OPERATORS = """
[[failover]]
name = "operator of idp.example"
kind = "dns-operator"
check = "zone"
also = ["parity"]
members = [{ name = "dns-a" }, { name = "dns-b" }]
primary = "dns-a"
"""
LONG = WORLD.replace("T12:03:00Z }", "T12:20:00Z }").replace('before = "1m"', 'before = "3m"')
LIGHT = PLAN.replace('names = ["clerk.acme.example"]', 'names = ["clerk.acme.example"]\nperiod = "60s"').replace(
    'period = "15s"', 'period = "30s"'
)


def said(performance: Performance) -> list[tuple[float, FailoverChanged]]:
    start = performance.played.start
    return [
        ((event.at - start) / NS, event.data)
        for event in performance.played.events
        if isinstance(event.data, FailoverChanged)
    ]


@pytest.mark.slow
def test_another_operator_is_recommended_once_it_has_what_it_lacked_for_ten_minutes(tmp_path: Path):
    mended = '[[change]]\nat = 2026-03-01T12:04:00Z\noperator = "dns-b"\nmail = true\n'
    more = fault("operator dns-a", "dark", end="12:20:00") + mended
    loaded = load_script(write(tmp_path, more, world=LONG, plan=LIGHT + OPERATORS))
    words = said(perform(Piece(file=loaded.file, loaded=loaded)))
    (at, first), *_ = words
    assert (first.word, first.target) == ("blocked", "dns-b")
    assert at < 120
    assert "s1._domainkey" in next(rule.why for rule in first.rules if rule.id == "S1")
    ((recommended_at, recommended),) = [(at, each) for at, each in words if each.word == "recommended"]
    assert (recommended.source, recommended.target) == ("dns-a", "dns-b")
    assert 14 * 60 <= recommended_at <= 16 * 60, "the records were there at 4 min"
    assert all(rule.ok for rule in recommended.rules)


def test_traffic_goes_where_it_was_told_and_drains_evenly():
    front = Driven(Front(name="f", address="203.0.113.1", regions=["east", "west"], group="g", drain=Duration(60)))
    front.move("west", 100 * NS)
    front.move("west", 105 * NS)
    assert [front.share("west", at * NS) for at in (99, 100, 130, 160, 500)] == [0, 0, 0.5, 1, 1]
    assert [front.region(place, 130 * NS) for place in (0.4, 0.5, 0.6)] == ["west", "west", "east"]
    front.move("east", 130 * NS)
    assert front.share("east", 130 * NS) == 0.5
    assert front.share("east", 190 * NS) == 1.0


def test_users_have_no_service_while_they_are_led_to_what_is_broken():
    front = Driven(Front(name="f", address="203.0.113.1", regions=["east", "west"], group="g", drain=Duration(60)))
    broken = [
        Broken(place="region", name="east", mode="errors", severity=1.0, start=90 * NS, end=400 * NS),
        Broken(place="region", name="east", mode="slow", severity=1.0, start=0, end=400 * NS),
        Broken(place="region", name="else", mode="dark", severity=1.0, start=0, end=400 * NS),
    ]
    assert front.bad_minutes(broken, 0, 150 * NS) == pytest.approx(1.0)
    front.move("west", 100 * NS)
    assert front.bad_minutes(broken, 0, 1000 * NS) == pytest.approx((10 + 30) / 60)
    service = [Broken(place="service", name="", mode="throttled", severity=0.5, start=0, end=60 * NS)]
    assert front.bad_minutes(service, 0, 60 * NS) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("more", "plan", "says"),
    [
        ('[expect]\nfailover = "blocked"\n', PLAN, "nothing is switched over: the plan has no [[failover]]"),
        ("[expect]\nuser_bad_minutes_max = 1\n", PLAN, "nobody knows whom traffic reaches: no [[front]] has a `group`"),
        (
            '[[front]]\nname = "g"\naddress = "203.0.113.9"\nregions = ["east", "west"]\ngroup = "none"\n',
            PLAN + OPERATORS,
            '"none" is not known; known are "operator of idp.example"',
        ),
    ],
)
def test_what_nothing_could_bring_about_is_refused(tmp_path: Path, more: str, plan: str, says: str):
    with pytest.raises(ScriptErrors) as caught:
        load_script(write(tmp_path, more, plan=plan))
    assert says in "\n".join(map(str, caught.value.problems))
