"""Two operators below a root, for the tests of chains and parity: NSD is the root and operator A, BIND or NSD operator
B. Servers have documentation addresses; redirects lead to the real ones, or wherever a test likes."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.specs import Spec
from parallax.plan.types import Operator
from parallax.values import Address, Family, Redirect
from probe.dns.memory import Memory
from probe.tools import Tools
from tests.parts.daemon import Daemon
from tests.parts.nsd import nsd
from tests.probe.dns_runs import observe

ROOT, ROOT6 = Address("198.51.100.1:53"), Address("[2001:db8::1]:53")
A1, A2 = Address("192.0.2.1:53"), Address("192.0.2.2:53")
B1, B2 = Address("192.0.2.65:53"), Address("192.0.2.66:53")
NAMES: Mapping[Address, str] = {
    A1: "ns1.dns-a.example",
    A2: "ns2.dns-a.example",
    B1: "ns1.dns-b.example",
    B2: "ns2.dns-b.example",
}
AT_A, AT_B = (A1, A2), (B1, B2)
CLOSED = Address("127.0.0.1:1")
OPERATORS = (
    Operator(name="dns-a", servers=["*.dns-a.example"]),
    Operator(name="dns-b", servers=["*.dns-b.example", "192.0.2.65", "192.0.2.66"], role="fallback"),
)


class World:
    """The servers that run, and where each address leads."""

    def __init__(self, root: Daemon, a: Daemon, b: Daemon | None) -> None:
        self.root, self.a, self.b = root, a, b
        self._leads: dict[Address, Address] = {ROOT: root.address, ROOT6: root.address, A1: a.address, A2: a.address}
        self._leads |= {B1: b.address, B2: b.address} if b else {B1: CLOSED, B2: CLOSED}
        self.memory = Memory()

    def lead(self, to: Address, *addresses: Address) -> None:
        """From the next run on."""
        self._leads.update(dict.fromkeys(addresses, to))

    def tools(self, families: tuple[Family, ...] = (4,), operators: Iterable[Operator] = OPERATORS) -> Tools:
        """Remembers from run to run."""
        redirects = [(Redirect(address), to) for address, to in self._leads.items()]
        return Tools(
            routes=Routes.of(redirects, EVERYWHERE),
            trust=Trust(),
            resolvers=(),
            families=families,
            memory=self.memory,
            roots=(ROOT, ROOT6),
            operators=tuple(operators),
        )

    async def run(
        self, kind: str, target: str, spec: Spec, *, timeout_s: float = 5, tools: Tools | None = None
    ) -> Observation:
        """One run, which is one observation."""
        tools = tools or self.tools()
        [seen] = await observe(kind, target, spec, tools, timeout_s=timeout_s, families=(4,))
        return seen


def root_zone(delegations: Mapping[str, Sequence[Address]], more: str = "", serial: int = 1) -> str:
    """The root, which has the addresses of all name servers."""
    lines = [f"@ SOA a.root. h.root. {serial} 3600 600 86400 60", "@ NS a.root.", "a.root. A 198.51.100.1"]
    lines += [f"{name}. A {address.ip}" for address, name in NAMES.items()]
    lines += [f"{zone}. NS {NAMES[address]}." for zone, servers in delegations.items() for address in servers]
    return "\n".join([*lines, more])


@asynccontextmanager
async def delegated(
    delegations: Mapping[str, Sequence[Address]],
    a: Mapping[str, str],
    b: Mapping[str, str] | None = None,
    *,
    more: str = "",
    make_b: Any = nsd,
) -> AsyncIterator[World]:
    """`delegations`: zone to its servers; `a`, `b`: what each operator serves, zone to lines."""
    async with nsd({".": root_zone(delegations, more)}) as root, nsd(a, nsid="site-a") as at_a:
        if b is None:
            yield World(root, at_a, None)
            return
        operator_b: AbstractAsyncContextManager[Daemon] = make_b(b, nsid="site-b")
        async with operator_b as at_b:
            yield World(root, at_a, at_b)
