"""The way down from the roots, step by step, and the hosts that are found by it: what walk.py's walks are made of.

What a walk needs on its way is not measured: where one server is slow, the next is asked beside it, and the first
useful answer wins. Believed is only what leads strictly down, towards the name, and glue that the referring zone may
speak for; so no answer can lead in a circle. A server whose name is not below the zone it serves is found by a walk of
its own; these nest, and MOST_NESTED bounds them.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
import trio

from parallax.operators import operator_of
from parallax.values import Address
from probe.dns.classes import ANSWERS, Referral, auth_class, referral
from probe.dns.client import Asked, Client, Server, ask
from probe.dns.cuts import Cut, Host, NameServer, WalkFailed
from probe.dns.message import Query, Reply
from probe.dns.names import is_below, is_under, upwards
from probe.dns.roots import ROOTS
from probe.dns.walked import Walked
from probe.side_by_side import side_by_side
from probe.tools import Tools

Found = TypeVar("Found")
Ask = Callable[[Query, Server, Client, float], Awaitable[Asked]]

MOST_QUERIES = 200
"""Of one walk, with those within it. Delegations without glue can each lead to 32 more walks, of which each meets such
delegations (Y. Afek et al., "NXNSAttack", USENIX Security 2020): whoever writes one must not make us ask others for
him."""
MOST_STEPS = 16
MOST_NESTED = 4
MOST_TRIES = 4
"""Servers of one zone that one step asks."""
STAGGER_S = 0.4
ASKED_ENOUGH = "not sent: the walk has asked enough"
TRY_S = 1.5
SHORTEST_KEPT_S, LONGEST_KEPT_S = 30.0, 86400.0
FAILURE_KEPT_S = 15.0
SILENT_S = 60.0
MOST_FILLED = 3
MOST_ADDRESSES = 8
RESERVE_S = 0.1
"""What is left of a walk's time once the addresses of servers are no longer waited for."""


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a descent came down: the cut whose server answered, and its answer. `onward`: the referral it stops at."""

    cut: Cut
    asked: Asked
    reply: Reply
    onward: Referral | None = None


class Descent:
    """One walk and those within it: they share the deadline, and a host that is being walked for is not begun again."""

    def __init__(self, tools: Tools, timeout_s: float, most_queries: int = MOST_QUERIES) -> None:
        self._queries_left = most_queries
        self._tools, self._memory, self._client = tools, tools.memory, tools.dns
        self._walked = tools.memory.of(Walked)
        self._deadline = trio.current_time() + timeout_s
        self._last = "."

    async def bounded(self, walk: Callable[[], Awaitable[Found | WalkFailed]], name: str) -> Found | WalkFailed:
        with trio.move_on_at(self._deadline):
            return await walk()
        return WalkFailed(word="timeout", zone=self._last, detail=f"the walk to {name} took too long")

    # The addresses of a host

    async def host(self, host: str, walking: tuple[str, ...] = ()) -> Host:
        """`walking`: the hosts whose addresses wait for this one's."""
        now = trio.current_time()
        known = self._walked.hosts.get(host, now)
        if known is not None:
            return known
        if host in walking or len(walking) >= MOST_NESTED:
            return Host(name=host, failure="loop" if host in walking else "too_deep")
        found, ttl_s = await self._walk_to_host(host, (*walking, host))
        if found.failure in ("dark", "lame", "timeout", "over_budget", "no_address"):
            found = self.stale_host(host) or found
        if found.failure not in ("loop", "too_deep"):
            self._walked.hosts.put(host, found, now + ttl_s)
        return found

    def stale_host(self, host: str) -> Host | None:
        """What was found of it before, if addresses were; else what a delegation gave for it. An operator's own names
        are often in a zone that goes dark with it."""
        known = self._walked.hosts.stale(host)
        if known is not None and known.ips:
            return known
        glue = self._glue_of(host)
        return Host(name=host, ips=tuple(glue)) if glue else None

    async def _walk_to_host(self, host: str, walking: tuple[str, ...]) -> tuple[Host, float]:
        types = ["A" if family == 4 else "AAAA" for family in sorted(self._tools.families)]
        ips: list[str] = []
        ttl, failure = 3600, "no_address"
        for rdtype in types:
            landed = await self._descend(host, rdtype, walking)
            if isinstance(landed, WalkFailed):
                failure = landed.word
                break
            records = [record for record in landed.reply.answers if record.owner == host]
            if any(record.type == "CNAME" for record in records):
                failure = "is_alias"
                break
            if landed.reply.rcode == "NXDOMAIN":
                failure = "no_such_name"
                break
            found = [record for record in records if record.type == rdtype][:MOST_ADDRESSES]
            ips += [record.text for record in found]
            ttl = min([ttl, *(record.ttl for record in found)])
        if not ips:
            ips = self._glue_of(host)
        if not ips:
            return Host(name=host, failure=failure), FAILURE_KEPT_S
        return Host(name=host, ips=tuple(dict.fromkeys(ips))), kept_s(ttl)

    def _glue_of(self, host: str) -> list[str]:
        """The addresses that a delegation gave for a host, where its own zone does not answer."""
        now = trio.current_time()
        for zone in upwards(host):
            cut = self._walked.cuts.get(zone, now)
            for server in cut.servers if cut else ():
                if server.name == host and server.addresses:
                    return [address.ip for address in server.addresses]
        return []

    # Down the tree

    async def _descend(
        self, name: str, rdtype: str, walking: tuple[str, ...], below: str | None = None
    ) -> Landed | WalkFailed:
        """Asks from the deepest known cut downwards until a server answers with authority. `below`: the walk starts
        above this zone, and ends at the referral to it."""
        cut, remembered = self._start(name, below)
        for _ in range(MOST_STEPS):
            self._last = cut.zone
            cut = await self._filled(cut, walking, everyone=False)
            landed = await self._step(cut, name, rdtype)
            if isinstance(landed, WalkFailed):
                if not remembered:
                    return landed
                self._forget(name)
                cut, remembered = self._root(), False
                continue
            if landed.onward is None or landed.onward.zone == below:
                return landed
            cut = self._learn(landed.onward, cut.zone)
        return WalkFailed(word="too_deep", zone=cut.zone, detail=f"more than {MOST_STEPS} referrals towards {name}")

    def _start(self, name: str, below: str | None) -> tuple[Cut, bool]:
        now = trio.current_time()
        for zone in upwards(name):
            if zone != "." and (below is None or is_below(below, zone)):
                cut = self._walked.cuts.get(zone, now)
                if cut is not None:
                    return cut, True
        return self._root(), False

    def _root(self) -> Cut:
        addresses = self._tools.roots or ROOTS
        mine = tuple(address for address in addresses if address.family in self._tools.families)
        for address in mine:
            self._memory.budget.belongs(str(address), "root")
        return Cut(zone=".", servers=(NameServer(name="root", addresses=mine, operator="root"),))

    def _forget(self, name: str) -> None:
        for zone in upwards(name):
            self._walked.cuts.drop(zone)

    async def _step(self, cut: Cut, name: str, rdtype: str) -> Landed | WalkFailed:
        """Asks the servers of one cut, the next beside the last where that one is slow, until one leads on or answers
        with authority."""
        addresses = self._in_turn(cut, cut.zone)
        if not addresses:
            why = ", ".join(sorted({server.failure for server in cut.servers if server.failure}))
            return WalkFailed(word="no_address", zone=cut.zone, detail=f"no server of {cut.zone} has an address: {why}")
        tries = (addresses * 2 if len(addresses) == 1 else addresses)[:MOST_TRIES]
        query, found, ended = query_for(name, rdtype), list[Landed](), dict[int, str]()
        news = trio.Event()

        async def one(number: int, address: Address) -> None:
            asked = await self._ask(query, Server(address=address), TRY_S)
            if asked.outcome == "timeout":
                self._walked.silent.put(str(address), True, trio.current_time() + SILENT_S)
            landed = _landed(cut, asked, name, rdtype)
            if landed is not None:
                found.append(landed)
            ended[number] = f"{address} {_said(asked, cut.zone, name, rdtype)}"
            news.set()

        async with trio.open_nursery() as nursery:
            for number, address in enumerate(tries):
                news = trio.Event()
                nursery.start_soon(one, number, address)
                with trio.move_on_after(STAGGER_S):
                    await news.wait()
                if found:
                    break
            while not found and len(ended) < len(tries):
                news = trio.Event()
                await news.wait()
            nursery.cancel_scope.cancel()
        if found:
            return found[0]
        said = "; ".join(ended[number] for number in sorted(ended))
        words = {text.rpartition(" ")[2] for text in ended.values()}
        word = (
            "over_budget" if words == {"over_budget"} else "lame" if any(_is_class(each) for each in words) else "dark"
        )
        return WalkFailed(word=word, zone=cut.zone, detail=f"asked for {name} {rdtype}: {said}")

    def _in_turn(self, cut: Cut, key: str) -> list[Address]:
        """A cut's addresses, beginning with another one each time; those that were silent a moment ago come last."""
        addresses = list(cut.addresses)
        if not addresses:
            return []
        turn, now = self._memory.turn(key) % len(addresses), trio.current_time()
        addresses = addresses[turn:] + addresses[:turn]
        return sorted(addresses, key=lambda address: self._walked.silent.get(str(address), now) is not None)

    def _learn(self, found: Referral, parent: str) -> Cut:
        """A cut as a referral shows it: servers without glue have no addresses yet."""
        servers = [self._server(name, found.glue.get(name, ())) for name in found.ns]
        cut = Cut(zone=found.zone, parent=parent, servers=tuple(servers), ttl=found.ttl)
        self._keep(cut)
        return cut

    def _keep(self, cut: Cut) -> None:
        self._walked.cuts.put(cut.zone, cut, trio.current_time() + kept_s(cut.ttl))

    def _server(self, name: str, ips: Iterable[str], failure: str | None = None) -> NameServer:
        addresses = tuple(Address.of(ip, 53) for ip in ips)
        mine = tuple(address for address in addresses if address.family in self._tools.families)
        operator = operator_of(name, mine[0].ip if mine else "", self._tools.operators)
        for address in mine:
            self._memory.budget.belongs(str(address), operator_of(name, address.ip, self._tools.operators))
        return NameServer(name=name, addresses=mine, operator=operator, failure=failure)

    async def _filled(self, cut: Cut, walking: tuple[str, ...], *, everyone: bool) -> Cut:
        """The cut with the addresses of servers that came without: of all, or of some if nobody has any."""
        bare = [server.name for server in cut.servers if not server.addresses and server.failure is None]
        if not bare or (cut.addresses and not everyone):
            return cut
        glue = {server.name: tuple(address.ip for address in server.addresses) for server in cut.servers}
        names = list(glue) if everyone else bare[:MOST_FILLED]
        servers = await self._servers(cut.zone, names, {name: ips for name, ips in glue.items() if ips}, walking)
        found = {server.name: server for server in servers}
        filled = msgspec.structs.replace(cut, servers=tuple(found.get(each.name, each) for each in cut.servers))
        if everyone:
            self._keep(filled)
        return filled

    async def _servers(
        self, zone: str, names: Sequence[str], glue: Mapping[str, Sequence[str]], walking: tuple[str, ...]
    ) -> tuple[NameServer, ...]:
        """The servers of these names, each with its glue or with what a walk of its own finds. One whose name is in the
        zone itself can be found by glue only."""
        found: dict[str, NameServer] = {}

        async def one(name: str) -> None:
            host = await self.host(name, walking)
            found[name] = self._server(name, host.ips, host.failure)

        elsewhere: list[str] = []
        for name in names:
            if glue.get(name):
                found[name] = self._server(name, glue[name])
            elif is_under(name, zone):
                stale = self.stale_host(name)
                found[name] = self._server(name, stale.ips if stale else (), "glue_missing")
            else:
                elsewhere.append(name)
        # What is found when the time is over is handed out: one server that is hard to find hides no others.
        with trio.move_on_at(self._deadline - RESERVE_S):
            await side_by_side(one, elsewhere)
        for name in names:
            if name not in found:
                stale = self.stale_host(name)
                found[name] = self._server(name, stale.ips if stale else (), None if stale else "timeout")
        return tuple(found[name] for name in names)

    async def _ask(self, query: Query, server: Server, most_s: float, how: Ask = ask) -> Asked:
        if self._queries_left <= 0:
            return Asked(query=query, server=server, outcome="over_budget", detail=ASKED_ENOUGH)
        self._queries_left -= 1
        return await how(query, server, self._client, self._left(most_s))

    def _left(self, most_s: float) -> float:
        return max(0.0, min(most_s, self._deadline - trio.current_time()))


def query_for(name: str, rdtype: str) -> Query:
    """As an authoritative server is asked."""
    return Query(name=name, type=rdtype, recurse=False)


def _landed(cut: Cut, asked: Asked, name: str, rdtype: str) -> Landed | None:
    """What of a reply helps: a referral downwards, or an answer with authority."""
    if asked.reply is None:
        return None
    onward = referral(asked.reply, cut.zone, name)
    if onward is None and auth_class(asked.reply, cut.zone, name, rdtype) not in ANSWERS:
        return None
    return Landed(cut=cut, asked=asked, reply=asked.reply, onward=onward)


def _said(asked: Asked, zone: str, name: str, rdtype: str) -> str:
    return asked.outcome if asked.reply is None else auth_class(asked.reply, zone, name, rdtype)


def _is_class(word: str) -> bool:
    return word.startswith(("lame_", "rcode_", "auth_", "referral_"))


def kept_s(ttl: int) -> float:
    """How long what came with this TTL is remembered: a TTL of 0 would mean a walk from the roots at every run."""
    return min(max(float(ttl), SHORTEST_KEPT_S), LONGEST_KEPT_S)
