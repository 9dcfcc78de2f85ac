"""A whole run of the dns.zone check, as the tests ask for it."""

from typing import Any

import msgspec

from parallax.observation import Observation
from parallax.plan.dns_specs import ZoneSpec
from probe.tools import Tools
from tests.probe.dns_runs import by_subject, observe

__all__ = ["by_subject", "zone_run"]


async def zone_run(
    tools: Tools, zone: str = "idp.example", *, timeout_s: float = 5.0, **spec: Any
) -> list[Observation]:
    """The observations of one run, in the order of the subjects."""
    whole = msgspec.convert({"zone": zone, **spec}, ZoneSpec, dec_hook=lambda kind, raw: kind(raw))
    return await observe("dns.zone", zone, whole, tools, timeout_s=timeout_s)
