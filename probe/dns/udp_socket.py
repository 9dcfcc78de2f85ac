"""One connected UDP socket and the queries under way on it: what is sent, what is taken for an answer, and when.

An ICMP error ends only the query that it quotes (IP_RECVERR, ip(7)): a query that has just been refused says nothing
about the one that follows it. One that quotes too little to tell ends all that wait.
"""

import errno
import math
import os
import socket
import struct
import time
from contextlib import suppress
from functools import cache
from typing import Any

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
"""Answers to one query that are looked at closely, and are none. Whoever sends that many with the right id and question
wants to cost us time; the rest are counted as unreadable without a look."""
_ERRORS_AT_ONCE = 64
_RECEIVE_BUFFER = 1 << 20
"""Octets. The default of Linux drops answers past a few hundred in flight."""

_SO_TIMESTAMPNS = 35  # socket(7); Python has no name for it, nor for those below
_STAMP = struct.Struct("@ll")
_MSG_TRUNC = int(socket.MSG_TRUNC)  # the enumeration costs a microsecond at every use
_RECVERR = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # struct sock_extended_err, ip(7)
_FROM_ICMP = (2, 3)  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
_NO_VERDICT = (errno.EMSGSIZE,)  # a path that wants smaller packets: the kernel sees to it

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


class Asker:
    """One query that waits. `task` is set while it is parked: neither leading nor about to run. It is over with a
    reply or an error."""

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
        "strays",
        "task",
        "unreadable",
    )

    def __init__(self, query: Query, cookie: Cookie | None, heard: Heard, deadline: float) -> None:
        self.query, self.cookie, self.heard, self.deadline = query, cookie, heard, deadline
        self.task: trio.lowlevel.Task | None = None
        self.reply: Reply | None = None
        self.error: OSError | trio.TooSlowError | None = None
        self.id = self.sent_at = self.began_ns = self.unreadable = 0
        self.strays = (0, 0)
        """Those of its socket before it came."""

    @property
    def over(self) -> bool:
        return self.reply is not None or self.error is not None

    def abort(self, _: object) -> trio.lowlevel.Abort:
        self.task = None  # whoever would wake it comes too late
        return trio.lowlevel.Abort.SUCCEEDED


class UdpSocket:
    """A connected socket and the queries under way on it."""

    def __init__(self, real: Address, routes: Routes) -> None:
        self.routes, self.users = routes, 0
        self._waiting: dict[int, Asker] = {}
        self._used: set[int] = set()
        self._sending: trio.Lock | None = None
        self._strange_ids = self._too_short = 0
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
        self.fd = self.socket.fileno()

    @property
    def has_room(self) -> bool:
        return len(self._waiting) < MOST_AT_ONCE and len(self._used) < MOST_IN_LIFE

    def close(self) -> None:
        self.socket.close()

    def admit(self, asker: Asker) -> None:
        """An answer to the asker's query, whose id is drawn here, is now waited for."""
        asker.id = self._new_id()
        asker.strays = self._strange_ids, self._too_short
        self._waiting[asker.id] = asker

    def dismiss(self, asker: Asker) -> None:
        """It waits no more. What came meanwhile that was nobody's is counted for it."""
        self._waiting.pop(asker.id, None)
        strange_ids, too_short = asker.strays
        if self._strange_ids != strange_ids:
            asker.heard.count("id", self._strange_ids - strange_ids)
        if self._too_short != too_short:
            asker.heard.count("unreadable", self._too_short - too_short)

    async def send(self, asker: Asker) -> None:
        """Sends the query. No checkpoint, unless the kernel has no room. Raises OSError and trio.TooSlowError."""
        wire = encode(asker.query, asker.id, asker.cookie.to_send if asker.cookie else b"")
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
                        await trio.lowlevel.wait_writable(self.fd)
            except OSError:
                # The error of an earlier query is told at the next call, whichever that is, and nothing is sent.
                self._take_errors()
                errors_left -= 1
                if not errors_left:
                    raise

    def take(self, at_most: int, *, errors: bool) -> None:
        """Takes so many datagrams, as far as there are any and somebody waits; `errors`: there are some to be read."""
        if errors:
            self._take_errors()
        receive, waiting = self.socket.recvmsg_into, self._waiting
        for _ in range(at_most):
            if not waiting:
                return
            try:
                size, ancillary, flags, _ = receive(_buffers, 128)
            except BlockingIOError:
                return
            except OSError:
                self._take_errors()
                continue
            message_id = _buffer[0] << 8 | _buffer[1]
            asker = waiting.get(message_id)
            if size < 2:
                self._too_short += 1
            elif asker is not None:
                self._take(asker, b"" if flags & _MSG_TRUNC else bytes(_view[:size]), ancillary)
            elif message_id not in self._used:
                self._strange_ids += 1

    def end_late(self, now: float) -> float:
        """Ends the queries whose time is over, and says when that of the next one is; inf without any."""
        for asker in [each for each in self._waiting.values() if each.deadline <= now]:
            asker.error = trio.TooSlowError()
            self._wake(asker)
        return min((each.deadline for each in self._waiting.values()), default=math.inf)

    def _new_id(self) -> int:
        while True:
            message_id = random_id()
            if message_id not in self._used:
                self._used.add(message_id)
                return message_id

    def _take(self, asker: Asker, wire: bytes, ancillary: Any) -> None:
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
                    asker.unreadable += 1
                    cause = "cookie"
        asker.heard.count(cause or "unreadable")

    def _take_errors(self) -> None:
        """Reads what the kernel keeps of ICMP errors, and ends the queries that they are about."""
        for _ in range(_ERRORS_AT_ONCE):
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

    def _wake(self, asker: Asker) -> None:
        del self._waiting[asker.id]
        if asker.task is not None:
            task, asker.task = asker.task, None
            trio.lowlevel.reschedule(task)


def _rtt_ns(asker: Asker, ancillary: Any) -> int:
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
