"""A mail server that takes every mail and keeps it for the test: aiosmtpd, in a thread of its own.

async with mail_sink() as sink:
    mail = await sink.wait_mail("synthetic-one@example.com")        # the first to this recipient that is not yet taken
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import trio

from parallax.values import Address
from tests.parts.ports import free_port


class MailSink:
    """`address` is where it takes mail. `mails`: what came and was not taken, as (recipient, mail), oldest first."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.mails: list[tuple[str, EmailMessage]] = []
        self._token = trio.lowlevel.current_trio_token()
        self._changed = trio.Event()

    async def wait_mail(self, recipient: str, timeout_s: float = 15.0) -> EmailMessage:
        """Takes the oldest mail to this recipient; fails the test if none comes."""
        with trio.move_on_after(timeout_s):
            while True:
                for item in self.mails:
                    if item[0] == recipient:
                        self.mails.remove(item)
                        return item[1]
                await self._changed.wait()
        pytest.fail(f"no mail for {recipient}; mails for {[name for name, _ in self.mails]}")

    def put_nowait(self, recipients: list[str], content: bytes) -> None:
        """What the server's thread does with a mail."""
        mail = message_from_bytes(content, policy=policy.default)

        def put() -> None:
            self.mails += [(recipient, mail) for recipient in recipients]
            self._changed.set()
            self._changed = trio.Event()

        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(put)


class _Handler:
    def __init__(self, sink: MailSink) -> None:
        self._sink = sink

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self._sink.put_nowait(envelope.rcpt_tos, envelope.content)
        return "250 taken"


@asynccontextmanager
async def mail_sink(
    *, starttls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> AsyncIterator[MailSink]:
    """Takes mail on loopback until the end of the block; with `starttls` nothing before TLS, with `login` (user and
    password) nothing before it."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> Any:
        right = login is not None and (given.login.decode(), given.password.decode()) == login
        return AuthResult(success=right, handled=False)

    sink = MailSink(Address.of("127.0.0.1", free_port()))
    server = Controller(
        _Handler(sink), hostname=sink.address.ip, port=sink.address.port, tls_context=starttls,
        require_starttls=starttls is not None, authenticator=authenticate, auth_required=login is not None,
        auth_require_tls=starttls is not None,
    )  # fmt: skip
    await trio.to_thread.run_sync(server.start)
    try:
        yield sink
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(server.stop)
