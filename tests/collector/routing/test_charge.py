"""Who pages, of two collectors: in scenes, and whatever happens to them."""

import random

import msgspec
import pytest

from collector.inputs import PeerInput
from collector.routing.charge import ORPHAN_NS, note_peer
from collector.routing.facts import facts_of, own
from collector.routing.holding import Holds
from collector.routing.state import Silence
from parallax.clock import NS
from tests.collector.routing.pair import PLAN, Pair
from tests.fakes.events import AT

LIMIT_S = 48
"""Without anybody in charge, while one lives: the silence, the word that was kept for 15 s, and a round of asking."""


def settled() -> Pair:
    pair = Pair()
    pair.run(20)
    assert pair.in_charge() == ["a"]
    return pair


def test_alone_a_collector_is_in_charge() -> None:
    pair = Pair()
    pair.kill("b")
    pair.run(31)
    assert pair.in_charge() == ["a"]


def test_the_second_keeps_still_while_the_first_is_alive() -> None:
    pair = settled()
    pair.begin(1)
    pair.run(100)
    pair.end(1)
    pair.run(10)
    assert pair.phases() == ["a: trigger T1!", "a: resolve T1"]


def test_it_takes_over_goes_on_under_the_same_key_and_gives_back() -> None:
    pair = settled()
    pair.begin(1)
    pair.run(20)
    pair.kill("a")
    pair.run(45)
    assert pair.in_charge() == ["b"]
    assert pair.phases() == ["a: trigger T1!"]  # what is open is not told again
    pair.begin(2)
    pair.run(20)
    pair.end(1)
    pair.run(20)
    assert pair.phases()[1:] == ["b: trigger T2!", "b: resolve T1"]
    pair.start("a")
    pair.run(30)
    assert pair.in_charge() == ["a"]
    pair.end(2)
    pair.run(20)
    assert pair.phases()[3:] == ["a: resolve T2"]


def test_what_began_while_nobody_was_in_charge_is_told_by_who_takes_over() -> None:
    pair = settled()
    pair.kill("a")
    pair.run(5)
    pair.begin(1)
    pair.begin(2)
    pair.run(10)
    pair.end(2)
    pair.run(40)
    assert sorted(pair.phases()) == ["b: notice T2", "b: trigger T1!"]


def test_what_ended_while_nobody_was_in_charge_is_ended_under_its_key() -> None:
    pair = settled()
    pair.begin(1)
    pair.run(20)
    pair.kill("a")
    pair.run(5)
    pair.end(1)
    pair.run(60)
    assert pair.phases() == ["a: trigger T1!", "b: resolve T1"]
    pair.start("a")
    pair.run(60)
    assert len(pair.said) == 2


def test_what_ends_while_the_first_is_started_anew_is_ended_by_it() -> None:
    pair = settled()
    pair.begin(1)
    pair.run(20)
    pair.kill("a")
    pair.run(1)
    pair.end(1)
    pair.start("a")
    pair.run(60)
    assert pair.phases() == ["a: trigger T1!", "a: resolve T1"]


