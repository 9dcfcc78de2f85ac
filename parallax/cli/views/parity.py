"""Primary and fallback side by side: whether the fallback is ready, and each difference, the worst first. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from parallax.observation import Observation

_UNCLAIMED = frozenset({"parity_unknown", "parity_incomplete"})
MOST_VALUES = 3
LONGEST_VALUE = 40


def below_parity(observations: Sequence[Observation]) -> Iterator[tuple[str, Sequence[str], list[tuple[object, ...]]]]:
    """The answer, then the table of differences."""
    for seen in observations:
        found = seen.findings
        head: list[tuple[object, ...]] = [("fallback ready", _ready(seen))]
        head += [(word, _side(found[word])) for word in ("primary", "fallback") if isinstance(found.get(word), dict)]
        if "compared" in found:
            asked = (
                f"{found['compared']} of {found.get('inventory', '?')} questions, {found.get('queries', '?')} queries"
            )
            head.append(("compared", asked))
        if found.get("unlisted"):
            head.append(("not in the plan", _values(found["unlisted"])))
        yield f"{seen.target}, {seen.subject}", (), head
        rows = found["rows"] if isinstance(found.get("rows"), list) else []
        columns = ("severity", "name", "type", "what", "purpose", "primary", "fallback")
        yield "differences", columns, [_row(row) for row in rows if isinstance(row, dict)]


def _ready(seen: Observation) -> str:
    because = seen.findings.get("because")
    if seen.reason is None:
        return "yes"
    if seen.reason in _UNCLAIMED:
        return f"not known: it {because}" if because else "not known"
    from parallax.reasons import REASONS

    soft = seen.reason in REASONS and REASONS[seen.reason].soft
    return f"{'yes, but' if soft else 'no, because'} it {because or seen.reason}"


def _side(side: dict[str, Any]) -> str:
    text = str(side.get("operator", ""))
    text += f" at {side['address']}" if "address" in side else f": {side.get('state', '?')}"
    failing = side.get("failing")
    if isinstance(failing, dict) and failing:
        text += f" ({', '.join(f'{address} {word}' for address, word in failing.items())})"
    return text


def _row(row: dict[str, Any]) -> tuple[object, ...]:
    what = f"{row.get('class', '')}".replace("_", " ")
    if row.get("what"):
        what += f" ({row['what']})"
    return (
        row.get("severity", ""),
        row.get("name", ""),
        row.get("type", ""),
        what,
        row.get("purpose", ""),
        _values(row.get("primary")),
        _values(row.get("fallback")),
    )


def _values(values: Any) -> str:
    texts = [_short(str(value)) for value in values] if isinstance(values, list | tuple) else []
    more = f" and {len(texts) - MOST_VALUES} more" if len(texts) > MOST_VALUES else ""
    return ", ".join(texts[:MOST_VALUES]) + more


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
