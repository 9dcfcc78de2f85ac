"""What a probe reports of itself: the statistics, as an observation like any other. Pure, but for the memory's size."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from parallax.journal import Stats
from parallax.observation import Observation
from probe.clocks import ClockSync
from probe.shipping import ShippingState
from probe.statistics import Counters

KIND = "probe.health"
CHECK = "probe"
EVERY_S = 30.0
MAX_COLLECTORS = 16
MAX_OPERATORS = 16


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into one report. Spans are seconds; None where nothing is known."""

    counters: Counters
    running: int
    spool: Stats
    shipping: Mapping[str, ShippingState]
    lag_s: float
    rss: int
    offset_s: float | None
    clock: ClockSync
    uplinks: Mapping[str, bool | None]
    plan: str
    plan_words: Mapping[str, str]
    agent: str
    not_asked: Mapping[str, int] = {}
    """DNS queries that were kept back to stay within the budget, by operator."""
    lacks: Mapping[str, str] = {}
    """What this probe lacks, by the words of probe.capabilities and probe.own_certificate: why."""


def report(probe: str, figures: Figures, *, scheduled_at: int, started_at: int) -> Observation:
    """The report. Its keys are bounded: causes are words of ours, collectors those of the config."""
    return Observation(
        probe=probe,
        stream="",
        seq=0,
        run=secrets.token_hex(8),
        check=CHECK,
        kind=KIND,
        target=probe,
        subject=probe,
        dims={},
        scheduled_at=scheduled_at,
        started_at=started_at,
        duration_ns=0,
        phases=[],
        findings=_findings(figures),
    )


def _findings(figures: Figures) -> dict[str, Any]:
    spool = figures.spool
    found = {
        "skipped": dict(figures.counters.skipped),
        "lost": {**figures.counters.lost, **{f"spool_{cause}": lost for cause, lost in spool.lost.items() if lost}},
        "delivered": figures.counters.delivered,
        "asked": figures.counters.asked,
        "running": figures.running,
        "spool": {"records": spool.records, "things": spool.things, "bytes": spool.bytes},
        "collectors": {
            name: {
                "backlog": spool.last - state.position,
                "batches": state.batches,
                "dropped": state.dropped,
                "word": state.word,
                "alarm": state.alarm,
                "plan_word": figures.plan_words.get(name, ""),
            }
            for name, state in list(figures.shipping.items())[:MAX_COLLECTORS]
        },
        "lag_s": round(figures.lag_s, 4),
        "rss": figures.rss,
        "clock_offset_s": None if figures.offset_s is None else round(figures.offset_s, 6),
        "clock_synchronised": figures.clock.synchronised,
        "clock_sync_age_s": figures.clock.age_s,
        "uplinks": dict(figures.uplinks),
        "plan": figures.plan,
        "agent": figures.agent,
        "lacks": dict(figures.lacks) or None,
        "not_run": dict(figures.counters.not_run) or None,
        "not_asked": dict(_most(figures.not_asked, MAX_OPERATORS)) or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _most(counts: Mapping[str, int], most: int) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: -each[1])[:most]


def read_rss() -> int:
    """This process's resident memory, octets; 0 where the host does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * 4096