def test_what_only_the_first_saw_is_ended_after_a_while() -> None:
    pair = settled()
    pair.nodes["b"].open.add(1)  # so that b never concludes it
    pair.begin(1)
    pair.run(20)
    pair.kill("a")
    pair.run(60)
    assert pair.phases() == ["a: trigger T1!"]
    pair.run(ORPHAN_NS // NS)
    assert pair.phases() == ["a: trigger T1!", "b: resolve T1"]


def test_what_it_concludes_later_is_found_again() -> None:
    pair = settled()
    pair.nodes["b"].open.add(1)
    pair.begin(1)
    pair.run(20)
    pair.kill("a")
    pair.run(60)
    pair.nodes["b"].open.discard(1)
    pair.run(5)
    pair.end(1)
    pair.run(10)
    assert pair.phases() == ["a: trigger T1!", "b: update T1", "b: resolve T1"]


def test_both_page_while_neither_hears_the_other_and_every_key_is_closed_once() -> None:
    pair = settled()
    pair.begin(1)
    pair.run(20)
    pair.part()
    pair.run(60)
    assert pair.in_charge() == ["a", "b"]
    assert pair.keys() == ["T1"]  # known to both before
    pair.begin(2)
    pair.run(10)
    assert pair.keys() == ["T1", "T2", "T2"]  # by both, under one key
    pair.linked = True
    pair.run(20)
    assert pair.in_charge() == ["a"]
    pair.end(1)
    pair.end(2)
    pair.run(30)
    assert sorted(pair.phases()[3:]) == ["a: resolve T1", "a: resolve T2"]


def test_what_people_know_by_the_derived_key_they_silence_by_it() -> None:
    pair = settled()
    pair.begin(1)
    pair.run(5)
    (key,) = pair.names
    state = pair.nodes["a"].state
    (alert,) = state.alerts.values()
    silence = Silence(id="s1", keys=(key,), author="ann", since=AT, until=AT + 3600 * NS)
    facts = facts_of(own(alert), AT)
    state.silences["s1"] = silence
    hold = Holds(state, PLAN, AT + 60 * NS).of_people(facts)
    assert hold is not None
    assert hold.by == "silence"
    state.silences["s1"] = msgspec.structs.replace(silence, keys=(f"{key}x",))
    assert Holds(state, PLAN, AT + 60 * NS).of_people(facts) is None


def test_a_second_that_hears_no_probes_takes_nothing() -> None:
    pair = settled()
    pair.nodes["b"].hears = False
    pair.kill("a")
    pair.run(100)
    assert pair.in_charge() == []
    pair.nodes["b"].hears = True
    pair.run(1)
    assert pair.in_charge() == ["b"]


def test_one_that_becomes_alone_by_its_config_pages_again() -> None:
    pair = settled()
    state = pair.nodes["b"].state
    note_peer(state, PeerInput(at=1, role=""), pair.now * NS)
    assert state.charge.in_charge


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_somebody_is_in_charge_and_what_was_opened_is_closed(seed: int) -> None:
    rng, pair = random.Random(seed), settled()
    since_nobody = parted_until = 0
    for _ in range(60):
        match rng.choice(["begin", "begin", "end", "kill", "start", "part", "join", "join", "nothing"]):
            case "begin":
                pair.begin(rng.randrange(20))
            case "end" if pair.troubles:
                pair.end(rng.choice(list(pair.troubles)))
            case "kill":
                name = rng.choice("ab")
                if all(node.alive for node in pair.nodes.values()):
                    pair.kill(name)
            case "start":
                for name, node in pair.nodes.items():
                    if not node.alive:
                        pair.start(name)
            case "part":
                pair.part()
            case "join":
                pair.linked = True
        for _ in range(rng.choice([1, 7, 30, 90])):
            pair.run(1)
            in_charge = pair.in_charge()
            since_nobody = 0 if in_charge else since_nobody + 1
            assert since_nobody <= 2 * LIMIT_S
            if not pair.linked:
                parted_until = pair.now
            assert len(in_charge) < 2 or pair.now - parted_until <= 10
    pair.linked = True
    for name, node in pair.nodes.items():
        if not node.alive:
            pair.start(name)
    pair.run(100)
    for number in pair.troubles:
        pair.end(number)
    pair.run(2 * ORPHAN_NS // NS)
    assert pair.in_charge() == ["a"]
    is_open: dict[str, bool] = {}
    closed_at: dict[str, int] = {}
    for at, _, phase, key, _ in pair.said:
        if phase == "resolve":
            lost = any(min(abs(moment - closed_at.get(key, at)), abs(moment - at)) <= 35 for moment in pair.disturbed)
            assert is_open.get(key) or lost, f"{key} is closed twice, and the other could have heard of it"
            is_open[key], closed_at[key] = False, at
        elif phase != "notice":
            is_open[key] = True
    assert not [key for key, still in is_open.items() if still]
