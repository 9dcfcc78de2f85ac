"""A zone's signatures as a table: the parent, each operator, each resolver a line. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from parallax.clock import NS
from parallax.observation import Observation

DNSSEC_COLUMNS = ("at", "address", "keys", "DS", "signatures", "denial", "first to expire")


def dnssec_cells(seen: Observation) -> Sequence[object]:
    """One line: what of it this subject shows."""
    found = seen.findings
    return (
        seen.subject,
        seen.dims.get("address", ""),
        ", ".join(str(_dict(key).get("tag", "")) for key in _list(found.get("keys"))),
        _ds(found),
        _signatures(found),
        found.get("denial", ""),
        _when(found.get("expires_at")),
    )


def below_dnssec(observations: Sequence[Observation]) -> Iterator[tuple[str, Sequence[str], list[tuple[object, ...]]]]:
    """Why, where something is wrong."""
    wrong: list[tuple[object, ...]] = [
        (seen.subject, seen.reason, seen.findings.get("because", "")) for seen in observations if seen.reason
    ]
    yield "what is wrong", ("at", "reason", "why"), wrong


def _ds(found: dict[str, Any]) -> str:
    states = [_dict(each) for each in _list(found.get("ds"))]
    if not states:
        return "none" if found.get("ds_count") == 0 else ""
    return ", ".join(f"{state.get('tag')}{'' if state.get('matches') else ' (no key)'}" for state in states)


def _signatures(found: dict[str, Any]) -> str:
    if "validated" in found:
        return "validated" if found["validated"] else str(found.get("rcode", "")).replace("NOERROR", "not validated")
    if found.get("signed") is False:
        return "not signed"
    states = [(str(_dict(each).get("type")), str(_dict(each).get("state"))) for each in _list(found.get("signatures"))]
    bad = dict.fromkeys(f"{rdtype} {state}" for rdtype, state in states if state != "ok")
    return ", ".join(bad) or ("good" if states else "")


def _when(at: Any) -> str:
    return f"{datetime.fromtimestamp(at // NS, UTC):%Y-%m-%d %H:%M} UTC" if isinstance(at, int) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
