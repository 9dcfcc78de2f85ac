"""Which part of a flow a run is: the light one, which signs nobody in, the silent one, or the whole. Pure.

Nothing is remembered: a run at `scheduled_at` is a whole one where a grid of `full` seconds has a line between it and
the run before. So a restart neither repeats a sign-in nor leaves one out; and the grid is shifted by a hash, so that
the probes of a fleet do not sign in all at once.
"""

import hashlib
from typing import Literal

from parallax.clock import NS
from parallax.plan.signin_specs import Every

Cadence = Literal["light", "silent", "full"]


def cadence_at(probe: str, check: str, scheduled_at: int, period_s: float, every: Every) -> Cadence:
    """What the run of this check at `scheduled_at` (wall, ns) is. A whole run is a silent one, too, and a light one.
    Where the period is no shorter than `every.full`, each run is a whole one."""
    at_s = scheduled_at / NS
    if _is_due(probe, check, "full", at_s, period_s, every.full):
        return "full"
    if every.silent is not None and _is_due(probe, check, "silent", at_s, period_s, every.silent):
        return "silent"
    return "light"


def _is_due(probe: str, check: str, part: str, at_s: float, period_s: float, every_s: float) -> bool:
    if period_s >= every_s:
        return True
    shifted = at_s + offset_s(probe, check, part, every_s)
    return shifted // every_s != (shifted - period_s) // every_s


def offset_s(probe: str, check: str, part: str, every_s: float) -> float:
    """By how much this probe's grid is shifted, 0 to `every_s`."""
    digest = hashlib.sha256(f"{probe}\0{check}\0{part}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 * every_s
