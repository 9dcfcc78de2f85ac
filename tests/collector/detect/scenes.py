"""A fleet that says things, and what detection makes of them.

    scene = Scene(PLAN)
    scene.run(10)                                   # all pass
    scene.fails("api", "203.0.113.10:443", "connect_timeout", since=scene.t)
    scene.run(10)
    assert scene.types() == [...]

Each probe measures every subject of every check once a period, at a moment of its own, and sends each result as a batch
with the next ones of the same second. What a probe says is decided by the rules that were given, the last one first.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from collector.board import Board
from collector.detect import State, board_of, decode_state, encode_state, initial, step
from collector.events import CheckChanged, Event, Incident, IncidentChanged
from collector.inputs import BatchInput, ClockInput, Input, PlanInput, PlanStateInput, encode_input
from parallax import wire
from parallax.clock import NS
from parallax.journal import Record
from parallax.observation import Observation
from parallax.plan.kinds import SPECS
from parallax.plan.load import load_plan_source
from parallax.plan.source import PlanSource
from parallax.plan.types import Check, Plan
from parallax.reasons import REASONS

T0 = 1_790_000_000 * NS
STREAM = "0123456789abcdef"
EIGHT = [
    ("fra1", "eu-central", "hetzner", 64496, "data-centre"),
    ("lon1", "eu-west", "ovh", 64497, "data-centre"),
    ("iad1", "us-east", "aws", 64498, "data-centre"),
    ("sjc1", "us-west", "aws", 64499, "data-centre"),
    ("sin1", "ap-southeast", "linode", 64500, "data-centre"),
    ("nrt1", "ap-northeast", "linode", 64500, "data-centre"),
    ("bom1", "ap-south", "home", 64501, "access"),
    ("gru1", "sa-east", "home", 64502, "access"),
]


def fleet(rows: Iterable[tuple[str, str, str, int, str]] = EIGHT) -> str:
    """The [[probe]] sections."""
    return "".join(
        f'[[probe]]\nid = "{name}"\nregion = "{region}"\nprovider = "{provider}"\nasn = {asn}\nnetwork = "{network}"\n'
        for name, region, provider, asn, network in rows
    )


Rule = Callable[[str, Check, str, str, float], dict[str, Any] | None]
"""(probe, check, target, subject, t) to changes of the observation; None: says nothing of it."""


class Scene:
    """`t` counts seconds from the start. `addresses` are those of names, by host."""

    def __init__(self, plan: str, addresses: dict[str, list[str]] | None = None) -> None:
        self.state: State = initial("5eed5eed5eed5eed")
        self.events: list[Event] = []
        self.records: list[Record] = []
        self.t = 0.0
        self.addresses = addresses or {}
        self.found: dict[str, list[tuple[str, dict[str, str]]]] = {}
        """By check of a kind that finds its subjects: those and their labels."""
        self.lookups: dict[tuple[str, str], str] = {}
        """(probe or "*", host) to the reason for which its lookup fails."""
        self.rules: list[tuple[object, Rule]] = []
        self.mute: set[str] = set()
        self.skew: dict[str, float] = {}
        self.streams: dict[str, str] = {}
        self._seq: dict[str, int] = {}
        self.put_plan(plan)

    # ---- what comes in
    def put(self, value: Input, at: int | None = None) -> list[Event]:
        position = len(self.records) + 1
        entry = encode_input(value, at_ns=self.now if at is None else at)
        record = Record(position=position, kind=entry.kind, body=entry.body, at_ns=entry.at_ns, count=entry.count)
        return self.put_record(record)

    def put_record(self, record: Record) -> list[Event]:
        self.records.append(record)
        self.state, events = step(self.state, record)
        self.events += events
        return events

    def put_plan(self, text: str) -> None:
        source = PlanSource({"plan.toml": text})
        self.plan: Plan = load_plan_source(source)
        self.put(PlanInput(at=self.now, digest=source.hash, hash=source.hash, files=source.files))
        self.put(PlanStateInput(at=self.now, change="promoted", digest=source.hash, hash=source.hash))

    def say(self, probe: str, observations: list[Observation], *, cut_at: int | None = None) -> list[Event]:
        """A batch of a probe, now; cut then, by the collector's clock."""
        stream = self.streams.get(probe, STREAM)
        seq = self._seq.get(probe + stream, 0)
        numbered = [
            msgspec.structs.replace(o, seq=seq + number, stream=stream, probe=probe)
            for number, o in enumerate(observations, 1)
        ]
        self._seq[probe + stream] = seq + len(numbered)
        skew = self.skew.get(probe, 0.0)
        batch = wire.Batch(
            probe=probe,
            stream=stream,
            first_seq=seq + 1,
            last_seq=seq + len(numbered),
            cut_at=(cut_at or self.now) + int(skew * NS),
            agent="test",
            observations=numbered,
        )
        body = wire.encode(batch)
        return self.put(
            BatchInput(
                probe=probe,
                received_at=self.now,
                sent_at=self.now,
                round_trip=None,
                offset_ns=-int(skew * NS),
                skewed=abs(skew) > 2,
                peer="192.0.2.99",
                missing=0,
                digest=wire.digest(body),
                content_type=wire.MSGPACK,
                encoding=wire.ZSTD,
                body=body,
            )
        )

    def observe(self, probe: str, check: str, target: str, subject: str, **changes: Any) -> Observation:
        kind = next(c.kind for c in self.plan.check if c.name == check)
        reason = changes.get("reason")
        if reason is not None:
            changes.setdefault("fault", REASONS[reason].fault)
        at = self.now + int(self.skew.get(probe, 0.0) * NS)
        base = Observation(
            probe=probe, stream=STREAM, seq=1, run="0" * 16, check=check, kind=kind, target=target, subject=subject,
            dims={}, scheduled_at=at, started_at=at, duration_ns=1_000_000, phases=[],
        )  # fmt: skip
        return msgspec.structs.replace(base, **changes)

    # ---- the world
    def rule(self, rule: Rule) -> object:
        """The last rule that has something to say wins. Returns what `mend` takes."""
        handle = object()
        self.rules.append((handle, rule))
        return handle

    def fails(
        self, reason: str, *, check: str = "", subject: str = "", probes: Iterable[str] = (), **more: Any
    ) -> object:
        """These subjects fail (all that the left-out ones match)."""
        chosen = set(probes)

        def rule(probe: str, of: Check, target: str, seen: str, t: float) -> dict[str, Any] | None:
            hit = (
                check in ("", of.name)
                and subject in ("", seen, seen.rpartition(":")[0])
                and (not chosen or probe in chosen)
            )
            return {"reason": reason, **more} if hit else {}

        return self.rule(rule)

    def mend(self, handle: object) -> None:
        self.rules = [each for each in self.rules if each[0] is not handle]

    def run(self, seconds: float) -> list[Event]:
        """The world goes on."""
        first = len(self.events)
        until = self.t + seconds
        probes = [probe.id for probe in self.plan.probe]
        while self.t < until - 1e-9:
            self.t = round(self.t + 0.25, 6)
            spoke = False
            for number, probe in enumerate(probes):
                if probe in self.mute:
                    continue
                found: list[Observation] = []
                for place, check in enumerate(self.plan.check):
                    if check.probes and probe not in check.probes:
                        continue
                    shift = (number / len(probes) + place * 0.37) % 1 * check.period
                    if int((self.t - shift) // check.period) != int((self.t - 0.25 - shift) // check.period):
                        for target in check.targets:
                            found += self._measure(probe, check, target)
                if found:
                    self.say(probe, found)
                    spoke = True
            if not spoke and self.t % 5 == 0:
                self.put(ClockInput(at=self.now))
        return self.events[first:]

    def _measure(self, probe: str, check: Check, target: str) -> list[Observation]:
        read = SPECS[check.kind].endpoint
        if read is None:
            return [
                self.observe(probe, check.name, target, subject, **changes)
                for subject, dims in self.finds(probe, check, target)
                if (changes := self._changes(probe, check, target, subject, dims)) is not None
            ]
        endpoint = read(target)
        if check.pinned is not None or endpoint.address is not None:
            subjects = [str(check.pinned or endpoint.address)]
        else:
            failure = self.lookups.get((probe, endpoint.host)) or self.lookups.get(("*", endpoint.host))
            if failure:
                fault = "resolver" if failure != "dns_nxdomain" else "target"
                return [self.observe(probe, check.name, target, str(endpoint), reason=failure, fault=fault)]
            subjects = [f"{ip}:{endpoint.port}" for ip in self.addresses[endpoint.host]]
        return [
            self.observe(probe, check.name, target, subject, **changes)
            for subject in subjects
            if (changes := self._changes(probe, check, target, subject)) is not None
        ]

    def finds(self, probe: str, check: Check, target: str) -> list[tuple[str, dict[str, str]]]:
        """The subjects of a kind that finds them itself, and their labels."""
        return self.found.get(check.name, [(target, {})])

    def _changes(
        self, probe: str, check: Check, target: str, subject: str, dims: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        changes: dict[str, Any] | None = {}
        for _, rule in reversed(self.rules):
            changes = rule(probe, check, target, subject, self.t)
            if changes is None or changes:
                break
        if changes is None or not dims:
            return changes
        return {**changes, "dims": {**dims, **changes.get("dims", {})}}

    # ---- what came out
    @property
    def now(self) -> int:
        return T0 + int(self.t * NS)

    @property
    def board(self) -> Board:
        return board_of(self.state)

    def incidents(self) -> list[Incident]:
        return list(self.board.incidents)

    def component(self, name: str) -> str:
        return next(c.state for c in self.board.components if c.name == name)

    def check(self, name: str) -> str:
        return next(c.state for c in self.board.checks if c.name == name)

    def told(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.type.startswith(kind)]

    def changes(self) -> list[tuple[str, str]]:
        """(change, title) of every incident event."""
        return [(e.data.change, e.data.incident.title) for e in self.events if isinstance(e.data, IncidentChanged)]

    def turns(self) -> list[tuple[str, str, str]]:
        """(check, subject, state) of every check event."""
        return [(e.data.check, e.data.subject, e.data.state) for e in self.events if isinstance(e.data, CheckChanged)]

    def reload(self) -> None:
        """As at a restart."""
        self.state = decode_state(encode_state(self.state))
