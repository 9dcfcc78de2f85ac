"""How the rules of mail records are answered: by a resolver, or by one server of the zone. Each question once a run."""

from collections.abc import Awaitable, Callable

import trio

from parallax.values import dns_name
from probe.dns.answer import final_name, is_alias, values_at
from probe.dns.classes import auth_class
from probe.dns.client import Asked, Client, Server, ask_again
from probe.dns.ede import FILTERED, ZONE_IS_BROKEN
from probe.dns.message import Query, Reply, comparable
from probe.dns.names import is_under
from probe.mail.record import Asking, Found, Question, State
from probe.remaining import left_s

QUERY_S = 2.4
"""For one question, with the second try."""
IN_FLIGHT = 6
MAX_ALIASES = 8
MAX_VALUES = 100
MAX_TEXT = 8192

Answer = Callable[[Question], Awaitable[Found]]


class View:
    """One run's questions to one server. `zone` is None for a resolver, which follows aliases itself; else what is
    outside the zone is elsewhere. A server that does not answer the first question is not asked the others."""

    def __init__(self, server: Server, client: Client, zone: str | None) -> None:
        self.zone = zone
        self.asked: dict[Question, Found] = {}
        self.zone_is_broken = False
        """A resolver said that the zone's side fails (RFC 8914)."""
        self.nsid: bytes | None = None
        """Who says that it answers, by its last answer (RFC 5001)."""
        self.queries = 0
        self._server, self._client = server, client
        self._under_way: dict[Question, trio.Event] = {}
        self._limit = trio.CapacityLimiter(IN_FLIGHT)
        self._dead: Found | None = None

    async def settle(self, rules: Asking) -> State:
        """Answers what the rules want to know, until they are done."""
        try:
            question = next(rules)
            while True:
                question = rules.send(await self.answer(question))
        except StopIteration as done:
            state: State = done.value
            return state

    async def answer(self, question: Question) -> Found:
        """Asked once a run; who else wants to know waits for the same answer."""
        under_way = self._under_way.get(question)
        if under_way is not None:
            await under_way.wait()
            return self.asked[question]
        self._under_way[question] = trio.Event()
        async with self._limit:
            found = self._dead or await self._find(question)
        self.asked[question] = found
        self._under_way[question].set()
        return found

    async def _find(self, question: Question) -> Found:
        try:
            name = dns_name(question.name)
        except ValueError:  # longer than a name may be, say: nothing can be there
            return Found(status="no_such_name")
        if self.zone is None:
            return self._by_resolver(question, await self._ask(name, question.type, recurse=True))
        return await self._by_zone(name, question.type)

    async def _ask(self, name: str, rdtype: str, *, recurse: bool) -> Asked:
        self.queries += 1
        query = Query(name=name, type=rdtype, recurse=recurse)
        asked = await ask_again(query, self._server, self._client, left_s(QUERY_S))
        self.nsid = asked.reply.nsid or self.nsid if asked.reply is not None else self.nsid
        if asked.reply is None and not self.asked:
            self._dead = Found(status="failed", word=asked.outcome)
        return asked

    def _by_resolver(self, question: Question, asked: Asked) -> Found:
        reply = asked.reply
        if reply is None:
            return Found(status="failed", word=asked.outcome)
        extended = {code for code, _ in reply.ede}
        if reply.rcode not in ("NOERROR", "NXDOMAIN"):
            self.zone_is_broken = self.zone_is_broken or bool(extended & ZONE_IS_BROKEN)
            return Found(status="failed", word=reply.rcode.lower())
        values = _values(reply, question.name, question.type)
        if not values and extended & FILTERED:
            return Found(status="failed", word="filtered")
        aliases = _aliases(reply, question.name)
        if values:
            return Found(status="found", values=values, aliases=aliases)
        return Found(status="no_such_name" if reply.rcode == "NXDOMAIN" else "no_such_record", aliases=aliases)

    async def _by_zone(self, name: str, rdtype: str) -> Found:
        """Follows aliases as long as they stay in the zone."""
        assert self.zone is not None
        aliases: list[str] = []
        while is_under(name, self.zone) and len(aliases) < MAX_ALIASES:
            asked = await self._ask(name, rdtype, recurse=False)
            if asked.reply is None:
                return Found(status="failed", word=asked.outcome, aliases=tuple(aliases))
            reply, word = asked.reply, auth_class(asked.reply, self.zone, name, rdtype)
            if not word.startswith("auth_"):
                status = "elsewhere" if word == "referral_down" else "failed"
                return Found(status=status, word=word, aliases=tuple(aliases))  # type: ignore[arg-type]
            if not is_alias(reply.answers, name):
                values = _values(reply, name, rdtype)
                status = "found" if values else "no_such_name" if reply.rcode == "NXDOMAIN" else "no_such_record"
                return Found(status=status, values=values, aliases=tuple(aliases))  # type: ignore[arg-type]
            try:
                name = dns_name(next(r.text for r in reply.answers if r.type == "CNAME" and r.owner == name))
            except ValueError:
                return Found(status="no_such_name", aliases=tuple(aliases))
            aliases.append(name)
        if is_under(name, self.zone):  # a circle, or so long that no resolver follows it
            return Found(status="no_such_record", aliases=tuple(aliases))
        return Found(status="elsewhere", aliases=tuple(aliases))


def _values(reply: Reply, name: str, rdtype: str) -> tuple[str, ...]:
    values = []
    for text in values_at(reply.answers, name, rdtype)[:MAX_VALUES]:
        try:
            values.append(comparable(rdtype, text)[:MAX_TEXT])
        except ValueError:
            values.append(text[:MAX_TEXT])
    return tuple(sorted(values))


def _aliases(reply: Reply, name: str) -> tuple[str, ...]:
    """The names that the answer leads through, the last one where it ends."""
    if not is_alias(reply.answers, name):
        return ()
    targets = {
        record.owner: record.text.lower().removesuffix(".") for record in reply.answers if record.type == "CNAME"
    }
    last = final_name(reply.answers, name)
    found: list[str] = []
    while name in targets and len(found) < MAX_ALIASES:
        name = targets[name]
        found.append(name)
        if name == last:
            break
    return tuple(found)
