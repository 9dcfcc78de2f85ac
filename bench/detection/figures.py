"""From the counts of jobs to figures: rates with their bounds, delays, what a day of asking costs."""

from dataclasses import dataclass, field
from typing import Any

from bench.detection.rivals import RIVALS, TUNED
from bench.detection.scores import Seen, at_most, delay_quantile, quantile
from bench.detection.trials import LENGTHS_S, OURS, TARGETS, Tally, title
from bench.detection.world import NOISES

SOON_S = 20.0
EVIDENCE_S = 0.5
"""One look to confirm, at the fastest."""


@dataclass(slots=True)
class Figures:
    """Everything that was counted: alarms by (row, rule, noise), what was seen by (row, rule, share)."""

    quiet: dict[tuple[str, str, str], Tally] = field(default_factory=dict)
    fleets: dict[str, Tally] = field(default_factory=dict)
    outages: dict[tuple[str, str, float], list[Seen]] = field(default_factory=dict)

    def rate(self, row: str, rule: str, noise: str, *, hurt: bool = False) -> tuple[float, float, float] | None:
        """False alarms a month: as counted, the upper bound, the months."""
        tally = self.quiet.get((row, rule, noise))
        if tally is None or not tally.months:
            return None
        count = tally.hurt if hurt else tally.down
        return count / tally.months, at_most(count) / tally.months, tally.months

    def delay(self, row: str, rule: str, share: float = 0.98) -> tuple[float | None, float | None] | None:
        """Median and 95th percentile of delays, seconds; None within where so many were missed."""
        found = self.outages.get((row, rule, share))
        return (delay_quantile(found, 0.5), delay_quantile(found, 0.95)) if found else None

    def recovery(self, row: str, rule: str) -> float | None:
        """Median time from the end of an outage to the word's end."""
        found = self.outages.get((row, rule, 0.98), [])
        return quantile([each.recovery for each in found if each.recovery is not None], 0.5)

    def soon(self, row: str, rule: str) -> float | None:
        """How many of the outages were seen within 20 s."""
        found = [each for each in self.outages.get((row, rule, 0.98), []) if not each.early]
        return sum(each.delay is not None and each.delay <= SOON_S for each in found) / len(found) if found else None

    def missed(self, row: str, rule: str, share: float) -> float | None:
        """How many of the outages were never seen."""
        found = [each for each in self.outages.get((row, rule, share), []) if not each.early]
        return sum(each.delay is None for each in found) / len(found) if found else None

    def cost(self, row: str, noise: str) -> float | None:
        """Runs that were asked for, over the grid's."""
        tally = self.quiet.get((row, "ours", noise))
        return tally.extra / tally.grid if tally and tally.grid else None

    def floor(self, row: str) -> float:
        """What no rule can beat that must ignore what is over in `tau`: half the wait for the first run, one look, and
        tau."""
        plan = next(each for each in OURS if each.name == row)
        return plan.period_s / (2 * plan.probes) + EVIDENCE_S + plan.tau_s

    def best_tuned(self, row: str, budget: float, noise: str, share: float = 0.98) -> str | None:
        """The rule of the tuned family with the smallest median delay among those within a budget of false alarms."""
        within = []
        for rule in map(title, TUNED):
            rate, delay = self.rate(row, rule, noise), self.delay(row, rule, share)
            if rate and delay and delay[0] is not None and rate[0] <= budget:
                within.append((delay[0], delay[1] or 1e9, rule))
        return min(within)[2] if within else None

    def brief(self) -> dict[str, Any]:
        """The figures of the report's page."""
        found: dict[str, Any] = {}
        for row in [row.name for row in OURS] + list(RIVALS):
            rule = "rival" if row in RIVALS else "ours"
            one: dict[str, Any] = {}
            if delay := self.delay(row, rule):
                one["hard_s"] = [_round(each) for each in delay]
                one["recovery_s"] = _round(self.recovery(row, rule))
                one["within_20_s"] = self.soon(row, rule)
            for share in LENGTHS_S:
                name = "ours hurt" if rule == "ours" else rule
                if share < 0.9 and (delay := self.delay(row, name, share)):
                    one[f"{round(100 * share)}_percent_s"] = [_round(each) for each in delay]
            for noise in NOISES:
                if rate := self.rate(row, rule, noise):
                    one[f"false_a_month_{noise}"] = rate[0]
                    one[f"false_at_most_{noise}"] = round(rate[1], 4)
                    if rule == "ours" and (hurt := self.rate(row, rule, noise, hurt=True)):
                        one[f"false_degraded_a_month_{noise}"] = hurt[0]
                        one[f"asked_runs_over_grid_{noise}"] = self.cost(row, noise)
            if rule == "ours" and (delay := self.delay(row, rule)) and delay[0]:
                one["floor_over_median"] = round(self.floor(row) / delay[0], 2)
            if one:
                found[row.replace(",", "")] = one
        for noise, tally in self.fleets.items():
            found[f"{TARGETS} targets {noise}"] = {
                "months": tally.months,
                "false_a_month_of_all_targets": tally.down / tally.months,
                "moments_a_month": tally.hurt / tally.months,
                "false_a_month_and_target": tally.down / tally.months / TARGETS,
            }
        return found


def figures_of(kept: dict[str, dict[str, Any]]) -> Figures:
    """Adds up the jobs' counts, by their names: what/row/noise or share/from/to."""
    figures = Figures()
    for name, rules in kept.items():
        what, row, kind, _, _ = name.split("/")
        for rule, value in rules.items():
            if what.endswith("outage"):
                words = [Seen(*each) for each in value]
                figures.outages.setdefault((row, rule, float(kind)), []).extend(words)
            elif what == "fleet month":
                figures.fleets.setdefault(kind, Tally()).add(Tally(**value))
            else:
                figures.quiet.setdefault((row, rule, kind), Tally()).add(Tally(**value))
    return figures


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
