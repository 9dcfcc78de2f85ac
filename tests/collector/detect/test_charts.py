"""What a fleet's words weigh, and how long a trouble has lasted: tables, and fleets that are played run by run."""

import math
import random

import pytest

from collector.detect.state import Key, Vote
from collector.detect.verdicts.charts import (
    HARD_CAP,
    SUSPECT,
    TAU_NS,
    VOTE_CAP,
    began_at,
    hard_weight,
    note,
    note_pending,
    slow_weight,
    suspects,
    wilson,
)
from collector.detect.verdicts.trouble import hear, settle
from collector.detect.verdicts.verdict import judge
from collector.detect.verdicts.votes import Ballot, count_of
from collector.detect.view import ProbeView
from collector.events import CheckState
from parallax.clock import NS
from parallax.plan.types import Probe
from parallax.reasons import REASONS


class Fleet:
    """Voters at one subject, each in a network of its own unless told otherwise."""

    def __init__(self, size: int, *, networks: int = 99) -> None:
        self.key = Key(check="c", target="t", subject="s", born_at=0, state="up")
        self.views = {
            f"p{n}": ProbeView(probe=Probe(id=f"p{n}"), network=f"AS{n % networks}", access=False) for n in range(size)
        }
        self.since = 0
        self.enrolled = 0
        self.blind = False
        self.every_s = 30

    def ballots(self) -> list[Ballot]:
        return [Ballot(name, vote, self.views[name]) for name, vote in self.key.votes.items()]

    def run(self, probe: int, t: float, reason: str | None = None) -> CheckState:
        """One run of a probe, launched then (seconds)."""
        name, at = f"p{probe}", int(t * NS)
        vote = self.key.votes.setdefault(name, Vote(at=at))
        vote.at, vote.reason = at, reason
        vote.fault = REASONS[reason].fault if reason else None
        hear(self.key, vote, failed=reason is not None, at=at)
        return self.judge(at)

    def judge(self, at: int) -> CheckState:
        count = count_of(
            self.ballots(),
            expected=len(self.views),
            enrolled=self.enrolled,
        )
        verdict = judge(
            count,
            self.key.held,
            since=self.since,
            calm=self.key.calm if self.key.trouble_at else math.inf,
            partly_at=self.key.partly_at,
            every_ns=self.every_s * NS,
            blind=self.blind,
        )
        settle(self.key, count, verdict)
        if verdict.state != self.key.state:
            self.since = at
        self.key.state = self.key.held = verdict.state
        return verdict.state

    def round(self, t: float, reason: str | None = None, *, probes: range | None = None) -> CheckState:
        """All of them (or these) at once."""
        for probe in probes or range(len(self.views)):
            self.run(probe, t, reason)
        return self.key.state


def test_a_chart_rises_by_failures_falls_by_passes_and_is_capped() -> None:
    vote = Vote(at=0)
    note(vote, failed=True, at=1, up=False)
    first = vote.hard
    assert first == pytest.approx(min(VOTE_CAP, math.log(0.9 / 0.005)))
    assert first > SUSPECT
    assert suspects(vote)
    for at in range(2, 9):
        note(vote, failed=True, at=at, up=False)
    assert (vote.hard, vote.partial) == (VOTE_CAP, VOTE_CAP)
    note(vote, failed=False, at=9, up=False)
    assert vote.hard == pytest.approx(VOTE_CAP + math.log(0.1 / 0.995))
    for at in range(10, 40):
        note(vote, failed=False, at=at, up=False)
    assert (vote.hard, vote.partial) == (0.0, 0.0)


def test_what_is_usual_is_learnt_while_it_is_up_and_frozen_else() -> None:
    liar = Vote(at=0)
    for at in range(1, 100):
        note(liar, failed=True, at=at, up=False)
    assert liar.p0 == 0.005
    for at in range(100, 1000):
        note(liar, failed=True, at=at, up=True)
    assert liar.p0 == 0.05, "at most: a probe that always fails must still be able to say so"
    for at in range(1000, 4000):
        note(liar, failed=False, at=at, up=True)
    assert liar.p0 == 0.002


def test_one_network_adds_no_more_than_its_cap() -> None:
    fleet = Fleet(6, networks=2)
    for n in range(6):
        fleet.run(n, 0, "connect_timeout")
    weight = hard_weight([Ballot(name, vote, fleet.views[name]) for name, vote in fleet.key.votes.items()])
    assert (weight.nats, weight.networks) == (2 * HARD_CAP, 2)


