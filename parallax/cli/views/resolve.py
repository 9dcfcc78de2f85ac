"""A name at resolvers as a table: a line a resolver. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from parallax.observation import Observation
from parallax.spans import measured

RESOLVE_COLUMNS = ("resolver", "by", "answer", "TTL>", "site", "rtt>", "control", "found")
_MOST = 3


def resolve_cells(seen: Observation) -> Sequence[object]:
    """One resolver's line."""
    found = seen.findings
    rtt, low = found.get("rtt_ns"), found.get("min_ttl")
    return (
        seen.subject,
        seen.dims.get("transport", ""),
        _answer(found, seen),
        f"{low} s" if isinstance(low, int) else "",
        seen.site or "",
        measured(rtt) if isinstance(rtt, int) else "",
        _control(found.get("control")),
        seen.reason or str(found.get("class", "")),
    )


def below_resolve(observations: Sequence[Observation]) -> Iterator[tuple[str, Sequence[str], list[tuple[object, ...]]]]:
    """The chain of aliases where there is one, what caches hold, and what resolvers say of an error."""
    chain = max((_list(seen.findings.get("answers")) for seen in observations), key=len, default=[])
    if any(_dict(record).get("type") == "CNAME" for record in chain):
        rows = [tuple(_dict(record).get(key, "") for key in ("owner", "ttl", "type", "text")) for record in chain]
        yield "the longest answer", ("owner", "ttl>", "type", "data"), rows
    yield (
        "held by the cache before",
        ("resolver", "names"),
        [
            (seen.subject, ", ".join(f"{owner} {ttl} s" for owner, ttl in _dict(held).items()) or "nothing")
            for seen in observations
            if (held := seen.findings.get("cached")) is not None
        ],
    )
    yield (
        "say resolvers",
        ("resolver", "extended error"),
        [
            (seen.subject, f"{_dict(each).get('code')} {_dict(each).get('text', '')}".strip())
            for seen in observations
            for each in _list(seen.findings.get("ede"))
        ],
    )


def _answer(found: dict[str, Any], seen: Observation) -> str:
    values = [str(_dict(each).get("text", "")) for each in _list(found.get("answers"))]
    ends = [
        str(_dict(each).get("text", "")) for each in _list(found.get("answers")) if _dict(each).get("type") != "CNAME"
    ]
    shown = ends or values
    if shown:
        return ", ".join(shown[:_MOST]) + (f" and {len(shown) - _MOST} more" if len(shown) > _MOST else "")
    return str(found.get("rcode") or found.get("outcome") or seen.reason or "")


def _control(control: Any) -> str:
    said = _dict(control)
    took = said.get("duration_ns")
    word = str(said.get("class", "none"))
    return f"{word} {measured(took)}" if word == "ok" and isinstance(took, int) else word


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
