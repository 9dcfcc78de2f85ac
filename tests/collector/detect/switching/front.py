"""Two regions behind one name, watched by eight probes."""

from typing import Any

import msgspec

from collector.board import GroupBoard, MemberBoard
from collector.detect.switching.memory import GroupMemory
from collector.detect.switching.readiness import READY_NS
from collector.events import FailoverChanged, ReadinessChanged
from collector.inputs import ActionInput, CommandInput
from parallax.clock import NS
from parallax.observation import Observation
from parallax.plan.types import Check
from tests.collector.detect.scenes import EIGHT, Scene, fleet

EAST, WEST = "203.0.113.10:443", "203.0.113.20:443"
MEMBERS = f"""members = [
  {{ name = "east", connect_to = "{EAST}" }},
  {{ name = "west", connect_to = "{WEST}" }},
]"""
REST = """
[defaults]
period = "15s"
timeout = "2s"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://auth.example/v1/health"]
serving = { header = "x-region" }
[[component]]
name = "Sign-in"
checks = ["api"]
"""
GROUP = f"""
[[failover]]
name = "front"
kind = "region"
check = "api"
primary = "east"
{MEMBERS}
"""
ACTION = """
[[action]]
name = "automation"
kind = "command"
url = "https://automation.example/switch"
address = "203.0.113.201:443"
key = "secret:AUTOMATION_KEY"
"""
PROBES = [name for name, *_ in EIGHT]


class Front(Scene):
    """`at` says where each probe is led: east until it is moved."""

    def __init__(self, more: str = "", rest: str = "") -> None:
        super().__init__(fleet() + REST + GROUP + more + rest, {"auth.example": ["203.0.113.1"]})
        self.at: dict[str, str] = {}
        self.broken: dict[str, str] = {}
        """By member: the reason for which it fails."""
        self.rule(self._answers)

    def _answers(self, probe: str, check: Check, target: str, subject: str, t: float) -> dict[str, Any]:
        led = {EAST: "east", WEST: "west"}.get(subject, self.at.get(probe, "east"))
        reason = self.broken.get(led)
        shown = {"dims": {"region": led}} if reason in (None, "http_server_error", "http_throttled") else {}
        return shown | ({"reason": reason} if reason else {"findings": {"status": 200}})

    def observe(self, probe: str, check: str, target: str, subject: str, **changes: Any) -> Observation:
        found = super().observe(probe, check, target, subject, **changes)
        return msgspec.structs.replace(found, run=f"{probe} {self.t}"[:16])

    def move(self, member: str, probes: list[str] | None = None) -> None:
        """These vantages are led there from now on."""
        for probe in PROBES if probes is None else probes:
            self.at[probe] = member

    def prove(self) -> None:
        """All is well, and nearly for ten minutes: what it takes to be ready, in less time."""
        self.run(45)
        for known in self.memory.ready.values():
            known.well_ns = READY_NS - 5 * NS
        self.run(10)
        assert all(member.ready for member in self.group.members)

    def command(self, word: str, actor: str = "ann", **arguments: str) -> None:
        given = {name: [value] for name, value in {"group": "front", **arguments}.items()}
        self.put(CommandInput(at=self.now, word=word, actor=actor, arguments=given))

    def act(self, outcome: Any, epoch: int = 0, action: str = "automation", text: str = "") -> None:
        self.put(ActionInput(at=self.now, group="front", action=action, outcome=outcome, epoch=epoch, text=text))

    @property
    def group(self) -> GroupBoard:
        return self.board.groups[0]

    def member(self, name: str) -> MemberBoard:
        return next(each for each in self.group.members if each.name == name)

    @property
    def memory(self) -> GroupMemory:
        return self.state.switching.groups["front"]

    def line(self, member: str, name: str) -> tuple[bool | None, str]:
        found = next(line for line in self.member(member).lines if line.id == name)
        return found.ok, found.why

    def said(self, word: str = "") -> list[FailoverChanged]:
        found = [event.data for event in self.events if isinstance(event.data, FailoverChanged)]
        return [each for each in found if word in ("", each.word)]

    def readiness(self) -> list[ReadinessChanged]:
        return [event.data for event in self.events if isinstance(event.data, ReadinessChanged)]
