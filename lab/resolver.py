"""A caching resolver: from the parent zone down, aliases chased, TTLs honoured, nothing served stale.

What it does when servers are silent is what matters here. A server is given up after a few hundred milliseconds and
asked last for a while; where none answers, the asker gets SERVFAIL with "No Reachable Authority" (RFC 8914, 22), and
that is kept for a few seconds (RFC 9520) so that a dead zone isn't asked for again by every client. Negative answers
are kept for as long as the SOA says (RFC 2308).
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import trio

from lab.records import Answer, Question, RRset, names_upwards

Ask = Callable[[str, Question], Awaitable[Answer]]
"""A name server's address and a question; waits for ever where nobody answers."""

MOST_KEPT = 10_000
MOST_ALIASES = 8
MOST_REFERRALS = 8
MOST_DEEP = 3
PATIENCE_S = 0.9
"""For one fetch over all servers: less than a client waits."""
FIRST_TRY_S, SHORTEST_TRY_S, LONGEST_TRY_S = 0.35, 0.1, 0.45
AVOIDED_S = 20.0
FAILURE_TTL_S = 3.0
NO_REACHABLE_AUTHORITY = (22, "no name server of the zone answers")


class Unreachable(Exception):
    """No name server of the zone gave an answer."""


class _Kept(msgspec.Struct, frozen=True):
    """An answer in the cache: records, or the SOA of a negative one with its response code."""

    until: float
    rrset: RRset | None
    soa: RRset | None = None
    rcode: str = "NOERROR"


