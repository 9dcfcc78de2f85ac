"""The table of verdicts: who fails, how often, with which word, and what was before."""

from functools import partial

import pytest

from collector.detect.state import Vote
from collector.detect.verdicts import verdict
from collector.detect.verdicts.charts import note
from collector.detect.verdicts.votes import Ballot, Tally
from collector.detect.view import ProbeView
from collector.events import CheckState
from parallax.plan.types import Probe
from parallax.reasons import REASONS

judge = partial(verdict.judge, tau_ns=0)
"""What lasts only a moment is looked at elsewhere."""
HARD, SOFT, THROTTLED, WALL = "connect_timeout", "http_slow", "http_throttled", "http_challenge"


def count(words: str, *, expected: int = 0, networks: int = 8, access: int = 2) -> Tally:
    """A letter a probe: `.` passes, `:` has passed twice, h hard once, H thrice in a row, s and S soft, t and T 429,
    w and W a bot wall. The last `access` of them are access lines."""
    reasons = {"h": HARD, "s": SOFT, "t": THROTTLED, "w": WALL}
    ballots = []
    for number, letter in enumerate(words):
        reason = reasons.get(letter.lower())
        streak = {".": -1, ":": -2}.get(letter, 3 if letter.isupper() else 1)
        known = REASONS[reason] if reason else None
        vote = Vote(
            at=100 + number,
            reason=reason,
            fault=known.fault if known else None,
            soft=known.soft if known else False,
        )
        for before in range(abs(streak), 0, -1):
            note(vote, failed=known is not None, at=vote.at - before + 1, up=False)
        of_access = number >= len(words) - access
        view = ProbeView(probe=Probe(id=f"p{number}"), network=f"AS{number % networks}", access=of_access)
        ballots.append(Ballot(f"p{number}", vote, view))
    failing = [ballot for ballot in ballots if ballot.failing]
    return Tally(voters=ballots, failing=failing, expected=max(expected, len(ballots)))


@pytest.mark.parametrize(
    ("words", "before", "state"),
    [
        ("", "up", "unknown"),
        ("", "down", "unknown"),
        # one voter
        (".", "up", "up"),
        ("h", "up", "up"),
        ("H", "up", "down"),
        ("S", "up", "degraded"),
        ("h", "down", "down"),
        (".", "down", "up"),
        # several
        ("........", "up", "up"),
        ("h.......", "up", "up"),
        ("H.......", "up", "suspected"),
        ("hh......", "up", "suspected"),
        ("hhhhh...", "up", "suspected"),
        ("hhhhhh..", "up", "down"),
        ("hh.", "up", "down"),
        ("h.", "up", "up"),
        ("hh", "up", "down"),
        ("HH......", "up", "degraded"),
        ("HHH.....", "suspected", "degraded"),
        ("hhh.....", "suspected", "suspected"),
        (".h......", "suspected", "up"),
        # soft
        ("ssssss..", "up", "degraded"),
        ("hhhsss..", "up", "degraded"),
        ("hhhhhhss", "up", "down"),
        # and back: not before it is less than a third, and nobody fails on and on
        ("hhhh....", "down", "down"),
        ("hh......", "down", "up"),
        ("HH......", "down", "down"),
        ("HH::::::", "down", "degraded"),
        ("HHH.....", "degraded", "degraded"),
        ("hh......", "degraded", "up"),
        ("ssssss..", "down", "degraded"),
    ],
)
def test_the_table(words: str, before: CheckState, state: CheckState) -> None:
    assert judge(count(words), before).state == state


def test_one_network_is_no_quorum_where_there_are_two() -> None:
    one = count("hh.", networks=2)
    same = Tally(voters=one.voters, failing=[one.voters[0], one.voters[2]], expected=3)
    assert judge(same, "up").state == "suspected", "AS0 fails twice, AS1 passes"
    assert judge(count("hhh", networks=1), "up").state == "down", "there is only one"


def test_a_quorum_is_held_against_all_who_are_to_be_asked() -> None:
    assert judge(count("hhh", expected=8), "up").state == "suspected"
    assert judge(count(".", expected=8), "down").state == "down", "one pass of eight is no recovery"
    assert not judge(count("H", expected=8), "up").single


def test_failures_from_before_it_was_mended_raise_no_suspicion() -> None:
    assert judge(count("HH......", networks=1), "up", since=200).state == "up"
    assert judge(count("HH......", networks=1), "up", since=50).state == "suspected"


@pytest.mark.parametrize(
    ("words", "state", "blocked", "throttled"),
    [
        ("wwwwww..", "degraded", True, False),  # access lines pass
        ("tttttt..", "degraded", True, False),
        ("wwwwwwww", "down", False, False),  # access lines are refused too, and hard
        ("tttttttt", "degraded", False, True),
        ("ttttt..t", "degraded", False, False),  # 6 of 8 is no 90 %
        ("wwwwhhhh", "down", False, False),
        ("hhhhhhww", "down", False, False),
        ("wwhhhhww", "down", False, False),
    ],
)
def test_refusals(words: str, state: CheckState, blocked: bool, throttled: bool) -> None:
    found = judge(count(words), "up")
    assert (found.state, found.blocked, found.throttled) == (state, blocked, throttled)


def test_refusals_without_any_access_line_cannot_tell() -> None:
    found = judge(count("tttttttt", access=0), "up")
    assert (found.state, found.blocked, found.throttled) == ("degraded", True, False)


@pytest.mark.parametrize(
    ("words", "access", "state", "blocked"),
    [
        ("wwwwwwww", 0, "down", False),  # nobody on a line as users have; what is published for everybody fails
        ("tttttttt", 0, "degraded", False),
        ("wwwwww..", 2, "degraded", True),  # such lines pass: it stays a refusal
        ("wwwwwww.", 2, "down", False),  # one of two is refused
        ("w.......", 0, "up", False),
        ("W", 0, "degraded", False),  # a single vantage
        ("W", 1, "degraded", False),
    ],
)
def test_refusals_that_something_outside_bears_out(words: str, access: int, state: CheckState, blocked: bool) -> None:
    found = judge(count(words, access=access), "up", outside=True)
    assert (found.state, found.blocked) == (state, blocked)


def test_an_outage_by_429_lasts_while_some_get_through_by_chance() -> None:
    some = count("tttttt.t")
    assert not judge(some, "degraded").throttled
    assert judge(some, "degraded", throttled=True).throttled
    assert not judge(count("ttt....t"), "degraded", throttled=True).throttled


def test_a_single_vantage_in_a_data_centre_that_is_refused_cannot_tell() -> None:
    assert judge(count("W", access=0), "up").blocked
    assert not judge(count("W", access=1), "up").blocked


def test_whoever_gets_through_first_makes_no_refusal_of_an_outage() -> None:
    access_lines_pass_again = count("tttttt..")
    assert not judge(access_lines_pass_again, "degraded", blocked=False).blocked
    assert judge(access_lines_pass_again, "degraded", blocked=True).blocked


def test_a_refusal_of_which_few_have_news_yet_becomes_no_outage() -> None:
    """After a restart of the collector, the first who pass say nothing of the others."""
    found = judge(count("...", expected=8), "degraded", blocked=True)
    assert (found.state, found.blocked) == ("degraded", True)
    assert not judge(count("..HHHHHH"), "degraded", blocked=True).blocked, "but others fail in earnest"
