"""The simulated world, the rules of others, and our detector in it."""

from dataclasses import asdict, replace
from math import isclose
from random import Random

import pytest

from bench.detection.figures import figures_of
from bench.detection.ours import Live
from bench.detection.rivals import Rule, Span, down_spans, spans_of
from bench.detection.scores import Seen, alarms, at_most, delay_quantile, lorden_bound_s, seen
from bench.detection.simulation import Asking, Heard, Simulation
from bench.detection.trials import quiet_month, rival_outage
from bench.detection.world import CALM, DAY, NOMINAL, STRESS, Trouble, draw_weather, draw_world, fleet

TEN_YEARS_S = 10 * 365.25 * DAY


def test_the_same_seed_gives_the_same_world() -> None:
    first, second = (draw_world("a", STRESS, fleet(5, 30.0), 5 * DAY) for _ in range(2))
    assert first.runs() == second.runs()
    assert first.runs() != draw_world("b", STRESS, fleet(5, 30.0), 5 * DAY).runs()


def test_runs_fail_as_often_as_the_noise_says() -> None:
    world = draw_world("rate", replace(CALM, fails=0.02), fleet(15, 30.0), 10 * DAY)
    chance = world.runs()
    assert 0.018 < len(chance) / (10 * DAY / 30 * 15) < 0.022
    assert 0.45 < sum(run.late for run in chance) / len(chance) < 0.55


def test_events_fail_the_runs_of_those_they_meet() -> None:
    trouble = Trouble(1000.0, 2000.0)
    world = draw_world("hard", CALM, fleet(5, 30.0), 3000.0, outages=(trouble,))
    assert {run.probe for run in world.runs()} == set(range(5))
    assert all(1000.0 <= run.at < 2000.0 for run in world.runs())
    assert len(world.runs()) in range(5 * 33, 5 * 34 + 1)
    assert world.run_at(0, 1500.0) is not None
    assert world.run_at(0, 2500.0) is None


def test_the_weather_of_a_network_meets_all_its_probes() -> None:
    of = fleet(15, 30.0)
    weather = draw_weather(Random(1), STRESS, of, 60 * DAY)
    shared = set(weather.probes[0]) & set(weather.probes[6])
    assert of.groups[0] == of.groups[6]
    assert of.groups[0] != of.groups[1]
    assert len(shared) > 5
    assert not {event for event in weather.probes[0] if event.seen} & set(weather.probes[1])


def test_a_calm_moment_is_one_in_which_no_event_is() -> None:
    world = draw_world("calm", CALM, fleet(3, 30.0), 3000.0, outages=(Trouble(100.0, 2000.0), Trouble(300.0, 400.0)))
    assert world.is_calm(0.0, 99.0)
    assert not world.is_calm(500.0, 510.0)
    assert world.is_calm(2000.0, 2500.0)


@pytest.mark.parametrize(
    ("rule", "probes", "needs"),
    [
        (Rule(share=0.82), 15, 13),
        (Rule(share=0.5), 5, 3),
        (Rule(share=0.34), 15, 6),
        (Rule(share=0.2), 5, 1),
        (Rule(share=0.5, over=True), 4, 3),
    ],
)
def test_how_many_bad_probes_a_rule_needs(rule: Rule, probes: int, needs: int) -> None:
    assert rule.needs(probes) == needs


def test_spans_overlap() -> None:
    bad = [Span(0, 10), Span(5, 20), Span(8, 9), Span(30, 40)]
    assert spans_of(bad, 1) == [Span(0, 20), Span(30, 40)]
    assert spans_of(bad, 2) == [Span(5, 10)]
    assert spans_of(bad, 3) == [Span(8, 9)]
    assert spans_of(bad, 4) == []


def test_three_in_a_row_take_three_runs() -> None:
    trouble = Trouble(600.0, 900.0)
    world = draw_world("row", CALM, fleet(1, 60.0), 2000.0, outages=(trouble,))
    (down,) = down_spans(world, Rule(fails=3, passes=2, share=1.0))
    runs = world.runs()
    assert down.start == runs[2].ends
    assert down.end == runs[-1].at + 2 * 60.0 + 1.0


