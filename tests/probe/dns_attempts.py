"""One attempt of the dns check, as the tests ask for it."""

from collections.abc import Iterable
from typing import Any

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.specs import DnsSpec
from parallax.values import Address, Cidr, Redirect
from probe.attempt import attempt, evidence_of
from probe.checks import KINDS
from probe.kind import Subject
from probe.tools import Tools
from tests.probe.attempts import Outcome


def tools(
    *resolvers: Address, connect_to: Iterable[tuple[Redirect, Address]] = (), allow: Iterable[Cidr] = EVERYWHERE
) -> Tools:
    return Tools(routes=Routes.of(connect_to, allow), trust=Trust(), resolvers=resolvers)


async def ask(
    address: Address,
    *,
    timeout_s: float = 5.0,
    host: str = "ns1.acme.test",
    with_tools: Tools | None = None,
    **spec: Any,
) -> Outcome:
    """One attempt for www.acme.test A, unless the spec says else."""
    whole = DnsSpec(**{"query": "www.acme.test", **spec})
    subject = Subject(target=str(address), host=host, address=address)
    kind = KINDS["dns"]
    tape = await attempt(kind, whole, subject, timeout_s, with_tools or tools())
    evidence = evidence_of(tape)
    return Outcome(evidence, kind.judge(whole, evidence), tape.dims, tape.site)
