"""What people order of failover groups, and what their systems push of members. GROUP is a group's name.

GET  /v1/failover                   all groups, as the board has them
GET  /v1/failover/GROUP             one
POST /v1/failover/GROUP/freeze      {"why": TEXT, "until": TIME}: nobody switches it; without an end until it is thawed
POST /v1/failover/GROUP/thaw        {"why": TEXT}; the text may be left out
POST /v1/failover/GROUP/override    {"rule": RULE, "why": TEXT, "until": TIME}: a rule counts as held, 24 h at most
POST /v1/failover/GROUP/switch      {"member": NAME, "why": TEXT}: asked of the same rules as any decision
POST /v1/failover/GROUP/drill       {"member": NAME, "why": TEXT}: there and back; the first standby without a name
POST /v1/failover/GROUP/facts       {"member": NAME, "facts": {NAME: VALUE}}: what cannot be seen from outside

"for_s", seconds, may stand instead of "until". A token of the role `facts` may push facts, and do nothing else.
"""

import math
from collections.abc import Callable
from typing import get_args

import msgspec

from collector.answers import Refusal
from collector.board import Board, GroupBoard
from collector.commands.commands import CommandError, Commands, read_command
from collector.commands.spans import until_ns
from collector.detect.switching.commands import DAY_NS, MAX_TEXT, MAX_VALUE
from collector.detect.switching.ready_lines import FENCED
from collector.events import SafetyRule
from collector.inputs import CommandInput
from parallax.clock import rfc3339, wall_ns
from parallax.plan.failover_types import Failover
from parallax.plan.types import Plan

RULES = get_args(SafetyRule)
FREEZE_NS = 30 * DAY_NS
"""The longest freeze that has an end."""


class ReasonBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    why: str = ""


class UntilBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    why: str = ""
    until: str = ""
    for_s: float | None = None