def test_a_pending_run_raises_suspicion_and_its_answer_withdraws_it() -> None:
    vote = Vote(at=10)
    note(vote, failed=False, at=10, up=True)
    note_pending(vote, at=40)
    assert suspects(vote)
    assert vote.streak == -1, "it is no vote"
    vote.at = 40
    note(vote, failed=False, at=40, up=True)
    assert not suspects(vote)
    note_pending(vote, at=40)
    assert not suspects(vote), "late news of a run that has answered"


def _five(before: float = 0.0) -> Fleet:
    fleet = Fleet(5)
    for n in range(5):
        fleet.run(n, 100 + n)
    return fleet


def test_an_outage_is_down_once_it_has_lasted() -> None:
    fleet = _five()
    assert fleet.run(0, 130, "connect_timeout") == "up"
    assert fleet.round(132, "connect_timeout") == "suspected"
    for n in range(2):
        assert fleet.run(n, 138.5, "connect_timeout") == "suspected", "two may fail by chance as a blip ends"
    assert fleet.run(2, 138.5, "connect_timeout") == "down"
    assert fleet.key.may_switch
    assert fleet.key.extent is not None
    assert (fleet.key.extent.share, fleet.key.extent.of) == (1.0, "vantages")
    assert 0.5 < fleet.key.extent.low < 1.0 == fleet.key.extent.high
    assert fleet.key.extent.since == 130 * NS


