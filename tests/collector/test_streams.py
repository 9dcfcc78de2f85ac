"""Repeats, conflicts and gaps, against a model that remembers everything."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.reports import report_of
from collector.streams import (
    KEPT_DIGESTS,
    SLOTS,
    Accept,
    Conflict,
    Duplicate,
    Mark,
    advance,
    decide,
    decode_mark,
    encode_mark,
    mark_for,
)
from tests.collector.serving import batch

FRESH = Mark(probe="fra1", stream="00000000000000aa", slot=0)


def after(*spans: tuple[int, int, bytes]) -> Mark:
    mark = FRESH
    for first, last, digest in spans:
        mark = advance(mark, report_of(batch(first, last - first + 1), 7), digest, 0)
    return mark


@pytest.mark.parametrize(
    ("taken", "sent", "decision"),
    [
        ([], (1, 5, b"x"), Accept(0)),
        ([], (4, 5, b"x"), Accept(3)),
        ([(1, 5, b"x")], (6, 7, b"y"), Accept(0)),
        ([(1, 5, b"x")], (8, 9, b"y"), Accept(2)),
        ([(1, 5, b"x"), (6, 7, b"y")], (1, 5, b"x"), Duplicate()),
        ([(1, 5, b"x"), (6, 7, b"y")], (6, 7, b"y"), Duplicate()),
        ([(1, 5, b"x")], (1, 5, b"y"), Conflict),
        ([(1, 5, b"x")], (1, 4, b"x"), Conflict),
        ([(1, 5, b"x")], (5, 8, b"y"), Conflict),
        ([(1, 5, b"x")], (1, 9, b"x"), Conflict),
    ],
)
def test_decisions(taken: list[tuple[int, int, bytes]], sent: tuple[int, int, bytes], decision: object) -> None:
    first, last, digest = sent
    got = decide(after(*taken), report_of(batch(first, last - first + 1), 8), digest)
    assert got == decision or got.__class__ is decision


def test_a_repeat_older_than_the_digests_is_taken_for_a_repeat() -> None:
    mark = after(*[(n, n, b"%d" % n) for n in range(1, KEPT_DIGESTS + 5)])
    assert len(mark.taken) == KEPT_DIGESTS
    assert decide(mark, report_of(batch(1, 1), 8), b"1") == Duplicate()
    assert isinstance(decide(mark, report_of(batch(KEPT_DIGESTS, 1), 8), b"other"), Conflict)


def test_an_old_number_in_a_batch_cut_later_comes_from_a_copy_and_is_no_repeat() -> None:
    mark = after(*[(n, n, b"%d" % n) for n in range(1, KEPT_DIGESTS + 5)])
    assert mark.cut_at == 1
    assert isinstance(decide(mark, report_of(batch(1, 1, cut_at=2), 8), b"other"), Conflict)
    assert decide(mark, report_of(batch(KEPT_DIGESTS, 1, cut_at=1), 8), b"%d" % KEPT_DIGESTS) == Duplicate()


@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    order=st.lists(st.integers(0, 11), max_size=60),
)
def test_whatever_is_sent_again_and_in_whatever_order_nothing_is_taken_twice(
    lengths: list[int], order: list[int]
) -> None:
    batches, first = [], 1
    for number, length in enumerate(lengths):
        batches.append((batch(first, length), b"%d" % number))
        first += length
    mark, taken = FRESH, []
    for index in order:
        sent, digest = batches[index % len(batches)]
        report = report_of(sent, 1)
        decision = decide(mark, report, digest)
        if isinstance(decision, Accept):
            mark = advance(mark, report, digest, decision.missing)
            taken.append((report.first_seq, report.last_seq))
        else:
            assert isinstance(decision, Duplicate)
    assert taken == sorted(set(taken))
    assert mark.observations + mark.missing == mark.last_seq


def test_marks_survive_their_encoding() -> None:
    mark = after((1, 5, b"x" * 16), (6, 9, b"y" * 16))
    assert decode_mark(encode_mark(mark)) == mark
    assert mark.name == "stream/fra1/0"


@example(b"\x9c\x01\xa1\xff")  # a text that is no UTF-8 is no DecodeError of msgspec's
@given(st.binary(max_size=200))
def test_what_is_no_mark_is_none(raw: bytes) -> None:
    got = decode_mark(raw)
    assert got is None or isinstance(got, Mark)


def test_the_streams_of_a_probe_are_bounded_and_the_quietest_goes() -> None:
    slots: dict[int, Mark] = {}
    for n in range(SLOTS + 3):
        fresh = mark_for(slots.values(), "fra1", f"{n:016x}")
        report = report_of(batch(1, 1, stream=f"{n:016x}"), n)
        slots[fresh.slot] = advance(fresh, report, b"x", 0)
    assert len(slots) == SLOTS
    assert {mark.stream for mark in slots.values()} == {f"{n:016x}" for n in range(3, SLOTS + 3)}
    known = slots[4]
    assert mark_for(slots.values(), "fra1", known.stream) is known
