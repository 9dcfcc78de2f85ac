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
    texts = _shown(told, observation)
    if not texts:
        return ()
    shown = {_folded(told, text) for text in texts}
    found = []
    for member in group.members:
        for text in shown_by(group, member):
            if _folded(told, text) in shown:
                found.append(member.name)
                break
    return tuple(found)


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


def _shown(told: str, observation: Observation) -> list[str]:
    findings, dims = observation.findings, observation.dims
    if told == "region":
        return _texts(dims.get("region"))
    if told == "address":
        if observation.kind.startswith("dns"):
            return [text for kind, text in _answers(findings) if kind in _LEADING]
        return _texts(dims.get("address"))
    if told == "certificate":
        chain = findings.get("chain")
        leaf = chain[0] if isinstance(chain, list) and chain else None
        return _texts(leaf.get("sha256")) if isinstance(leaf, dict) else []
    if told == "nsid":
        return _texts(findings.get("nsid"), observation.site, _decoded(findings.get("nsid")))
    if told == "marker":
        resolvers = findings.get("resolvers")
        says = resolvers.values() if isinstance(resolvers, dict) else ()
        markers = _texts(*(each.get("marker") for each in says if isinstance(each, dict)))
        return markers + [text.strip('"') for kind, text in _answers(findings) if kind == "TXT"]
    named = [findings.get("operators"), findings.get("delegated")]
    return _texts(*(name for names in named if isinstance(names, list) for name in names))


def _texts(*values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str) and value]


def _answers(findings: dict[str, Any]) -> list[tuple[str, str]]:
    """Type and text of the records of an answer."""
    answers = findings.get("answers")
    return [
        (str(record.get("type")), text)
        for record in (answers if isinstance(answers, list) else ())
        if isinstance(record, dict) and isinstance(text := record.get("text"), str)
    ]


def _decoded(nsid: Any) -> str | None:
    """An NSID (RFC 5001) is any octets, and most are text; observations have them in hex."""
    try:
        return bytes.fromhex(nsid).decode("ascii") if isinstance(nsid, str) else None
    except ValueError:
        return None
