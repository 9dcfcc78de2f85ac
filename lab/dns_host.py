"""A DNS server's two services, UDP and TCP 53, over whatever gives the answers: a zone's authority or a resolver."""

from collections.abc import Awaitable, Callable, Sequence

import trio

from lab.dns_wire import read_query
from lab.internet import DatagramService, StreamService, Visit
from lab.records import Answer, Question
from lab.zone import Zone, authoritative_answer

PORT = 53
SLOW_CLIENT_S = 10.0
_NOT_RECURSIVE = Answer(rcode="REFUSED")

Answering = Callable[[Question], Awaitable[Answer]]


def authority(zones: Callable[[], Sequence[Zone]]) -> Answering:
    """The answers of an authoritative server; `zones` gives what it serves at that moment."""

    async def answer(question: Question) -> Answer:
        return authoritative_answer(zones(), question)

    return answer


class DnsService:
    """Gives the answers as messages. `nsid` is sent to those who ask for it (RFC 5001), if there is one."""

    def __init__(
        self,
        answering: Answering,
        *,
        nsid: str = "",
        recursive: bool = False,
        peek: Callable[[Question], Answer] | None = None,
    ) -> None:
        """`recursive`: a resolver; `peek`, what it says to those who ask without recursion, else REFUSED."""
        self._answering, self._nsid, self._recursive, self._peek = answering, nsid, recursive, peek

    @property
    def datagrams(self) -> dict[int, DatagramService]:
        return {PORT: self._datagram}

    @property
    def streams(self) -> dict[int, StreamService]:
        return {PORT: self._stream}

    async def _datagram(self, visit: Visit, wire: bytes) -> bytes | None:
        return await self._reply(wire, datagram=True)

    async def _stream(self, visit: Visit, stream: trio.abc.Stream) -> None:
        """One query after the other (RFC 7766), until the client ends, is slow, or sends what is no query."""
        held = b""
        while True:
            with trio.move_on_after(SLOW_CLIENT_S) as scope:
                while len(held) < 2 or len(held) < 2 + int.from_bytes(held[:2], "big"):
                    piece = await stream.receive_some(4096)
                    if not piece:
                        return
                    held += piece
                end = 2 + int.from_bytes(held[:2], "big")
                wire, held = held[2:end], held[end:]
                reply = await self._reply(wire, datagram=False)
                if reply is None:
                    return
                await stream.send_all(len(reply).to_bytes(2, "big") + reply)
            if scope.cancelled_caught:
                return

    async def _reply(self, wire: bytes, *, datagram: bool) -> bytes | None:
        asked = read_query(wire)
        if asked is None or isinstance(asked, bytes):
            return asked
        if not self._recursive or asked.recursion_desired:
            answer = await self._answering(asked.question)
        else:
            answer = self._peek(asked.question) if self._peek else _NOT_RECURSIVE
        return asked.reply(answer, nsid=self._nsid, recursive=self._recursive, datagram=datagram)
