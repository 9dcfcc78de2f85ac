"""What is kept of a batch once it was decoded: who sent what, and what it tells the plan's rollout. Pure.

A decoded batch takes some thirty times the room of its bytes, so it is let go at once, not held until the disk is
done with the bytes.
"""

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
    stream: str
    first_seq: int
    last_seq: int
    part: str
    agent: str
    cut_at: int
    latest: int
    faults: tuple[Fault, ...]
    at: int

    @property
    def observations(self) -> int:
        return self.last_seq - self.first_seq + 1


def report_of(batch: Batch, at: int) -> Report:
    """The report of a batch received at that time; of the faults, the latest few."""
    latest, faults = 0, []
    for o in batch.observations:
        latest = max(latest, o.scheduled_at)
        if o.reason is not None and (o.fault == "config" or o.reason == "unsupported"):
            faults.append(Fault(o.scheduled_at, o.check[:200], o.reason[:64]))
    return Report(
        probe=batch.probe,
        stream=batch.stream,
        first_seq=batch.first_seq,
        last_seq=batch.last_seq,
        part=batch.plan[:64],
        agent=batch.agent[:64],
        cut_at=batch.cut_at,
        latest=latest,
        faults=tuple(sorted(faults, key=lambda fault: fault.scheduled_at)[-_MOST_FAULTS:]),
        at=at,
    )
