"""One HTTP POST to a pinned or looked-up address: what receivers and actions are told by, and probes page by.

Delivery must not hang on the DNS that is watched, so a pinned address is dialled as it is. Without one the name is
looked up at each try; where that fails, the addresses that were found last are dialled.
"""

import math
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Literal

import msgspec
import trio

from parallax import __version__
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig, ProbeConfig
from parallax.dialling.errors import EXPECTED, detail_of, failure_of
from parallax.dialling.fields import retry_after_s
from parallax.dialling.http import ALPN, Http, Response, open_http
from parallax.dialling.route import NotAllowed, Routes
from parallax.dialling.tls import Trust, client_context
from parallax.values import Address, Url

CONNECT_S = 3.0
"""How long one address may take to take the connection."""
LOOKUP_S = 2.0
MOST_ADDRESSES = 8
MOST_ANSWER = 1024
"""Octets of an answer's body that are read, so that the receiver need not see a reset. What it says is not kept, but
for what `heard` makes of it."""
ANSWER_S = 0.3
_QUOTED = re.compile(r"(?:bytearray\()?\bb['\"].*", re.DOTALL)
"""Octets that a library quotes: what the other side said, which may be our own secret sent back, or what we sent."""
_LOOKUPS = trio.CapacityLimiter(4)
"""Threads that wait for a resolver. Of their own: a dead resolver must not use up those that read journals."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try: a status, or a failure word with what a person should know about it."""

    status: int | None = None
    failure: str = ""
    detail: str = ""
    retry_after_s: float | None = None

    @property
    def words(self) -> str:
        """For people."""
        if self.status is not None:
            return f"answered {self.status}: {self.detail}" if self.detail else f"answered {self.status}"
        return f"{self.failure.replace('_', ' ')}: {self.detail}" if self.detail else self.failure.replace("_", " ")


LookUp = Callable[[str, int], Awaitable[list[Address]]]
"""A host and port to addresses, in order. Raises OSError."""
Heard = Callable[[Answer, bytes], Answer]
"""An answer and the start of its body to what they mean together."""


async def look_up(host: str, port: int) -> list[Address]:
    """By the host's own resolver, in its order. Raises OSError (socket.gaierror)."""

    def ask() -> list[tuple[Any, ...]]:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    found = await trio.to_thread.run_sync(ask, abandon_on_cancel=True, limiter=_LOOKUPS)
    addresses = dict.fromkeys(Address.of(entry[4][0].partition("%")[0], port) for entry in found)
    return list(addresses)[:MOST_ADDRESSES]


class Poster:
    """POSTs to one URL. One at a time."""

    def __init__(
        self,
        url: Url,
        address: Address | None,
        config: CollectorConfig | ProbeConfig,
        *,
        look_up: LookUp = look_up,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        self._url, self._address, self._look_up, self._wall = url, address, look_up, wall
        self._routes = Routes.of(((entry.source, entry.to) for entry in config.connect_to), config.allow)
        self._trust = Trust(config.ca)
        self._whose = f"the {'probe' if isinstance(config, ProbeConfig) else 'collector'}'s config"
        self._found: list[Address] = []

    async def prepare(self) -> None:
        """Builds the TLS context (15 ms that nobody need wait for), and looks the address up for the day when that
        fails."""
        if self._url.https:
            with suppress(OSError):  # each try says it again
                client_context(self._trust, "1.2", ALPN)
        with suppress(OSError):
            await self._addresses()

    async def post(
        self,
        body: bytes,
        headers: Callable[[], Mapping[str, str]],
        *,
        heard: Heard | None = None,
        method: Literal["POST", "GET"] = "POST",
    ) -> Answer:
        """Sends once; what came of it. `headers` are made for each connection, as they may hold the time; `heard` is
        for those whose answer's body says more than the status.

        Never raises but for cancellation; the caller owns the timeout."""
        try:
            addresses = await self._addresses()
        except OSError as error:
            return Answer(failure="no_address", detail=f"{self._url.endpoint.host}: {error.strerror or error}")
        answer = Answer(failure="no_address", detail=f"{self._url.endpoint.host} has none")
        for number, address in enumerate(addresses):
            answer, connected = await self._post_to(address, body, headers, len(addresses) - number, heard, method)
            if connected:  # whatever came of it: another address would be told a second time
                break
        return answer

    async def _post_to(
        self,
        address: Address,
        body: bytes,
        headers: Callable[[], Mapping[str, str]],
        left: int,
        heard: Heard | None,
        method: str,
    ) -> tuple[Answer, bool]:
        """The answer, and whether there was a connection."""
        try:
            real = self._routes.dial_address(address, "tcp")
        except NotAllowed as refused:
            ip = refused.address.ip
            detail = f'{ip} is not a public address; add its network to "allow" in {self._whose}'
            return Answer(failure="not_allowed", detail=detail), False
        if not self._url.https and not real.parsed_ip.is_loopback:
            return Answer(failure="not_https", detail=f"{real.ip} is not loopback; write https://"), False
        sent = {"user-agent": f"Parallax/{__version__}", **headers()}
        remaining_s = trio.current_effective_deadline() - trio.current_time()
        connecting = trio.CancelScope(deadline=trio.current_time() + min(CONNECT_S, remaining_s / left))

        def enter(phase: str) -> None:
            if phase != "connect":
                connecting.deadline = math.inf

        async with open_http(address, self._routes, self._trust) as http:
            with connecting:
                try:
                    async with http.request(method, self._url, headers=sent, body=body, enter=enter) as got:
                        wait_s = retry_after_s(got.headers, self._wall() / NS)
                        answer = Answer(status=got.status_code, retry_after_s=wait_s)
                        said = await _drain(got)
                        return heard(answer, said) if heard else answer, True
                except EXPECTED as error:
                    return _failed(error, http, self._whose), http.stream is not None
        return Answer(failure="timeout", detail=f"{address} takes no connection"), False

    async def _addresses(self) -> list[Address]:
        """Where to dial, in order. Raises OSError where the name has no address and never had one."""
        endpoint = self._url.endpoint
        pinned = self._address or endpoint.address
        if pinned is not None:
            return [pinned]
        failure = OSError("the lookup takes too long")
        with trio.move_on_after(LOOKUP_S):
            try:
                self._found = await self._look_up(endpoint.host, endpoint.port)
            except OSError as error:
                failure = error
            else:
                return self._found
        if not self._found:
            raise failure
        return self._found


async def _drain(response: Response) -> bytes:
    """The start of the body. The answer counts from its head on: a body that is slow, broken or endless changes
    nothing."""
    read = bytearray()
    with trio.move_on_after(ANSWER_S), suppress(*EXPECTED):
        async for part in response.aiter_raw():
            read += part
            if len(read) > MOST_ANSWER:
                break
    return bytes(read[:MOST_ANSWER])


def _failed(error: BaseException, http: Http, whose: str) -> Answer:
    """A library's exception as a failure word; what no table knows is a bug, and is raised again."""
    word = failure_of(error)
    if word == "bug":
        raise error
    if word == "malformed" and http.peer_ended:
        word = "closed"
    way_out = f'; is its CA in "ca" of {whose}?' if word == "certificate" else ""
    return Answer(failure=word, detail=_QUOTED.sub("...", detail_of(error))[:200] + way_out)
