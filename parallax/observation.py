"""The observation (schema 1): what came of one attempt of a run against one subject. The only thing probes send."""

from typing import Annotated, Any

import msgspec

from parallax.reasons import Fault

SCHEMA = 1
PENDING = "pending"
"""`abstain` of an attempt that is not over, and has waited for longer than it usually takes: its outcome follows, as an
observation of the same run."""
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What databases and other languages can hold; JSON could carry more."""


class Phase(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One part of an attempt: `start_ns` counts from the attempt's start, both spans are nanoseconds."""

    name: str
    start_ns: Int64
    duration_ns: Int64


class Observation(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One attempt against one subject. Identity is (probe, stream, seq). ok is `reason is None`.

    On the wire this is an array: fields are only ever added at the end, with a default, and `schema` rises only on a
    breaking change (DESIGN.md). Times are int64 nanoseconds since the Unix epoch, UTC; spans are nanoseconds.
    """

    schema: int = SCHEMA
    probe: str
    stream: str
    """64 random bits made with the spool file, as 16 hex digits."""
    seq: Int64
    """Counts from 1 within the stream."""
    run: str
    """Joins the attempts, addresses and steps of one run: 16 hex digits."""
    check: str
    kind: str
    target: str
    """As the plan has it."""
    subject: str
    """The exact thing measured: a resolver, a name-server address, a TLS endpoint's address, a flow step."""
    dims: dict[str, str]
    """Labels: operator, server, address, family, resolver, region (that served), zone, hop, step, transport, ..."""
    site: str | None = None
    """Which anycast site answered."""
    attempt: Int64 = 1
    scheduled_at: Int64
    started_at: Int64
    duration_ns: Int64
    phases: list[Phase]
    reason: str | None = None
    fault: Fault | None = None
    abstain: str | None = None
    """Why this one must not count, or None."""
    findings: dict[str, Any] = {}
    """What the kind saw; each kind's page in docs/checks/ lists the keys."""

    @property
    def ok(self) -> bool:
        return self.reason is None


def as_dict(observation: Observation) -> dict[str, Any]:
    """The observation as a mapping of field names to plain values, for `--json` and people."""
    plain = {name: getattr(observation, name) for name in Observation.__struct_fields__}
    plain["phases"] = [
        {"name": p.name, "start_ns": p.start_ns, "duration_ns": p.duration_ns} for p in observation.phases
    ]
    return plain
