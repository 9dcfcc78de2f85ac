"""Queries over connected UDP sockets, many at once, each answer with the kernel's own time.

What queries cost is the scheduler and system calls, so those to one address that are under way at the same time share a
socket, and one of the askers reads for all: the *leader*. It waits for the socket, takes what has come, hands each
answer to its asker, and once its own has come (or its time is over) leaves the lead to the youngest, who is likely to
wait the longest. There is no task besides the askers, and no socket that outlives them: alone, an asker opens a socket,
with a source port of its own, leads itself, and closes it.

A socket carries each message id once in its life, so an answer that comes late can't end a later query; it is dropped
in silence. Anything else that is not an answer is counted and never ends a query: per asker where the id is its own,
for all who wait where it is nobody's. The kernel drops what comes from other sources, as the socket is connected.

An ICMP error ends only the query that it quotes (IP_RECVERR, ip(7)): a query that has just been refused says nothing
about the one that follows it. One that quotes too little to tell ends all that wait.
"""

import errno
import math
import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import outcome
import trio

from parallax.dialling.route import Routes
from parallax.values import Address
from probe.dns.cookies import Cookie
from probe.dns.message import Query, Reply, Unreadable, belongs, encode, parse

LARGEST_ANSWER = 16 * 1024
"""Octets. BUFSIZE was asked for; a longer datagram than this is not read."""
MOST_AT_ONCE = 256
"""Queries under way on one socket; the next ones take another, so that a spoofer's guess stays hard."""
MOST_IN_LIFE = 4096
"""Queries of one socket in all: the ids that it has used up are not drawn again."""
MOST_UNREADABLE = 16
"""Answers to one query that are looked at closely. Whoever sends that many with the right id and question wants to cost
us time; the rest are counted as unreadable without a look."""
_BATCH = 64
"""Datagrams taken per wake-up, before other tasks have their turn."""
_RECEIVE_BUFFER = 1 << 20
"""Octets. The default of Linux drops answers past a few hundred in flight."""

_SO_TIMESTAMPNS = 35  # socket(7); Python has no name for it, nor for those below
_STAMP = struct.Struct("@ll")
_MSG_TRUNC = int(socket.MSG_TRUNC)  # the enumeration costs a microsecond at every use
_RECVERR = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # struct sock_extended_err, ip(7)
_FROM_ICMP = (2, 3)  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
_NO_VERDICT = (errno.EMSGSIZE,)  # a path that wants smaller packets: the kernel sees to it
_LEAD = object()

_buffer = bytearray(LARGEST_ANSWER)
_view = memoryview(_buffer)
_buffers = [_view]


class Heard:
    """What was heard beside the answer; filled in as it happens, so that it survives a timeout.

    `bad_replies` counts messages that were not the answer, by cause: unreadable, id, question, cookie.
    """

    __slots__ = ("bad_replies", "rtt_ns")

    def __init__(self) -> None:
        self.bad_replies: dict[str, int] = {}
        self.rtt_ns: int | None = None
        """From the last send over UDP to the kernel's receive timestamp of the answer."""

    def count(self, cause: str, times: int = 1) -> None:
        self.bad_replies[cause] = self.bad_replies.get(cause, 0) + times


class UdpSockets:
    """The sockets that are in use, by the address they are connected to. Owned by one probe, used in one thread."""

    def __init__(self, open_socket: "Callable[[Address, Routes], UdpSocket] | None" = None) -> None:
        self._open = open_socket or UdpSocket
        self._newest: dict[Address, UdpSocket] = {}

    @property
    def open_count(self) -> int:
        """How many addresses have a socket that new queries would join; 0 where nothing is under way."""
        return len(self._newest)

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
            held = self._open(routes.dial_address(address, "udp"), routes)
            self._newest[address] = held
        held.users += 1
        try:
            return await held.ask(query, cookie, heard, deadline)
        finally:
            held.users -= 1
            if not held.users:
                held.close()
                if self._newest.get(address) is held:
                    del self._newest[address]


