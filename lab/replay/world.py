"""The world of a script: who answers what at a moment. No clock and no sockets; chance comes from a seed.

Caches are real ones: each resolver holds an answer for its TTL and fetches it anew while whoever the zone is delegated
to answers. Each probe meets other instances of a public resolver than its neighbour, so it has caches of its own there.
"""

import hashlib
import random
from functools import lru_cache

import msgspec

from lab.replay.breakage import Broken, Shift, broken_of, shifts_of
from lab.replay.driven import Driven
from lab.replay.script import Mode, Name, Operator, Place, Region, Script, ns_of
from parallax.clock import NS, to_ns
from parallax.operators import planned_operator
from parallax.plan.types import Plan, Probe

SYSTEM = "system"
"""The resolver that a probe's own look-ups use."""
STALE_TTL = 30
"""What a stale answer says (RFC 8767, section 4)."""
MAX_HOPS = 8


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record of an answer; `ttl` in seconds, as it counts down."""

    owner: str
    type: str
    text: str
    ttl: int
    operator: str
    """From whom the cache has it."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a resolver answers. `stale`: some of it ran out."""

    records: tuple[Record, ...]
    stale: bool = False
    missing: bool = False
    """The name does not exist, or has no such record."""

    @property
    def addresses(self) -> list[str]:
        return [record.text for record in self.records if record.type in ("A", "AAAA")]


