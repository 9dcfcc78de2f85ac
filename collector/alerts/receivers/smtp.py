"""Hands one mail to a mail server: SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH PLAIN (RFC 4954, RFC 4616).

Few lines of our own over trio, so that a server that hangs is cut off like any other peer. Nothing is retried here, and
no secret is ever sent without TLS, but to this host itself.
"""

import base64
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import trio

from parallax.dialling.errors import EXPECTED, detail_of, failure_of
from parallax.dialling.post import Answer
from parallax.dialling.route import NotAllowed, Routes
from parallax.dialling.sockets import close_now, open_tcp, socket_below
from parallax.dialling.tls import Trust, client_context, open_tls
from parallax.values import Address

TLS_PORT = 465
"""Where TLS comes first (RFC 8314 section 3.3)."""
FAREWELL_S = 0.3
_MOST_REPLY, _MOST_LINES = 16_384, 100
"""Octets of a line, or of what came in one go; lines of a reply."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail and its envelope. Lines of `content` end in CR LF."""

    sender: str
    recipients: Sequence[str]
    content: bytes


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Who logs in, "" where nobody does."""

    user: str = ""
    password: str = ""


class _Refused(Exception):
    """The server said no: the answer that it comes to."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.words)
        self.answer = answer


async def hand_over(
    letter: Letter, address: Address, host_name: str, login: Login, routes: Routes, trust: Trust
) -> Answer:
    """Hands a mail over once; what came of it: 250 where it was taken. With a `host_name` TLS is a must, and its
    certificate must be for it. Never raises but for cancellation; the caller owns the timeout."""
    try:
        real = routes.dial_address(address, "tcp")
    except NotAllowed as refused:
        ip = refused.address.ip
        detail = f'{ip} is not a public address; add its network to "allow" in the collector\'s config'
        return Answer(failure="not_allowed", detail=detail)
    if not host_name and not real.parsed_ip.is_loopback:
        return Answer(failure="not_https", detail=f"{real.ip} is not loopback; write host_name, so that TLS is spoken")
    streams: list[trio.abc.Stream] = []
    try:
        return await _Session(streams, host_name, trust).hand_over(letter, address, login, routes)
    except _Refused as no:
        return no.answer
    except EXPECTED as error:
        word = failure_of(error)
        if word == "bug":
            raise
        way_out = '; is its CA in "ca" of the collector\'s config?' if word == "certificate" else ""
        return Answer(failure=word, detail=detail_of(error)[:200] + way_out)
    finally:
        for stream in streams:
            close_now(stream)


