"""One side of a parity check: which servers it has, and questions to them, a few at a time.

A side is asked at one address, another one each run. What is compared is the content, not the servers' health: where
that address does not answer, the question goes to the side's next one.
"""

from collections.abc import Sequence

import msgspec
import trio

from parallax.operators import planned_operator
from parallax.plan.types import Operator
from parallax.values import Address, Endpoint, is_ip
from probe.checks.kind import Tools
from probe.dns.classes import ANSWERS, auth_class
from probe.dns.client import Asked, Server, ask_again
from probe.dns.cuts import Delegation, WalkFailed
from probe.dns.message import Query
from probe.dns.walk import addresses_of

AT_ONCE = 4
"""Questions under way at one side."""
QUERY_S = 2.0
MOST_ADDRESSES = 16
GIVES_UP_AFTER = 3
"""Questions in a row that nobody of a side answers: it went dark, and is left alone."""


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a side serves the zone. `word` is None where it does; else why not: not_served (its servers answer, none
    with authority), dark, no_servers, or one failure that all its servers share."""

    word: str | None
    said: dict[str, str] = {}
    """By address: the class of the answer, or how the exchange failed."""


class Side:
    """The servers of one operator for one zone. `words` are what its addresses said."""

    def __init__(self, name: str, zone: str, addresses: Sequence[Address], tools: Tools) -> None:
        self.name, self._zone, self._client = name, zone, tools.dns
        turn = tools.memory.turn(f"dns.parity {zone} {name}") % max(len(addresses), 1)
        self._addresses = [*addresses[turn:], *addresses[:turn]][:MOST_ADDRESSES]
        self._room = trio.Semaphore(AT_ONCE)
        self._silent = 0
        self.asked = 0

    @property
    def address(self) -> Address | None:
        """Whom it is asked at now."""
        return self._addresses[0] if self._addresses else None

    @property
    def gone(self) -> bool:
        return self._silent >= GIVES_UP_AFTER

    async def reach(self, timeout_s: float) -> Reached:
        """Asks for the zone's SOA, address by address until one has it."""
        if not self._addresses:
            return Reached(word="no_servers")
        said: dict[str, str] = {}
        deadline = trio.current_time() + timeout_s
        for place, address in enumerate(self._addresses):
            left_s = deadline - trio.current_time()
            if left_s <= 0:
                break
            asked = await self._ask(self._zone, "SOA", address, min(QUERY_S, left_s))
            word = auth_class(asked.reply, self._zone, self._zone, "SOA") if asked.reply else asked.outcome
            said[str(address)] = word
            if word == "auth_answer":
                self._addresses = self._addresses[place:] + self._addresses[:place]
                return Reached(word=None, said=said)
        words = set(said.values())
        if any(word.startswith(("lame_", "rcode_", "referral_")) or word in ANSWERS for word in words):
            return Reached(word="not_served", said=said)
        return Reached(word=words.pop() if len(words) == 1 and words & _OURS else "dark", said=said)

    async def ask(self, name: str, rdtype: str) -> Asked | None:
        """The first answer of one of its addresses; None where none came, or the side is given up."""
        async with self._room:
            for address in list(self._addresses):
                if self.gone or _left_s() <= 0:
                    return None
                asked = await self._ask(name, rdtype, address, min(QUERY_S, _left_s()))
                if asked.reply is not None:
                    self._silent = 0
                    return asked
                if asked.outcome in ("over_budget", "not_allowed", "local_error"):
                    return None
                if self._addresses[0] == address:  # those that follow need not wait for it as well
                    self._addresses.append(self._addresses.pop(0))
            self._silent += 1
            return None

    async def _ask(self, name: str, rdtype: str, address: Address, timeout_s: float) -> Asked:
        self.asked += 1
        query = Query(name=name, type=rdtype, recurse=False)
        return await ask_again(query, Server(address=address), self._client, timeout_s)


_OURS = {"not_allowed", "local_error", "unreachable", "over_budget"}


async def servers_of(
    operator: str,
    delegated: Delegation | WalkFailed,
    extra: Sequence[Endpoint],
    tools: Tools,
    timeout_s: float,
) -> list[Address]:
    """Where an operator serves the zone: its servers among those that the parent names, those that the check names, and
    those that the plan's [[operator]] names in full."""
    found: dict[Address, None] = {}
    if isinstance(delegated, Delegation):
        for server in delegated.servers:
            for address in server.addresses:
                whose = planned_operator(server.name, address.ip, tools.operators)
                if whose is not None and whose.name == operator:
                    found[address] = None
    named = list(extra)
    if not extra:
        named += [Endpoint.parse(text, 53) for text in _in_full(operator, tools.operators)]
    resolved: dict[Endpoint, list[Address]] = {}

    async def one(endpoint: Endpoint) -> None:
        if endpoint.address is not None:
            resolved[endpoint] = [endpoint.address]
        else:
            host = await addresses_of(endpoint.host, tools, timeout_s)
            resolved[endpoint] = [Address.of(ip, endpoint.port) for ip in host.ips]

    async with trio.open_nursery() as nursery:
        for endpoint in named[:MOST_ADDRESSES]:
            nursery.start_soon(one, endpoint)
    for endpoint in named[:MOST_ADDRESSES]:
        found.update(dict.fromkeys(resolved[endpoint]))
    return [address for address in found if address.family in tools.families]


def _in_full(operator: str, operators: Sequence[Operator]) -> list[str]:
    """The servers of an operator that the plan names without a pattern, as Endpoint.parse reads them."""
    texts = [text for each in operators if each.name == operator for text in each.servers if "*" not in text]
    return [f"[{text}]" if is_ip(text) and ":" in text else text for text in texts]


def _left_s() -> float:
    return min(trio.current_effective_deadline() - trio.current_time(), 60.0)
