"""The CAA records that count for a name, through the probe's resolvers, at most once an hour."""

import msgspec
import trio

from probe.bounded import Bounded
from probe.dns.answer import values_at
from probe.dns.client import Server, ask_again
from probe.dns.message import Query
from probe.remaining import left_s
from probe.tls.caa import MAX_TEXT, MOST_RECORDS, climb
from probe.tools import Tools

KEPT_S = 3600.0
FAILED_KEPT_S = 300.0
MOST_NAMES = 2000
MOST_STEPS = 8
"""Names asked on the way up; a name with more labels than that has its records further down."""
WALK_S = 2.0
SPARED_S = 0.25
"""Left of the caller's time: a measurement that is over must not run into its deadline for this."""
ASK_S = 1.0


class Found(msgspec.Struct, frozen=True):
    """The record set of the closest name that has one, in presentation form; none where no name has. `failure` says
    why it is not known: servfail and the like, timeout, no_resolver."""

    name: str | None = None
    records: tuple[str, ...] = ()
    failure: str | None = None


class CaaMemory:
    """What was found, by name."""

    def __init__(self) -> None:
        self.found: Bounded[Found] = Bounded(MOST_NAMES)
        self.asking: dict[str, trio.Event] = {}
        """Set once the walk for this name is over."""


async def relevant_records(name: str, tools: Tools) -> Found:
    """The records that count for a name (RFC 8659 section 3). Ends before the caller's deadline, and within WALK_S.
    Attempts at several addresses of a name ask once."""
    memory = tools.memory.of(CaaMemory)
    with trio.move_on_after(left_s(WALK_S, kept_s=SPARED_S)):
        while (under_way := memory.asking.get(name)) is not None:
            await under_way.wait()
        kept = memory.found.get(name, trio.current_time())
        return kept if kept is not None else await _walk_for_all(name, tools, memory)
    return _keep(memory, name, Found(failure="timeout"))


async def _walk_for_all(name: str, tools: Tools, memory: CaaMemory) -> Found:
    over = memory.asking[name] = trio.Event()
    try:
        return _keep(memory, name, await _walk(name, tools))
    finally:
        del memory.asking[name]
        over.set()


def _keep(memory: CaaMemory, name: str, found: Found) -> Found:
    memory.found.put(name, found, trio.current_time() + (FAILED_KEPT_S if found.failure else KEPT_S))
    return found


async def _walk(name: str, tools: Tools) -> Found:
    if not tools.resolvers:
        return Found(failure="no_resolver")
    for step in climb(name)[:MOST_STEPS]:
        records = await _at(step, tools)
        if isinstance(records, Found):
            return records
        if records:
            return Found(step, tuple(text[:MAX_TEXT] for text in records[:MOST_RECORDS]))
    return Found()


async def _at(name: str, tools: Tools) -> list[str] | Found:
    """The records at a name, of the first resolver that says; why not, where none does."""
    failure = "timeout"
    for resolver in tools.resolvers[:2]:
        query = Query(name=name, type="CAA", recurse=True)
        asked = await ask_again(query, Server(address=resolver, hosts_own=True), tools.dns, left_s(ASK_S))
        if asked.reply is None:
            failure = asked.outcome
        elif asked.reply.rcode in ("NOERROR", "NXDOMAIN"):
            return values_at(asked.reply.answers, name, "CAA")
        else:
            failure = asked.reply.rcode.lower()
    return Found(failure=failure)
