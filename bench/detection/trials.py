"""The comparison as jobs: each is a stretch of time or an outage, drawn from a seed, on which every rule is tried that
looks as often as the others of its row. A job is pure and gives plain counts, so that jobs run side by side and add up.
"""

from dataclasses import dataclass, field
from random import Random

from bench.detection.ours import Live
from bench.detection.rivals import RIVALS, TUNED, Rule, bad_spans, down_spans, spans_of
from bench.detection.scores import alarms, seen
from bench.detection.simulation import Asking, Simulation
from bench.detection.world import MONTH, NOISES, Fleet, Trouble, draw_weather, draw_world, fleet

BEFORE_S, AFTER_S = 300.0, 300.0
"""An outage begins this long after its stretch, and some more, and that much is looked at after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fleet, and how it is asked. `tuned`: the family of the strongest rival is tried beside ours."""

    name: str
    probes: int
    networks: int | None = None
    period_s: float = 30.0
    asking: Asking = field(default_factory=Asking)
    tau_s: float = 8.0
    tuned: bool = False

    @property
    def fleet(self) -> Fleet:
        return fleet(self.probes, self.period_s, networks=self.networks)


OURS = (
    Row(name="1 probe", probes=1),
    Row(name="3 probes", probes=3),
    Row(name="5 probes", probes=5, tuned=True),
    Row(name="5 probes in 3 networks", probes=5, networks=3),
    Row(name="15 probes", probes=15, tuned=True),
    Row(name="5 probes, external", probes=5, asking=Asking(gap_s=15.0)),
    Row(name="15 probes, external", probes=15, asking=Asking(gap_s=15.0)),
    Row(name="5 probes, nobody is asked", probes=5, asking=Asking(on=False)),
    Row(name="15 probes, nobody is asked", probes=15, asking=Asking(on=False)),
)
ROWS = {row.name: row for row in OURS}
LENGTHS_S = {0.98: 450.0, 0.3: 600.0, 0.1: 600.0}
"""How much of an outage fails, and how long it lasts."""
TARGETS = 50


@dataclass(slots=True)
class Tally:
    """Alarms of one rule in stretches without an outage."""

    months: float = 0.0
    down: int = 0
    hurt: int = 0
    extra: int = 0
    grid: float = 0.0
    refused: int = 0

    def add(self, other: "Tally") -> None:
        self.months += other.months
        self.down += other.down
        self.hurt += other.hurt
        self.extra += other.extra
        self.grid += other.grid
        self.refused += other.refused


def title(rule: Rule) -> str:
    """What to call a rule of the tuned family."""
    return f"staggered, {rule.fails} in a row at {round(100 * rule.share)} %"


def quiet_month(row: str, noise: str, number: int) -> dict[str, Tally]:
    """A month in which nothing is wrong with the target: by rule, its alarms."""
    plan = ROWS[row]
    world = draw_world(f"month {row} {noise} {number}", NOISES[noise], plan.fleet, MONTH)
    found = {}
    for fails in sorted({rule.fails for rule in TUNED}) if plan.tuned else ():
        bad = bad_spans(world, fails, 1)
        for rule in TUNED:
            if rule.fails == fails:
                spans = spans_of(bad, rule.needs(plan.probes))
                found[title(rule)] = Tally(months=1, down=alarms(spans), hurt=alarms(spans))
    simulation = Simulation(world, Live(world, tau_s=plan.tau_s), plan.asking)
    heard = simulation.run()
    found["ours"] = Tally(
        months=1,
        down=alarms(heard.down),
        hurt=alarms(heard.hurt),
        extra=heard.extra,
        grid=MONTH / plan.period_s * plan.probes,
        refused=simulation.refused,
    )
    return found


def rival_month(name: str, noise: str, number: int) -> dict[str, Tally]:
    """The same for a rule as it is deployed, with its own fleet."""
    rule, probes, period_s, staggered = RIVALS[name]
    world = draw_world(
        f"month {name} {noise} {number}", NOISES[noise], fleet(probes, period_s, staggered=staggered), MONTH
    )
    count = alarms(down_spans(world, rule))
    return {"rival": Tally(months=1, down=count, hurt=count)}


def fleet_month(row: str, noise: str, number: int) -> dict[str, Tally]:
    """A month of many targets on one fleet: its weather meets all of them at once. `months` are the fleet's; `hurt`
    counts those moments as one in which several targets alarm."""
    plan = ROWS[row]
    weather = draw_weather(Random(f"weather {row} {noise} {number}"), NOISES[noise], plan.fleet, MONTH)
    spans, down = [], 0
    for target in range(TARGETS):
        world = draw_world(f"fleet {row} {noise} {number} {target}", NOISES[noise], plan.fleet, MONTH, weather=weather)
        heard = Simulation(world, Live(world), plan.asking).run()
        down += alarms(heard.down)
        spans += heard.down
    return {"ours": Tally(months=1, down=down, hurt=alarms(sorted(spans, key=lambda span: span.start)))}


def outage(row: str, share: float, number: int) -> dict[str, list[tuple[float | None, float | None, bool]]]:
    """One outage in nominal noise: by rule, delay, recovery, and whether the word stood before. `ours hurt`: by the
    first word that it is degraded or down."""
    plan = ROWS[row]
    start = BEFORE_S + Random(f"start {row} {share} {number}").random() * 60.0
    trouble = Trouble(start, start + LENGTHS_S[share], share)
    world = draw_world(
        f"outage {row} {share} {number}", NOISES["nominal"], plan.fleet, trouble.end + AFTER_S, outages=(trouble,)
    )
    found = {}
    for rule in TUNED if plan.tuned else ():
        each = seen(down_spans(world, rule), trouble)
        found[title(rule)] = [(each.delay, each.recovery, each.early)]
    heard = Simulation(world, Live(world, tau_s=plan.tau_s), plan.asking).run()
    for name, spans in (("ours", heard.down), ("ours hurt", heard.hurt)):
        each = seen(spans, trouble)
        found[name] = [(each.delay, each.recovery, each.early)]
    return found


def rival_outage(name: str, share: float, number: int) -> dict[str, list[tuple[float | None, float | None, bool]]]:
    """The same for a rule as it is deployed."""
    rule, probes, period_s, staggered = RIVALS[name]
    start = BEFORE_S + Random(f"start {name} {share} {number}").random() * 60.0
    trouble = Trouble(start, start + LENGTHS_S[share], share)
    of = fleet(probes, period_s, staggered=staggered)
    world = draw_world(
        f"outage {name} {share} {number}", NOISES["nominal"], of, trouble.end + AFTER_S, outages=(trouble,)
    )
    each = seen(down_spans(world, rule), trouble)
    return {"rival": [(each.delay, each.recovery, each.early)]}
