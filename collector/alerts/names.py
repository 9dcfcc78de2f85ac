"""Where receivers are, also while the DNS that is watched is gone.

A name is asked for at the host's own resolver and at those of the config side by side; the first that finds it wins.
What was found is kept in memory, and in a mark of `events` over restarts. Deliveries dial what is known at once, and it
is asked for anew behind them; where nothing was ever found, the plan's `fallback` is dialled.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec
import trio

from collector.mail.dkim import LookupFailed
from collector.mail.lookup import Lookup
from parallax.dialling.post import MOST_ADDRESSES, LookUp, look_up
from parallax.journal import Journal, JournalBusy, JournalFull
from parallax.log import get_log
from parallax.values import Address

MARK = "alerts names"
MOST_NAMES = 200
FRESH_S = 60.0
"""How long what was found is dialled without asking again."""
ASK_S = 1.5
"""How long resolvers may take; the delivery has a few seconds in all."""
_ASKING = trio.CapacityLimiter(8)
"""Threads of their own: a dead resolver must not use up those that read journals."""
_log = get_log(__name__)

Ask = Callable[[str], Awaitable[Sequence[str]]]
"""A host to the texts of its addresses. Raises OSError."""


def resolver_of(resolver: Address) -> LookUp:
    """Asks one resolver."""

    def ask(host: str, port: int) -> list[Address]:
        lookup = Lookup([resolver], ASK_S)
        found: list[str] = []
        for rdtype in ("A", "AAAA"):
            try:
                found += lookup.records(host, rdtype)
            except LookupFailed as error:
                if not found:
                    raise OSError(f"{resolver} does not tell {error}") from None
        if not found:
            raise OSError(f"{resolver} knows no address of it")
        return [Address.of(each, port) for each in found[:MOST_ADDRESSES]]

    async def look(host: str, port: int) -> list[Address]:
        return await trio.to_thread.run_sync(ask, host, port, abandon_on_cancel=True, limiter=_ASKING)

    return look


class _Found(msgspec.Struct):
    """`at`: trio's clock, when it was asked for last and by whom it was not; `ips` outlive the process."""

    ips: list[str]
    at: float = float("-inf")


class Names:
    """One task runs `run`; `find` may be called from any other."""

    def __init__(self, events: Journal, resolvers: Sequence[Address] = (), *, system: LookUp = look_up) -> None:
        self._events = events
        self._lookups = [system, *(resolver_of(each) for each in resolvers)]
        self._known = {host: _Found(ips) for host, ips in _remembered(events.mark(MARK)).items()}
        self._wanted: dict[str, int] = {}
        self._changed, self._asked = trio.Event(), trio.Event()

    def for_receiver(self, fallback: Sequence[Address]) -> LookUp:
        """As `LookUp`, with the addresses to dial where the name was never found."""
        return partial(self._find_or, tuple(fallback))

    async def find(self, host: str, port: int) -> list[Address]:
        """Where to dial, in order. Raises OSError where nobody knows, now or before."""
        known = self._known.get(host)
        if known is None or not known.ips:
            return await self._ask(host, port)
        if trio.current_time() - known.at > FRESH_S:
            self._wanted[host] = port
            self._asked.set()
        await trio.lowlevel.checkpoint()
        return [Address.of(ip, port) for ip in known.ips]

    async def run(self) -> None:
        """Asks behind the deliveries and keeps what was found, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep)
            while True:
                await self._asked.wait()
                self._asked = trio.Event()
                wanted, self._wanted = self._wanted, {}
                async with trio.open_nursery() as asking:
                    for host, port in wanted.items():
                        asking.start_soon(self._ask_again, host, port)

    async def _find_or(self, fallback: tuple[Address, ...], host: str, port: int) -> list[Address]:
        try:
            return await self.find(host, port)
        except OSError:
            if not fallback:
                raise
            return list(fallback)

    async def _ask_again(self, host: str, port: int) -> None:
        try:
            await self._ask(host, port)
        except OSError as error:
            known = self._known.get(host)
            if known is not None:
                known.at = trio.current_time()  # not again at every delivery
                _log.warning("a receiver's name is not found; what it was before is dialled", host=host, why=str(error))

    async def _ask(self, host: str, port: int) -> list[Address]:
        """Side by side; the first that finds it. Raises OSError."""
        found: list[Address] = []
        whys: list[str] = []
        with trio.move_on_after(ASK_S):
            async with trio.open_nursery() as nursery:

                async def ask(lookup: LookUp) -> None:
                    try:
                        addresses = await lookup(host, port)
                    except OSError as error:
                        whys.append(error.strerror or str(error))
                    else:
                        if addresses and not found:
                            found.extend(addresses[:MOST_ADDRESSES])
                            nursery.cancel_scope.cancel()

                for lookup in self._lookups:
                    nursery.start_soon(ask, lookup)
        if not found:
            raise OSError("; ".join(dict.fromkeys(whys)) or "the lookup takes too long")
        ips = [address.ip for address in found]
        before = self._known.pop(host, None)
        self._known[host] = _Found(ips, trio.current_time())
        while len(self._known) > MOST_NAMES:
            del self._known[next(iter(self._known))]
        if before is None or set(before.ips) != set(ips):
            self._changed.set()
        return found

    async def _keep(self) -> None:
        while True:
            await self._changed.wait()
            self._changed = trio.Event()
            body = msgspec.json.encode({host: known.ips for host, known in self._known.items()})
            try:
                await self._events.append([], {MARK: body})
            except (JournalBusy, JournalFull) as error:  # asked for again after a restart
                _log.error("the addresses of receivers are not kept", why=str(error))


def _remembered(raw: bytes | None) -> dict[str, list[str]]:
    try:
        found = msgspec.json.decode(raw, type=dict[str, list[str]]) if raw is not None else {}
        return {host: [Address.of(ip, 1).ip for ip in ips[:MOST_ADDRESSES]] for host, ips in found.items()}
    except (msgspec.DecodeError, ValueError, RecursionError):
        _log.error("the addresses of receivers are not known any more: a mark does not decode")
        return {}
