"""What an observation amounts to for a person and for the exit status. Pure."""

from collections.abc import Iterable
from typing import Literal

from parallax.observation import Observation
from parallax.reasons import REASONS

Grade = Literal["ok", "degraded", "failed", "unknown", "config"]

WORST_FIRST: tuple[Grade, ...] = ("failed", "config", "unknown", "degraded", "ok")
"""A failure counts before what is unknown: it is known."""
_EXIT: dict[Grade, int] = {"ok": 0, "degraded": 0, "failed": 1, "config": 2, "unknown": 3}


def grade(observation: Observation) -> Grade:
    """Blocked, and trouble of our own, say nothing about the target: unknown."""
    if observation.reason is None:
        return "ok" if observation.abstain is None else "unknown"
    known = REASONS.get(observation.reason)
    if known is not None and known.soft:
        return "degraded"
    if observation.abstain is not None or observation.fault in ("probe", "blocked"):
        return "unknown"
    return "config" if observation.fault == "config" else "failed"


def exit_status(observations: Iterable[Observation]) -> int:
    """0 ok or degraded, 1 failed, 2 config, 3 unknown; the worst counts, control attempts aside. 3 without any."""
    grades = {grade(observation) for observation in observations if observation.attempt == 1}
    return next((_EXIT[word] for word in WORST_FIRST if word in grades), _EXIT["unknown"])
