"""What is asked for on suspicion stays within the probe's share of what the fleet may do at a host."""

import msgspec
import pytest

from parallax.asks import Ask
from parallax.plan.checks import convert_check
from parallax.plan.part import part_of
from parallax.plan.types import Check, Load, Part, Plan, Probe
from probe.extra_runs import EXTERNAL_FLOOR_S, ExtraRuns, Pace
from probe.schedule import Pair
from probe.work import pace_of


def check(name: str, **table: object) -> Check:
    made = convert_check(
        {"name": name, "kind": "tls", "targets": ["a.example:443"], "period": "30s", "timeout": "5s", **table}
    )
    assert isinstance(made, Check)
    return made


def paces(most: int, *checks: Check) -> dict[Pair, Pace]:
    plan = Plan(probe=[Probe(id="p1"), Probe(id="p2")], check=list(checks), load=Load(most_per_target=most))
    part = part_of(plan, "p1")
    assert isinstance(part, Part)
    return {
        Pair(each.name, target): pace
        for each in checks
        for target in each.targets
        if (pace := pace_of(each, target, part)) is not None
    }


@pytest.mark.parametrize(
    ("most", "spare"),
    [(4, 0.0), (10, 0.05), (100, 0.8)],  # two probes' grids take 4 a minute; half of the rest is this probe's
)
def test_what_the_grids_leave_is_shared(most: int, spare: float) -> None:
    [other] = paces(most, check("a")).values()
    assert (other.floor_s, other.host) == (15.0, "a.example")
    assert other.spare == pytest.approx(spare)
    [own] = paces(most, check("a", external=False)).values()
    assert (own.host, own.spare) == ("", None)


@pytest.mark.parametrize(("most", "at_most"), [(40, 0), (100, 900 + 15), (10_000, 6 * 60 * 10)])
def test_whoever_asks_for_ever_gets_no_more_than_that(most: int, at_most: int) -> None:
    """Ten pairs at one host of others, asked for twice a minute for half an hour, by a collector out of its mind."""
    extra = ExtraRuns()
    chosen = {
        pair: msgspec.structs.replace(pace, period_s=0.1)  # the share of each pair's own grid is not what is meant here
        for pair, pace in paces(most, *(check(f"c{n}") for n in range(10))).items()
    }
    extra.use(chosen, -EXTERNAL_FLOOR_S)
    ran = 0
    for at in range(1800):
        asks = [
            Ask(id=f"{pair.check}-{at}", check=pair.check, target=pair.target, left_s=60, every_s=4, why="x")
            for pair in chosen
        ]
        extra.replace("c", asks, float(at))
        for run in extra.take(float(at)):
            extra.began(run.pair, float(at), asked=True)
            ran += 1
    assert ran <= at_most
    assert ran > at_most * 0.2 or not at_most
