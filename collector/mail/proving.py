"""What proves a mail, found out after it was taken: a mail waits for no lookup, who asks for proofs waits for them.

Anybody may send mails here that name domains of theirs, so a mail has its seconds and its questions, few are looked at
at a time, and what comes beyond that is not looked at, and counted.
"""

from collections.abc import Sequence
from functools import partial

import msgspec
import trio

from collector.mail import dkim, dmarc
from collector.messages.box import Box
from parallax.clock import NS, wall_ns
from parallax.letters import MECHANISMS, Proof
from parallax.log import get_log
from parallax.values import Address

WITHIN_S = 8.0
"""For all lookups of one mail."""
AT_A_TIME = 4
MAX_WAITING = 50
_log = get_log(__name__)


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as it came, and the numbers of its letters."""

    numbers: list[int]
    content: bytes
    ip: str
    helo: str
    sender: str


class Prover:
    """Looks at mails until `run` is cancelled."""

    def __init__(self, resolvers: Sequence[Address], box: Box) -> None:
        self._resolvers, self._box = list(resolvers), box
        self._send, self._mails = trio.open_memory_channel[Arrived](MAX_WAITING)

    def add_nowait(self, mail: Arrived) -> None:
        """Puts it in line."""
        try:
            self._send.send_nowait(mail)
        except trio.WouldBlock:
            self._box.lost["unproven"] += 1

    async def run(self) -> None:
        """Until cancelled."""
        limiter = trio.CapacityLimiter(AT_A_TIME)
        async with trio.open_nursery() as nursery:
            for _ in range(AT_A_TIME):
                nursery.start_soon(self._work, limiter)

    async def _work(self, limiter: trio.CapacityLimiter) -> None:
        async for mail in self._mails.clone():
            look = partial(prove, mail, self._resolvers, wall_ns() / NS)
            try:
                proofs = await trio.to_thread.run_sync(look, abandon_on_cancel=True, limiter=limiter)
            except Exception:  # the proofs' one place: what a stranger's mail brings out must not end the collector
                _log.exception("bug in proving a mail")
                proofs = [Proof(by=by, result="temperror", why="a bug of ours: see the log") for by in MECHANISMS]
            for number in mail.numbers:
                self._box.prove(number, proofs)


def prove(mail: Arrived, resolvers: Sequence[Address], now_s: float) -> list[Proof]:
    """Its signatures, SPF and DMARC. Blocking, within WITHIN_S and a little."""
    from collector.mail import spf
    from collector.mail.lookup import Lookup

    lookup = Lookup(resolvers, WITHIN_S)
    fields, body = dkim.split_mail(mail.content)
    proofs = dkim.verify(fields, body, lookup.texts, now_s)
    proofs.append(spf.check(mail.ip, mail.helo, mail.sender, lookup.records))
    return [*proofs, dmarc.check(fields, proofs, lookup.texts)]
