"""Whom detection asks to look again: how many, how often, until when; and what it brings where probes obey."""

from itertools import pairwise
from typing import Any

import pytest

from collector.asking import asks_at
from collector.detect import decode_state, encode_state
from collector.detect.asking.asks import EVERY_NS, LONGEST_NS, MAX_OPEN, MAX_OPEN_OF_CHECK, Ask, asks_of
from collector.detect.asking.voters import MORE, OTHERS
from collector.detect.view import NOTHING, view_of
from collector.inputs import ClockInput
from parallax.clock import NS
from parallax.plan.part import NoSuchProbe, part_of
from probe.extra_runs import EXTERNAL_FLOOR_S, ExtraRuns
from probe.schedule import Pair
from probe.work import pace_of
from tests.collector.detect.scenes import T0, Scene

FIVE = [f"p{number}" for number in range(5)]
TARGET = "192.0.2.1:443"
CHECK = f'name = "api"\nkind = "tls"\ntargets = ["{TARGET}"]\ntimeout = "5s"'


def plan_of(check: str = CHECK, probes: list[str] = FIVE, *, period: str = "30s", external: bool = False) -> str:
    fleet = "".join(f'[[probe]]\nid = "{name}"\nasn = {64496 + number}\n' for number, name in enumerate(probes))
    return f'{fleet}[[check]]\nperiod = "{period}"\nexternal = {str(external).lower()}\n{check}\n'


