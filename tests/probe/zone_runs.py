"""A whole run of the dns.zone check, as the tests ask for it."""

from typing import Any

import msgspec

from parallax.observation import Observation
from parallax.plan.dns_specs import ZoneSpec
from parallax.plan.types import Check
from parallax.values import Duration
from probe.runs import Vantage, run_target
from probe.tools import Tools


async def zone_run(
    tools: Tools, zone: str = "idp.example", *, timeout_s: float = 5.0, **spec: Any
) -> list[Observation]:
    """The observations of one run, in the order of the subjects."""
    whole = msgspec.convert({"zone": zone, **spec}, ZoneSpec, dec_hook=lambda kind, raw: kind(raw))
    check = Check(
        name="zone",
        kind="dns.zone",
        targets=[zone],
        period=Duration(30),
        timeout=Duration(timeout_s),
        external=True,
        probes=[],
        spec=whole,
    )
    vantage = Vantage(probe="p1", families=tools.families)
    return await run_target(check, zone, vantage, tools, scheduled_at=0)


def by_subject(observations: list[Observation]) -> dict[str, Observation]:
    found = {seen.subject: seen for seen in observations}
    assert len(found) == len(observations), "each subject once"
    return found
