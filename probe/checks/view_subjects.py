"""The subjects of a check of a zone's content: one at each resolver, one at each operator (probe.dns.views). Pure."""

from typing import Any

from probe.dns.views import OperatorView, ResolverView
from probe.kind import NOWHERE, Subject


def at_resolver(target: str, view: ResolverView, task: Any) -> Subject:
    """Named by the resolver."""
    server = view.server
    return Subject(
        target=target,
        host=view.name,
        name=view.name,
        address=server.address if server else NOWHERE,
        dims={"resolver": view.name} | ({"transport": server.transport} if server else {}),
        task=task,
    )


def at_operator(target: str, view: OperatorView, zone: str, task: Any) -> Subject:
    """Named "operator" and its name. Its host is the server whose turn it is."""
    server, dims = view.server, {"operator": view.name, "zone": zone}
    if server is not None:
        dims |= {"server": server.name, "transport": server.transport}
    return Subject(
        target=target,
        host=server.name if server else view.name,
        name=f"operator {view.name}",
        address=server.address if server else NOWHERE,
        dims=dims,
        task=task,
    )
