"""What a probe says that its host lacks, and what it therefore did not run. Pure; a probe's word is bounded here."""

from typing import Any

MOST = 8
"""Words of either kind; probe.capabilities has fewer."""
_WORD, _WHY = 40, 200


def lacks_in(findings: dict[str, Any]) -> dict[str, str]:
    """Of a probe's report on itself: the words, and why."""
    found = findings.get("lacks")
    if not isinstance(found, dict):
        return {}
    return {str(word)[:_WORD]: str(why)[:_WHY] for word, why in list(found.items())[:MOST]}


def not_run_in(findings: dict[str, Any]) -> dict[str, int]:
    """Likewise, by word the runs that were not begun since the probe's start."""
    found = findings.get("not_run")
    if not isinstance(found, dict):
        return {}
    counts = {str(word)[:_WORD]: count for word, count in list(found.items())[:MOST] if type(count) is int}
    return {word: count for word, count in counts.items() if 0 < count < 2**63}