@pytest.mark.parametrize(("reason", "concluded"), [("connect_timeout", "down"), ("http_throttled", "degraded")])
def test_the_extent_is_of_runs_since_it_began_not_since_a_failure_by_chance_minutes_before(
    reason: str, concluded: CheckState
) -> None:
    fleet = _five()
    fleet.run(3, 110, reason)
    for at in range(120, 290, 10):
        fleet.run(at // 10 % 5, at)
    assert fleet.key.trouble_at == 110 * NS, "four more nats of passes would end it"
    fleet.round(300, reason)
    fleet.round(304, reason)
    fleet.round(309, reason)
    assert fleet.key.state == concluded
    assert fleet.key.extent is not None
    assert (fleet.key.extent.share, fleet.key.extent.since) == (1.0, 300 * NS)
    assert fleet.key.extent.low > 0.7
    for at in range(330, 1200, 10):
        fleet.run(at // 10 % 5, at, reason if at // 10 % 10 != 3 else None)
    assert fleet.key.extent.share == pytest.approx(0.9, abs=0.07), "what passes by chance counts from then on"


def test_runs_that_wait_are_as_good_as_failures_to_show_that_it_lasts() -> None:
    fleet = _five()
    fleet.round(130, "connect_timeout")
    for n in range(3):
        note_pending(fleet.key.votes[f"p{n}"], at=138 * NS)
        assert fleet.judge(140 * NS) == ("down" if n == 2 else "suspected")


def test_a_run_that_waits_is_no_vote() -> None:
    fleet = _five()
    for n in range(5):
        note_pending(fleet.key.votes[f"p{n}"], at=140 * NS)
    assert fleet.judge(145 * NS) == "up"


@pytest.mark.parametrize("length", [1, 3, 6])
@pytest.mark.parametrize("size", [2, 3, 5, 15])
def test_a_blip_is_nobodys_outage(size: int, length: int) -> None:
    """Everyone looks again and again, and one probe was broken all along."""
    fleet = Fleet(size)
    seen = set()
    for step in range(300, 600):
        t = step / 2
        down = 200 <= t <= 200 + length
        for probe in range(size):
            broken = size > 3 and probe == 0 and t > 180
            if step % 8 == 0 or down:
                seen.add(fleet.run(probe, t, "connect_timeout" if down or broken else None))
    assert seen <= {"up", "suspected"}
    assert fleet.key.state in ("up", "suspected") if size > 3 else fleet.key.state == "up"
    assert all(vote.partial < SUSPECT for name, vote in fleet.key.votes.items() if name != "p0" or size <= 3)


def test_a_vantage_that_was_broken_before_does_not_make_a_trouble_older() -> None:
    fleet = _five()
    fleet.run(0, 110, "connect_timeout")
    fleet.round(112, probes=range(1, 5))
    fleet.run(0, 114, "connect_timeout")
    fleet.round(130, "connect_timeout")
    ballots = [Ballot(name, vote, fleet.views[name]) for name, vote in fleet.key.votes.items()]
    assert began_at(ballots, spare=1) == 130 * NS
    assert fleet.key.state == "suspected"
    assert fleet.round(130 + TAU_NS / NS, "connect_timeout") == "down"


@pytest.mark.parametrize(("passed", "began"), [(True, 130), (False, 118)])
def test_a_failure_by_chance_before_a_blip_does_not_make_the_blip_last(passed: bool, began: int) -> None:
    fleet = _five()
    fleet.run(0, 118, "connect_timeout")
    if passed:
        fleet.run(1, 124)
    fleet.run(2, 130, "connect_timeout")
    for n in (1, 3):
        fleet.run(n, 132, "connect_timeout")
    ballots = [Ballot(name, vote, fleet.views[name]) for name, vote in fleet.key.votes.items()]
    assert began_at(ballots, spare=1) == began * NS
    assert fleet.key.state == ("suspected" if passed else "down"), "one that nobody contradicts is as long as it looks"


def test_one_that_passes_by_chance_does_not_make_it_younger() -> None:
    fleet = Fleet(5)
    fleet.round(100)
    fleet.round(130, "connect_timeout")
    fleet.run(4, 135)
    assert fleet.round(138, "connect_timeout", probes=range(4)) == "down"


def test_recovery_is_seen_by_the_first_round_that_passes() -> None:
    fleet = _five()
    fleet.round(130, "connect_timeout")
    fleet.round(140, "connect_timeout")
    assert fleet.key.state == "down"
    states = [fleet.run(n, 150 + n / 10) for n in range(5)]
    assert states == ["down", "down", "down", "up", "up"]
    assert fleet.key.trouble_at == 0


@pytest.mark.parametrize("seed", range(8))
def test_one_run_in_three_that_fails_is_found_and_stays_found(seed: int) -> None:
    chance = random.Random(seed)
    fleet = Fleet(15)
    fleet.round(0)
    found_at, states = 0.0, []
    for step in range(1, 900):
        t = step * 2.0
        asked = fleet.key.state != "up" and step % 2 == 0
        for probe in range(15):
            if asked or probe == step % 15:
                states.append(fleet.run(probe, t, "http_server_error" if chance.random() < 0.3 else None))
        if fleet.key.state == "degraded" and not found_at:
            found_at = t
            states.clear()
    assert 0 < found_at <= 300
    assert "up" not in states[: 15 * 20], "it is not said to be over while it goes on"
    assert fleet.key.extent is None or 0.1 < fleet.key.extent.share < 0.6


def test_a_broken_vantage_is_no_partial_outage() -> None:
    chance = random.Random(3)
    fleet = Fleet(15)
    fleet.round(0)
    for step in range(1, 2000):
        t, probe = step * 2.0, step % 15
        state = fleet.run(probe, t, "connect_timeout" if probe == 4 or chance.random() < 0.005 else None)
        assert state in ("up", "suspected")


def test_a_slow_chart_rises_by_what_begins_to_fail_at_another_moment() -> None:
    fleet = Fleet(6)
    fleet.round(0)
    step = math.log(0.1 / 0.005)
    for t in (30, 35, 40):
        fleet.run(0, t, "connect_timeout")
    weighs = [fleet.key.votes[f"p{n}"] for n in range(6)]
    assert weighs[0].slow == pytest.approx(step, abs=0.2), "failures in a row are one"
    fleet.run(1, 42, "connect_timeout")
    fleet.run(2, 34, "connect_timeout")
    assert weighs[1].slow == pytest.approx(step, abs=0.2)
    assert weighs[2].slow == 0.0, "it began at the moment of another, and was only told later"
    before = weighs[0].slow
    fleet.run(0, 60)
    assert before - 0.11 < weighs[0].slow < before - 0.05
    fleet.run(0, 90, "connect_timeout")
    fleet.run(0, 91)
    fleet.run(0, 98, "connect_timeout")
    assert weighs[0].slow == VOTE_CAP


@pytest.mark.parametrize("seed", range(6))
def test_one_run_in_ten_that_fails_is_found_in_minutes(seed: int) -> None:
    chance = random.Random(seed)
    fleet = Fleet(15, networks=6)
    fleet.round(0)
    found_at = 0.0
    for step in range(1, 360):
        state = fleet.run(step % 15, step * 2.0, "http_server_error" if chance.random() < 0.1 else None)
        if state == "degraded" and not found_at:
            found_at = step * 2.0
    assert 30 < found_at < 700


def test_what_hits_a_probe_of_each_network_at_once_is_one_thing_to_the_slow_charts() -> None:
    fleet = Fleet(15, networks=6)
    fleet.round(0)
    for t in (30, 32, 34):
        fleet.round(t, "connect_timeout")
    assert slow_weight(fleet.ballots()).nats < 4.0
    fleet.round(40)
    assert fleet.key.state == "up"


@pytest.mark.parametrize(
    ("apart_s", "every_s", "state"), [(2, 30, "degraded"), (40, 30, "up"), (40, 120, "degraded"), (70, 120, "up")]
)
def test_chance_failures_minutes_apart_bear_nothing_out(apart_s: int, every_s: int, state: CheckState) -> None:
    """Probes that fail always keep the charts sure, while others fail once, one after the other. Where each looks
    seldom, theirs are further apart."""
    fleet = Fleet(15, networks=6)
    fleet.every_s = every_s
    fleet.round(0)
    for n in range(4):
        fleet.run(n, 30 + n, "http_server_error")
    for n in range(1, 15):
        fleet.run(n, 36)
    states = []
    for turn, n in enumerate((5, 6, 7), 1):
        at = 46 + turn * apart_s
        for loud in range(4):
            fleet.key.votes[f"p{loud}"].partial = VOTE_CAP
        states.append(fleet.run(n, at, "http_server_error"))
        fleet.run(n, at + 1)
    assert states[-1] == state, states


def test_who_fails_again_after_passing_bears_a_part_out_though_it_passes_by_now() -> None:
    fleet = Fleet(15, networks=6)
    fleet.round(0)
    for n in range(4):
        fleet.run(n, 30 + n, "http_server_error")
    assert fleet.key.partly_at == 33 * NS
    for n in range(1, 5):
        fleet.run(n, 36)
    states = []
    for n in (5, 6, 7):
        states.append(fleet.run(n, 41.5 + n / 10, "http_server_error"))
        fleet.run(n, 43)
    assert states == ["up", "up", "degraded"]


def test_more_than_half_must_be_able_to_say_something() -> None:
    fleet = Fleet(5)
    fleet.enrolled = 12
    fleet.round(100)
    fleet.round(130, "connect_timeout")
    assert fleet.round(140, "connect_timeout") == "suspected"
    fleet.enrolled = 10
    assert fleet.round(141, "connect_timeout") == "down"


def test_a_blind_fleet_concludes_nothing_new() -> None:
    fleet = Fleet(5)
    fleet.round(100)
    fleet.blind = True
    fleet.round(130, "connect_timeout")
    assert fleet.round(140, "connect_timeout") == "suspected"
    fleet.blind = False
    assert fleet.round(141, "connect_timeout") == "down"
    fleet.blind = True
    assert fleet.round(170) == "down"
    fleet.blind = False
    assert fleet.round(171) == "up"


@pytest.mark.parametrize(("size", "networks", "may"), [(2, 2, False), (4, 4, False), (5, 2, False), (5, 3, True)])
def test_who_is_few_recommends_no_failover(size: int, networks: int, may: bool) -> None:
    fleet = Fleet(size, networks=networks)
    fleet.round(100)
    fleet.round(130, "connect_timeout")
    assert fleet.round(140, "connect_timeout") == "down"
    assert fleet.key.may_switch is may


def test_a_majority_is_enough_for_few() -> None:
    fleet = Fleet(3)
    fleet.round(100)
    for t in (130, 138, 139):
        fleet.round(t, "connect_timeout", probes=range(2))
    assert fleet.key.state == "down", "two of three"
    five = Fleet(5)
    five.round(100)
    for t in (130, 138, 139):
        five.round(t, "connect_timeout", probes=range(3))
    assert five.key.state == "degraded", "three of five go on to fail, two do not"


@pytest.mark.parametrize(
    ("share", "runs", "low", "high"),
    [(1.0, 5, 0.566, 1.0), (1.0, 10, 0.722, 1.0), (0.3, 10, 0.108, 0.603), (0.5, 0, 0, 1)],
)
def test_an_interval(share: float, runs: float, low: float, high: float) -> None:
    """Against the tables of the score interval."""
    assert list(wilson(share, runs)) == pytest.approx([low, high], abs=0.001)


def test_a_broken_vantage_and_a_failure_by_chance_are_no_majority_of_three() -> None:
    fleet = Fleet(3)
    fleet.round(100)
    for t in range(110, 400, 4):
        chance = "connect_timeout" if t % 40 == 30 else None
        assert fleet.run(0, t, "connect_timeout") in ("up", "suspected")
        assert fleet.run(1, t + 1, chance) in ("up", "suspected")
        assert fleet.run(2, t + 2) in ("up", "suspected")


def test_charts_that_are_still_high_when_all_pass_begin_nothing() -> None:
    fleet = Fleet(15)
    fleet.round(100)
    for t in (130, 140):
        fleet.round(t, "connect_timeout")
    fleet.key.state = fleet.key.held = "degraded"
    fleet.key.calm, fleet.key.partly_at = 0.0, 0
    for vote in fleet.key.votes.values():
        vote.reason = None
    assert fleet.judge(150 * NS) == "degraded"
    assert fleet.key.partly_at == 0