class _Session:
    """One connection."""

    def __init__(self, streams: list[trio.abc.Stream], host_name: str, trust: Trust) -> None:
        self._streams, self._host_name, self._trust = streams, host_name, trust
        self._read = bytearray()

    async def hand_over(self, letter: Letter, address: Address, login: Login, routes: Routes) -> Answer:
        tcp = await open_tcp(address, routes)
        self._streams.append(tcp)
        if self._host_name and address.port == TLS_PORT:
            await self._start_tls(tcp)
        await self._reply(220, "the greeting")
        offered = await self._hello()
        if self._host_name and address.port != TLS_PORT:
            if "STARTTLS" not in offered:
                raise _Refused(Answer(failure="no_starttls", detail="the mail server does not offer STARTTLS"))
            await self._ask("STARTTLS", 220)
            if self._read:  # said before TLS began, by whoever: RFC 3207 section 4.2 wants it forgotten
                raise _Refused(Answer(failure="malformed", detail="the mail server spoke on before TLS began"))
            await self._start_tls(tcp)
            offered = await self._hello()
        if login.user:
            await self._log_in(login, offered)
        return await self._send(letter, "8BITMIME" in offered)

    async def _send(self, letter: Letter, eight_bit: bool) -> Answer:
        await self._ask(f"MAIL FROM:<{letter.sender}>{' BODY=8BITMIME' if eight_bit else ''}", 250)
        refused = []
        for recipient in letter.recipients:
            code, _ = await self._ask(f"RCPT TO:<{recipient}>")
            if code // 100 != 2:
                refused.append(_answer(code, "the recipient"))
        if len(refused) == len(letter.recipients):
            raise _Refused(refused[0])
        await self._ask("DATA", 354)
        # Any line that begins with a stop gets one more (RFC 5321 section 4.5.2).
        content = letter.content.replace(b"\r\n.", b"\r\n..")
        content = b"." + content if content.startswith(b".") else content
        await self._stream.send_all(content + (b"" if content.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        await self._reply(250, "the mail")
        with trio.move_on_after(FAREWELL_S), suppress(_Refused, *EXPECTED):  # it is taken, whatever becomes of this
            await self._ask("QUIT")
        detail = f"{len(refused)} of {len(letter.recipients)} recipients refused" if refused else ""
        return Answer(status=250, detail=detail)

    @property
    def _stream(self) -> trio.abc.Stream:
        return self._streams[-1]

    async def _start_tls(self, tcp: trio.SocketStream) -> None:
        tls = open_tls(tcp, client_context(self._trust, "1.2"), self._host_name)
        self._streams[-1] = tls
        await tls.do_handshake()

    async def _hello(self) -> set[str]:
        """What the server offers, in upper case: the keyword alone, and for AUTH each mechanism as AUTH NAME."""
        ip = socket_below(self._stream).getsockname()[0].partition("%")[0]
        _, text = await self._ask(f"EHLO [{'IPv6:' if ':' in ip else ''}{ip}]", 250)
        offered = set()
        for line in text.upper().split("\n")[1:]:
            keyword, *rest = line.split() or [""]
            offered |= {keyword, *(f"{keyword} {each}" for each in rest)}
        return offered

    async def _log_in(self, login: Login, offered: set[str]) -> None:
        if "AUTH PLAIN" not in offered:
            raise _Refused(Answer(failure="mail_login", detail="the mail server does not offer AUTH PLAIN"))
        text = base64.b64encode(f"\0{login.user}\0{login.password}".encode()).decode("ascii")
        code, _ = await self._ask(f"AUTH PLAIN {text}")
        if code != 235:
            word = "mail_deferred" if code // 100 == 4 else "mail_login"
            raise _Refused(Answer(failure=word, detail=f"the mail server refuses the login: {code}"))

    async def _ask(self, command: str, wanted: int | None = None) -> tuple[int, str]:
        await self._stream.send_all(command.encode("utf-8") + b"\r\n")
        return await self._reply(wanted, command.partition(" ")[0].partition(":")[0])

    async def _reply(self, wanted: int | None, what: str) -> tuple[int, str]:
        """A reply's code and its lines. Raises _Refused for another than is wanted."""
        lines = []
        while True:
            line = await self._line()
            if len(line) < 3 or not line[:3].isdigit() or not line.isascii():
                raise _Refused(Answer(failure="malformed", detail=f"the mail server's answer to {what} is no reply"))
            lines.append(line[4:])
            if line[3:4] != "-":
                break
            if len(lines) >= _MOST_LINES:
                raise _Refused(Answer(failure="malformed", detail=f"the mail server's answer to {what} has no end"))
        code = int(line[:3])
        if wanted is not None and code != wanted:
            raise _Refused(_answer(code, what))
        return code, "\n".join(lines)

    async def _line(self) -> str:
        while (end := self._read.find(b"\n")) < 0:
            part = await self._stream.receive_some(4096)
            if not part:
                raise _Refused(Answer(failure="closed", detail="the mail server closed the connection"))
            self._read += part
            if len(self._read) > _MOST_REPLY:
                raise _Refused(Answer(failure="malformed", detail="the mail server's answer has no end"))
        line = bytes(self._read[:end]).rstrip(b"\r").decode("latin-1")
        del self._read[: end + 1]
        return line


def _answer(code: int, what: str) -> Answer:
    """A refusal: for now (4yz), or for good (RFC 5321 section 4.2.1). What the server says of it is not kept, as it may
    quote anything."""
    word = "mail_deferred" if code // 100 == 4 else "mail_refused"
    return Answer(failure=word, detail=f"the mail server answers {what} with {code}")
