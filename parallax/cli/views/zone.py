"""A zone's servers and its delegation as tables. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from parallax.observation import Observation
from parallax.spans import measured

DELEGATION = "delegation"
Block = tuple[str, Sequence[str], list[tuple[object, ...]]]


def zone_cells(seen: Observation) -> Sequence[object] | None:
    """One server's line; None for the delegation, which has tables of its own."""
    if seen.subject == DELEGATION:
        return None
    found, address = seen.findings, seen.dims.get("address", "")
    rtt = found.get("rtt_ns")
    said = found.get("class") or ""
    return (
        seen.dims.get("server", seen.subject),
        f"{address} tcp" if seen.dims.get("transport") == "tcp" else address,
        seen.dims.get("operator", ""),
        seen.site or "",
        found.get("serial", ""),
        measured(rtt) if isinstance(rtt, int) else "",
        said if said != "auth_answer" else _data(found) or "answers",
    )


def _data(found: dict[str, Any]) -> str:
    said = str(_dict(found.get("data")).get("class", ""))
    return "" if said in ("", "auth_answer") else f"data: {said}"


def below_zone(observations: Sequence[Observation]) -> Iterator[Block]:
    """What the parent says, where it differs from the zone, and what resolvers hold."""
    for seen in observations:
        if seen.subject == DELEGATION:
            yield from _delegation(seen)


def _delegation(seen: Observation) -> Iterator[Block]:
    found = seen.findings
    head: list[tuple[object, ...]] = [("verdict", seen.reason or "ok")]
    head += [(title, _text(found[key])) for key, title in _HEAD.items() if found.get(key) not in (None, [], {})]
    yield "delegation", (), head
    yield "says the parent", ("address", "name servers", "ttl>"), list(_sets(found.get("parents")))
    if seen.reason is not None:
        yield "says the zone", ("address", "name servers", "ttl>"), list(_sets(found.get("child_ns")))
    yield "say resolvers", ("resolver", "name servers", "ttl>", "marker"), list(_sets(found.get("resolvers")))
    former = _dict(found.get("former"))
    yield "say servers of the delegation before", (), [(address, _text(says)) for address, says in former.items()]


def _sets(value: Any) -> Iterator[tuple[object, ...]]:
    """Who says it, the names, their TTL, and the marker that came with it."""
    for who, says in _dict(value).items():
        known = _dict(says)
        names = known.get("ns") or known.get("failure") or known.get("rcode", "")
        yield who, _text(names), known.get("ttl", ""), _text(known.get("marker", ""))


_HEAD = {
    "detail": "detail",
    "parent": "parent",
    "ns": "name servers",
    "ttl": "ttl",
    "ds": "ds",
    "problems": "problems",
}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(each)}".strip() for key, each in value.items() if each not in (None, [], {}))
    return ", ".join(_text(each) for each in value) if isinstance(value, list | tuple) else str(value)
