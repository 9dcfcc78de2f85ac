"""HTTP/1.1 for the lab's hosts: a request in, a response out, with bounds on size and time (RFC 9112, by h11)."""

import ssl
from collections.abc import Awaitable, Callable, Mapping

import h11
import msgspec
import trio

MOST_BODY = 65536
NO_CONTENT = 204
IDLE_S = 15.0
"""For one request with its response, and for a handshake: a slow client is let go."""
_PIECE = 16384


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`path` is without the query, which is as it came. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""


Respond = Callable[[Request], Awaitable[Response]]


async def serve_https(stream: trio.abc.Stream, context: ssl.SSLContext, respond: Respond) -> None:
    """TLS, then as `serve_http`."""
    tls: trio.SSLStream[trio.abc.Stream] = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
    with trio.move_on_after(IDLE_S) as scope:
        await tls.do_handshake()
    if not scope.cancelled_caught:
        await serve_http(tls, respond)


async def serve_http(stream: trio.abc.Stream, respond: Respond) -> None:
    """Answers requests until the client ends, is too slow, or sends what is no HTTP. The caller closes the stream.

    Raises trio.BrokenResourceError where the client is gone.
    """
    connection = h11.Connection(h11.SERVER)
    while True:
        with trio.move_on_after(IDLE_S) as scope:
            request: Request | None = None
            try:
                request = await _receive(connection, stream)
                if request is None:
                    return
                response = await respond(request)
            except h11.RemoteProtocolError as error:
                if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
                    return
                response = Response(status=error.error_status_hint)
            await stream.send_all(_encode(connection, response, with_body=request is None or request.method != "HEAD"))
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()
        if scope.cancelled_caught:
            return


async def _receive(connection: h11.Connection, stream: trio.abc.Stream) -> Request | None:
    """The next request, whole; None at the client's end. Raises h11.RemoteProtocolError."""
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(bytes(await stream.receive_some(_PIECE)))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
            if len(body) > MOST_BODY:
                raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            path, _, query = head.target.decode("latin-1").partition("?")
            return Request(
                method=head.method.decode("ascii"),
                path=path,
                query=query,
                headers={name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers},
                body=body,
            )
        else:
            return None


def _encode(connection: h11.Connection, response: Response, *, with_body: bool) -> bytes:
    headers = list(response.headers.items())
    if response.status != NO_CONTENT:  # RFC 9110 section 8.6
        headers.append(("content-length", str(len(response.body))))
    parts = [
        connection.send(h11.Response(status_code=response.status, headers=headers)),
        connection.send(h11.Data(data=response.body if with_body else b"")),
        connection.send(h11.EndOfMessage()),
    ]
    return b"".join(part for part in parts if part)