class Asked(Scene):
    """A fleet whose probes do what they are asked, `way_s` after the record that asks for it."""

    def __init__(self, plan: str, *, way_s: float = 0.5, obey: bool = True) -> None:
        super().__init__(plan)
        self.way_s, self.obey = way_s, obey
        self.extra = {probe.id: ExtraRuns() for probe in self.plan.probe}
        for probe, extra in self.extra.items():
            part = part_of(self.plan, probe)
            assert not isinstance(part, NoSuchProbe)
            pairs = [(check, target) for check in self.plan.check for target in check.targets]
            paces = {Pair(check.name, target): pace_of(check, target, part) for check, target in pairs}
            extra.use({pair: pace for pair, pace in paces.items() if pace is not None}, -EXTERNAL_FLOOR_S)
        self.arriving: list[tuple[float, str, list[Any]]] = []
        self.runs: list[tuple[float, str, bool]] = []

    def asks(self) -> tuple[Ask, ...]:
        return asks_of(self.state, view_of(self.state.plan) or NOTHING)

    def run(self, seconds: float) -> list[Any]:
        first, until = len(self.events), self.t + seconds
        while self.t < until - 1e-9:
            self.t = round(self.t + 0.25, 6)
            for number, probe in enumerate(self.extra):
                if probe not in self.mute:
                    self._turn(number, probe)
            for each in [each for each in self.arriving if each[0] <= self.t]:
                self.arriving.remove(each)
                self.say(each[1], each[2])
                self._tell()
            if self.t % 5 == 0:
                self.put(ClockInput(at=self.now))
                self._tell()
        return self.events[first:]

    def _tell(self) -> None:
        if self.obey:
            asked = self.asks()
            for probe, extra in self.extra.items():
                mine = asks_at([ask for ask in asked if ask.probe == probe], self.now)
                extra.replace("collector", mine.asks, self.t + self.way_s)

    def _turn(self, number: int, probe: str) -> None:
        extra = self.extra[probe]
        for place, check in enumerate(self.plan.check):
            shift = (number / len(self.extra) + place * 0.37) % 1 * check.period
            if int((self.t - shift) // check.period) != int((self.t - 0.25 - shift) // check.period):
                for target in check.targets:
                    if not extra.puts_off(Pair(check.name, target), self.t):
                        self._launch(probe, check, target, asked=False)
        for run in extra.take(self.t):
            check = next(c for c in self.plan.check if c.name == run.pair.check)
            self._launch(probe, check, run.pair.target, asked=True)

    def _launch(self, probe: str, check: Any, target: str, *, asked: bool) -> None:
        self.extra[probe].began(Pair(check.name, target), self.t, asked=asked)
        self.runs.append((self.t, probe, asked))
        self.arriving.append((self.t + 0.5, probe, self._measure(probe, check, target)))

    def state_of(self, check: str = "api") -> str:
        return next(key.state for key in self.state.keys.values() if key.check == check)

    def down_after(self, since: float, within: float = 120) -> float:
        """Seconds until it is down."""
        while self.state_of() != "down":
            assert self.t < since + within, "it is not found"
            self.run(0.25)
        return self.t - since


def one_failure(scene: Scene, probe: str = "p0") -> None:
    scene.say(probe, [scene.observe(probe, "api", TARGET, TARGET, reason="connect_timeout")])


def asks_in(scene: Scene) -> tuple[Ask, ...]:
    return asks_of(scene.state, view_of(scene.state.plan) or NOTHING)


def test_a_second_failure_elsewhere_is_looked_at_by_more() -> None:
    seven = [f"p{number}" for number in range(8)]
    scene = Scene(plan_of(probes=seven))
    all_pass(scene, *seven)
    scene.t += 30
    one_failure(scene, "p0")
    assert len(asks_in(scene)) == 1 + OTHERS
    scene.t += 1
    all_pass(scene, *seven)
    assert not asks_in(scene)
    scene.t += 1
    one_failure(scene, "p3")
    assert len(asks_in(scene)) == 1 + MORE, "p0 failed a moment ago"


def all_pass(scene: Scene, *probes: str) -> None:
    for probe in probes or FIVE:
        scene.say(probe, [scene.observe(probe, "api", TARGET, TARGET)])


@pytest.fixture
def scene() -> Scene:
    made = Scene(plan_of())
    all_pass(made)
    made.t = 40.0
    all_pass(made)
    assert asks_in(made) == ()
    made.t = 50.0
    return made


def test_the_suspect_and_two_others_are_asked_first(scene: Scene) -> None:
    one_failure(scene)
    asks = asks_in(scene)
    assert {ask.probe: ask.every_ns for ask in asks} == {"p0": EVERY_NS, "p1": 0, "p2": 0}
    assert {(ask.check, ask.target, ask.why) for ask in asks} == {("api", TARGET, "suspicion")}
    assert {ask.until for ask in asks} == {scene.now + LONGEST_NS}


def test_a_run_that_waits_is_asked_about_elsewhere(scene: Scene) -> None:
    scene.say("p0", [scene.observe("p0", "api", TARGET, TARGET, abstain="pending")])
    assert [ask.probe for ask in asks_in(scene)] == ["p1", "p2"]
    scene.t += 1
    all_pass(scene, "p0")
    scene.t += 1
    scene.put(ClockInput(at=scene.now))
    assert asks_in(scene) == ()


def test_others_are_chosen_in_other_networks_and_by_the_age_of_their_words() -> None:
    fleet = "".join(f'[[probe]]\nid = "p{n}"\nasn = {asn}\n' for n, asn in enumerate([1, 1, 2, 2, 3]))
    scene = Scene(f"{fleet}[[check]]\nexternal = false\n{CHECK}\n")
    for probe in ("p4", "p3", "p1", "p2", "p0"):
        scene.t += 1
        all_pass(scene, probe)
    one_failure(scene)
    assert [ask.probe for ask in asks_in(scene) if not ask.every_ns] == ["p4", "p3"]


def test_a_second_network_makes_it_everyone_s_matter(scene: Scene) -> None:
    began = scene.now
    one_failure(scene)
    before = {ask.probe: ask.id for ask in asks_in(scene)}
    scene.t += 1
    one_failure(scene, "p2")
    asks = asks_in(scene)
    at_once = {ask.probe for ask in asks if ask.not_before <= scene.now}
    assert at_once == {"p1", "p3", "p4"}  # the two have looked since it began
    assert {ask.id for ask in asks if ask.probe == "p1" and ask.not_before <= scene.now} == {before["p1"]}
    held = [ask for ask in asks if ask.not_before > scene.now]
    assert [ask.probe for ask in held] == FIVE
    assert {ask.every_ns for ask in held} == {EVERY_NS}
    assert {ask.not_before for ask in held} == {began + 8 * NS + NS // 4}


def test_what_passes_again_is_let_be(scene: Scene) -> None:
    one_failure(scene)
    scene.t += 1
    all_pass(scene, "p0")
    scene.t += 1
    scene.put(ClockInput(at=scene.now))
    assert asks_in(scene) == ()


def test_a_suspect_that_is_alone_with_it_rests_and_another_begins_anew(scene: Scene) -> None:
    for _ in range(3):
        one_failure(scene)
        scene.t += 4
        if asks_in(scene):
            all_pass(scene, "p1", "p2")
    one_failure(scene)
    assert asks_in(scene) == ()
    one_failure(scene)
    assert asks_in(scene) == ()
    one_failure(scene, "p3")
    assert {ask.probe for ask in asks_in(scene) if ask.every_ns} == {"p3"}


def test_a_rest_is_longer_each_time() -> None:
    scene = Asked(plan_of())
    scene.run(60)
    scene.fails("connect_timeout", probes=["p0"])
    begun: list[float] = []
    number = scene.state.inquiries.number
    for _ in range(4 * 3600):
        scene.run(0.5)
        if scene.state.inquiries.number != number:
            number = scene.state.inquiries.number
            begun.append(scene.t)
    gaps = [later - earlier for earlier, later in pairwise(begun)]
    assert gaps == sorted(gaps)
    assert len(begun) <= 7
    extra = sum(asked for _, _, asked in scene.runs)
    assert extra < 0.1 * len(scene.runs)


def test_no_suspicion_lasts_longer_than_45_seconds(scene: Scene) -> None:
    one_failure(scene)
    one_failure(scene, "p1")
    scene.t += 44
    scene.put(ClockInput(at=scene.now))
    assert asks_in(scene) != ()
    scene.t += 2
    scene.put(ClockInput(at=scene.now))
    assert asks_in(scene) == ()
    assert scene.state.inquiries.open == {}


def test_what_others_run_is_asked_for_every_15_seconds_at_most() -> None:
    scene = Scene(plan_of(external=True))
    all_pass(scene)
    one_failure(scene)
    one_failure(scene, "p1")
    assert {ask.every_ns for ask in asks_in(scene)} <= {0, 15 * NS}
    many = [f"p{number}" for number in range(40)]
    scene = Scene(plan_of(probes=many, external=True))
    all_pass(scene, *many)
    one_failure(scene)
    one_failure(scene, "p1")
    assert {ask.every_ns for ask in asks_in(scene)} <= {0, 40 * NS}  # one a second, of the whole fleet


def test_flows_are_never_asked_for() -> None:
    check = 'name = "login"\nkind = "oidc"\nissuer = "https://id.acme.example"'
    scene = Scene(plan_of(check, period="60s"))
    for probe in FIVE:
        scene.say(probe, [scene.observe(probe, "login", "https://id.acme.example", "discovery", reason="http_status")])
    assert scene.state.keys
    assert asks_in(scene) == ()


@pytest.mark.parametrize("checks", [1, 40])
def test_of_many_that_fail_at_once_a_few_are_asked_for(checks: int) -> None:
    targets = [f"198.51.{n // 200}.{n % 200 + 1}:443" for n in range(2000 // checks)]
    text = "".join(
        f'[[check]]\nname = "c{n}"\nkind = "tls"\nexternal = false\ntargets = {targets!r}\n' for n in range(checks)
    )
    scene = Scene("".join(f'[[probe]]\nid = "{p}"\nasn = {64496 + n}\n' for n, p in enumerate(FIVE)) + text)
    for probe in FIVE:
        for check in scene.plan.check:
            every = [scene.observe(probe, check.name, t, t, reason="connect_timeout") for t in targets]
            for first in range(0, len(every), 500):
                scene.say(probe, every[first : first + 500])
    assert 0 < len(scene.state.inquiries.open) <= min(MAX_OPEN, checks * MAX_OPEN_OF_CHECK)
    assert len(asks_in(scene)) <= 2 * MAX_OPEN * len(FIVE)


def test_what_two_networks_see_takes_the_place_of_what_one_does() -> None:
    targets = [f"198.51.100.{n}:443" for n in range(1, 9)]
    scene = Scene(plan_of(f'name = "api"\nkind = "tls"\ntargets = {targets!r}'))
    fails = [scene.observe("p0", "api", target, target, reason="connect_timeout") for target in targets]
    scene.say("p0", fails)
    assert len(scene.state.inquiries.open) == MAX_OPEN_OF_CHECK
    left_out = targets[-1]
    assert left_out not in {ask.target for ask in asks_in(scene)}
    scene.say("p1", [scene.observe("p1", "api", left_out, left_out, reason="connect_timeout")])
    assert left_out in {ask.target for ask in asks_in(scene)}
    assert len(scene.state.inquiries.open) == MAX_OPEN_OF_CHECK


def test_a_restart_asks_the_same(scene: Scene) -> None:
    one_failure(scene)
    one_failure(scene, "p1")
    before = asks_in(scene)
    scene.state = decode_state(encode_state(scene.state))
    assert asks_in(scene) == before != ()


def test_a_clock_that_is_put_back_ends_what_was_asked(scene: Scene) -> None:
    one_failure(scene)
    scene.put(ClockInput(at=T0), at=T0)
    assert asks_in(scene) == ()


def test_what_the_plan_no_longer_has_is_not_asked_for(scene: Scene) -> None:
    one_failure(scene)
    assert asks_in(scene) != ()
    scene.put_plan(plan_of(CHECK.replace('"api"', '"other"')))
    assert asks_in(scene) == ()


def test_a_silent_probe_is_not_asked(scene: Scene) -> None:
    for _ in range(30):
        scene.t += 5
        all_pass(scene, "p0", "p1", "p2", "p3")
    one_failure(scene)
    one_failure(scene, "p1")
    assert {ask.probe for ask in asks_in(scene)} == {"p0", "p1", "p2", "p3"}


@pytest.mark.parametrize(("external", "obey", "most"), [(False, True, 10.5), (True, True, 12.0), (False, False, 40.0)])
def test_an_outage_is_confirmed_soon_after_its_first_failing_run(external: bool, obey: bool, most: float) -> None:
    delays = []
    for shift in range(6):
        scene = Asked(plan_of(external=external), obey=obey)
        scene.run(90 + shift)
        broken = scene.t
        scene.fails("connect_timeout")
        scene.down_after(broken)
        first = min(t for t, *_ in scene.runs if t > broken)
        delays.append(scene.t - first)
    assert max(delays) <= most, delays
    assert obey or min(delays) > 12  # else the test shows nothing


def test_external_targets_are_never_looked_at_sooner_than_every_15_seconds() -> None:
    scene = Asked(plan_of(external=True))
    scene.run(90)
    handle = scene.fails("connect_timeout")
    scene.run(20)
    scene.mend(handle)
    scene.run(120)
    assert any(asked for *_, asked in scene.runs)
    for probe in FIVE:
        at = [t for t, of, _ in scene.runs if of == probe]
        assert min(later - earlier for earlier, later in pairwise(at)) >= EXTERNAL_FLOOR_S


def test_recovery_is_seen_within_seconds_of_the_first_run_that_passes() -> None:
    scene = Asked(plan_of())
    scene.run(90)
    handle = scene.fails("connect_timeout")
    scene.down_after(scene.t)
    scene.run(40)
    assert asks_in(scene) == ()
    mended = scene.t
    scene.mend(handle)
    while scene.state_of() != "up":
        assert scene.t < mended + 30
        scene.run(0.25)
    first = min(t for t, *_ in scene.runs if t > mended)
    assert scene.t - first <= 8


def test_one_pass_at_what_stays_down_is_not_asked_about_for_long() -> None:
    scene = Asked(plan_of())
    scene.run(90)
    scene.fails("connect_timeout", probes=["p0", "p1", "p2", "p3"])
    handle = scene.fails("connect_timeout", probes=["p4"])
    scene.down_after(scene.t)
    scene.mend(handle)  # a probe that always passes from now on
    before = len(scene.runs)
    scene.run(3600)
    extra = sum(asked for *_, asked in scene.runs[before:])
    assert extra <= 0.15 * 5 * 120