class Cache:
    """By name and type; bounded, the longest unused goes first. Times are trio's clock, seconds."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._most = most

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: str, kind: str, now: float) -> _Kept | None:
        """What is kept and still fresh, its TTLs what is left of them."""
        kept = self._kept.get((name, kind))
        if kept is None:
            return None
        left = int(kept.until - now)
        if left <= 0:
            del self._kept[name, kind]
            return None
        self._kept.move_to_end((name, kind))
        aged = {key: _aged(getattr(kept, key), left) for key in ("rrset", "soa")}
        return msgspec.structs.replace(kept, **aged)

    def put(self, rrset: RRset, now: float) -> None:
        self._put((rrset.name, rrset.type), _Kept(now + rrset.ttl, rrset))

    def put_negative(self, question: Question, rcode: str, soa: RRset, now: float) -> None:
        """For the SOA's own TTL or its last field, whichever is less (RFC 2308 section 5)."""
        ttl = min(soa.ttl, int(soa.data[0].rsplit(" ", 1)[1]))
        kept = _Kept(now + ttl, None, soa, rcode)
        self._put((question.name, question.type), kept)

    def _put(self, key: tuple[str, str], kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


class _Servers:
    """How name servers did lately."""

    def __init__(self) -> None:
        self._round_trip_s: dict[str, float] = {}
        self._avoided_until: dict[str, float] = {}

    def in_order(self, ips: Sequence[str], now: float) -> list[str]:
        """Those that were silent lately last; the nearest first, and before it those that are not known yet."""
        return sorted(ips, key=lambda ip: (self._avoided_until.get(ip, 0) > now, self._round_trip_s.get(ip, 0), ip))

    def patience_s(self, ip: str) -> float:
        known = self._round_trip_s.get(ip)
        return FIRST_TRY_S if known is None else min(max(2 * known + 0.05, SHORTEST_TRY_S), LONGEST_TRY_S)

    def answered(self, ip: str, after_s: float) -> None:
        known = self._round_trip_s.get(ip, after_s)
        self._round_trip_s[ip] = 0.7 * known + 0.3 * after_s
        self._avoided_until.pop(ip, None)

    def silent(self, ip: str, now: float) -> None:
        self._avoided_until[ip] = now + AVOIDED_S


class Resolver:
    """One resolver with its own cache. `roots` are the addresses where resolution begins.

    `age` is how much of its TTL a record has behind it when it is first met, 0 to 1: a resolver with many clients has
    fetched it before, and so the caches of several don't all run out at one moment.
    """

    def __init__(self, ask: Ask, roots: Sequence[str], *, age: float = 0.0) -> None:
        self._ask, self._roots, self._age = ask, tuple(roots), age
        self._met: set[tuple[str, str]] = set()
        self.cache, self._servers = Cache(), _Servers()
        self._failed_until: dict[Question, float] = {}
        self._pending: dict[Question, trio.Event] = {}

    async def answer(self, question: Question) -> Answer:
        """The whole answer, with aliases. Never raises but for cancellation."""
        try:
            return await self._resolve(question, 0)
        except Unreachable:
            return Answer(rcode="SERVFAIL", extended=NO_REACHABLE_AUTHORITY)

    def peek(self, question: Question) -> Answer:
        """What the cache holds, and nothing fetched for it."""
        found: list[RRset] = []
        name = question.name
        for _ in range(MOST_ALIASES):
            kept = self._kept(Question(name, question.type))
            if kept is None or kept.rrset is None:
                break
            found.append(kept.rrset)
            if kept.rrset.type == question.type:
                break
            name = kept.rrset.data[0]
        return Answer(answer=tuple(found))

    async def _resolve(self, question: Question, depth: int) -> Answer:
        found: list[RRset] = []
        name = question.name
        for _ in range(MOST_ALIASES):
            step = Question(name, question.type)
            kept = self._kept(step)
            if kept is None:
                await self._fetch_once(step, depth)
                kept = self._kept(step)
            if kept is None:
                raise Unreachable
            if kept.rrset is None:
                return Answer(rcode=kept.rcode, answer=tuple(found), authority=(kept.soa,) if kept.soa else ())
            found.append(kept.rrset)
            if kept.rrset.type == question.type:
                return Answer(answer=tuple(found))
            name = kept.rrset.data[0]
        raise Unreachable

    def _kept(self, question: Question) -> _Kept | None:
        now = trio.current_time()
        return self.cache.get(question.name, question.type, now) or self.cache.get(question.name, "CNAME", now)

    async def _fetch_once(self, question: Question, depth: int) -> None:
        """Gets the answer into the cache; those who ask meanwhile wait for the same one."""
        if question in self._pending:
            await self._pending[question].wait()
            return
        if self._failed_until.get(question, 0) > trio.current_time():
            raise Unreachable
        done = self._pending[question] = trio.Event()
        try:
            with trio.move_on_after(PATIENCE_S):
                await self._fetch(question, depth)
                return
            self._note_failure(question)
        except Unreachable:
            self._note_failure(question)
            raise
        finally:
            del self._pending[question]
            done.set()

    def _note_failure(self, question: Question) -> None:
        now = trio.current_time()
        self._failed_until = {asked: until for asked, until in self._failed_until.items() if until > now}
        if len(self._failed_until) < MOST_KEPT:
            self._failed_until[question] = now + FAILURE_TTL_S

    async def _fetch(self, question: Question, depth: int) -> None:
        for _ in range(MOST_REFERRALS):
            ips = await self._servers_of(question.name, depth)
            answer = await self._ask_each(ips, question)
            now = trio.current_time()
            for rrset in (*answer.answer, *answer.additional):
                self.cache.put(self._as_met(rrset), now)
            if answer.answer or answer.authoritative:
                if not any(rrset.type == question.type for rrset in answer.answer):
                    self._keep_negative(question, answer, now)
                return
            for rrset in answer.authority:
                if rrset.type == "NS":
                    self.cache.put(rrset, now)
        raise Unreachable

    def _as_met(self, rrset: RRset) -> RRset:
        key = (rrset.name, rrset.type)
        if not self._age or key in self._met or len(self._met) >= MOST_KEPT:
            return rrset
        self._met.add(key)
        return msgspec.structs.replace(rrset, ttl=max(1, round(rrset.ttl * (1 - self._age))))

    def _keep_negative(self, question: Question, answer: Answer, now: float) -> None:
        """What the end of the aliases lacks; where they lead out of the zone, nothing is known of it yet."""
        name = answer.answer[-1].data[0] if answer.answer else question.name
        soa = next((rrset for rrset in answer.authority if rrset.type == "SOA"), None)
        if soa is not None:
            self.cache.put_negative(Question(name, question.type), answer.rcode, soa, now)

    async def _servers_of(self, name: str, depth: int) -> list[str]:
        """The addresses of the servers of the deepest zone that is known above a name."""
        now = trio.current_time()
        for above in names_upwards(name):
            kept = self.cache.get(above, "NS", now)
            if kept is None or kept.rrset is None:
                continue
            ips: list[str] = []
            for server in kept.rrset.data:
                address = self.cache.get(server, "A", now)
                if address is not None and address.rrset is not None:
                    ips.extend(address.rrset.data)
            if not ips and depth < MOST_DEEP and not any(server.endswith(f".{above}") for server in kept.rrset.data):
                for server in kept.rrset.data[:2]:
                    resolved = await self._resolve(Question(server, "A"), depth + 1)
                    ips.extend(ip for rrset in resolved.answer if rrset.type == "A" for ip in rrset.data)
            if ips:
                return ips
        return list(self._roots)

    async def _ask_each(self, ips: Sequence[str], question: Question) -> Answer:
        """One server after the other until one gives an answer of use."""
        for ip in self._servers.in_order(ips, trio.current_time()):
            asked_at = trio.current_time()
            with trio.move_on_after(self._servers.patience_s(ip)):
                answer = await self._ask(ip, question)
                self._servers.answered(ip, trio.current_time() - asked_at)
                if answer.rcode in ("NOERROR", "NXDOMAIN"):
                    return answer
                continue
            self._servers.silent(ip, trio.current_time())
        raise Unreachable


def _aged(rrset: RRset | None, left: int) -> RRset | None:
    return None if rrset is None else msgspec.structs.replace(rrset, ttl=min(rrset.ttl, left))
