"""Bounds on runs under way, by themselves."""

import random

from parallax.values import Endpoint
from probe.admission import Admission
from probe.schedule import Pair

A, B = Endpoint("a.test:443"), Endpoint("b.test:443")


def test_each_bound_has_its_word_and_room_comes_back():
    admission = Admission(max_running=3, max_per_endpoint=2)
    assert admission.enter(Pair("1", "t"), A) is None
    assert admission.enter(Pair("1", "t"), A) == "running"
    assert admission.enter(Pair("2", "t"), A) is None
    assert admission.enter(Pair("3", "t"), A) == "target_busy"
    assert admission.enter(Pair("4", "t"), None) is None
    assert admission.enter(Pair("5", "t"), B) == "overload"
    assert admission.running == 3
    admission.leave(Pair("1", "t"))
    assert admission.enter(Pair("3", "t"), A) is None
    assert admission.enter(Pair("1", "t"), B) == "overload"


def test_whatever_comes_and_goes_the_bounds_hold():
    chance = random.Random(7)
    admission, under_way = Admission(max_running=6, max_per_endpoint=2), dict[Pair, Endpoint | None]()
    skipped = set()
    for _ in range(5000):
        pair, endpoint = Pair(str(chance.randrange(12)), "t"), chance.choice([A, B, None])
        if under_way and chance.random() < 0.5:
            gone = chance.choice(list(under_way))
            admission.leave(gone)
            del under_way[gone]
        word = admission.enter(pair, endpoint)
        skipped.add(word)
        if word is None:
            assert pair not in under_way
            under_way[pair] = endpoint
        assert admission.running == len(under_way) <= 6
        assert all(list(under_way.values()).count(each) <= 2 for each in (A, B))
    assert skipped == {None, "running", "target_busy", "overload"}
