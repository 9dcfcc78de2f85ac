"""A world of noise and outages, drawn from a seed. Every rule of a comparison sees the very same one.

A fleet's weather is what befalls its probes: an uplink that breaks, a network that breaks, a wide event that meets each
probe by chance. All targets of a fleet share it. A target's own part is the chance failure of a run, the blip that
meets everyone and is over in seconds, and the outages that are to be found.

A failing run is known by its place on the grid, so that stretches in which all is well cost nothing: the next chance
failure is drawn as a geometric distance. Times are seconds since the stretch began, as floats.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from math import log, log1p
from random import Random

DAY = 86_400.0
MONTH = 30 * DAY
OK_S, ERROR_S, TIMEOUT_S = 1.0, 1.0, 5.0
SLOW_S = (2.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How bad the weather is. `*_every_s` is the mean time between events, of one probe, of one network, of the fleet;
    `*_mean_s` how long they last, exponentially distributed; `*_seen` how often control targets show them, so that the
    probe abstains."""

    name: str
    fails: float
    """How often a run fails by chance."""
    slow: float
    """How often a run that passes takes 2 to 5 s."""
    local_every_s: float
    local_mean_s: float
    group_every_s: float
    group_mean_s: float
    wide_every_s: float
    wide_mean_s: float
    wide_share: float
    blips_a_day: float
    blip_most_s: float
    local_seen: float = 0.9
    group_seen: float = 0.6


NOMINAL = Noise(
    name="nominal",
    fails=0.005,
    slow=0.01,
    local_every_s=3 * DAY,
    local_mean_s=480.0,
    group_every_s=10 * DAY,
    group_mean_s=240.0,
    wide_every_s=60 * DAY,
    wide_mean_s=120.0,
    wide_share=0.25,
    blips_a_day=1.0,
    blip_most_s=5.0,
)
STRESS = Noise(
    name="stress",
    fails=0.02,
    slow=0.03,
    local_every_s=DAY,
    local_mean_s=900.0,
    group_every_s=4 * DAY,
    group_mean_s=300.0,
    wide_every_s=20 * DAY,
    wide_mean_s=180.0,
    wide_share=0.3,
    blips_a_day=4.0,
    blip_most_s=6.0,
)
CALM = Noise(
    name="calm",
    fails=0.0,
    slow=0.0,
    local_every_s=1e12,
    local_mean_s=1.0,
    group_every_s=1e12,
    group_mean_s=1.0,
    wide_every_s=1e12,
    wide_mean_s=1.0,
    wide_share=0.0,
    blips_a_day=0.0,
    blip_most_s=1.0,
)
NOISES = {noise.name: noise for noise in (NOMINAL, STRESS)}


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many probes, in which networks, how often each looks. `staggered`: consecutive looks come from different
    networks, evenly over the period; else each probe's phase is its own affair."""

    groups: tuple[int, ...]
    """By probe: its network."""
    period_s: float
    staggered: bool = True

    @property
    def size(self) -> int:
        return len(self.groups)

    def phases(self, rng: Random) -> list[float]:
        """When within the period each probe looks."""
        if not self.staggered:
            return [rng.random() * self.period_s for _ in self.groups]
        turn = rng.random() * self.period_s
        step = self.period_s / self.size
        return [(turn + step * place) % self.period_s for place in range(self.size)]


def fleet(size: int, period_s: float, *, networks: int | None = None, staggered: bool = True) -> Fleet:
    """Probes dealt to networks in turn, so that neighbours on the grid are in different ones."""
    networks = networks or {1: 1, 3: 3, 5: 4, 15: 6}[size]
    return Fleet(tuple(place % networks for place in range(size)), period_s, staggered)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something fails from `start` to `end`: `share` of the runs that begin in it."""

    start: float
    end: float
    share: float = 1.0
    seen: bool = False
    """Control targets show it: the probe abstains."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What befalls the probes of a fleet in a stretch, by probe, in order."""

    length: float
    probes: list[list[Trouble]]


@dataclass(frozen=True, slots=True)
class Run:
    """A run on the grid that fails."""

    at: float
    probe: int
    place: int
    """Its number on the probe's grid."""
    late: bool
    """It hangs until the timeout; else it is refused at once."""
    abstains: bool

    @property
    def ends(self) -> float:
        return self.at + (TIMEOUT_S if self.late else ERROR_S)


def draw_weather(rng: Random, noise: Noise, of: Fleet, length: float) -> Weather:
    """The events that meet probes, over a stretch."""
    probes: list[list[Trouble]] = []
    for _ in of.groups:
        probes.append(_events(rng, noise.local_every_s, noise.local_mean_s, noise.local_seen, length))
    for group in sorted(set(of.groups)):
        for event in _events(rng, noise.group_every_s, noise.group_mean_s, noise.group_seen, length):
            for probe, its in enumerate(of.groups):
                if its == group:
                    probes[probe].append(event)
    for event in _events(rng, noise.wide_every_s, noise.wide_mean_s, 0.0, length):
        for each in probes:
            if rng.random() < noise.wide_share:
                each.append(event)
    for each in probes:
        each.sort(key=lambda event: event.start)
    return Weather(length, probes)


def _events(rng: Random, every_s: float, mean_s: float, seen: float, length: float) -> list[Trouble]:
    found = []
    at = rng.expovariate(1 / every_s)
    while at < length:
        found.append(Trouble(at, at + rng.expovariate(1 / mean_s), seen=rng.random() < seen))
        at += rng.expovariate(1 / every_s)
    return found


