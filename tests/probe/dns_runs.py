"""Whole runs of the kinds that find their own subjects, as the tests ask for them."""

from typing import Any

import msgspec

from parallax.observation import Observation
from parallax.plan.specs import Spec
from parallax.plan.types import Check
from parallax.values import Duration, Family, encode_value
from probe.runs import Vantage, run_target
from probe.tools import Tools


async def observe(
    kind: str, target: str, spec: Spec, tools: Tools, *, timeout_s: float = 5.0, families: tuple[Family, ...] = ()
) -> list[Observation]:
    """One run, its observations in the order of the subjects. `families` are the vantage's; the tools' if left out."""
    check = Check(
        name="under test",
        kind=kind,
        targets=[target],
        period=Duration(300),
        timeout=Duration(timeout_s),
        external=True,
        probes=[],
        spec=spec,
    )
    vantage = Vantage(probe="fra-1", families=families or tools.families)
    observations = await run_target(check, target, vantage, tools, scheduled_at=0)
    for observation in observations:
        msgspec.msgpack.encode(observation, enc_hook=encode_value)  # as the wire does
    return observations


async def run_kind(
    kind: str, target: str, spec: Spec, tools: Tools, *, timeout_s: float = 5.0
) -> dict[str, Observation]:
    """One run, its observations by subject."""
    return by_subject(await observe(kind, target, spec, tools, timeout_s=timeout_s))


def by_subject(observations: list[Observation]) -> dict[str, Observation]:
    found = {observation.subject: observation for observation in observations}
    assert len(found) == len(observations), "two observations of one subject"
    return found


def record(observation: Observation, name: str, selector: str = "") -> dict[str, Any]:
    """What dns.mail found of one record."""
    found: dict[str, Any] = observation.findings["records"][name]
    return found[selector] if selector else found
