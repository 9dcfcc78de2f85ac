"""Who serves, by one observation. Pure.

What tells is the plan's `told_by`, and where an observation has it differs by kind of check:

| told_by     | http, tls             | dns, dns.resolve            | dns.zone                       | dns.parity  |
|-------------|-----------------------|-----------------------------|--------------------------------|-------------|
| region      | dims: region          |                             |                                |             |
| address     | dims: address         | answers: A, AAAA, CNAME     |                                |             |
| certificate | chain: the leaf's     |                             |                                |             |
|             | sha256                |                             |                                |             |
| nsid        |                       | nsid, site                  | nsid, site (of each server)    |             |
| marker      |                       | answers: TXT                | marker (each resolver's)       |             |
| operator    |                       |                             | operators (the delegation's)   | delegated   |

A check that is run against one member directly says nothing of who serves the others. Neither does an observation that
shows none of the members: a page that fails before its header came, a resolver that does not answer.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from collector.detect.view import CheckView
from parallax.observation import Observation
from parallax.plan.failover_types import Failover
from parallax.plan.members import shown_by, told_by
from parallax.values import Address, is_ip

_LEADING = ("A", "AAAA", "CNAME")
_MAX_REGION = 64
"""Characters of a region that an observation has."""


def serving_member(group: Failover, check: CheckView, observation: Observation) -> str | None:
    """The member that serves, by this observation; None where it shows none, or several at a time."""
    found = serving_members(group, check, observation)
    return found[0] if len(found) == 1 else None


def serving_members(group: Failover, check: CheckView, observation: Observation) -> tuple[str, ...]:
    """All members that serve by this observation, in the plan's order: a name with the addresses of two, a zone that
    is delegated to both, resolvers of which some have moved."""
    if check.member:
        return ()
    told = told_by(group)
    shown = {_folded(told, text) for text in _shown(told, observation)}
    if not shown:
        return ()
    return tuple(
        member.name for member in group.members if any(_folded(told, text) in shown for text in shown_by(group, member))
    )


def _folded(told: str, text: str) -> str:
    """What two texts that mean the same have in common."""
    if told == "region":
        return text[:_MAX_REGION]
    if told == "certificate":
        return text.lower().replace(":", "")
    if told == "address":
        return _address(text)
    return text.lower() if told == "nsid" else text


@lru_cache(maxsize=1024)
def _address(text: str) -> str:
    """An address in its one form; of an alias the name, without its final dot."""
    return Address.of(text, 1).ip if is_ip(text) else text.lower().rstrip(".")


def _shown(told: str, observation: Observation) -> Iterator[str]:
    findings, dims = observation.findings, observation.dims
    match told:
        case "region":
            yield from _texts([dims.get("region")])
        case "address" if observation.kind.startswith("dns"):
            yield from (text for kind, text in _answers(findings) if kind in _LEADING)
        case "address":
            yield from _texts([dims.get("address")])
        case "certificate":
            chain = findings.get("chain")
            leaf = chain[0] if isinstance(chain, list) and chain else None
            yield from _texts([leaf.get("sha256")] if isinstance(leaf, dict) else [])
        case "nsid":
            yield from _texts([findings.get("nsid"), observation.site, _decoded(findings.get("nsid"))])
        case "marker":
            yield from (text.strip('"') for kind, text in _answers(findings) if kind == "TXT")
            resolvers = findings.get("resolvers")
            for says in resolvers.values() if isinstance(resolvers, dict) else ():
                yield from _texts([says.get("marker")] if isinstance(says, dict) else [])
        case "operator":
            for key in ("operators", "delegated"):
                names = findings.get(key)
                yield from _texts(names if isinstance(names, list) else [])


def _texts(values: Iterable[Any]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str) and value)


def _answers(findings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Type and text of the records of an answer."""
    answers = findings.get("answers")
    for record in answers if isinstance(answers, list) else ():
        if isinstance(record, dict) and isinstance(text := record.get("text"), str):
            yield str(record.get("type")), text


def _decoded(nsid: Any) -> str | None:
    """An NSID (RFC 5001) is any octets, and most are text; observations have them in hex."""
    try:
        return bytes.fromhex(nsid).decode("ascii") if isinstance(nsid, str) else None
    except ValueError:
        return None
