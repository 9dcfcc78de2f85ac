"""Passes that take several times as long as usual, for minutes, as most probes see it."""

import math

import pytest

from collector.detect.state import Vote
from collector.detect.verdicts.charts import carry
from collector.detect.verdicts.pace import LEARNT, are_slow, is_slow, note_pace
from collector.detect.verdicts.verdict import judge
from collector.detect.verdicts.votes import Ballot, count_of
from collector.detect.view import ProbeView, view_of
from parallax.clock import NS
from parallax.plan.types import Probe

MS = 1_000_000


def _probe(spans: list[tuple[int, int]], *, up: bool = True) -> Vote:
    """So many passes, 10 s apart, of so many ms."""
    vote = Vote(at=0)
    for number, ms in spans:
        for _ in range(number):
            before, vote = vote, Vote(at=vote.at + 10 * NS)
            carry(vote, before)
            note_pace(vote, duration_ns=ms * MS, up=up)
    return vote


@pytest.mark.parametrize(
    ("spans", "slow"),
    [
        ([(200, 20)], False),
        ([(200, 20), (60, 50)], False),  # twice and a half
        ([(200, 20), (10, 100)], False),  # not for long enough
        ([(200, 20), (40, 100)], True),
        ([(200, 20), (40, 100), (6, 20)], False),
        ([(LEARNT // 10, 20), (LEARNT + 10, 100)], False),  # what is usual was not known yet
        ([(200, 20), (1, 9000), (200, 20)], False),
        ([(5, 0), (200, 0)], False),
    ],
)
def test_a_probe(spans: list[tuple[int, int]], slow: bool) -> None:
    assert is_slow(_probe(spans)) is slow


def test_an_outage_does_not_become_usual() -> None:
    vote = _probe([(200, 20)])
    usual = vote.usual
    for _ in range(5000):
        vote.at += 10 * NS
        note_pace(vote, duration_ns=50 * MS, up=False)
    assert vote.usual == usual
    for _ in range(5000):
        vote.at += 10 * NS
        note_pace(vote, duration_ns=50 * MS, up=True)
    assert math.exp(vote.usual) / MS == pytest.approx(50, rel=0.1), "but what lasts while all is well does"


@pytest.mark.parametrize(("slow", "state"), [(0, "up"), (1, "up"), (3, "up"), (4, "degraded"), (5, "degraded")])
def test_most_must_see_it(slow: int, state: str) -> None:
    votes = [_probe([(200, 20), (40, 100)] if n < slow else [(240, 20)]) for n in range(5)]
    ballots = [
        Ballot(f"p{n}", vote, ProbeView(probe=Probe(id=f"p{n}"), network=f"AS{n}", access=False))
        for n, vote in enumerate(votes)
    ]
    verdict = judge(count_of(ballots), "up")
    assert (verdict.state, verdict.slower) == (state, state == "degraded")
    assert judge(count_of(ballots), "degraded").slower is (slow >= 3), "half of them keep it so"
    assert not are_slow(ballots[:1], were=False), "one alone cannot tell"


def test_a_check_that_says_how_long_is_too_long_is_left_to_that() -> None:
    plan = '[[check]]\nname = "{0}"\nkind = "http"\ntargets = ["https://a.example/{0}"]\n{1}'
    own = plan.format("b", 'assert = [{ duration = "1s" }]\n')
    view = view_of((("plan.toml", '[[probe]]\nid = "p"\n' + plan.format("a", "") + own),))
    assert view is not None
    assert [check.paced for check in view.checks.values()] == [True, False]