def draw_blips(rng: Random, noise: Noise, length: float) -> list[Trouble]:
    """Moments in which the target fails for all, and is back before anybody should act."""
    found: list[Trouble] = []
    if not noise.blips_a_day:
        return found
    at = rng.expovariate(noise.blips_a_day / DAY)
    while at < length:
        found.append(Trouble(at, at + rng.uniform(1.0, noise.blip_most_s)))
        at += rng.expovariate(noise.blips_a_day / DAY)
    return found


@dataclass(slots=True)
class World:
    """One target as one fleet sees it: the runs of the grid that fail are drawn at once, runs beside the grid when they
    are made (`run_at`)."""

    noise: Noise
    fleet: Fleet
    weather: Weather
    own: list[Trouble]
    """Blips and outages of the target."""
    rng: Random
    phases: list[float]
    failing: list[dict[int, Run]] = field(default_factory=list)
    """By probe, by place on its grid."""
    _ends: list[tuple[list[float], float]] = field(default_factory=list)
    _merged: list[tuple[list[float], list[float]]] = field(default_factory=list)
    """Of all events together: their starts, and how late those so far end."""

    @property
    def length(self) -> float:
        return self.weather.length

    def at(self, probe: int, place: int) -> float:
        """When a run of the grid begins."""
        return self.phases[probe] + place * self.fleet.period_s

    def next_place(self, probe: int, now: float) -> int:
        """The first run of the grid that begins after a moment."""
        return max(0, int((now - self.phases[probe]) // self.fleet.period_s) + 1)

    def runs(self) -> list[Run]:
        """Every run of the grid that fails, in the order in which they begin."""
        return sorted((run for each in self.failing for run in each.values()), key=lambda run: run.at)

    def run_at(self, probe: int, at: float) -> Run | None:
        """A run beside the grid: None if it passes."""
        share, seen = self.share_at(probe, at)
        if self.rng.random() >= share:
            return None
        return Run(at, probe, -1, self.rng.random() < 0.5, seen)

    def passes_in(self) -> float:
        """How long a run that passes takes."""
        return self.rng.uniform(*SLOW_S) if self.rng.random() < self.noise.slow else OK_S

    def share_at(self, probe: int, at: float) -> tuple[float, bool]:
        """How likely a run fails that begins then, and whether its controls would fail, too."""
        passes = 1.0 - self.noise.fails
        seen = False
        for events in (self._near(probe, at), self._near(-1, at)):
            for event in events:
                if event.start <= at < event.end:
                    passes *= 1.0 - event.share
                    seen |= event.seen
        return 1.0 - passes, seen

    def is_calm(self, start: float, end: float) -> bool:
        """Whether nothing but chance makes runs fail that begin in a span."""
        if not self._merged:
            events = sorted((event.start, event.end) for each in (*self.weather.probes, self.own) for event in each)
            self._merged.append(([begins for begins, _ in events], list(accumulate((ends for _, ends in events), max))))
        starts, latest = self._merged[0]
        before = bisect_right(starts, end)
        return not before or latest[before - 1] <= start

    def _near(self, probe: int, at: float) -> list[Trouble]:
        """The events of a probe, or of the target (-1), that began before a moment and may not be over."""
        events = self.own if probe < 0 else self.weather.probes[probe]
        starts, longest = self._index()[probe]
        last = bisect_right(starts, at)
        first = bisect_right(starts, at - longest - 60.0)
        return events[first:last]

    def _index(self) -> list[tuple[list[float], float]]:
        if not self._ends:
            for events in (*self.weather.probes, self.own):
                starts = [event.start for event in events]
                self._ends.append((starts, max((event.end - event.start for event in events), default=0.0)))
        return self._ends


def draw_world(
    seed: str,
    noise: Noise,
    of: Fleet,
    length: float,
    *,
    outages: tuple[Trouble, ...] = (),
    weather: Weather | None = None,
) -> World:
    """A target over a stretch. The same seed, noise and fleet give the same world."""
    rng = Random(seed)
    phases = of.phases(rng)
    weather = weather or draw_weather(rng, noise, of, length)
    own = sorted([*draw_blips(rng, noise, length), *outages], key=lambda event: event.start)
    world = World(noise, of, weather, own, rng, phases)
    for probe in range(of.size):
        world.failing.append(_failing(world, probe))
    return world


def _failing(world: World, probe: int) -> dict[int, Run]:
    """The runs of a probe's grid that fail: by chance, and in events."""
    rng, period, phase = world.rng, world.fleet.period_s, world.phases[probe]
    places: dict[int, bool] = {}
    last = int((world.length - phase) // period)
    if world.noise.fails:
        scale = 1.0 / log1p(-world.noise.fails)
        place = int(log(1.0 - rng.random()) * scale)
        while place <= last:
            places[place] = False
            place += 1 + int(log(1.0 - rng.random()) * scale)
    for event in (*world.weather.probes[probe], *world.own):
        place = max(0, -int(-(event.start - phase) // period))
        while place <= last and phase + place * period < event.end:
            if event.share == 1.0 or rng.random() < event.share:
                places[place] = places.get(place, False) or event.seen
            place += 1
    found = {}
    for place in sorted(places):
        seen = places[place] or world.share_at(probe, phase + place * period)[1]
        found[place] = Run(phase + place * period, probe, place, rng.random() < 0.5, seen)
    return found
