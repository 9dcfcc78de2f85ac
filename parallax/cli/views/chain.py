"""A chain of aliases as a tree, and what its hops come to together. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from parallax.observation import Observation

_GOOD = frozenset({"auth_answer"})
_FLAGS = {
    "end": "leads to",
    "unexpected": "not expected",
    "workaround": "workaround",
    "stale": "old delegation at",
    "disagree": "servers disagree at",
    "shared_fate": "in several zones",
    "min_ttl_by_operator": "lowest TTL (s)",
    "walk": "the walk",
    "detail": "detail",
    "signature": "signature",
}


def below_chain(observations: Sequence[Observation]) -> Iterator[tuple[str, Sequence[str], list[tuple[object, ...]]]]:
    """A tree and its notes for each name."""
    for seen in observations:
        hops = seen.findings.get("hops")
        hops = [hop for hop in hops if isinstance(hop, dict)] if isinstance(hops, list) else []
        yield seen.target, ("name", "record", "ttl>", "zone", "operator", "servers"), list(_tree(hops))
        rows: list[tuple[object, ...]] = [
            (title, _text(seen.findings[key])) for key, title in _FLAGS.items() if seen.findings.get(key)
        ]
        if seen.findings.get("flattened"):
            rows.append(("flattened", "addresses where the plan expects an alias"))
        yield "together", (), rows


def _tree(hops: Sequence[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for depth, hop in enumerate(hops):
        name = "  " * (depth - 1) + "> " * (depth > 0) + str(hop.get("owner", ""))
        record = hop.get("type") or "?"
        yield name, record, hop.get("ttl", ""), hop.get("zone", ""), hop.get("operator", ""), _servers(hop)


def _servers(hop: dict[str, Any]) -> str:
    """How many of them answered, and how the others failed."""
    said = Counter(map(str, hop["servers"].values())) if isinstance(hop.get("servers"), dict) else Counter[str]()
    if not said:
        return "none asked"
    good = sum(number for word, number in said.items() if word in _GOOD)
    others = ", ".join(f"{number} {word}" for word, number in said.most_common() if word not in _GOOD)
    return f"{good} of {said.total()}" + (f" ({others})" if others else "")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items())
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
