"""What brings no news is looked at seldom, and what does at once."""

import random
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import msgspec
import pytest

from collector.detect import decode_state, encode_state, initial, step
from collector.detect.incidents.witnesses import rows_about
from collector.detect.places import spot_of
from collector.detect.risks.expiry import DAY_NS, certificates
from collector.detect.risks.telling import tell_risks
from collector.detect.state import Key, Vote
from collector.detect.verdicts.components import WELL, keys_by_check, raw_state, well_checks
from collector.detect.verdicts.trouble import LOOK_NS, SETTLED_NS, is_no_news
from collector.detect.verdicts.votes import key_id
from collector.detect.view import NOTHING, view_of
from collector.events import CheckState
from collector.inputs import ClockInput, encode_input
from parallax.clock import NS
from parallax.plan.types import Component
from tests.collector.detect.calls import Calls
from tests.collector.detect.scenes import EIGHT, T0, Scene, fleet
from tests.collector.detect.world import AUTH, US, Lab

NOW = 10_000 * NS
DOWN = NOW - SETTLED_NS


@pytest.mark.parametrize(
    ("state", "since", "reason", "no_news"),
    [
        ("down", DOWN, "connect_timeout", True),
        ("down", DOWN + 1, "connect_timeout", False),
        ("down", DOWN, "connect_refused", False),
        ("down", DOWN, None, False),
        ("degraded", DOWN, "connect_timeout", False),
        ("suspected", DOWN, "connect_timeout", False),
        ("unknown", DOWN, "connect_timeout", False),
    ],
)
def test_only_more_of_a_settled_outage_is_no_news(state: str, since: int, reason: str | None, no_news: bool) -> None:
    key = Key(
        check="c", target="t", subject="s", born_at=0, since=since, state=state, reason="connect_timeout",  # type: ignore[arg-type]
        due=NOW + 60 * NS,
    )  # fmt: skip
    assert is_no_news(key, Vote(at=NOW, reason=reason), NOW) is no_news
    assert key.due == NOW + (LOOK_NS if no_news else 60 * NS), "it is looked at all the same, a moment later"


def test_a_long_outage_ends_as_soon_as_a_short_one_and_its_evidence_stays_true() -> None:
    ended: list[float] = []
    for seconds in (30, 200):
        lab = Lab()
        lab.run(20)
        outage = lab.fails("connect_timeout", subject=US)
        lab.run(seconds)
        key = lab.state.keys[key_id("api", f"https://{AUTH}/v1/health", f"{US}:443")]
        assert (key.state, key.failing, key.voters) == ("down", 8, 8)
        assert key.extent is not None
        assert key.extent.share == 1.0
        lab.mute.add("sin1")
        lab.run(30)
        assert (key.failing, key.voters) == (7, 7), "who is silent is counted out"
        lab.mute.clear()
        lab.mend(outage)
        mended = lab.t
        lab.run(40)
        over = next(event for event in lab.told("incident.monitoring") if event.at >= lab.now - 40 * NS)
        ended.append(round(lab.t - (lab.now - over.at) / NS - mended, 2))
    assert ended[0] == ended[1]


def test_an_outage_that_goes_on_in_another_way_is_called_so_at_once() -> None:
    lab = Lab()
    lab.run(20)
    lab.fails("connect_timeout", subject=US)
    lab.run(90)
    lab.fails("connect_refused", subject=US)
    lab.run(12)
    [incident] = lab.incidents()
    assert incident.title == f"Region us-east is down: {US} refuses connections"


def test_risks_are_looked_at_once_a_second_but_at_once_where_something_changed() -> None:
    lab = Lab()
    lab.run(20)
    lab.fails("dns_timeout", subject="192.0.2.11")
    lab.run(20)
    [risk] = lab.state.risks.values()
    view = view_of(lab.state.plan)
    assert view is not None
    lab.state.risks_at = lab.state.now
    tell_risks(lab.state, NOTHING, [], changed=False)
    assert list(lab.state.risks.values()) == [risk], "not yet"
    lab.state.risks_at = lab.state.now + 1  # the clock was put back
    told: list[object] = []
    tell_risks(lab.state, view, told, changed=False)  # type: ignore[arg-type]
    assert lab.state.risks_at == lab.state.now
    lab.state.open.clear()
    tell_risks(lab.state, NOTHING, told, changed=True)  # type: ignore[arg-type]
    assert lab.state.risks == {}


