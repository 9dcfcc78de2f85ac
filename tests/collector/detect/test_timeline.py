"""The timeline's order and bounds: people's words are never left out for the machine's sake."""

from hypothesis import given
from hypothesis import strategies as st

from collector.detect.incidents.timeline import FIRST, MAX_HUMAN, MAX_MACHINE, MAX_TEXT, has_room, with_moments
from collector.events import Incident, Moment

EMPTY = Incident(id="i1", title="", severity="warning", domain=None, started_at=0, opened_at=0, updated_at=0)


def test_the_first_and_the_last_that_the_machine_saw_stay() -> None:
    shown = EMPTY
    for number in range(200):
        shown = with_moments(shown, Moment(at=number, what="reopened"))
    kept = [moment.at for moment in shown.timeline]
    assert kept == [*range(FIRST), *range(200 - MAX_MACHINE + FIRST, 200)]
    assert shown.left_out == 200 - MAX_MACHINE


def test_people_have_a_bound_of_their_own() -> None:
    shown = EMPTY
    for number in range(MAX_HUMAN):
        assert has_room(shown)
        shown = with_moments(shown, Moment(at=number, what="note", text="n" * 1000, actor="ann"))
    assert not has_room(shown)
    shown = with_moments(shown, Moment(at=99, what="note", text="no room", actor="ann"), Moment(at=98, what="paged"))
    assert [moment.text for moment in shown.timeline if moment.actor] == ["n" * MAX_TEXT] * MAX_HUMAN
    assert shown.left_out == 1
    assert shown.timeline[-1].what == "paged"


@given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from(["", "ann"])), max_size=150))
def test_it_is_in_order_and_nothing_is_lost_uncounted(made: list[tuple[int, str]]) -> None:
    shown = EMPTY
    for at, actor in made:
        shown = with_moments(shown, Moment(at=at, what="note", actor=actor))
    assert [moment.at for moment in shown.timeline] == sorted(moment.at for moment in shown.timeline)
    assert len(shown.timeline) + shown.left_out == len(made)
    assert sum(bool(m.actor) for m in shown.timeline) == min(sum(bool(actor) for _, actor in made), MAX_HUMAN)