def test_a_failure_that_breaks_a_row_begins_it_anew() -> None:
    world = draw_world("gap", CALM, fleet(1, 60.0), 2000.0, outages=(Trouble(600.0, 720.0), Trouble(780.0, 900.0)))
    assert down_spans(world, Rule(fails=3, share=1.0)) == []
    assert len(down_spans(world, Rule(fails=2, share=1.0))) == 2


def test_alarms_close_together_are_one() -> None:
    assert alarms([Span(0, 10), Span(500, 510), Span(2000, 2001)]) == 2
    assert alarms([]) == 0


def test_what_a_rule_says_of_an_outage() -> None:
    outage = Trouble(100.0, 200.0)
    assert seen([Span(110, 230)], outage) == Seen(10.0, 30.0)
    assert seen([Span(110, 120), Span(150, 205)], outage) == Seen(10.0, 5.0)
    assert seen([Span(90, 230)], outage) == Seen(None, None, early=True)
    assert seen([Span(300, 310)], outage) == Seen(None, None)


def test_a_missed_outage_counts_as_endless() -> None:
    found = [Seen(1.0, 1.0), Seen(2.0, 1.0), Seen(None, None), Seen(None, None, early=True)]
    assert delay_quantile(found, 0.5) == 2.0
    assert delay_quantile(found, 0.95) is None


@pytest.mark.parametrize(("count", "bound"), [(0, 2.996), (1, 4.744), (5, 10.513), (25, 34.916), (778, 825.6)])
def test_the_bound_of_a_count_is_the_exact_one(count: int, bound: float) -> None:
    assert isclose(at_most(count), bound, rel_tol=1e-3)


@pytest.mark.parametrize(
    ("probes", "period_s", "after", "bound"),
    [(1, 60.0, 0.3, 945), (1, 60.0, 0.98, 182), (5, 30.0, 0.98, 21), (15, 10.0, 0.3, 13.6), (15, 30.0, 0.3, 38)],
)
def test_lordens_bound(probes: int, period_s: float, after: float, bound: float) -> None:
    assert isclose(lorden_bound_s(probes, period_s, 0.005, after, TEN_YEARS_S), bound, rel_tol=0.03)


def test_passes_in_one_step_are_as_good_as_one_by_one() -> None:
    for gap in (1, 3, 9, 60):
        lazy, stepped = (Live(draw_world("steps", CALM, fleet(5, 30.0), DAY)) for _ in range(2))
        world = lazy.world
        first = world.next_place(0, 100.0)
        for live in (lazy, stepped):
            live.settle(world.at(0, first) - 1.0)
            live.hear(world.at(0, first) + 1.0, 0, world.at(0, first), failed=True, abstains=False)
        end = world.at(0, first) + gap * 30.0 + 10.0
        due = sorted(
            (at, probe)
            for probe in range(5)
            for place in range(world.next_place(probe, stepped.last[probe] + 1e-6), world.next_place(probe, end - 1.0))
            if (at := world.at(probe, place)) > stepped.last[probe]
        )
        for at, probe in due:
            stepped.hear(at + 1.0, probe, at, failed=False, abstains=False)
        lazy.settle(end)
        assert lazy.last == stepped.last
        assert lazy.key.trouble_at == stepped.key.trouble_at
        for ours, theirs in zip(lazy.votes, stepped.votes, strict=True):
            assert (ours.at, ours.passed_at, ours.streak) == (theirs.at, theirs.passed_at, theirs.streak)
            assert isclose(ours.partial, theirs.partial, abs_tol=1e-9)
            assert isclose(ours.slow, theirs.slow, abs_tol=1e-9)
            assert isclose(ours.p0, theirs.p0, rel_tol=1e-9)


