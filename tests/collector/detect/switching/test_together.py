"""Groups and incidents: a decision knows the incident that it is about, what its vendor says, and what nobody sees."""

from collector.detect.switching.deciding import situation_of
from collector.detect.switching.standing import case_of, words_of
from collector.detect.view import view_of
from collector.events import FailoverChanged, IncidentChanged
from collector.failover.types import MemberWord, Situation
from collector.inputs import FactInput
from tests.collector.detect.switching.front import EAST, Front
from tests.collector.detect.switching.test_switching import AUTO


def situation(front: Front) -> Situation:
    view = view_of(front.state.plan)
    assert view is not None
    group = view.groups["front"]
    words, case = words_of(front.state, view, group, front.memory), case_of(front.state, view, group, front.memory)
    return situation_of(front.state, group, front.memory, words, case)


def test_a_decision_comes_after_the_incident_that_it_is_about() -> None:
    for both in (False, True):
        front = Front(AUTO)
        front.prove()
        front.broken = {"east": "http_server_error"} | ({"west": "http_server_error"} if both else {})
        front.run(40)
        said = [e.data for e in front.events if isinstance(e.data, FailoverChanged | IncidentChanged)]
        assert isinstance(said[0], IncidentChanged)
        decided = [each for each in said if isinstance(each, FailoverChanged)]
        assert [each.word for each in decided] == (["both_bad", "blocked"] if both else ["command"])
        assert {each.incident for each in decided} == {said[0].incident.id}


def test_a_trouble_that_users_do_not_reach_is_not_waited_for_long() -> None:
    front = Front(AUTO)
    front.prove()
    front.rule(lambda probe, check, target, subject, t: {"reason": "http_server_error"} if subject == EAST else None)
    front.run(40)
    assert [each.incident for each in front.said("command")] == [None]


def test_what_no_probe_sees_any_more_is_not_decided_on() -> None:
    front = Front()
    front.prove()
    view = view_of(front.state.plan)
    assert view is not None
    for voters, blind in ((0, True), (1, False)):
        words = {
            name: MemberWord(name=name, standing="down", since=front.now, voters=voters) for name in ("east", "west")
        }
        assert situation_of(front.state, view.groups["front"], front.memory, words, None).blind is blind


def test_a_vendor_that_says_it_has_trouble_makes_the_way_back_longer_until_it_says_that_it_is_over() -> None:
    front = Front(AUTO)
    front.prove()
    front.broken["east"] = "http_server_error"
    front.run(40)
    assert not situation(front).vendor_open
    (incident,) = front.state.open
    for text, is_open in (("Investigating: errors in us-east", True), ("Resolved: all is well", False)):
        front.put(FactInput(at=front.now, what="vendor_posted", incident=incident, text=text))
        assert situation(front).vendor_open is is_open
