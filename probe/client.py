"""The HTTP side of one collector: batches up, the plan down, over kept-alive connections to a pinned address.

Nothing is looked up, so that shipping survives the death of the DNS that is watched. The host's owner wrote the
collector's address into the config, which allows dialling it, and it alone.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import quote

import msgspec
import trio

from parallax import wire
from parallax.asks import Asks
from parallax.clock import NS, wall_ns
from parallax.config import CollectorAddress
from parallax.dialling.errors import EXPECTED, detail_of, failure_of
from parallax.dialling.fields import http_date, retry_after_s
from parallax.dialling.http import ALPN, Headers, Http, Response, open_http
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust, check_own_file, client_context
from parallax.secret import Secret, SecretError, secret_file
from parallax.values import Address, Cidr
from probe.asks import AsksAnswer
from probe.outcomes import Answer

POST_TIMEOUT_S = 20.0
POLL_WAIT_S = 25
POLL_TIMEOUT_S = POLL_WAIT_S + 10.0
MAX_ACK = 65_536
MAX_PLAN = 8_000_000
MAX_ASKS = 262_144


class PlanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking for the plan. `date_s` is the collector's clock as its answer said it: whole seconds
    since the Unix epoch."""

    status: int | None = None
    failure: str | None = None
    body: bytes = b""
    etag: str = ""
    date_s: float | None = None
    detail: str = ""


class CollectorClient:
    """Talks to one collector. Never raises but for cancellation: what goes wrong is in the answer."""

    def __init__(self, url: str, http: Http, token: Callable[[], Secret]) -> None:
        self._url, self._http, self._token = url.rstrip("/"), http, token
        self._sent = ""

    async def post_batch(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Sends a batch's bytes as they are."""
        headers = {**headers, "content-type": wire.MSGPACK, "content-encoding": wire.ZSTD}
        status, answer_headers, content, failure = await self._exchange(
            "POST", "/v1/batches", headers, body, POST_TIMEOUT_S, MAX_ACK
        )
        if status is None:
            return Answer(failure=failure, detail=content.decode())
        return Answer(
            status=status,
            ack=_ack(content) if status == 200 else None,
            retry_after_s=retry_after_s(answer_headers, wall_ns() / NS),
            detail="" if status == 200 else _shown(content),
        )

    async def get_plan(self, etag: str, wait_s: int = POLL_WAIT_S) -> PlanAnswer:
        """Asks for this probe's part; with an etag, the answer comes once it has another or the wait is over."""
        headers = {"if-none-match": f'"{etag}"'} if etag else {}
        status, answer_headers, content, failure = await self._exchange(
            "GET", f"/v1/plan?wait={wait_s}", headers, b"", POLL_TIMEOUT_S, MAX_PLAN
        )
        if status is None:
            return PlanAnswer(failure=failure, detail=content.decode())
        return PlanAnswer(
            status=status,
            body=content if status == 200 else b"",
            etag=answer_headers.get("etag", "").strip('"'),
            date_s=http_date(answer_headers.get("date", "")),
            detail="" if status in (200, 304) else _shown(content),
        )

    async def get_asks(self, after: str, wait_s: int = POLL_WAIT_S) -> AsksAnswer:
        """Asks what this probe is to look at now; the answer comes once that is another version than this one, or the
        wait is over."""
        path = f"/v1/asks?after={quote(after, safe='')}&wait={wait_s}"
        status, headers, content, failure = await self._exchange("GET", path, {}, b"", POLL_TIMEOUT_S, MAX_ASKS)
        if status is None:
            return AsksAnswer(failure=failure, detail=content.decode())
        return AsksAnswer(
            status=status,
            asks=_asks(content) if status == 200 else None,
            retry_after_s=retry_after_s(headers, wall_ns() / NS),
            detail="" if status == 200 else _shown(content),
        )

    async def get(self, path: str, *, timeout_s: float, limit: int) -> tuple[int | None, bytes]:
        """Asks for anything else: the status (None if it failed), and the body (or what went wrong)."""
        status, _, content, failure = await self._exchange("GET", path, {}, b"", timeout_s, limit)
        return status, content or failure.encode()

    def has_new_token(self) -> bool:
        """Whether the token is another one than was last sent. An unreadable one is none."""
        try:
            return self._token().reveal() != self._sent
        except SecretError:
            return False

    async def _exchange(
        self, method: str, path: str, headers: dict[str, str], body: bytes, timeout_s: float, limit: int
    ) -> tuple[int | None, Headers, bytes, str]:
        """Status (None if it failed), headers, the body up to a limit (the detail if it failed), the failure word."""
        try:
            self._sent = self._token().reveal()
        except SecretError as error:
            self._sent = ""
            return None, Headers(()), str(error).encode(), "token"
        headers = {**headers, "authorization": f"Bearer {self._sent}"}
        with trio.move_on_after(timeout_s):
            try:
                async with self._http.request(method, self._url + path, headers=headers, body=body) as response:
                    content = await _read(response, limit)
                    if content is None:
                        return None, Headers(()), b"the answer is too large", "malformed"
                    return response.status_code, response.headers, content, ""
            except EXPECTED as error:
                failure = failure_of(error)
                return None, Headers(()), (detail_of(error)[:300] + _WAY_OUT.get(failure, "")).encode(), failure
        return None, Headers(()), b"", "timeout"


_WAY_OUT = {"certificate": "; is `ca` of this [[collector]] the CA of the collector's certificate?"}


@asynccontextmanager
async def open_client(config: CollectorAddress, token: Callable[[], Secret]) -> AsyncIterator[CollectorClient]:
    """A client for one collector of the config. Raises OSError or ssl.SSLError for an unreadable CA file, SecretError
    for a client certificate that cannot be used.

    `token` is asked for the bearer token at every request, so that a changed file is heeded; it raises SecretError."""
    address = dial_address(config)
    trust = Trust(config.ca, _own_file(config.certificate) if config.certificate else None)
    if config.url.https:
        client_context(trust, "1.2", ALPN)  # now, so that an unreadable CA file is seen at the start
    alone = Routes.of(allow=[Cidr(f"{address.ip}/{128 if address.family == 6 else 32}")])
    async with open_http(address, alone, trust) as http:
        yield CollectorClient(config.url, http, token)


def _own_file(reference: str) -> str:
    path = str(secret_file(reference))
    try:
        check_own_file(path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = getattr(error, "reason", None) or error
        raise SecretError(f"{path} holds no certificate and its key in PEM: {why}; enrol this probe again") from None
    return path


def dial_address(config: CollectorAddress) -> Address:
    """Where the collector is dialled. The loader has seen to it that there is an address (parallax.config_rules)."""
    address = config.address or config.url.endpoint.address
    assert address is not None, config.url
    return address


async def _read(response: Response, limit: int) -> bytes | None:
    content = bytearray()
    async for part in response.aiter_raw():
        content += part
        if len(content) > limit:
            return None
    return bytes(content)


def _ack(content: bytes) -> wire.Ack | None:
    try:
        return msgspec.json.decode(content, type=wire.Ack)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _asks(content: bytes) -> Asks | None:
    try:
        return msgspec.json.decode(content, type=Asks)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _shown(content: bytes) -> str:
    """The start of an error answer, printable, for a log."""
    return "".join(c if c.isprintable() else " " for c in content[:300].decode("utf-8", "replace"))