def play(*troubles: Trouble, probes: int = 5, seed: str = "play", asking: Asking | None = None) -> Heard:
    world = draw_world(seed, CALM, fleet(probes, 30.0), 3000.0, outages=troubles)
    return Simulation(world, Live(world), asking or Asking()).run()


def test_an_outage_is_seen_within_seconds_and_its_end_too() -> None:
    for number in range(10):
        outage = Trouble(1000.0 + 3.1 * number, 1450.0)
        (down,) = play(outage, seed=str(number)).down
        assert 8.0 < down.start - outage.start < 20.0
        assert 0.0 < down.end - outage.end < 15.0


@pytest.mark.parametrize("lasts", [1.0, 3.0, 6.0])
def test_a_blip_is_nobodys_outage(lasts: float) -> None:
    for number in range(20):
        heard = play(Trouble(1000.0 + 1.7 * number, 1000.0 + 1.7 * number + lasts), seed=str(number), probes=15)
        assert heard.down == []
        assert heard.hurt == []


def test_what_is_not_told_while_runs_are_stepped_was_not_made() -> None:
    world = draw_world("stepped", CALM, fleet(5, 30.0), DAY)
    live = Live(world)
    live.begin_steps(1000.0)
    passed = [vote.passed_at for vote in live.votes]
    live.hear(1100.0, 0, 1099.0, failed=True, abstains=False)
    live.settle(1100.0)
    assert [vote.passed_at for vote in live.votes] == passed, "a run that hangs, or was skipped, has not passed"
    live.end_steps(1100.0)
    live.settle(1200.0)
    assert all(vote.passed_at > was for vote, was in zip(live.votes, passed, strict=True))


def test_where_nobody_is_asked_it_takes_longer_and_costs_nothing() -> None:
    outage = Trouble(1000.0, 1450.0)
    (asked,) = (heard := play(outage)).down
    (alone,) = (silent := play(outage, asking=Asking(on=False))).down
    assert alone.start > asked.start + 5.0
    assert heard.extra > 0
    assert silent.extra == 0


@pytest.mark.slow
def test_a_probe_is_asked_no_more_than_its_bucket_allows() -> None:
    world = draw_world("bucket", STRESS, fleet(5, 30.0), 4 * DAY)
    heard = Simulation(world, Live(world), Asking(bucket=0.01)).run()
    grid = 4 * DAY / 30 * 5
    assert 0.01 < heard.extra / grid <= 0.0126


@pytest.mark.slow
def test_one_broken_probe_is_no_outage() -> None:
    world = draw_world("broken", CALM, fleet(5, 30.0), DAY)
    world.weather.probes[2].append(Trouble(1000.0, 80_000.0))
    broken = draw_world("broken", CALM, fleet(5, 30.0), DAY, weather=world.weather)
    assert len(broken.runs()) > 2000
    assert Simulation(broken, Live(broken), Asking()).run().hurt == []


@pytest.mark.slow
def test_months_add_up_to_figures() -> None:
    kept = {"month/5 probes/nominal/0/1": {}, "rival outage/Route 53 fast/0.98/0/3": {}}
    kept["month/5 probes/nominal/0/1"] = {
        rule: asdict(tally) for rule, tally in quiet_month("5 probes", NOMINAL.name, 0).items()
    }
    kept["rival outage/Route 53 fast/0.98/0/3"] = {
        "rival": [word for number in range(3) for word in rival_outage("Route 53 fast", 0.98, number)["rival"]]
    }
    figures = figures_of(kept)
    rate = figures.rate("5 probes", "ours", "nominal")
    assert rate is not None
    assert rate[2] == 1
    assert rate[1] > 2.9
    assert 0.0 < (figures.cost("5 probes", "nominal") or 0.0) < 0.06
    delay = figures.delay("Route 53 fast", "rival")
    assert delay is not None
    assert delay[0] is not None
    assert 20 < delay[0] < 60
    assert figures.brief()["Route 53 fast"]["hard_s"][0] == round(delay[0], 1)
