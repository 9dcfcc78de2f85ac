"""The verdict on one attempt: a reason word, whose side it is on, and whether it must not count."""

from typing import Any

import msgspec

from parallax.reasons import REASONS, Fault


class Verdict(msgspec.Struct, frozen=True):
    """Why an attempt is not ok. `fault` None means the reason's usual side."""

    reason: str
    fault: Fault | None = None
    note: dict[str, Any] = {}
    """Findings that only the verdict can tell: what was expected, what was found. They join the observation's."""
    abstain: str | None = None
    """Why it must not count, where the evidence itself says so: this probe's network is down, say."""

    @property
    def side(self) -> Fault:
        return self.fault or REASONS[self.reason].fault

    @property
    def soft(self) -> bool:
        """Whether it means degraded."""
        return REASONS[self.reason].soft
