"""Events as detection makes them, for tests of what reads them."""

from typing import Any, Literal

from collector.events import (
    Affected,
    Event,
    Evidence,
    FaultDomain,
    Incident,
    IncidentChanged,
    Risk,
    RiskChanged,
)
from parallax.clock import NS

AT = 1_700_000_000 * NS
Change = Literal["opened", "updated", "reopened", "monitoring", "resolved"]


def incident(
    name: str = "i1", change: Change = "opened", *, at: int = AT, number: int | None = None, **more: Any
) -> Event:
    """A change of the incident `name`; its event's id is `name-change`, with a number if one is given."""
    known: dict[str, Any] = {
        "id": name,
        "title": "DNS operator dns-a is dark",
        "severity": "critical",
        "domain": FaultDomain(kind="operator", name="dns-a"),
        "started_at": at - 240 * NS if change in ("monitoring", "resolved") else at,
        "opened_at": at,
        "updated_at": at,
        "resolved_at": at if change == "resolved" else None,
        "over_at": at if change == "monitoring" else None,
        "components": ("Sign-in",),
        "impact": "full_outage",
        "checks": (
            Affected(check="api", kind="http", target="t", subject="s", state="down", since=at, reason="http_status"),
        ),
        "evidence": Evidence(failing=4, voters=5, networks=3, span_ns=9 * NS, reasons={"dns_timeout": 4}),
    }
    data = IncidentChanged(change=change, what=f"it is {change}", incident=Incident(**(known | more)))
    return Event(id=f"{name}-{change}{'' if number is None else number}", at=at, cause=1, data=data)


def risk(name: str = "r1", change: Literal["raised", "cleared"] = "raised", *, at: int = AT, **more: Any) -> Event:
    known: dict[str, Any] = {
        "id": name, "title": "the certificate of front expires", "check": "front", "components": ("Sign-in",),
        "since": at, "expected_at": at + 3600 * NS,
    }  # fmt: skip
    return Event(id=f"{name}-{change}", at=at, cause=1, data=RiskChanged(change=change, risk=Risk(**(known | more))))
