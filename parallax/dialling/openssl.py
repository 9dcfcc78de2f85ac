"""A client's TLS handshake for those who look at the server, not for those who talk to it. The importer of pyOpenSSL.

CPython's ssl asks for no stapled OCSP response, names no key exchange group, and ends at the first fault of a
certificate. Here the handshake goes on whatever is wrong, so that everything is seen at once: what was agreed on, the
certificates, the staple, and each fault that verification found. So a handshake that ends well says nothing of trust:
`refusals` does, and no data may follow without a look at it and at the names.

OpenSSL works on buffers; the octets go over a trio stream.
"""

import ssl
from collections.abc import Callable
from functools import cache

import msgspec
import trio
from OpenSSL import SSL, crypto

from parallax.dialling.errors import TlsFailed, tls_failure
from parallax.dialling.tls import Trust, check_ca_file
from parallax.values import is_ip

MOST_OCTETS = 1_000_000
"""Read of a handshake at most. OpenSSL has bounds of its own (100 kB of certificates); this one is ours."""
_PART = 65536


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """What a finished handshake agreed on: "TLSv1.3", OpenSSL's cipher name, the ALPN word and the group, if any."""

    version: str
    cipher: str
    alpn: str | None
    group: str | None
    """Of the key exchange: "x25519", "X25519MLKEM768"; None with the RSA key exchange."""


class _Noted:
    """What OpenSSL's callbacks said of one handshake."""

    __slots__ = ("refusals", "staple")

    def __init__(self) -> None:
        self.refusals: list[tuple[int, int]] = []
        self.staple: bytes | None = None


class Handshake:
    """One handshake with `server_name`, at most once. What it has seen so far can be asked for at any time."""

    def __init__(self, trust: Trust, server_name: str, alpn: tuple[str, ...] = ()) -> None:
        """Raises OSError for a trust store that cannot be read."""
        self._noted, self._done = _Noted(), False
        self._connection = connection = SSL.Connection(observing_context(trust), None)
        connection.set_app_data(self._noted)
        connection.set_connect_state()
        connection.request_ocsp()
        if not is_ip(server_name):  # RFC 6066 section 3: no literal addresses
            connection.set_tlsext_host_name(server_name.encode("ascii"))
        if alpn:
            connection.set_alpn_protos([word.encode("ascii") for word in alpn])

    async def run(
        self,
        stream: trio.abc.Stream,
        at_first_octet: Callable[[], object] = lambda: None,
        *,
        most_octets: int = MOST_OCTETS,
    ) -> None:
        """Shakes hands over the stream. Raises TlsFailed, and what the stream raises; the caller owns the timeout.
        `at_first_octet` is called once, when the first of the server's octets are here."""
        received = 0
        while not self._step():
            await self._send(stream)
            data = await stream.receive_some(_PART)
            if not data:
                raise TlsFailed("closed", "the connection was closed in the handshake")
            if not received:
                at_first_octet()
            received += len(data)
            if received > most_octets:
                raise TlsFailed("tls_malformed", f"more than {most_octets} octets came, and no end of the handshake")
            self._connection.bio_write(bytes(data))
        await self._send(stream)

    @property
    def agreed(self) -> Agreed | None:
        """None before the handshake's end."""
        connection = self._connection
        cipher = connection.get_cipher_name()
        if not self._done or cipher is None:
            return None
        return Agreed(
            version=connection.get_protocol_version_name(),
            cipher=cipher,
            alpn=connection.get_alpn_proto_negotiated().decode("ascii", "replace") or None,
            group=connection.get_group_name(),
        )

    @property
    def chain(self) -> list[bytes]:
        """The certificates as the server sent them, leaf first, DER. Empty if none came."""
        return _der(self._connection.get_peer_cert_chain())

    @property
    def path(self) -> list[bytes]:
        """The certificates that verification put in a row, leaf first, as far towards a trusted one as it came, DER."""
        return _der(self._connection.get_verified_chain())

    @property
    def refusals(self) -> list[tuple[int, int]]:
        """What verification found wrong: OpenSSL's codes (x509_vfy.h), each with the place in the path, 0 the leaf.
        Names are not among it."""
        return list(dict.fromkeys(self._noted.refusals))

    @property
    def staple(self) -> bytes | None:
        """The stapled OCSP response as it came (RFC 6066 section 8); None without one."""
        return self._noted.staple or None

    def _step(self) -> bool:
        """Whether the handshake is over."""
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except tuple(FAILURES) as error:
            raise _failed(error) from None
        self._done = True
        return True

    async def _send(self, stream: trio.abc.Stream) -> None:
        try:
            while data := self._connection.bio_read(_PART):
                await stream.send_all(data)
        except SSL.WantReadError:
            pass


FAILURES: dict[type[Exception], str] = {
    SSL.Error: "tls_malformed",
    SSL.SysCallError: "closed",
    SSL.ZeroReturnError: "closed",
}
"""What a handshake raises, and the failure word where OpenSSL's reason says no more."""


@cache
def observing_context(trust: Trust) -> SSL.Context:
    """A client's context for TLS 1.2 and up that verifies, and goes on. Kept: it reads the trust store (10 ms). Raises
    OSError or ssl.SSLError for a CA file that cannot be read."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    paths = ssl.get_default_verify_paths()  # the host's; those that pyOpenSSL was built with are elsewhere
    if paths.cafile or paths.capath:
        context.load_verify_locations(paths.cafile, paths.capath)
    if trust.ca_file:
        check_ca_file(trust.ca_file)
        context.load_verify_locations(trust.ca_file)
    context.set_verify(SSL.VERIFY_PEER, _note_certificate)
    context.set_ocsp_client_callback(_note_staple)
    return context


def _note_certificate(connection: SSL.Connection, _: crypto.X509, code: int, depth: int, ok: int) -> bool:
    if not ok:
        connection.get_app_data().refusals.append((code, depth))
    return True


def _note_staple(connection: SSL.Connection, staple: bytes, _: object) -> bool:
    connection.get_app_data().staple = staple
    return True


def _failed(error: Exception) -> TlsFailed:
    """OpenSSL's errors come as (library, function, reason), the first one the cause."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reasons = [entry[-1] for entry in queue if isinstance(entry, tuple) and entry and entry[-1]]
    return tls_failure(reasons[0]) if reasons else TlsFailed(FAILURES[type(error)], "what came is no handshake")


def _der(certificates: list[crypto.X509] | None) -> list[bytes]:
    return [crypto.dump_certificate(crypto.FILETYPE_ASN1, each) for each in certificates or ()]
