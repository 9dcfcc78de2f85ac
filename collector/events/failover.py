"""What is concluded of failover groups: who serves, who is ready, and what is decided."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from collector.events.incident import Severity
from parallax.event_words import FailoverWord, ReadinessWord

SafetyRule = Literal["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10"]
"""S1 the target is ready; S2 never nobody serving; S3 enough voters in enough networks; S4 a cause that a switch
cures; S5 not too often; S6 lease and epoch are held; S7 no change freeze, no maintenance; S8 the target has the room;
S9 its data is fresh, and the old writer is fenced; S10 the other collectors agree."""


class RuleOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One safety rule at one decision. Every decision has all of them, in order."""

    id: SafetyRule
    ok: bool
    why: str
    """One sentence: what holds, or what is in the way."""
    inputs: Mapping[str, str] = {}
    """What it was judged by, as text."""
    overridden_by: str = ""
    """Who overrode it, and why, where it does not hold and counts as if it did."""


class FailoverChanged(msgspec.Struct, frozen=True, kw_only=True, tag="failover"):
    """What is said of a failover group. `epoch` counts its commands: it is written through the action, so that a late
    or racing controller is refused where the switch happens."""

    word: FailoverWord
    group: str
    direction: Literal["failover", "failback", ""] = ""
    """failback: towards the primary."""
    source: str = ""
    target: str = ""
    """Members."""
    title: str
    """One line without a final stop."""
    why: str = ""
    severity: Severity = "warning"
    incident: str | None = None
    components: tuple[str, ...] = ()
    epoch: int = 0
    expected_current: str = ""
    not_after: int | None = None
    """Nobody may carry the command out after it; ns since the Unix epoch."""
    dry_run: bool = False
    actions: tuple[str, ...] = ()
    """Names of the plan's actions, in the order in which they are tried."""
    rules: tuple[RuleOutcome, ...] = ()
    evidence: Mapping[str, str] = {}
    """What it rests on, by what it is, as text: failing, voters, networks, cause, standby."""
    started_at: int | None = None
    """For `switched`: when the first vantage saw the new member."""
    duration_ns: int = 0
    """For `switched`: from the first vantage to 80 % of them."""
    dwell_ns: int = 0
    """For `switched`: how long the member before had served."""
    hurt: int = 0
    """For `switched`: runs that failed from its start to its end."""
    flaps: int = 0
    """Switchovers in the incident so far."""
    actor: str = ""
    """The person who did it; empty where the machine did."""
    check: str = ""
    """The group's: its figures show what users saw of the group meanwhile."""

    @property
    def type(self) -> str:
        """failover.command, failback.effective, ..."""
        return f"{self.direction or 'failover'}.{self.word}"


class ReadinessChanged(msgspec.Struct, frozen=True, kw_only=True, tag="readiness"):
    """A standby could be switched to from now on, or no longer. It is a risk that it cannot: failover would be
    blocked."""

    word: ReadinessWord
    group: str
    member: str
    title: str
    why: str = ""
    """The lines that do not hold, in short."""
    components: tuple[str, ...] = ()
    check: str = ""
    """The check that is run against the member directly; empty where there is none."""

    @property
    def type(self) -> str:
        return f"readiness.{self.word}"
