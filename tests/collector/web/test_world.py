import msgspec

from collector.events import Risk
from collector.web.world import views, world
from tests.fakes.boards import check, empty_board, full_board, latest, probe, subject


def test_every_state_has_a_shape_of_its_own() -> None:
    marks = world(full_board()).marks
    shapes = {mark.title.split(": ")[1].split(";")[0]: mark.shape for mark in marks}
    assert set(shapes) == {"healthy", "unhealthy", "silent", "unknown"}
    assert len(set(shapes.values())) == 4


def test_a_title_says_place_state_and_what_fails() -> None:
    titles = {mark.pin.id: mark.title for mark in world(full_board()).marks}
    assert titles["fra1"] == "fra1 in eu-central: healthy; 2 of 7 subjects fail as seen from it"
    assert titles["syd1"] == "syd1 in au-east: unknown"


def test_what_fails_counts_only_words_that_count() -> None:
    said = [
        latest("a", "dns_timeout"),
        latest("b", "dns_timeout", abstain="clock"),
        latest("c", "dns_timeout", fresh=False),
        latest("d", "http_slow", soft=True),
        latest("e"),
    ]
    board = msgspec.structs.replace(empty_board(), checks=(check("x", [subject("s", "down", said)]),))
    assert views(board) == {"a": (1, 1), "d": (0, 1), "e": (0, 1)}


def test_a_ring_marks_the_probes_that_see_a_failure_and_they_are_on_top() -> None:
    marks = world(full_board()).marks
    assert {mark.pin.id for mark in marks if mark.failing} == {"fra1", "lon1", "iad1", "sfo1", "gru1"}
    assert [mark.failing for mark in marks] == sorted(mark.failing for mark in marks)


def test_a_known_risk_makes_no_ring_until_it_is_an_incident() -> None:
    said = [latest("fra1", "dns_nxdomain")]
    board = msgspec.structs.replace(
        empty_board(),
        probes=(probe(0),),
        checks=(check("fallback", [subject("s", "down", said)]),),
        risks=(Risk(id="r1", title="Not ready", check="fallback", components=(), since=1),),
    )
    assert [mark.failing for mark in world(board).marks] == [False]
    joined = msgspec.structs.replace(board.checks[0].subjects[0], incident="i1")
    hurting = msgspec.structs.replace(board, checks=(msgspec.structs.replace(board.checks[0], subjects=(joined,)),))
    assert [mark.failing for mark in world(hurting).marks] == [True]


def test_what_fails_at_an_operator_that_stands_by_makes_no_ring() -> None:
    """It is in no incident; that of its checks which says whether it is ready has the risk."""
    said = [latest("fra1", "mail_dkim_missing")]

    def ringed(state: str) -> list[bool]:
        checks = (check("mail records", [subject("operator dns-b", state, said)]),)
        board = msgspec.structs.replace(empty_board(), probes=(probe(0),), checks=checks)
        return [mark.failing for mark in world(board).marks]

    assert ringed("down") == [False]
    assert ringed("up") == [True], "one probe's word, not yet turned"


def test_probes_without_a_place_are_named_beside_the_map() -> None:
    board = msgspec.structs.replace(empty_board(), probes=(probe(0), probe(1, location=None)))
    shown = world(board)
    assert [mark.pin.id for mark in shown.marks] == ["fra1"]
    assert shown.elsewhere == ("lon1",)


def test_the_key_has_only_what_is_on_the_map() -> None:
    board = msgspec.structs.replace(empty_board(), probes=(probe(0), probe(1, location=None, state="silent")))
    assert [state for state, _ in world(board).key] == ["healthy"]
