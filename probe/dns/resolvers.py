"""The plan's resolvers: where one is, and what is remembered of it between runs."""

import msgspec
import trio

from parallax.plan.types import Resolver
from parallax.values import Address
from probe.bounded import Bounded
from probe.dns.client import Server
from probe.dns.lookup import lookup
from probe.tape import Tape
from probe.tools import Tools

ADDRESS_KEPT_S = 60.0
MOST_RESOLVERS = 1_000
MOST_TRACES = 20_000


class Control(msgspec.Struct, frozen=True):
    """What came of asking a resolver for its control name. `at` is when it ended, by trio's clock."""

    word: str
    """"ok", or a class of probe.checks.resolve_classes."""
    duration_ns: int
    at: float

    @property
    def ok(self) -> bool:
        return self.word == "ok"


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A record as a resolver last gave it. Times are trio's clock."""

    ttl: int
    since: float
    """When this TTL was first seen, without another in between."""
    at: float
    largest: int
    """The largest TTL seen of the record at this resolver."""


class Resolvers:
    """Part of a probe's memory."""

    def __init__(self) -> None:
        self.controls: Bounded[Control] = Bounded(MOST_RESOLVERS)
        """By resolver: how its control name went last."""
        self.controls_under_way: dict[str, trio.Event] = {}
        """By resolver, while its control name is asked: set at the end, however that comes."""
        self.addresses: Bounded[Address] = Bounded(MOST_RESOLVERS)
        """By endpoint of a resolver that is given by a name: where it is."""
        self.traces: Bounded[Trace] = Bounded(MOST_TRACES)
        """By resolver and record: the TTLs seen."""


def server_of(resolver: Resolver, address: Address) -> Server:
    """A resolver as it is asked: over its transport, which is not "doq"."""
    assert resolver.transport != "doq", resolver.name
    return Server(address=address, name=resolver.address.host, transport=resolver.transport, path=resolver.path)


async def address_of(resolver: Resolver, tools: Tools, tape: Tape) -> Address | None:
    """Where a resolver is: its address; where it is given by a name, the first one that this probe can reach. Phase
    `lookup`, if it has to be looked up."""
    address = resolver.address.address
    if address is not None:
        return address
    kept = tools.memory.of(Resolvers).addresses
    address = kept.get(resolver.address, trio.current_time())
    if address is None:
        with tape.phase("lookup"):
            found = await lookup(resolver.address.host, tools.families, tools, tape)
        if not found:
            return None
        address = Address.of(found[0], resolver.address.port)
        kept.put(resolver.address, address, trio.current_time() + ADDRESS_KEPT_S)
    return address