class _Asker:
    """One query that waits. `task` is set while it is parked: neither leading nor about to run."""

    __slots__ = (
        "began_ns",
        "cookie",
        "deadline",
        "error",
        "heard",
        "id",
        "query",
        "reply",
        "sent_at",
        "task",
        "unreadable",
    )

    def __init__(self, query: Query, message_id: int, cookie: Cookie | None, heard: Heard, deadline: float) -> None:
        self.query, self.id, self.cookie, self.heard, self.deadline = query, message_id, cookie, heard, deadline
        self.task: trio.lowlevel.Task | None = None
        self.reply: Reply | None = None
        self.error: OSError | trio.TooSlowError | None = None
        self.sent_at = self.began_ns = self.unreadable = 0

    def abort(self, _: object) -> trio.lowlevel.Abort:
        self.task = None  # whoever would wake it comes too late
        return trio.lowlevel.Abort.SUCCEEDED


class UdpSocket:
    """A connected socket and the queries under way on it."""

    def __init__(self, real: Address, routes: Routes) -> None:
        self.routes, self.users = routes, 0
        self._waiting: dict[int, _Asker] = {}
        self._used: set[int] = set()
        self._leader: _Asker | None = None
        self._first_deadline = math.inf
        """No later than the first deadline of those who wait."""
        self._scope: trio.CancelScope | None = None
        """Around the leader's wait: ends it at that deadline."""
        self._sending: trio.Lock | None = None
        self._strays = {"id": 0, "unreadable": 0}
        _keep_stamping()
        self.socket = socket.socket(socket.AF_INET6 if real.family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.setblocking(False)
            _stamp(self.socket)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            with suppress(OSError):  # without it errors are still told, only not whose they are
                self.socket.setsockopt(*_RECVERR[real.family], 1)
            self.socket.connect((real.ip, real.port))
        except BaseException:
            self.socket.close()
            raise
        self._fd = self.socket.fileno()

    @property
    def has_room(self) -> bool:
        return len(self._waiting) < MOST_AT_ONCE and len(self._used) < MOST_IN_LIFE

    def close(self) -> None:
        self.socket.close()

    async def ask(self, query: Query, cookie: Cookie | None, heard: Heard, deadline: float) -> Reply:
        message_id = self._new_id()
        asker = _Asker(query, message_id, cookie, heard, deadline)
        strays = self._strays
        strange_ids, too_short = strays["id"], strays["unreadable"]
        # Before it is sent: the answer may be there before the sender has turned round.
        self._waiting[message_id] = asker
        if deadline < self._first_deadline:
            self._first_deadline = deadline
            if self._scope is not None:
                self._scope.deadline = deadline
        try:
            await self._send(asker, encode(query, message_id, cookie.to_send if cookie else b""))
            if self._leader is None:
                await self._lead(asker)
            elif asker.reply is None and asker.error is None:
                asker.task = trio.lowlevel.current_task()
                if await trio.lowlevel.wait_task_rescheduled(asker.abort) is _LEAD:
                    await self._lead(asker)
        finally:
            self._waiting.pop(message_id, None)
            if self._leader is asker:
                self._leader = self._scope = None
                self._pass_the_lead()
            if strays["id"] != strange_ids:
                heard.count("id", strays["id"] - strange_ids)
            if strays["unreadable"] != too_short:
                heard.count("unreadable", strays["unreadable"] - too_short)
        if asker.error is not None:
            raise asker.error
        assert asker.reply is not None
        return asker.reply

    def _new_id(self) -> int:
        while True:
            message_id = random_id()
            if message_id not in self._used:
                self._used.add(message_id)
                return message_id

    async def _send(self, asker: _Asker, wire: bytes) -> None:
        errors_left = 2
        while True:
            asker.began_ns = time.perf_counter_ns()
            asker.sent_at = time.time_ns()
            try:
                self.socket.send(wire)
                return
            except BlockingIOError:
                if self._sending is None:
                    self._sending = trio.Lock()
                with trio.fail_at(asker.deadline):
                    async with self._sending:
                        await trio.lowlevel.wait_writable(self._fd)
            except OSError:
                # The error of an earlier query is told at the next call, whichever that is, and nothing is sent.
                self._take_errors()
                errors_left -= 1
                if not errors_left:
                    raise

    async def _lead(self, asker: _Asker) -> None:
        self._leader = asker
        while asker.reply is None and asker.error is None:
            with trio.CancelScope(deadline=self._first_deadline) as self._scope:
                await trio.lowlevel.wait_readable(self._fd)
            timed_out, self._scope = self._scope.cancelled_caught, None
            self._take_datagrams()
            if timed_out:
                self._take_deadlines()

    def _pass_the_lead(self) -> None:
        for asker in reversed(self._waiting.values()):
            if asker.task is not None:
                self._leader = asker
                task, asker.task = asker.task, None
                trio.lowlevel.reschedule(task, outcome.Value(_LEAD))
                return

    def _take_datagrams(self) -> None:
        receive, waiting = self.socket.recvmsg_into, self._waiting
        for taken in range(_BATCH):
            try:
                size, ancillary, flags, _ = receive(_buffers, 128)
            except BlockingIOError:
                if not taken:  # what woke us is in the other queue
                    self._take_errors()
                return
            except OSError:
                self._take_errors()
                continue
            message_id = _buffer[0] << 8 | _buffer[1]
            asker = waiting.get(message_id)
            if size < 2:
                self._strays["unreadable"] += 1
            elif asker is not None:
                self._take(asker, b"" if flags & _MSG_TRUNC else bytes(_view[:size]), ancillary)
            elif message_id not in self._used:
                self._strays["id"] += 1

    def _take(self, asker: _Asker, wire: bytes, ancillary: Any) -> None:
        cause: str | None = "unreadable"
        if asker.unreadable < MOST_UNREADABLE:
            cause = belongs(wire, asker.query, asker.id)
            if cause is None:
                try:
                    reply = parse(wire, chaos=asker.query.chaos)
                except Unreadable:
                    asker.unreadable += 1
                    cause = "unreadable"
                else:
                    if asker.cookie is None or asker.cookie.accepts(reply):
                        asker.reply = reply
                        asker.heard.rtt_ns = _rtt_ns(asker, ancillary)
                        self._wake(asker)
                        return
                    cause = "cookie"
        asker.heard.count(cause or "unreadable")

    def _take_deadlines(self) -> None:
        """Ends the queries whose time is over. One deadline for all costs less than a cancel scope each."""
        now = trio.current_time()
        for asker in [each for each in self._waiting.values() if each.deadline <= now]:
            asker.error = trio.TooSlowError()
            self._wake(asker)
        self._first_deadline = min((each.deadline for each in self._waiting.values()), default=math.inf)

    def _take_errors(self) -> None:
        """Reads what the kernel keeps of ICMP errors, and ends the queries that they are about."""
        for _ in range(_BATCH):
            try:
                quoted, ancillary, *_rest = self.socket.recvmsg(64, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            for level, kind, data in ancillary:
                if (level, kind) in _RECVERR.values() and len(data) >= _EXTENDED_ERROR.size:
                    number, origin, *_more = _EXTENDED_ERROR.unpack_from(data)
                    if origin in _FROM_ICMP and number not in _NO_VERDICT:
                        self._end(quoted, number)

    def _end(self, quoted: bytes, number: int) -> None:
        if number == errno.EACCES:  # "administratively prohibited" over IPv6; over IPv4 that is "no route to host"
            number = errno.EHOSTUNREACH
        asker = self._waiting.get(int.from_bytes(quoted[:2], "big"))
        for each in [*self._waiting.values()] if len(quoted) < 2 else [asker] if asker else []:
            each.error = OSError(number, os.strerror(number))
            self._wake(each)

    def _wake(self, asker: _Asker) -> None:
        del self._waiting[asker.id]
        if asker.task is not None:
            task, asker.task = asker.task, None
            trio.lowlevel.reschedule(task)


def _rtt_ns(asker: _Asker, ancillary: Any) -> int:
    """From our clock at the send to the kernel's stamp on the answer. Both are the wall clock; where that was set
    meanwhile, or the kernel gave no stamp, our own monotonic clock says how long it took until we saw the answer."""
    elapsed_ns = time.perf_counter_ns() - asker.began_ns
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _STAMP.unpack_from(data)
            rtt_ns: int = seconds * 1_000_000_000 + nanoseconds - asker.sent_at
            if 0 <= rtt_ns <= elapsed_ns + 1_000_000:
                return rtt_ns
    return elapsed_ns


def _stamp(sock: socket.socket) -> None:
    with suppress(OSError):  # some sandboxes have none
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


@cache
def _keep_stamping() -> int:
    """Linux stamps packets as they arrive only while some socket wants it, and takes its time to begin: until then the
    stamp is that of the reading. So one socket that does nothing wants it as long as the process lives."""
    keeper = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    _stamp(keeper)
    return keeper.detach()


class _Random:
    """The system's random numbers, many at a time."""

    def __init__(self) -> None:
        self._ids: list[int] = []

    def __call__(self) -> int:
        if not self._ids:
            self._ids = list(struct.unpack("=1024H", os.urandom(2048)))
        return self._ids.pop()


random_id = _Random()
