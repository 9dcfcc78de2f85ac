"""The versions of the plan as the collector holds them: their texts, what they say, and each probe's part."""

from collections.abc import Sequence

import msgspec

from collector.rollout import PartInfo, Version
from parallax.clock import NS, to_ns, wall_ns
from parallax.plan.loads import loads_of
from parallax.plan.part import NoSuchProbe, check_texts, encode_part, part_hash, part_of, plan_hash
from parallax.plan.source import PlanSource
from parallax.plan.types import Check, Plan


class Served(msgspec.Struct, frozen=True):
    """A probe's part: JSON, and the hash that is its ETag."""

    body: bytes
    hash: str


class Text(msgspec.Struct, frozen=True):
    """A version's files, as the mark keeps them: file name to text."""

    files: dict[str, str]


class Stored(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The rollout as the mark keeps it."""

    version: int = 1
    in_force: Text | None
    previous: tuple[Text, ...]
    candidate: Text | None
    canary: str | None
    refused: str | None
    written_after: int = 0
    """The last position of the journal before the plan in force was last written to it, at the latest."""


class Edition:
    """A version's text and plan, and its probes' parts as they are asked for."""

    def __init__(self, source: PlanSource, plan: Plan) -> None:
        self.source, self.plan = source, plan
        self._texts, self._loads = check_texts(plan), loads_of(plan)
        self.loaded_at = wall_ns()
        self._parts: dict[str, PartInfo | None] = {}
        self.version = Version(
            digest=source.hash,
            hash=plan_hash(plan),
            fleet=tuple(sorted(probe.id for probe in plan.probe)),
            part=self._part,
        )

    def _part(self, probe: str) -> PartInfo | None:
        if probe not in self._parts:
            part = part_of(self.plan, probe, self._texts, self._loads)
            checks = [check for check in self.plan.check if not check.probes or probe in check.probes]
            self._parts[probe] = (
                None if isinstance(part, NoSuchProbe) else PartInfo(part_hash(part), _longest_period(checks))
            )
        return self._parts[probe]

    def serve(self, probe: str) -> Served | NoSuchProbe:
        """The part for a probe. Blocking: a plan of thousands of checks takes its time."""
        part = part_of(self.plan, probe, self._texts, self._loads)
        return part if isinstance(part, NoSuchProbe) else Served(encode_part(part), part_hash(part))


def _longest_period(checks: Sequence[Check]) -> int:
    return max((to_ns(check.period) for check in checks), default=30 * NS)
