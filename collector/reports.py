"""What a batch tells the plan's rollout: which part the probe runs, and what it could not run. Pure."""

import msgspec

from parallax.wire import Batch

_MOST_FAULTS = 20


class Fault(msgspec.Struct, frozen=True):
    """An observation that says that the plan asks for what the probe cannot do."""

    scheduled_at: int
    check: str
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A batch in short. `part` is the hash of the plan part in force at its cut; `latest` the last time that one of
    its observations was scheduled for. Both that and `cut_at` are the probe's clock, `at` the collector's; ns since
    the Unix epoch."""

    probe: str
    part: str
    cut_at: int
    latest: int
    faults: tuple[Fault, ...]
    at: int


def report_of(batch: Batch, at: int) -> Report:
    """The report of a batch received at that time; of the faults, the latest few."""
    faults = [
        Fault(o.scheduled_at, o.check, o.reason)
        for o in batch.observations
        if o.reason is not None and (o.fault == "config" or o.reason == "unsupported")
    ]
    return Report(
        probe=batch.probe,
        part=batch.plan,
        cut_at=batch.cut_at,
        latest=max(o.scheduled_at for o in batch.observations),
        faults=tuple(sorted(faults, key=lambda fault: fault.scheduled_at)[-_MOST_FAULTS:]),
        at=at,
    )
