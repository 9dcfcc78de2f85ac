"""Failover groups as the board has them, for pages and commands."""

from typing import Any

from collector.board import (
    FrozenBoard,
    GroupBoard,
    MemberBoard,
    SpokenBoard,
    StandbyFactBoard,
    SwitchBoard,
)
from collector.events import FailoverChanged, RuleOutcome
from collector.failover.types import Override, ReadyLine
from parallax.clock import NS
from tests.fakes.boards import HOSTILE, NOW

MIN = 60 * NS
RULES = (
    RuleOutcome(id="S1", ok=False, why="eu-west is not ready: sign-in: refused", inputs={"ready": "no"}),
    RuleOutcome(id="S7", ok=False, why="frozen by ann: upgrade", overridden_by="bob: it burns"),
    RuleOutcome(id="S3", ok=True, why="8 of 8 vantages in 6 networks", inputs={"voters": "8", "networks": "6"}),
)


def member(name: str, **more: Any) -> MemberBoard:
    known: dict[str, Any] = {"name": name, "standing": "up", "since": NOW - 30 * MIN, "voters": 8, "ready_since": NOW}
    return MemberBoard(**(known | more))


def said(word: Any = "blocked", **more: Any) -> SpokenBoard:
    known: dict[str, Any] = {
        "word": word, "group": "edge", "direction": "failover", "source": "us-east", "target": "eu-west",
        "title": f"failover of edge from us-east to eu-west is {word}", "why": "us-east is down", "rules": RULES,
        "evidence": {"failing": "8 of 8", "standby": "not ready"},
    }  # fmt: skip
    return SpokenBoard(at=NOW - MIN, said=FailoverChanged(**(known | more)))


def switch(started_at: int, direction: str = "failover", **more: Any) -> SwitchBoard:
    ends = ("us-east", "eu-west") if direction == "failover" else ("eu-west", "us-east")
    known: dict[str, Any] = {
        "direction": direction, "source": ends[0], "target": ends[1], "started_at": started_at,
        "duration_ns": 12 * NS, "dwell_ns": 10 * MIN, "hurt": 7, "flaps": 1, "incident": "i1", "by": "command",
    }  # fmt: skip
    return SwitchBoard(**(known | more))


def group(**more: Any) -> GroupBoard:
    """us-east serves, eu-west is not ready, a failover is blocked; there and back is behind it."""
    lines = (
        ReadyLine(id="checks", ok=True, why="edge @ eu-west: up for 3 min"),
        ReadyLine(id="sign-in", ok=False, why="sign-in @ eu-west: down, the password was refused"),
        ReadyLine(id="fact:headroom", ok=None, why="headroom: not checked", rule="S8"),
    )
    facts = (StandbyFactBoard(name="config_hash", value="abc", at=NOW - 5 * NS, actor="deploy"),)
    known: dict[str, Any] = {
        "name": "edge", "kind": "region", "mode": "auto", "phase": "primary", "since": NOW - 3 * MIN,
        "serving": "us-east", "serving_since": NOW - 3 * MIN, "epoch": 2, "components": ("Edge",),
        "members": (
            member(
                "us-east", standing="down", failing=8, serves=0.75, primary=True, lines=lines[:1],
                seen_by=tuple(f"p{number}" for number in range(1, 8)),
            ),
            member("eu-west", serves=0.25, seen_by=("q1", "q2"), ready_since=NOW - 4 * MIN, lines=lines, facts=facts),
        ),
        "now": said(), "spoken": (said(), said("effective", actor="ann")),
        "switches": (
            switch(NOW - 3 * MIN - 12 * NS, "failback", flaps=2),
            switch(NOW - 13 * MIN - 12 * NS),
        ),
        "incident": "i1",
    }  # fmt: skip
    return GroupBoard(**(known | more))


def hostile_group() -> GroupBoard:
    """Names and texts that try to be markup."""
    rule = RuleOutcome(id="S1", ok=False, why=HOSTILE, inputs={HOSTILE: HOSTILE}, overridden_by=HOSTILE)
    words = said(title=HOSTILE, why=HOSTILE, evidence={HOSTILE: HOSTILE}, rules=(rule,), actor=HOSTILE)
    return group(
        name=HOSTILE,
        serving=HOSTILE,
        members=(
            member(HOSTILE, serves=0.7, lines=(ReadyLine(id="checks", ok=False, why=HOSTILE),)),
            member("b" * 100, serves=0.7),
        ),
        now=words,
        spoken=(words,),
        switches=(switch(NOW - MIN, source=HOSTILE, target="b" * 100, incident=HOSTILE),),
        frozen=FrozenBoard(actor=HOSTILE, why=HOSTILE, since=NOW),
        overrides=(Override(rule="S1", actor=HOSTILE, why=HOSTILE, until=NOW),),
        components=(HOSTILE,),
        incident=HOSTILE,
    )