class OverrideBody(UntilBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rule: str


class MemberBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    member: str = ""
    why: str = ""


class FactsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    member: str
    facts: dict[str, str | int | float | bool]


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: the group after it; None where detection is behind and has not taken it yet."""

    position: int
    group: GroupBoard | None


class FailoverCommands:
    """Writes down what is ordered and pushed. `plan` is the one in force, `board` what is known."""

    def __init__(self, commands: Commands, board: Callable[[], Board], plan: Callable[[], Plan]) -> None:
        self._commands, self._board, self._plan = commands, board, plan

    def known(self) -> tuple[GroupBoard, ...]:
        """All groups, in the plan's order."""
        return self._board().groups

    def one(self, name: str) -> GroupBoard:
        """Raises CommandError, as do the others."""
        return self._find(name)[1]

    async def freeze(self, name: str, body: bytes, actor: str) -> Ordered | Refusal:
        wanted, (group, _) = read_command(body, UntilBody), self._find(name)
        now = wall_ns()
        has_end = bool(wanted.until) or wanted.for_s is not None
        until = rfc3339(until_ns(wanted.until, wanted.for_s, now, FREEZE_NS)) if has_end else ""
        return await self._take("failover_freeze", group, actor, {"why": _why(wanted.why), "until": until})

    async def thaw(self, name: str, body: bytes, actor: str) -> Ordered | Refusal:
        wanted, (group, known) = read_command(body or b"{}", ReasonBody), self._find(name)
        if known.frozen is None:
            raise CommandError(f"{group.name} is not frozen: there is nothing to thaw")
        return await self._take("failover_thaw", group, actor, {"why": _text("why", wanted.why)})

    async def override(self, name: str, body: bytes, actor: str) -> Ordered | Refusal:
        wanted, (group, _) = read_command(body, OverrideBody), self._find(name)
        if wanted.rule not in RULES:
            raise CommandError(f'"rule" is {wanted.rule[:20]!r}; known are {", ".join(RULES)}')
        until = rfc3339(until_ns(wanted.until, wanted.for_s, wall_ns(), DAY_NS))
        given = {"rule": wanted.rule, "why": _why(wanted.why), "until": until}
        return await self._take("failover_override", group, actor, given)

    async def switch(self, name: str, body: bytes, actor: str) -> Ordered | Refusal:
        wanted, (group, known) = read_command(body, MemberBody), self._find(name)
        member = _standby(group, known, wanted.member)
        return await self._take("failover_switch", group, actor, {"member": member, "why": _why(wanted.why)})

    async def drill(self, name: str, body: bytes, actor: str) -> Ordered | Refusal:
        wanted, (group, known) = read_command(body or b"{}", MemberBody), self._find(name)
        member = _standby(group, known, wanted.member) if wanted.member else ""
        given = {"member": member, "why": _text("why", wanted.why)}
        return await self._take("failover_drill", group, actor, given)

    async def push(self, name: str, body: bytes, actor: str) -> Ordered | Refusal:
        """Facts of one member, all of them or none."""
        wanted, (group, _) = read_command(body, FactsBody), self._find(name)
        member = _member(group, wanted.member)
        planned = [fact.name for fact in group.facts]
        planned += [FENCED] if group.single_writer and FENCED not in planned else []
        if not wanted.facts:
            raise CommandError(f'"facts" is empty; {_planned(group, planned)}')
        for fact in wanted.facts:
            if fact not in planned:
                raise CommandError(f"{group.name} has no fact {fact[:60]!r} in the plan; {_planned(group, planned)}")
        values = {fact: _value(fact, value) for fact, value in wanted.facts.items()}
        given = [{"member": member, "name": fact, "value": value} for fact, value in values.items()]
        return await self._take("standby_fact", group, actor, *given)

    async def _take(self, word: str, group: Failover, actor: str, *given: dict[str, str]) -> Ordered | Refusal:
        """One command for each of the arguments given."""
        now = wall_ns()
        commands = [
            CommandInput(
                at=now,
                word=word,
                actor=actor,
                arguments={"group": [group.name], **{key: [text] for key, text in each.items() if text}},
            )
            for each in given
        ]
        taken = await self._commands.take(*commands)
        if isinstance(taken, Refusal):
            return taken
        position, board = taken
        found = None if board is None else next((each for each in board.groups if each.name == group.name), None)
        return Ordered(position=position, group=found)

    def _find(self, name: str) -> tuple[Failover, GroupBoard]:
        """The group as the plan has it and as it stands."""
        plan = {group.name: group for group in self._plan().failover}
        known = {group.name: group for group in self._board().groups}
        if name not in plan or name not in known:
            both = ", ".join(each for each in plan if each in known) or "none: add a [[failover]]"
            raise CommandError(f"the plan in force has no failover group {name[:60]!r}; it has: {both}")
        return plan[name], known[name]


def _standby(group: Failover, known: GroupBoard, name: str) -> str:
    member = _member(group, name)
    if member == known.serving:
        others = ", ".join(each.name for each in group.members if each.name != member)
        raise CommandError(f"{member} serves {group.name} already; it could go to: {others}")
    return member


def _member(group: Failover, name: str) -> str:
    names = [member.name for member in group.members]
    if name not in names:
        wanted = f"{group.name} has no member {name[:60]!r}" if name else '"member" is empty'
        raise CommandError(f"{wanted}; its members are {', '.join(names)}")
    return name


def _planned(group: Failover, planned: list[str]) -> str:
    return f"it has: {', '.join(planned) or 'none: add them under facts of [[failover]] ' + group.name}"


def _value(fact: str, value: str | float) -> str:
    text = str(int(value)) if isinstance(value, bool) else _text(fact, str(value), MAX_VALUE)
    if not text or (isinstance(value, float) and not math.isfinite(value)):
        raise CommandError(f'"facts": {fact} has no value')
    return text


def _why(text: str) -> str:
    clean = _text("why", text)
    if not clean:
        raise CommandError('say why: "why" is empty; it is shown beside whatever comes of it')
    return clean


def _text(key: str, text: str, most: int = MAX_TEXT) -> str:
    """The text on one line. Raises CommandError."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(clean) > most:
        raise CommandError(f'"{key}" has {len(clean)} characters; {most} are the most')
    return clean
