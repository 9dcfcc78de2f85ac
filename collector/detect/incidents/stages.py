"""The stages of an incident: the table of what follows on what. Pure.

The words are those of public status pages. `identified` is not taken back by a doubt that comes later: the timeline
says what was thought when. What is over is `monitoring` first, which is the all-clear, and `resolved` once it stayed
calm; what fails again within an hour is the same incident, `reopened` until somebody knows again where the fault is.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from collector.events import Stage
from parallax.clock import NS

Signal = Literal["located", "named", "effective", "passes", "gone", "calm", "fails"]
"""located: the machine is sure where the fault is. named: a person says where it is. effective: a switchover took
effect, so users are served while it lasts. passes: all subjects pass. gone: nothing is left that could pass, as nobody
looks any more. calm: all has been well for `watch_ns`. fails: a subject fails again after it was over."""

TRANSITIONS: Mapping[Stage, Mapping[Signal, Stage]] = MappingProxyType(
    {
        "investigating": {
            "located": "identified",
            "named": "identified",
            "effective": "monitoring",
            "passes": "monitoring",
            "gone": "resolved",
            "calm": "investigating",
            "fails": "investigating",
        },
        "identified": {
            "located": "identified",
            "named": "identified",
            "effective": "monitoring",
            "passes": "monitoring",
            "gone": "resolved",
            "calm": "identified",
            "fails": "identified",
        },
        "monitoring": {
            "located": "monitoring",
            "named": "monitoring",
            "effective": "monitoring",
            "passes": "monitoring",
            "gone": "resolved",
            "calm": "resolved",
            "fails": "reopened",
        },
        "resolved": {
            "located": "resolved",
            "named": "resolved",
            "effective": "resolved",
            "passes": "resolved",
            "gone": "resolved",
            "calm": "resolved",
            "fails": "reopened",
        },
        "reopened": {
            "located": "identified",
            "named": "identified",
            "effective": "monitoring",
            "passes": "monitoring",
            "gone": "resolved",
            "calm": "reopened",
            "fails": "reopened",
        },
    }
)

CERTAIN_NATS = 10.0
"""How much better the first explanation must be than the next, as a difference of log-likelihoods, to be sure of it."""
RELAPSE_NS = 3600 * NS
"""What fails again within this was not mended: it is the same incident."""
WATCH_NS = 900 * NS
"""How long it is watched at least before it is resolved. What relapsed is watched for twice as long as its longest
calm so far, and an hour at most."""


def next_stage(stage: Stage, signal: Signal) -> Stage:
    """The stage after a signal."""
    return TRANSITIONS[stage][signal]


def watch_ns(longest_calm_ns: int) -> int:
    """How long all must be well before it is resolved, by the longest calm after which it relapsed."""
    return min(max(2 * longest_calm_ns, WATCH_NS), RELAPSE_NS)
