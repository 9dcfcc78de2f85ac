"""A tree of zones on real name servers, for walks: the root, `example`, `test`, and the zone idp.example below the
first. Servers have documentation addresses; `connect_to` leads them to loopback."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import msgspec

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.types import Operator, Resolver
from parallax.values import Address, Family, Redirect
from probe.dns.memory import Memory
from probe.tools import Tools
from tests.parts.daemon import Daemon
from tests.parts.nsd import nsd
from tests.parts.zones import file_name, soa, wait_serial, zone_file

ROOT, PARENTS = Address("198.51.100.1:53"), (Address("198.51.100.11:53"), Address("198.51.100.12:53"))
PARENT_6 = Address("[2001:db8:11::1]:53")
A1, A2, A1_6 = Address("192.0.2.1:53"), Address("192.0.2.2:53"), Address("[2001:db8:a::1]:53")
OTHER = Address("203.0.113.10:53")
NOWHERE = Address("192.0.2.99:53")

_ROOT_ZONE = """@ SOA a.root. hostmaster.root. 1 3600 600 86400 60
@ NS a.root.
a.root. A 198.51.100.1
example. NS p1.nic.example.
example. NS p2.nic.example.
p1.nic.example. A 198.51.100.11
p1.nic.example. AAAA 2001:db8:11::1
p2.nic.example. A 198.51.100.12
test. NS ns1.nic.test.
ns1.nic.test. A 203.0.113.10
"""
_DELEGATION = """idp NS ns1.idp
idp NS ns2.operator-a.test.
ns1.idp A 192.0.2.1
ns1.idp AAAA 2001:db8:a::1
idp DS 12345 13 2 4444444444444444444444444444444444444444444444444444444444444444
"""
IDP = f"""{soa("ns1", 7)}
@ NS ns1
@ NS ns2.operator-a.test.
ns1 A 192.0.2.1
ns1 AAAA 2001:db8:a::1
www 60 A 192.0.2.80
login CNAME www
_operator 30 TXT "a"
"""
_TEST_ZONE = f"""{soa("ns1.nic", 1)}
@ NS ns1.nic
ns1.nic A 203.0.113.10
acme NS ns1.nic
operator-a NS ns1.nic
"""
_OPERATOR_ZONE = f"""{soa("ns1.nic.test.", 1)}
@ NS ns1.nic.test.
ns2 A 192.0.2.2
"""
_ACME_ZONE = f"""{soa("ns1.nic.test.", 1)}
@ NS ns1.nic.test.
clerk CNAME login.idp.example.
deep.er A 192.0.2.81
"""


class Tree(msgspec.Struct, kw_only=True):
    """The servers that run, and where addresses lead."""

    root: Daemon
    parent: Daemon
    a: Daemon
    other: Daemon
    connect_to: dict[Address, Address]

    def lead(self, source: Address, to: Address) -> None:
        """From now on, tools that are made dial this address for that one."""
        self.connect_to[source] = to

    def tools(
        self,
        *,
        memory: Memory | None = None,
        families: tuple[Family, ...] = (4, 6),
        operators: Iterable[Operator] = (),
        resolvers: Iterable[Resolver] = (),
    ) -> Tools:
        return Tools(
            routes=Routes.of([(Redirect(source), to) for source, to in self.connect_to.items()], EVERYWHERE),
            trust=Trust(),
            resolvers=(),
            families=families,
            memory=memory or Memory(),
            roots=(ROOT,),
            operators=tuple(operators),
            named_resolvers=tuple(resolvers),
        )


def example_zone(delegation: str = _DELEGATION, serial: int = 1) -> str:
    """The zone example; the delegation of idp.example is among its lines."""
    nic = "@ NS p1.nic\n@ NS p2.nic\np1.nic A 198.51.100.11\np1.nic AAAA 2001:db8:11::1\np2.nic A 198.51.100.12\n"
    return f"{soa('p1.nic', serial)}\n{nic}plain A 192.0.2.82\n{delegation}"


async def give(server: Daemon, name: str, lines: str, serial: int) -> None:
    """Another content of a zone, from now on. By a restart: an NSD that reloads has processes that answer with the old
    content for a moment after the first that answers with the new."""
    (server.folder / file_name(name)).write_text(zone_file(name, lines, serial))
    await server.restart()
    await wait_serial(server, name, serial)


@asynccontextmanager
async def tree(*, delegation: str = _DELEGATION, idp: str = IDP) -> AsyncIterator[Tree]:
    """Four NSD; skips where it is missing."""
    others = {"test": _TEST_ZONE, "acme.test": _ACME_ZONE, "operator-a.test": _OPERATOR_ZONE}
    async with (
        nsd({".": _ROOT_ZONE}, nsid="root") as root,
        nsd({"example": example_zone(delegation)}, nsid="parent") as parent,
        nsd({"idp.example": idp}, nsid="fra1.ns-a") as a,
        nsd(others, nsid="other") as other,
    ):
        connect_to = {ROOT: root.address, OTHER: other.address, PARENT_6: parent.address}
        connect_to |= dict.fromkeys(PARENTS, parent.address) | dict.fromkeys((A1, A2, A1_6), a.address)
        yield Tree(root=root, parent=parent, a=a, other=other, connect_to=connect_to)
