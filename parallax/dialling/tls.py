"""TLS over an open stream: shared contexts, one handshake, and the certificates even when verification fails.

A context costs about 15 ms of CPU to build (reading the trust store), so one is kept per (trust, oldest version, ALPN);
ALPN is part of the key because an HTTP client sets it on the context at every connect. A kept context goes on trusting
what the files held when it was made.
"""

import ssl
from functools import cache
from typing import Any

import msgspec
import trio

from parallax.dialling.tls_stream import TlsStream


class Trust(msgspec.Struct, frozen=True):
    """Whom a dialler trusts: the host's trust store, plus the CAs of a PEM file. And by what it is trusted, where it is
    asked: a PEM file with its own certificate and key."""

    ca_file: str | None = None
    own_file: str | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What a finished handshake agreed on: "TLSv1.3", OpenSSL's cipher name, the ALPN word if one was chosen."""

    version: str
    cipher: str
    alpn: str | None


@cache
def client_context(trust: Trust, min_version: str = "1.2", alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """A verifying client context (RFC 8446, RFC 6125). Raises OSError or ssl.SSLError for an unreadable CA file; for a
    certificate of its own, see `check_own_file`."""
    context = ssl.create_default_context()
    context.minimum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[min_version]
    if trust.ca_file:
        context.load_verify_locations(trust.ca_file)
    if trust.own_file:
        context.load_cert_chain(trust.own_file, password=_no_passphrase)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def check_own_file(path: str) -> None:
    """Whether the file holds a certificate and its key. Raises OSError, ssl.SSLError or ValueError."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(path, password=_no_passphrase)


def _no_passphrase() -> str:
    """Else OpenSSL asks on the terminal, and the start hangs there."""
    raise ValueError("the key has a passphrase; take it off")


def check_ca_file(path: str) -> None:
    """Whether the file holds CAs that can be trusted. Raises OSError or ssl.SSLError."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)


def open_tls(stream: trio.SocketStream, context: ssl.SSLContext, server_name: str) -> TlsStream:
    """A TLS stream before its handshake."""
    return TlsStream(stream, context, server_name)


def session_of(stream: TlsStream) -> Session | None:
    """What the handshake agreed on; None before its end."""
    tls, cipher = stream.tls, stream.tls.cipher() if stream.shaken else None
    return Session(version=tls.version() or "", cipher=cipher[0], alpn=tls.selected_alpn_protocol()) if cipher else None


def peer_chain(stream: TlsStream) -> list[bytes]:
    """The certificates that the server sent, leaf first, DER; also after a failed verification. Empty if none came.

    CPython has this in its public API from 3.13 only; before, the method is on an inner object: the look inside is here
    and nowhere else.
    """
    inner: Any = stream.tls
    source = inner if hasattr(inner, "get_unverified_chain") else getattr(inner, "_sslobj", None)
    chain = source.get_unverified_chain() if source is not None else None
    return [c if isinstance(c, bytes) else c.public_bytes(_DER) for c in chain or ()]


_DER = 2  # _ssl.ENCODING_DER
