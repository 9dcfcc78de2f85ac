"""A failover group in a made-up moment: two regions, fifteen probes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from collector.failover.machine import decide
from collector.failover.types import Decided, GroupState, MemberWord, Policy, Readiness, ReadyLine, Situation, Standing
from parallax.clock import NS

START = 1_800_000_000 * NS
MIN = 60 * NS
WEST, EAST, SOUTH = "west", "east", "south"


def a_policy(**changes: Any) -> Policy:
    base: dict[str, Any] = {
        "name": "api",
        "kind": "region",
        "members": (WEST, EAST),
        "primary": WEST,
        "mode": "auto",
        "ttl_ns": MIN,
        "hold_ns": (15 * MIN, 60 * MIN),
        "actions": ("webhook", "dns"),
        "not_after_ns": MIN,
    }
    return Policy(**{**base, **changes})


def word(name: str, standing: Standing = "up", **changes: Any) -> MemberWord:
    failing = {"up": 0, "degraded": 10, "down": 15, "unknown": 0}[standing]
    base: dict[str, Any] = {
        "name": name,
        "standing": standing,
        "since": START,
        "share": failing / 15,
        "voters": 15,
        "failing": failing,
        "enrolled": 15,
        "networks": 5,
        "may_switch": standing == "down",
    }
    return MemberWord(**{**base, **changes})


def ready(name: str, *lines: ReadyLine, is_ready: bool | None = None) -> Readiness:
    held = all(line.ok is not False for line in lines)
    return Readiness(member=name, ready=held if is_ready is None else is_ready, since=START, lines=lines)


class Group:
    """A group whose moments follow each other: what changes is named, the rest stays as it was."""

    def __init__(self, **policy: Any) -> None:
        self.policy = a_policy(**policy)
        self.state = GroupState()
        self.situation = Situation(
            now=START,
            members={name: word(name) for name in self.policy.members},
            ready={name: ready(name) for name in self.policy.members},
            serving={self.policy.primary: 1.0},
        )
        self.log: list[Decided] = []
        self.look()

    @property
    def phase(self) -> str:
        return self.state.phase

    def look(self, after_s: float = 0, **changes: Any) -> list[Decided]:
        """Decides so many seconds later."""
        now = self.situation.now + round(after_s * NS)
        self.situation = msgspec.structs.replace(self.situation, now=now, **changes)
        said = decide(self.state, self.policy, self.situation)
        self.log += said
        return said

    def run(self, minutes: float, every_s: float = 10) -> list[Decided]:
        """Nothing changes for so long, looked at now and then."""
        began = len(self.log)
        for _ in range(round(minutes * 60 / every_s)):
            self.look(every_s)
        return self.log[began:]

    def stands(self, after_s: float = 0, **standings: Any) -> list[Decided]:
        """Members change how they stand."""
        now = self.situation.now + round(after_s * NS)
        members: Mapping[str, MemberWord] = {
            **self.situation.members,
            **{
                name: standing if isinstance(standing, MemberWord) else word(name, standing, since=now)
                for name, standing in standings.items()
            },
        }
        return self.look(after_s, members=members)

    def serves(self, after_s: float = 0, **shares: float) -> list[Decided]:
        """The vantages see these members."""
        return self.look(after_s, serving=shares)

    def restart(self) -> None:
        """The state goes through its snapshot's bytes."""
        self.state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=GroupState)


def words(said: list[Decided]) -> list[str]:
    """ "failover.command", ..."""
    return [f"{each.direction or 'failover'}.{each.word}" for each in said]
