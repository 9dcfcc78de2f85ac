"""What the differences between primary and fallback come to: the reason, and one short sentence. Pure."""

from collections.abc import Sequence
from typing import Any

from parallax.plan.inventory import APEX, Severity
from probe.checks.parity_compare import Class, Row

MOST_NAMED = 2
"""Records that a sentence names before it counts."""

_REASONS: dict[Class, str] = {
    "missing": "parity_missing",
    "fails": "parity_missing",
    "different": "parity_different",
    "ns_without_fallback": "parity_different",
    "caa_stricter": "parity_caa_stricter",
    "extra": "parity_extra",
    "wildcard": "parity_wildcard",
    "nxdomain_vs_nodata": "parity_minor",
    "ttl_drift": "parity_ttl_drift",
}
_VERBS: dict[Class, str] = {
    "missing": "lacks",
    "fails": "fails for",
    "different": "has other data for",
    "ns_without_fallback": "names none of its own servers in",
    "caa_stricter": "forbids certificate authorities in",
    "extra": "has, as leftovers,",
    "wildcard": "answers otherwise for names that nobody made:",
    "nxdomain_vs_nodata": "says NXDOMAIN for NODATA, or the reverse, at",
    "ttl_drift": "has other TTLs for",
}


def reason_of(cls: Class, severity: Severity) -> str:
    """The reason that a difference is."""
    return "parity_minor" if (cls, severity) == ("different", "low") else _REASONS[cls]


def because(rows: Sequence[Row | dict[str, Any]], counts: dict[str, int] | None = None) -> str | None:
    """What is wrong with the fallback, to stand behind "no, because it": "lacks the mail records dkim1._domainkey TXT,
    MX (and 3 more)". `rows` are the worst first; `counts` their numbers by class and purpose where not all are given.
    None without rows."""
    if not rows:
        return None
    plain = [row.as_finding() if isinstance(row, Row) else row for row in rows]
    worst = plain[0]
    alike = [row for row in plain if _group(row) == _group(worst)]
    others = [row for row in plain if _group(row) != _group(worst) and row["severity"] == worst["severity"]]
    sentence = _clause(alike, (counts or {}).get(_group(worst)))
    if worst["severity"] != "low" and others:
        second = [row for row in others if _group(row) == _group(others[0])]
        sentence += f"; {_clause(second, (counts or {}).get(_group(others[0])))}"
    return sentence


def groups(rows: Sequence[Row]) -> dict[str, int]:
    """How many differences there are, by class and purpose."""
    found: dict[str, int] = {}
    for row in rows:
        group = _group(row.as_finding())
        found[group] = found.get(group, 0) + 1
    return found


def _group(row: dict[str, Any]) -> str:
    return f"{row['class']} {row['purpose']}".strip()


def _clause(rows: list[dict[str, Any]], in_all: int | None) -> str:
    first = rows[0]
    number = max(in_all or 0, len(rows))
    named = ", ".join(map(_record, rows[:MOST_NAMED]))
    more = f" (and {number - MOST_NAMED} more)" if number > MOST_NAMED else ""
    what = f" {first['purpose']}" if first["purpose"] else ""
    return f"{_VERBS[first['class']]} the{what} record{'s' * (number > 1)} {named}{more}"


def _record(row: dict[str, Any]) -> str:
    return row["type"] if row["name"] == APEX else f"{row['name']} {row['type']}"