def fronts(number: int, probes: list[tuple[str, str, str, int, str]] = EIGHT[:5]) -> Scene:
    """So many hosts that have nothing in common, each the whole of a component, seen by these probes once in 5 s."""
    text = '[defaults]\nperiod = "5s"\ntimeout = "2s"\n' + fleet(probes)
    for n in range(number):
        text += f'[[check]]\nname = "c{n}"\nkind = "tls"\nexternal = false\ntargets = ["a{n}.test:443"]\n'
        text += f'[[component]]\nname = "C{n}"\nchecks = ["c{n}"]\n'
    return Scene(text, {f"a{n}.test": [f"198.51.100.{n + 1}"] for n in range(number)})


def test_a_subject_that_turns_costs_as_much_beside_many_open_incidents_as_beside_few() -> None:
    """The look between two ticks; what a tick costs may grow with what is open."""
    costs: list[int] = []
    for dark in (4, 36):
        here = fronts(40)
        here.run(10)
        for n in range(dark):
            here.fails("connect_timeout", check=f"c{n}")
        here.run(25)
        assert len(here.state.open) == dark
        here.put(ClockInput(at=here.now))
        assert here.state.ticked_at == here.now, "what follows within the same moment is between two ticks"
        subject = ("c39", "a39.test:443", "198.51.100.40:443")
        here.t += 0.125
        with Calls() as calls:
            for probe in ("fra1", "lon1", "iad1"):
                here.say(probe, [here.observe(probe, *subject, reason="connect_timeout")])
        assert here.state.keys[key_id(*subject)].state == "suspected"
        assert here.state.ticked_at < here.now
        costs.append(calls.number)
    assert costs[1] <= 1.2 * costs[0]


def test_a_look_at_what_turned_says_what_a_look_at_all_would_say() -> None:
    """Where the same moment's tick has been: what is not looked at has nothing to say."""
    here = fronts(5)
    chance = random.Random(7)
    told = 0
    for _ in range(14):
        here.rules.clear()
        for n in chance.sample(range(5), chance.randint(0, 3)):
            some = chance.sample([probe.id for probe in here.plan.probe], chance.choice([2, 5]))
            here.fails(chance.choice(["connect_timeout", "tls_expired"]), check=f"c{n}", probes=some)
        first = len(here.records)
        before = encode_state(here.state)
        here.run(5)
        state = decode_state(before)
        for record in here.records[first:]:
            passing = encode_input(ClockInput(at=record.at_ns), at_ns=record.at_ns)
            state.ticked_at = 0
            state, _ = step(state, msgspec.structs.replace(record, kind=passing.kind, body=passing.body))
            everything = decode_state(encode_state(state))
            everything.ticked_at = 0
            was = {name: (key.state, key.reason) for name, key in state.keys.items()}
            state, said = step(state, record)
            if was == {name: (key.state, key.reason) for name, key in state.keys.items()}:
                continue  # it waits for the tick, whatever is to be said
            everything, all_said = step(everything, record)
            assert said == all_said
            assert state.lines == everything.lines
            assert [case.shown for case in state.open.values()] == [case.shown for case in everything.open.values()]
            told += len(said)
    assert told > 10


def test_a_passing_word_costs_a_bounded_number_of_calls() -> None:
    here = fronts(40)
    here.run(15)
    here.put(ClockInput(at=here.now))
    assert here.state.ticked_at == here.now, "what follows within the same moment is between two ticks"
    leaf = {"sha256": "ab" * 32, "not_before": "2026-09-01T00:00:00Z", "not_after": "2027-09-01T00:00:00Z"}
    costs: list[int] = []
    for number in (4, 40):
        here.t += 0.125
        subjects = [(f"c{n}", f"a{n}.test:443", f"198.51.100.{n + 1}:443") for n in range(number)]
        passing = [here.observe("fra1", *subject, findings={"chain": [leaf]}) for subject in subjects]
        with Calls() as calls:
            assert here.say("fra1", passing) == []
        costs.append(calls.number)
    assert here.state.ticked_at < here.now
    assert costs[1] - costs[0] <= 35 * 36


