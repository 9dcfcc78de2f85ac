"""The SMTP side, by aiosmtpd: its one importer. It runs on asyncio, in a thread of its own.

It takes mail for its own domains and no other, and asks nobody for a password, as any mail exchanger. Where the
collector has a certificate, it offers STARTTLS (RFC 3207). A mail is acknowledged once it is in the box, which is
memory.

Anybody may connect, so at the bound the connection makes room that has been silent for longest, among those of the
peer that has the most: idle ones keep nobody out.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import trio

from collector.mail.proving import Arrived, Prover
from collector.mail.reading import Unreadable, read_letter
from collector.messages.box import Box, MailStatus
from parallax.letters import MAX_LETTER, Letter, address_of
from parallax.log import get_log
from parallax.state import StartError
from parallax.values import Address

MAX_CONNECTIONS = 50
IDLE_S = 60.0
"""After this long without a word a connection is ended."""
LONGEST_S = 300.0
"""After this long it is ended, whatever was said."""
MAX_RECIPIENTS = 20
"""Of one mail."""
TlsContext = Callable[[], ssl.SSLContext]
"""The context for the next connection."""
_log = get_log(__name__)


class MailListener:
    """A bound socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        ip, port = sock.getsockname()[:2]
        self.address = Address.of(ip, port)

    def close(self) -> None:
        self.sock.close()


def open_mail_listener(address: Address) -> MailListener:
    """Binds. Raises StartError."""
    sock = socket.socket(socket.AF_INET6 if address.family == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.family == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address.ip, address.port))
    except OSError as error:
        sock.close()
        raise StartError(f"cannot take mail on {address}: {error.strerror}; set another `listen` in [mail]") from None
    return MailListener(sock)


def mail_status(listener: MailListener, domains: Sequence[str], box: Box) -> MailStatus:
    """For the collector's status."""
    return MailStatus(
        listen=str(listener.address),
        domains=[str(name) for name in domains],
        kept=box.kept("mail"),
        taken=box.taken,
        lost=dict(box.lost),
    )


async def serve_mail(
    listener: MailListener,
    domains: Sequence[str],
    box: Box,
    *,
    resolvers: Sequence[Address] = (),
    tls: TlsContext | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Takes mail until cancelled. `domains` are compared without case and last dot; with `resolvers`, it is found out
    what proves a mail; with `tls`, STARTTLS is offered."""
    prover = Prover(resolvers, box) if resolvers else None
    server = _Server(listener.sock, frozenset(name.lower().rstrip(".") for name in domains), box, prover, tls)
    async with trio.open_nursery() as nursery:
        if prover is not None:
            nursery.start_soon(prover.run)
        nursery.start_soon(trio.to_thread.run_sync, server.run)
        try:
            await server.listening.wait()
            _log.info("mail is taken", listen=str(listener.address), domains=" ".join(domains))
            task_status.started()
            await trio.sleep_forever()
        finally:
            server.stop_nowait()


class _Server:
    """Everything but `stop_nowait` and `listening` belongs to the thread."""

    def __init__(
        self, sock: socket.socket, domains: frozenset[str], box: Box, prover: Prover | None, tls: TlsContext | None
    ) -> None:
        self._sock, self.domains, self._box = sock, domains, box
        self._prover, self._tls = prover, tls
        self._token = trio.lowlevel.current_trio_token()
        self.listening = trio.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._connections: list[Any] = []

    def run(self) -> None:
        """The thread."""
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    def stop_nowait(self) -> None:
        with suppress(RuntimeError):  # the thread has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)

    def count(self, cause: str) -> None:
        """One more was lost."""

        def add() -> None:
            self._box.lost[cause] += 1

        self._in_trio(add)

    def opened(self, connection: Any) -> None:
        """One more; at the bound another makes room for it."""
        self._connections.append(connection)
        if len(self._connections) > MAX_CONNECTIONS:
            (most, _), *_ = Counter(each.peer for each in self._connections).most_common(1)
            silent = min((each for each in self._connections if each.peer == most), key=lambda each: each.heard_at)
            self._connections.remove(silent)
            self.count("connections")
            silent.wire.abort()

    def closed(self, connection: Any) -> None:
        """One less."""
        if connection in self._connections:
            self._connections.remove(connection)

    def put(self, content: bytes, recipients: Sequence[str], sender: str, peer: str, helo: str) -> bool:
        """Puts the mail into the box, once for each recipient; whether it could be read."""
        try:
            letters = [read_letter(content, to, sender, peer) for to in recipients]
        except Unreadable:
            self.count("unreadable")
            return False
        self._in_trio(partial(self._take, letters, content, helo))
        return True

    def _take(self, letters: list[Letter], content: bytes, helo: str) -> None:
        numbers = [self._box.put_nowait(letter) for letter in letters]
        if self._prover is not None:
            first = letters[0]
            self._prover.add_nowait(
                Arrived(numbers=numbers, content=content, ip=first.peer, helo=helo, sender=first.sender)
            )

    def _in_trio(self, act: Any) -> None:
        """Runs it there and waits for it: whoever sends faster than that is slowed down."""
        trio.from_thread.run_sync(act, trio_token=self._token)

    async def _serve(self) -> None:
        smtp = _smtp_class(self)
        handler = _Handler(self)

        def make() -> Any:
            return smtp(
                handler,
                data_size_limit=MAX_LETTER,
                hostname="mail.invalid",
                ident="ESMTP",
                timeout=IDLE_S,
                loop=self._loop,
                auth_exclude_mechanism=["LOGIN", "PLAIN"],
                tls_context=self._tls() if self._tls is not None else None,
            )

        server = await self._loop.create_server(make, sock=self._sock, backlog=64)
        self._in_trio(self.listening.set)
        await self._stop.wait()
        server.close()


class _Handler:
    """aiosmtpd's hooks; the names are its own."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        plain = address_of(address)
        if plain is None or plain.rpartition("@")[2] not in self._server.domains:
            self._server.count("wrong_recipient")
            return "550 5.7.1 not one of ours"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(plain)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        content = envelope.content
        if not isinstance(content, bytes) or len(content) > MAX_LETTER:
            self._server.count("too_large")
            return "552 5.3.4 too large"
        peer = session.peer[0] if session.peer else ""
        helo = str(session.host_name or "")[:253]
        if not self._server.put(content, envelope.rcpt_tos, envelope.mail_from or "", str(peer), helo):
            return "554 5.6.0 no mail"
        return "250 2.0.0 taken"

    async def handle_exception(self, error: Exception) -> str:
        _log.warning("a mail's connection failed", error=type(error).__name__)
        return "451 4.3.0 try again"


def _smtp_class(owner: _Server) -> Any:
    """aiosmtpd's protocol with bounds on the connections; imported here, as only who takes mail needs it."""
    from aiosmtpd.smtp import SMTP

    class Bounded(SMTP):
        wire: Any = None
        peer = ""
        heard_at = 0.0
        _end: Any = None

        def connection_made(self, transport: Any) -> None:
            first = self.wire is None  # after STARTTLS it is called again
            if first:
                peer = transport.get_extra_info("peername")
                self.wire, self.peer = transport, str(peer[0]) if peer else ""
                self._end = self.loop.call_later(LONGEST_S, transport.abort)
            super().connection_made(transport)
            if first:
                owner.opened(self)

        def connection_lost(self, error: Exception | None) -> None:
            if self._end is not None:
                self._end.cancel()
            owner.closed(self)
            super().connection_lost(error)

        def _reset_timeout(self, duration: float | None = None) -> None:
            self.heard_at = self.loop.time()
            super()._reset_timeout(duration)

    return Bounded
