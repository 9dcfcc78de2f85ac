"""What is known of failover groups, part of detection's snapshot: fields are only ever added, with a default."""

import msgspec

from collector.failover.types import GroupState


class GroupMemory(msgspec.Struct):
    """One failover group."""

    decision: GroupState = msgspec.field(default_factory=GroupState)


class Switching(msgspec.Struct):
    """All of them, by name."""

    groups: dict[str, GroupMemory] = {}