def test_where_a_fault_is_asks_for_a_subjects_way_once_however_many_probes_go_it() -> None:
    rows = []
    for probes in (EIGHT[:5], EIGHT):
        here = fronts(12, probes)
        here.run(10)
        here.fails("connect_timeout", check="c0")
        here.run(15)
        view = view_of(here.state.plan)
        assert view is not None
        bad = [
            spot for name, key in here.state.keys.items() if key.incident and (spot := spot_of(here.state, view, name))
        ]
        found = rows_about(here.state, view, bad)
        assert sum(row.failed + row.passed for row in found) >= 12 * len(probes)
        rows.append(len(found))
    assert rows == [12, 12]


class Unread(dict[str, Vote]):
    """Words that must not be looked through."""

    def values(self) -> NoReturn:
        raise AssertionError


def test_words_are_looked_through_for_what_ends_only_once_one_may_say_so() -> None:
    here = fronts(2)
    here.rule(lambda probe, check, target, subject, t: {"findings": {"chain": [leaf_until(40)]}})
    here.run(20)
    view = view_of(here.state.plan)
    assert view is not None
    key = here.state.keys[key_id("c0", "a0.test:443", "198.51.100.1:443")]
    assert here.state.now + 9 * DAY_NS < key.warns_at < here.state.now + 11 * DAY_NS
    key.votes = Unread(key.votes)
    assert list(certificates(here.state, view)) == []
    here.state.now = key.warns_at
    with pytest.raises(AssertionError):
        list(certificates(here.state, view))


def test_a_certificate_that_ends_sooner_than_those_before_is_a_risk_as_soon_as_it_is_shown() -> None:
    here = fronts(1)
    shown = [leaf_until(40)]
    here.rule(lambda probe, check, target, subject, t: {"findings": {"chain": list(shown)}})
    here.run(20)
    assert here.state.risks == {}
    shown[0] = leaf_until(10)
    here.run(10)
    [risk] = here.state.risks.values()
    assert risk.title == "The certificate of a0.test ends in 10 days"
    shown[0] = leaf_until(90)
    here.run(10)
    assert here.state.risks == {}
    [key] = here.state.keys.values()
    assert key.warns_at > here.state.now, "the words that said so are gone"


def leaf_until(days: int) -> dict[str, str]:
    """A certificate of a year that ends in so many days of the scene's."""
    end = datetime.fromtimestamp(T0 / NS, UTC) + timedelta(days=days, hours=1)
    begins = end - timedelta(days=365)
    return {"sha256": f"{days:064}", "not_before": begins.isoformat(), "not_after": end.isoformat()}


def test_what_is_well_at_a_glance_is_well_looked_at_closely() -> None:
    view = view_of(fronts(2).state.plan)
    assert view is not None
    component = Component(name="both", checks=["c0", "c1"])
    chance, glances = random.Random(3), 0
    for _ in range(500):
        state = initial("5eed5eed5eed5eed")
        for n in range(chance.randint(1, 5)):
            check = chance.choice(["c0", "c1"])
            word: CheckState = chance.choice(["up", "up", "up", "suspected", "unknown", "down", "degraded"])
            state.keys[f"k{n}"] = Key(
                check=check, target=f"a{check[1]}.test:443", subject=f"s{n}", born_at=0, state=word, held=word,
                told=chance.choice(["up", "up", "down"]), lookup=chance.random() < 0.2, apart=chance.random() < 0.3,
                blind=chance.choice(["", "", "", "http_forbidden"]), throttled=chance.random() < 0.1,
            )  # fmt: skip
        keys = keys_by_check(state)
        if well_checks(keys) >= {"c0", "c1"}:
            glances += 1
            assert raw_state(state, component, view, keys) == WELL
    assert glances > 10
