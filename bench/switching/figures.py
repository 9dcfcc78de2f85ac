"""What the policies come to: the night of 6 August over many seeds, and twelve regimes against what hindsight would
have done."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

import msgspec

from bench.switching.nights import MIN, REGIMES, august
from bench.switching.play import Driver, Night, play
from bench.switching.policies import POLICIES, Foreseeing, Ours

SEEDS = 100


class Costs(msgspec.Struct, frozen=True):
    """What a switch and a minute in which users fail cost, in minutes of service by the standby."""

    name: str
    switch: float
    bad: float

    def of(self, night: Night) -> float:
        return (night.standby + self.bad * night.bad) / MIN + self.switch * len(night.switches)


COSTS = (Costs("low", 10, 20), Costs("middle", 20, 40), Costs("high", 40, 80))
CHEAP = Costs("next to nothing", 5, 10)
"""Outside of the goal: where a pair of switches is worth a quarter of an hour, any long wait is wrong."""


@dataclass(frozen=True, slots=True)
class August:
    """A policy over the nights of 6 August: switchovers, minutes."""

    switchovers: float
    most: int
    bad: float
    worst_bad: float
    standby: float
    back: float
    latest_back: float


def august_figures(seeds: int = SEEDS) -> dict[str, August]:
    """By policy. None at all stands first."""
    return {name: _august([_night(make(), seed) for seed in range(seeds)]) for name, make in POLICIES.items()}


def ours_in_august(seeds: int = SEEDS) -> August:
    """Only ours: what a test can wait for."""
    return _august([_night(Ours(), seed) for seed in range(seeds)])


def untouched(seeds: int = SEEDS) -> float:
    """Minutes for which users fail where nobody switches, on the mean."""
    return mean(sum(end - start for start, end in august(random.Random(seed))) for seed in range(seeds)) / MIN


def ratios(patterns: int, costs: Sequence[Costs] = COSTS) -> dict[str, dict[str, float]]:
    """By policy, by "regime, costs": what it costs, by what the optimum in hindsight costs, both summed over the same
    patterns."""
    found: dict[str, dict[str, float]] = {name: {} for name in POLICIES}
    for regime, draw in REGIMES.items():
        spent = {name: [0.0] * len(costs) for name in POLICIES}
        best = [0.0] * len(costs)
        for seed in range(patterns):
            spans = draw(random.Random(seed))
            for name, make in POLICIES.items():
                night = play(spans, make(), random.Random(seed))
                for place, each in enumerate(costs):
                    spent[name][place] += each.of(night)
            bounds = {0.0, *(start - end for (_, end), (start, _) in pairwise(spans))}
            nights = [play(spans, Foreseeing(spans, bound), random.Random(seed)) for bound in sorted(bounds)]
            for place, each in enumerate(costs):
                best[place] += min(map(each.of, nights))
        for name in POLICIES:
            for place, each in enumerate(costs):
                found[name][f"{regime}, {each.name}"] = spent[name][place] / best[place]
    return found


def worst(row: Mapping[str, float]) -> float:
    return max(row.values())


def _night(driver: Driver, seed: int) -> Night:
    return play(august(random.Random(seed)), driver, random.Random(seed))


def _august(nights: Sequence[Night]) -> August:
    return August(
        switchovers=mean(len(night.switches) for night in nights),
        most=max(len(night.switches) for night in nights),
        bad=mean(night.bad for night in nights) / MIN,
        worst_bad=max(night.bad for night in nights) / MIN,
        standby=mean(night.standby for night in nights) / MIN,
        back=mean(night.back_s for night in nights) / MIN,
        latest_back=max(night.back_s for night in nights) / MIN,
    )
