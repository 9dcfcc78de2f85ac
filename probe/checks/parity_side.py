"""One side of a parity check: which servers it has, and questions to them, a few at a time.

A side is asked at one address, another one each run. What is compared is the content, not the servers' health: where
that address does not answer, the question goes to the side's next one.
"""

from collections.abc import Sequence

import msgspec
import trio

from parallax.values import Address
from probe.dns.classes import ANSWERS, auth_class
from probe.dns.client import Asked, Server, ask_again
from probe.dns.message import Query
from probe.judges.exchange import NOT_SENT, OURS
from probe.remaining import left_s
from probe.sites.name_servers import site_of_identity
from probe.sites.site import Site
from probe.tools import Tools

AT_ONCE = 4
"""Questions under way at one side."""
QUERY_S = 1.5
STAGGER_S = 0.4
MOST_ADDRESSES = 16
MOST_TRIES = 3
"""Addresses of a side that one question goes to."""
GIVES_UP_AFTER = 3
"""Questions in a row that nobody of a side answers: it went dark, and is left alone."""


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a side serves the zone. `word` is None where it does; else why not: not_served (its servers answer, none
    with authority), dark, no_servers, or one failure that all its servers share."""

    word: str | None
    said: dict[str, str] = {}
    """By address: the class of the answer, or how the exchange failed."""
    site: Site | None = None
    """Of the server that has the zone."""


class Side:
    """The servers of one operator for one zone."""

    def __init__(self, name: str, zone: str, servers: Sequence[Server], tools: Tools) -> None:
        self.name, self._zone, self._client = name, zone, tools.dns
        self._names = {server.address: server.name for server in reversed(servers)}
        addresses = list(dict.fromkeys(server.address for server in servers))
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
        """Asks for the zone's SOA: its first address, then, where that one does not have it at once, all the others
        beside it, until one has."""
        if not self._addresses:
            return Reached(word="no_servers")
        said: dict[str, str] = {}
        found: list[tuple[Address, Site | None]] = []
        news = trio.Event()

        async def one(address: Address) -> None:
            said[str(address)] = "timeout"
            asked = await self._ask(self._zone, "SOA", address, timeout_s)
            said[str(address)] = _word(asked, self._zone)
            if said[str(address)] == "auth_answer":
                found.append((address, self._site(address, asked)))
                nursery.cancel_scope.cancel()
            news.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(one, self._addresses[0])
            with trio.move_on_after(STAGGER_S):
                await news.wait()
            for address in self._addresses[1:]:
                nursery.start_soon(one, address)
        if found:
            address, site = found[0]
            self._addresses.remove(address)
            self._addresses.insert(0, address)
            return Reached(word=None, said={at: word for at, word in said.items() if word != "timeout"}, site=site)
        words = set(said.values())
        if kept := words & {"over_budget", "local_error"}:  # not all of them were asked
            return Reached(word=sorted(kept)[0], said=said)
        if any(word.startswith(("lame_", "rcode_", "referral_")) or word in ANSWERS for word in words):
            return Reached(word="not_served", said=said)
        return Reached(word=words.pop() if len(words) == 1 and words & OURS else "dark", said=said)

    def _site(self, address: Address, asked: Asked) -> Site | None:
        return site_of_identity(asked.reply.nsid, self._names.get(address, "")) if asked.reply is not None else None

    async def ask(self, name: str, rdtype: str) -> Asked | None:
        """The first answer of one of its addresses; None where none came, or the side is given up."""
        async with self._room:
            for address in self._addresses[:MOST_TRIES]:
                if self.gone or left_s() <= 0:
                    return None
                asked = await self._ask(name, rdtype, address, left_s(QUERY_S))
                if asked.reply is not None:
                    self._silent = 0
                    return asked
                if asked.outcome in NOT_SENT:
                    return None
                if self._addresses[0] == address:  # those that follow need not wait for it as well
                    self._addresses.append(self._addresses.pop(0))
            self._silent += 1
            return None

    async def _ask(self, name: str, rdtype: str, address: Address, timeout_s: float) -> Asked:
        self.asked += 1
        query = Query(name=name, type=rdtype, recurse=False)
        return await ask_again(query, Server(address=address), self._client, timeout_s)


def _word(asked: Asked, zone: str) -> str:
    return auth_class(asked.reply, zone, zone, "SOA") if asked.reply is not None else asked.outcome
