"""Observations as a check would make them."""

from typing import Any

import msgspec

from parallax.observation import Observation

_BASE = Observation(
    probe="p1",
    stream="",
    seq=0,
    run="0123456789abcdef",
    check="web",
    kind="http",
    target="https://a.example/",
    subject="192.0.2.1:443",
    dims={"family": "4"},
    scheduled_at=1_790_000_000_000_000_000,
    started_at=1_790_000_000_000_000_001,
    duration_ns=1_000_000,
    phases=[],
)


def observation(**changes: Any) -> Observation:
    return msgspec.structs.replace(_BASE, **changes)
