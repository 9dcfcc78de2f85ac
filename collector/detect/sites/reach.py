"""What is kept of an address: which site answers which probe, how fast, and how often that changed. Pure.

A change of site is believed at the third sample in a row that says so: load balancers hash a query's ports, so that
single answers come from elsewhere all the time (R. Hendriks et al., arXiv 2503.14351, 2025).
"""

import msgspec

from parallax.clock import NS

SLOT_NS = 120 * NS
SLOTS = 5
"""Ten minutes: what an RTT is the least of, and failures are counted over."""
RTT_SAMPLES = 5
FLIP_SAMPLES = 8
CONFIRMED = 3
APART_NS = NS
"""Samples closer together are one: many zones may be served by one address."""
DAY_NS = 86400 * NS
MAX_TURNS = 100
MAX_PROBES, MAX_SITES = 64, 64


class Slot(msgspec.Struct, array_like=True):
    """Two minutes of one probe's words on an address. `least_ns` is 0 where no round trip was timed."""

    number: int
    timed: int = 0
    least_ns: int = 0
    passed: int = 0
    failed: int = 0
    named: int = 0
    """Answers that said which site they were from."""
    strays: int = 0
    """Those of them that were not from the site that the probe is at."""


class Reach(msgspec.Struct, array_like=True):
    """One probe at one address. `until` is how long its last word is fresh."""

    at: int
    until: int
    site: str = ""
    since: int = 0
    before: str = ""
    """The site before this one."""
    before_rtt_ns: int = 0
    slots: list[Slot] = []
    turns: list[int] = []
    """When the site changed in the last 24 h, newest last."""
    next_site: str = ""
    next_seen: int = 0
    next_since: int = 0
    counted_at: int = 0
    remote_since: int = 0
    """Since when it is far from the nearest site, and slow for it."""

    def note(self, at: int, until: int, site: str, rtt_ns: int, *, passed: bool, failed: bool) -> bool:
        """Takes one observation; True where the site changed by it. A failure keeps the site that last answered."""
        self.at, self.until = max(self.at, at), max(self.until, until)
        changed = bool(site) and self._note_site(site, at)
        number = at // SLOT_NS
        if not self.slots or self.slots[-1].number < number:
            self.slots = [slot for slot in self.slots if slot.number > number - SLOTS]
            self.slots.append(Slot(number))
        slot = self.slots[-1]
        slot.passed += passed
        slot.failed += failed
        slot.named += bool(site)
        slot.strays += bool(site) and site != self.site
        if rtt_ns > 0 and (not site or site == self.site):
            slot.timed += 1
            slot.least_ns = min(slot.least_ns or rtt_ns, rtt_ns)
        return changed

    def _note_site(self, site: str, at: int) -> bool:
        if not self.site:
            self.site, self.since = site, at
            return False
        if site == self.site:
            self.next_seen = 0
            return False
        if self.next_seen and site == self.next_site:
            if at < self.counted_at + APART_NS:
                return False
        else:
            self.next_site, self.next_seen, self.next_since = site, 0, at
        self.next_seen, self.counted_at = self.next_seen + 1, at
        if self.next_seen < CONFIRMED:
            return False
        self.before, self.before_rtt_ns = self.site, self.least_ns(at, samples=1) or 0
        self.site, self.since, self.next_seen, self.remote_since = site, self.next_since, 0, 0
        self.turns = [*(turn for turn in self.turns if turn > at - DAY_NS), self.since][-MAX_TURNS:]
        self.slots = []
        return True

    def least_ns(self, now: int, *, samples: int = RTT_SAMPLES) -> int | None:
        """The shortest round trip of the last ten minutes; None where fewer were timed."""
        recent = [slot for slot in self.slots if slot.timed and slot.number > now // SLOT_NS - SLOTS]
        if sum(slot.timed for slot in recent) < samples:
            return None
        return min((slot.least_ns for slot in recent), default=None)

    def flip_share(self, now: int) -> float | None:
        """The share of the last ten minutes' answers that came from another site than the one the probe is at; None
        where there were too few. Each query goes out from another port, so this is how a load balancer on the way
        spreads flows over sites."""
        recent = [slot for slot in self.slots if slot.number > now // SLOT_NS - SLOTS]
        named = sum(slot.named for slot in recent)
        return round(sum(slot.strays for slot in recent) / named, 4) if named >= FLIP_SAMPLES else None

    def outcomes(self, now: int) -> tuple[int, int]:
        """How many passed and failed in the last minutes, at the site that it is at."""
        recent = [slot for slot in self.slots if slot.number > now // SLOT_NS - 3]
        return sum(slot.passed for slot in recent), sum(slot.failed for slot in recent)

    def changes(self, since: int) -> int:
        return sum(turn > since for turn in self.turns)

    def turn_back(self, now: int) -> None:
        """The clock was put back: all that lay later is now."""
        self.at, self.since, self.next_since = min(self.at, now), min(self.since, now), min(self.next_since, now)
        self.until, self.counted_at = min(self.until, now + SLOT_NS), min(self.counted_at, now)
        self.remote_since = min(self.remote_since, now)
        self.turns = [min(turn, now) for turn in self.turns]
        self.slots = []


class Catch(msgspec.Struct):
    """An address. `sites` are those of the last 24 h: which probes were there, and when last."""

    address: str
    family: int
    check: str
    server: str = ""
    operator: str = ""
    heard_at: int = 0
    described_at: int = 0
    reaches: dict[str, Reach] = {}
    sites: dict[str, dict[str, int]] = {}
    verdict: str = "unknown"
    why: str = ""
    odd: list[tuple[str, str]] = []
    """Pairs of probes that one site is said to have answered, faster than light."""
    restless: bool = False
    """A probe's site changed since it was last looked at."""
    looked_at: int = 0
    lost: dict[str, int] = {}
    """Sites that were said to be gone, and when."""
    bad: dict[str, int] = {}
    """Sites at which failures are concentrated, and since when that is said."""
    shifted_at: int = 0
    """The last change that a shift, a loss or a renumbering has explained."""
    flapped_at: int = 0
    remote: dict[str, int] = {}
    confirmed: bool = False

    def fresh(self, now: int) -> dict[str, Reach]:
        """Probes that have a site, and were heard of late."""
        return {probe: reach for probe, reach in self.reaches.items() if reach.site and reach.until >= now}

    def note_site(self, probe: str, site: str, at: int) -> None:
        """Keeps who was where; of too many sites the one that was seen last goes first."""
        probes = self.sites.get(site)
        if probes is None:
            while len(self.sites) >= MAX_SITES:
                del self.sites[
                    min(self.sites, key=lambda each: (len(self.sites[each]), max(self.sites[each].values())))
                ]
            probes = self.sites[site] = {}
        if probe in probes or len(probes) < MAX_PROBES:
            probes[probe] = max(at, probes.get(probe, 0))


class Catchments(msgspec.Struct):
    """Part of the state, hence plain values, bounded. `catches` are by "dns" or "http" and the address."""

    now: int = 0
    looked_at: int = 0
    catches: dict[str, Catch] = {}
    suspects: dict[str, int] = {}
    """Probes that seem to stand elsewhere than the plan says, and since when."""
