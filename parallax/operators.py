"""Whose name server it is: what the plan's [[operator]] entries say, else what its name shows. Pure.

The probe labels observations by this rule, the collector finds fault domains by it.
"""

from collections.abc import Iterable

from parallax.plan.types import Operator

REGISTRIES = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})
"""Second labels under which strangers register (co.uk): not a suffix that two names share."""


def planned_operator(server: str, ip: str, operators: Iterable[Operator]) -> Operator | None:
    """The first of the plan's operators whose patterns fit the server's name or its literal address; either may be
    empty."""
    for operator in operators:
        if any(_fits(pattern.lower().rstrip("."), server, ip) for pattern in operator.servers):
            return operator
    return None


def operator_of(server: str, ip: str, operators: Iterable[Operator]) -> str:
    """What to call the operator of a name server: the plan's name for it, else the registrable suffix of the server's
    name, else its address."""
    found = planned_operator(server, ip, operators)
    return found.name if found else registrable(server) or ip


def registrable(name: str) -> str:
    """The part of a name that somebody registered: two labels, or three under a shared second one (a.co.uk). A guess
    that knows no list of all registries."""
    labels = name.strip(".").split(".")
    length = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in REGISTRIES else 2
    return ".".join(labels[-length:])


def _fits(pattern: str, server: str, ip: str) -> bool:
    if pattern.startswith("*."):
        return server.endswith(pattern[1:])
    return pattern in (server, ip)
