"""Our own name lookup: host to addresses, through the probe's resolvers, in the open. Never getaddrinfo.

The system's lookup would block a thread, hide which resolver answered, cache, and read files that no plan knows. Here
every question is on the tape, under `lookup`: to which resolver, for which type, how it ended and how long it took.
A and AAAA are asked side by side. Each walks the resolvers in order; the next one is asked when one fails or its share
of the caller's time is over, and those that were silent are asked once more: neither a lost datagram nor a dead
resolver costs the run.

An answer that the name does not exist or has no such record is final. SERVFAIL and REFUSED are not: the next resolver
is asked, as the C library's resolver does.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import trio

from parallax.clock import to_ns
from parallax.dialling.errors import EXPECTED, failure_of
from parallax.values import Address, Family, is_ip
from probe.dns.answer import final_name, values_at
from probe.dns.client import Server, exchange
from probe.dns.exchange import Heard, NoReply
from probe.dns.message import Query
from probe.remaining import left_s
from probe.tape import Tape
from probe.tools import Tools

MAX_ADDRESSES = 16
MAX_RESOLVERS = 3
ROUNDS = 2
SHARE_S = 2.0
"""The longest wait for one resolver before the next question, where the caller's time would allow more."""
_FINAL = ("NOERROR", "NXDOMAIN")
GRACE_S = 1.0
"""How long one family is still waited for once the other has given addresses."""

_TYPES: dict[Family, str] = {4: "A", 6: "AAAA"}
_LOOPBACK: dict[Family, str] = {4: "127.0.0.1", 6: "::1"}


async def lookup(host: str, families: tuple[Family, ...], tools: Tools, tape: Tape) -> list[str]:
    """The addresses of a host, IPv4 first, each family in its answer's order, without repeats, at most MAX_ADDRESSES.

    Empty if there are none: probe.judges.lookup says why, from the tape. A literal address comes back as it is.
    The caller owns the timeout; resolvers are dialled wherever they are, as the host's owner chose them.
    """
    if is_ip(host):
        return [host]
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 section 6.3
        return [_LOOPBACK[family] for family in sorted(families)]
    walks = [_Walk(host, _TYPES[family], tools) for family in sorted(families)]
    resolvers = tools.resolvers[:MAX_RESOLVERS]
    tries: list[dict[str, Any]] = []
    tape.note(lookup=tries)
    if not resolvers:
        tape.fail("no_resolver", 'no resolver is known; add "resolvers" to the probe\'s config')
        return []
    async with trio.open_nursery() as nursery:

        async def one(walk: _Walk) -> None:
            await walk.run(resolvers, tries)
            if walk.addresses:  # some zones never answer for one type: do not lose the other over it
                grace_s = min(GRACE_S, left_s(kept_s=0) / 2)
                nursery.cancel_scope.deadline = min(nursery.cancel_scope.deadline, trio.current_time() + grace_s)

        for walk in walks:
            nursery.start_soon(one, walk)
    found = list(dict.fromkeys(ip for walk in walks for ip in walk.addresses))[:MAX_ADDRESSES]
    tape.note(addresses=found)
    return found


class _Walk:
    """One question put to the resolvers in turn, until one gives a final answer."""

    def __init__(self, host: str, rdtype: str, tools: Tools) -> None:
        self._query = Query(name=host, type=rdtype, recurse=True)
        self._dns = tools.dns
        self.addresses: list[str] = []

    async def run(self, resolvers: Sequence[Address], tries: list[dict[str, Any]]) -> None:
        left = ROUNDS * len(resolvers)
        for _ in range(ROUNDS):
            silent = []
            for resolver in resolvers:
                outcome = await self._try(resolver, min(SHARE_S, left_s(kept_s=0) / left), tries)
                if outcome in _FINAL:
                    return
                if outcome == "timeout":
                    silent.append(resolver)
                left -= 1
            resolvers = silent  # one that has said no is not asked twice

    async def _try(self, resolver: Address, share_s: float, tries: list[dict[str, Any]]) -> str:
        """Asks one resolver and gives the outcome: a response code or a failure word."""
        started = trio.current_time()
        # Written down as a timeout before it begins: so it stays, whoever's deadline ends it.
        log: dict[str, Any] = {"resolver": str(resolver), "type": self._query.type, "outcome": "timeout"}
        tries.append(log)
        try:
            with trio.move_on_after(share_s):
                reply = await exchange(self._query, Server(address=resolver, hosts_own=True), self._dns, Heard())
                log["outcome"] = reply.rcode
                if reply.ede:
                    log["ede"] = [code for code, _ in reply.ede[:10]]
                self.addresses = values_at(reply.answers, self._query.name, self._query.type)
                final = final_name(reply.answers, self._query.name)
                if final != self._query.name:
                    log["final_name"] = final
        except NoReply as none:
            log["outcome"] = none.failure
        except EXPECTED as error:
            log["outcome"] = failure_of(error)
        finally:
            log["duration_ns"] = to_ns(trio.current_time() - started)
        return str(log["outcome"])


def system_resolvers(path: str = "/etc/resolv.conf") -> tuple[Address, ...]:
    """The `nameserver` lines of resolv.conf(5), port 53; empty if the file is missing. Scoped addresses are skipped."""
    try:
        now = Path(path).stat()
        return _resolvers_in(path, now.st_ino, now.st_mtime_ns, now.st_size)
    except OSError:
        return ()


@lru_cache(maxsize=8)
def _resolvers_in(path: str, *_version: int) -> tuple[Address, ...]:
    # Kept for as long as the file stays as it is: every run asks.
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    found: list[Address] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and is_ip(words[1]):
            found.append(Address.of(words[1], 53))
    return tuple(dict.fromkeys(found))
