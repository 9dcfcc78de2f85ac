"""One attempt at one address over TCP or UDP. No name resolution, no happy eyeballs, no retry, and errno kept:
`trio.open_tcp_stream` races addresses, which would hide a dead one, and loses the errno in an exception group."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trio
from trio import socket as tsocket

from parallax.dialling.route import Routes
from parallax.dialling.tls_stream import TlsStream
from parallax.values import Address, Protocol


async def open_tcp(address: Address, routes: Routes) -> trio.SocketStream:
    """A connected stream. Raises NotAllowed and OSError (with errno); the caller owns the timeout."""
    real = routes.dial_address(address, "tcp")
    with _closing_on_failure(_socket(real, "tcp")) as sock:
        sock.setsockopt(tsocket.IPPROTO_TCP, tsocket.TCP_NODELAY, 1)
        await sock.connect((real.ip, real.port))
        return trio.SocketStream(sock)


async def open_udp(address: Address, routes: Routes) -> tsocket.SocketType:
    """A connected UDP socket: the kernel drops packets from other sources, and a closed port is ECONNREFUSED.

    Raises NotAllowed and OSError. The caller closes it.
    """
    real = routes.dial_address(address, "udp")
    with _closing_on_failure(_socket(real, "udp")) as sock:
        await sock.connect((real.ip, real.port))
        return sock


def close_now(stream: trio.abc.Stream) -> None:
    """Closes a TCP or TLS stream without a close_notify, which a peer that reads no more could hold up for ever."""
    socket_below(stream).close()


def socket_below(stream: trio.abc.Stream) -> tsocket.SocketType:
    """The socket of a TCP stream, or of the one under a TLS stream."""
    below: Any = stream.transport_stream if isinstance(stream, TlsStream) else stream
    sock: tsocket.SocketType = below.socket
    return sock


def _socket(address: Address, protocol: Protocol) -> tsocket.SocketType:
    family = tsocket.AF_INET6 if address.family == 6 else tsocket.AF_INET
    return tsocket.socket(family, tsocket.SOCK_STREAM if protocol == "tcp" else tsocket.SOCK_DGRAM)


@contextmanager
def _closing_on_failure(sock: tsocket.SocketType) -> Iterator[tsocket.SocketType]:
    try:
        yield sock
    except BaseException:
        sock.close()
        raise
