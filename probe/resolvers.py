"""Whether the resolvers of this probe's host work at all, by a question that has nothing to do with any target.

A lookup that nobody answered is nobody's outage where the resolvers are silent about the root as well, which each of
them has at hand (RFC 8109). A resolver that answers that, and not the name, says that it is the name. Any answer will
do, an error too: it is asked whether somebody is there.
"""

from collections.abc import Awaitable, Callable, Sequence

import trio

from parallax.dialling.errors import EXPECTED
from parallax.values import Address
from probe.bounded import Bounded
from probe.dns.client import Server, exchange
from probe.dns.exchange import Heard, NoReply
from probe.dns.message import Query
from probe.tools import Tools

ANSWERS_WITHIN_S = 0.8
ASKED_AGAIN_S = 5.0
"""For so long what a resolver did holds, so that names that fail for hours do not load it."""
MOST = 100
ROOT = Query(name=".", type="NS", recurse=True)

Ask = Callable[[Address], Awaitable[bool]]
"""Whether anything came back. Never raises but for cancellation; the caller owns the timeout."""


class Resolvers:
    """What each resolver did last; trio's clock."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: Bounded[bool] = Bounded(MOST)

    async def silent(self, asked: Sequence[Address]) -> frozenset[Address]:
        """Those of the resolvers that answer nothing. Takes ANSWERS_WITHIN_S at most."""
        unknown = [each for each in dict.fromkeys(asked) if self._known.get(each, trio.current_time()) is None]
        answered: set[Address] = set()

        async def one(resolver: Address) -> None:
            if await self._ask(resolver):
                answered.add(resolver)

        with trio.move_on_after(ANSWERS_WITHIN_S):
            async with trio.open_nursery() as nursery:
                for resolver in unknown:
                    nursery.start_soon(one, resolver)
        until = trio.current_time() + ASKED_AGAIN_S
        for resolver in unknown:
            self._known.put(resolver, resolver in answered, until)
        return frozenset(each for each in asked if self._known.stale(each) is False)


def asker(tools: Callable[[], Tools]) -> Ask:
    """Asks for the root's name servers over UDP, by the routes in force."""

    async def ask(resolver: Address) -> bool:
        try:
            await exchange(ROOT, Server(address=resolver, hosts_own=True), tools().dns, Heard())
        except NoReply:
            return True  # something came back, if nothing useful
        except EXPECTED:
            return False
        return True

    return ask
