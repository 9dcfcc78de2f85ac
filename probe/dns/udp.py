"""Queries over connected UDP sockets, many at once, each answer with the kernel's own time.

What queries cost is the scheduler and system calls, so one of the askers waits for all, whatever sockets they use: the
*leader*. It waits until any socket has something (an epoll of our own, of which the scheduler sees one descriptor),
takes what has come, hands each answer to its asker, and once its own has come (or its time is over) leaves the lead to
the youngest, who is likely to wait the longest. There is no task besides the askers. Queries to one address that are
under way at the same time share a socket, and none outlives them: alone, an asker has a socket to itself, with a source
port of its own.

A socket carries each message id once in its life, so an answer that comes late can't end a later query; it is dropped
in silence. Anything else that is not an answer is counted and never ends a query: per asker where the id is its own,
for all who wait where it is nobody's. The kernel drops what comes from other sources, as the socket is connected.
"""

import math
import select
from collections.abc import Callable

import outcome
import trio

from parallax.dialling.route import Routes
from parallax.values import Address
from probe.dns.cookies import Cookie
from probe.dns.message import Query, Reply
from probe.dns.udp_socket import Asker, Heard, UdpSocket

_BATCH = 64
"""Datagrams taken per wake-up, before other tasks have their turn; where many sockets have some, a few of each."""
_LEAST_OF_EACH = 4
_LEAD = object()


class UdpSockets:
    """The sockets that are in use, and who waits. Owned by one probe, used in one thread."""

    def __init__(self, open_socket: "Callable[[Address, Routes], UdpSocket] | None" = None) -> None:
        self._open = open_socket or UdpSocket
        self._newest: dict[Address, UdpSocket] = {}
        """By the address that was asked for: what new queries join."""
        self._by_fd: dict[int, UdpSocket] = {}
        self._epoll: select.epoll | None = None
        """All open sockets. Made with the first one, and kept: it costs more than a socket."""
        self._leader: Asker | None = None
        self._parked: dict[Asker, None] = {}
        """Those who do not lead, the youngest last; also some who are about to run."""
        self._first_deadline = math.inf
        """No later than the first deadline of those who wait. One for all costs less than a cancel scope each."""
        self._scope: trio.CancelScope | None = None
        """Around the leader's wait: ends it at that deadline."""

    @property
    def open_count(self) -> int:
        """How many sockets are open; 0 where nothing is under way."""
        return len(self._by_fd)

    async def ask(
        self,
        query: Query,
        address: Address,
        routes: Routes,
        cookie: Cookie | None,
        heard: Heard,
        deadline: float = math.inf,
    ) -> Reply:
        """Sends once and waits for the answer until the deadline (trio's clock).

        Raises trio.TooSlowError, NotAllowed and OSError (a closed port is ECONNREFUSED).
        """
        held = self._newest.get(address)
        # The guard has passed this very address by these very routes when the socket was opened.
        if held is None or held.routes is not routes or not held.has_room:
            held = self._opened(address, routes)
        asker = Asker(query, cookie, heard, deadline)
        held.users += 1
        # Before it is sent: the answer may be there before the sender has turned round.
        held.admit(asker)
        if deadline < self._first_deadline:
            self._first_deadline = deadline
            if self._scope is not None:
                self._scope.deadline = deadline
        try:
            await held.send(asker)
            await self._wait(asker)
        finally:
            held.dismiss(asker)
            held.users -= 1
            if not held.users:
                self._close(address, held)
            if self._leader is asker:
                self._leader = self._scope = None
                self._pass_the_lead()
        if asker.error is not None:
            raise asker.error
        assert asker.reply is not None
        return asker.reply

    def _opened(self, address: Address, routes: Routes) -> UdpSocket:
        held = self._open(routes.dial_address(address, "udp"), routes)
        if self._epoll is None:
            self._epoll = select.epoll()
        self._epoll.register(held.fd, select.EPOLLIN)
        self._newest[address] = self._by_fd[held.fd] = held
        return held

    def _close(self, address: Address, held: UdpSocket) -> None:
        del self._by_fd[held.fd]
        if self._newest.get(address) is held:
            del self._newest[address]
        held.close()  # which takes it out of the epoll

    async def _wait(self, asker: Asker) -> None:
        if self._leader is None:
            await self._lead(asker)
        elif not asker.over:
            asker.task = trio.lowlevel.current_task()
            self._parked[asker] = None
            try:
                told = await trio.lowlevel.wait_task_rescheduled(asker.abort)
            finally:
                self._parked.pop(asker, None)
            if told is _LEAD:
                await self._lead(asker)

    async def _lead(self, asker: Asker) -> None:
        self._leader = asker
        while not asker.over:
            with trio.CancelScope(deadline=self._first_deadline) as self._scope:
                while not asker.over:
                    assert self._epoll is not None
                    await trio.lowlevel.wait_readable(self._epoll)
                    self._take()
            timed_out, self._scope = self._scope.cancelled_caught, None
            if timed_out:
                self._take()
                self._take_deadlines()

    def _pass_the_lead(self) -> None:
        while self._parked:
            asker, _ = self._parked.popitem()
            if asker.task is not None:
                self._leader = asker
                task, asker.task = asker.task, None
                trio.lowlevel.reschedule(task, outcome.Value(_LEAD))
                return

    def _take(self) -> None:
        """Takes what has come, at whatever sockets."""
        assert self._epoll is not None
        ready = self._epoll.poll(0, _BATCH)
        at_most = max(_LEAST_OF_EACH, _BATCH // (len(ready) or 1))
        for fd, events in ready:
            self._by_fd[fd].take(at_most, errors=bool(events & select.EPOLLERR))

    def _take_deadlines(self) -> None:
        now = trio.current_time()
        self._first_deadline = min((each.end_late(now) for each in self._by_fd.values()), default=math.inf)