class World:
    """Everything that the script names. Times are ns since the Unix epoch, and never go back by more than a run."""

    def __init__(self, script: Script, plan: Plan, seed: int) -> None:
        self.plan = plan
        self.rng = random.Random(seed)  # noqa: S311  # a simulation's
        self.broken = broken_of(script, self.rng)
        self.operators = {each.name: each for each in script.operator}
        self.names = {each.name: each for each in script.name}
        self.regions = {each.name: each for each in script.region}
        self.zones = {each.name: each for each in script.zone}
        self._failures = script.noise.failures
        self._stale = {each.resolver for each in script.cache if each.stale}
        self._at: dict[tuple[Place, str], list[Broken]] = {}
        for each in self.broken:
            self._at.setdefault((each.place, each.name), []).append(each)
        self._fronts = {
            each.address: (each.regions[0], shifts_of(each, self.broken)) for each in script.front if not each.group
        }
        self.driven = [Driven(each) for each in script.front if each.group]
        self._driven = {each.front.address: each for each in self.driven}
        self._front_names = {each.name: each.address for each in script.front}
        self._home = {each.address: each.name for each in script.region}
        self._moves: dict[str, list[tuple[int, str]]] = {}
        self._mail: dict[str, list[tuple[int, bool]]] = {
            each.name: [(0, not each.lacks_mail)] for each in script.operator
        }
        for change in sorted(script.change, key=lambda each: each.at):
            if change.zone:
                self._moves.setdefault(change.zone, []).append((ns_of(change.at), change.operator))
            if change.mail is not None:
                self._mail[change.operator].append((ns_of(change.at), change.mail))
        self._caches: dict[tuple[str, str, str], tuple[int, str]] = {}

    # ---- what is broken
    def mode(self, place: Place, name: str, at: int) -> Mode | None:
        """What this query or request meets there: chance decides, where the fault has a share."""
        for each in self._at.get((place, name), ()):
            if each.start <= at < each.end and (each.severity >= 1 or self.rng.random() < each.severity):
                return each.mode
        return None

    def lost(self) -> bool:
        """Whether this query or request gets no answer, without any cause."""
        return self._failures > 0 and self.rng.random() < self._failures

    # ---- DNS operators
    def zone_of(self, name: str) -> str:
        """The longest zone that a name is in; empty for none."""
        while name:
            if name in self.zones:
                return name
            name = name.partition(".")[2]
        return ""

    def delegated(self, zone: str, at: int) -> str:
        """Whom the parent names."""
        serving = self.zones[zone].operator
        for moved_at, operator in self._moves.get(zone, ()):
            if moved_at <= at:
                serving = operator
        return serving

    def server_mode(self, operator: str, server: str, at: int) -> Mode | None:
        """What a query to a name server meets."""
        return self.mode("operator", operator, at) or self.mode("server", server, at)

    def has_mail(self, operator: str, at: int) -> bool:
        """Whether the operator's copy has the mail records."""
        return [has for since, has in self._mail[operator] if since <= at][-1]

    def is_dark(self, operator: str, at: int) -> bool:
        """Whether no server of an operator answers for its zones."""
        return all(
            self.server_mode(operator, server, at) in ("dark", "lame") for server in self.operators[operator].servers
        )

    def planned_name(self, operator: Operator, server: str, ip: str) -> str:
        """What the plan calls the operator of a server."""
        known = planned_operator(server, ip, self.plan.operator)
        return known.name if known else operator.name

    # ---- resolvers
    def ask(self, probe: str, resolver: str, name: str, at: int) -> Answer | None:
        """What a resolver answers this probe; None where it cannot."""
        records: list[Record] = []
        stale = missing = False
        for _ in range(MAX_HOPS):
            entry = self.names.get(name)
            if entry is None:
                missing = True
                break
            held = self._held(probe, resolver, entry, at)
            if held is None:
                return None
            ttl, operator, old = held
            stale |= old
            if entry.alias:
                records.append(Record(owner=name, type="CNAME", text=f"{entry.alias}.", ttl=ttl, operator=operator))
                name = entry.alias
                continue
            records += [
                Record(owner=name, type="AAAA" if ":" in ip else "A", text=ip, ttl=ttl, operator=operator)
                for ip in self.addresses(entry)
            ]
            break
        return Answer(records=tuple(records), stale=stale, missing=missing)

    def holder(self, probe: str, resolver: str, owner: str, ttl_s: float, at: int) -> tuple[int, str, bool] | None:
        """The seconds that a record is held yet, whose it is, and whether it has run out; None without any."""
        zone = self.zone_of(owner)
        until, whose = self._caches.get((probe, resolver, owner), (0, ""))
        if until > at:
            return -(-(until - at) // NS), whose, False
        serving = self._followed(zone, probe, resolver, at) if zone else ""
        if not zone or (serving in self.operators and not self.is_dark(serving, at)):
            self._caches[probe, resolver, owner] = (at + to_ns(ttl_s), serving)
            return int(ttl_s), serving, False
        return (STALE_TTL, whose, True) if resolver in self._stale and whose else None

    def addresses(self, entry: Name) -> list[str]:
        """The addresses of a name."""
        fronts = [self._front_names[front] for front in entry.fronts]
        return fronts + [self.regions[region].address for region in entry.regions]

    def _held(self, probe: str, resolver: str, entry: Name, at: int) -> tuple[int, str, bool] | None:
        return self.holder(probe, resolver, entry.name, entry.ttl, at)

    def _followed(self, zone: str, probe: str, resolver: str, at: int) -> str:
        """Whose servers a resolver asks: it keeps to a delegation until that runs out."""
        serving = self.zones[zone].operator
        for moved_at, operator in self._moves.get(zone, ()):
            if moved_at + int(to_ns(self.zones[zone].ttl) * unit(probe, resolver, zone)) <= at:
                serving = operator
        return serving

    # ---- where requests are answered
    def serving(self, ip: str, at: int, probe: str = "") -> Region | None:
        """The region behind an address, for this probe; None for an address of nobody."""
        if ip in self._driven:
            return self.regions[self._driven[ip].region(unit(probe, ip), at)]
        if ip in self._fronts:
            region, shifts = self._fronts[ip]
            for shift in shifts:
                region = shift.region if shift.at <= at else region
            return self.regions[region]
        return self.regions.get(self._home.get(ip, ""))

    def shifts(self) -> list[Shift]:
        """Every move of traffic by health checks, by its time."""
        return sorted((shift for _, shifts in self._fronts.values() for shift in shifts), key=lambda each: each.at)

    def switch(self, group: str, address: str, at: int) -> bool:
        """Traffic that a group moves goes to the region of this address from now on; False where it moves none, or the
        address is no region's."""
        region = self._home.get(address)
        fronts = [each for each in self.driven if each.front.group == group and region in each.front.regions]
        for each in fronts:
            each.move(str(region), at)
        return bool(fronts)

    def bad_minutes(self, start: int, end: int) -> float:
        """For how long users had no service, by the share of them that was led to a broken region; of several fronts
        the worst."""
        return max((each.bad_minutes(self.broken, start, end) for each in self.driven), default=0.0)

    def request_mode(self, region: Region, at: int) -> Mode | None:
        """What a request meets there."""
        return self.mode("region", region.name, at) or self.mode("service", "", at)


@lru_cache(maxsize=4096)
def unit(*words: str) -> float:
    """A number from 0 to 1 that is always the same for the same words."""
    return int.from_bytes(hashlib.blake2b("\0".join(words).encode(), digest_size=8).digest()) / 2**64


def rtt_ns(probe: Probe, place: str) -> int:
    """How far something is from a probe, there and back: 5 to 85 ms."""
    return to_ns(0.005 + 0.08 * unit(probe.id, place))
