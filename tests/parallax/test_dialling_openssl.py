"""The handshake that only looks, against CPython's own TLS server in memory."""

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from parallax.dialling.errors import TlsFailed
from parallax.dialling.openssl import Handshake, observing_context
from parallax.dialling.tls import Trust
from tests.parts.certificates import Authority, Leaf

AUTHORITY = Authority()
LEAF = AUTHORITY.leaf("a.test", "192.0.2.1")


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust(AUTHORITY.write(tmp_path_factory.mktemp("ca")))


class Peer:
    """The server's side; `asked_for` is the name that came with the ClientHello."""

    def __init__(self, folder: Path, leaf: Leaf = LEAF) -> None:
        self.asked_for: str | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*leaf.write(folder, "leaf"))
        self.context.sni_callback = self._note

    def _note(self, _: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        self.asked_for = name

    async def serve(self, stream: trio.abc.Stream) -> None:
        tls = trio.SSLStream(stream, self.context, server_side=True, https_compatible=True)
        with suppress(trio.BrokenResourceError):
            await tls.do_handshake()


async def shake(handshake: Handshake, peer: Peer, **options: object) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer.serve, theirs)
        try:
            await handshake.run(ours, **options)
        finally:
            await ours.aclose()
            nursery.cancel_scope.cancel()


async def test_it_ends_well_and_says_nothing_of_trust(trust: Trust, tmp_path: Path) -> None:
    peer, octets = Peer(tmp_path), []
    peer.context.set_alpn_protocols(["h2"])
    good, stranger = Handshake(trust, "a.test", ("h2",)), Handshake(Trust(), "a.test")
    await shake(good, peer, at_first_octet=lambda: octets.append(1))
    await shake(stranger, peer)
    assert octets == [1]
    assert good.agreed is not None
    assert (good.agreed.version, good.agreed.alpn) == ("TLSv1.3", "h2")
    assert stranger.agreed is not None
    assert stranger.agreed.alpn is None
    assert (good.refusals, stranger.refusals) == ([], [(20, 0), (21, 0)])
    assert good.chain == stranger.chain == [LEAF.der]
    assert len(good.path) == 2  # with the CA, which was not sent
    assert good.staple is None


@pytest.mark.parametrize(("name", "sent"), [("a.test", "a.test"), ("192.0.2.1", None)])
async def test_an_address_is_no_server_name(trust: Trust, tmp_path: Path, name: str, sent: str | None) -> None:
    peer = Peer(tmp_path)
    await shake(Handshake(trust, name), peer)
    assert peer.asked_for == sent


async def test_there_is_a_bound_on_what_is_read(trust: Trust, tmp_path: Path) -> None:
    handshake = Handshake(trust, "a.test")
    failed: list[BaseException] = []
    try:
        await shake(handshake, Peer(tmp_path), most_octets=100)
    except* TlsFailed as group:
        failed += group.exceptions
    assert [(each.word, "more than 100 octets" in str(each)) for each in failed] == [("tls_malformed", True)]
    assert handshake.agreed is None


async def test_before_anything_came_there_is_nothing_to_see(trust: Trust) -> None:
    handshake = Handshake(trust, "a.test")
    assert handshake.agreed is None
    assert (handshake.chain, handshake.path, handshake.refusals, handshake.staple) == ([], [], [], None)


def test_the_trust_store_is_read_once(trust: Trust) -> None:
    assert observing_context(trust) is observing_context(Trust(trust.ca_file))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(OSError):  # noqa: PT011 - ssl.SSLError is one; which words is openssl's matter
        Handshake(Trust(str(path)), "a.test")


async def test_cancelled_at_any_moment_it_can_still_be_asked(trust: Trust, tmp_path: Path) -> None:
    ended = False
    for checkpoints in range(30):
        handshake = Handshake(trust, "a.test")
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as scope:
                nursery.start_soon(_cancel_after, checkpoints, scope)
                await shake(handshake, Peer(tmp_path))
            nursery.cancel_scope.cancel()
        ended = ended or handshake.agreed is not None
        assert handshake.agreed is None or handshake.chain == [LEAF.der]
        assert handshake.chain in ([], [LEAF.der])
    assert ended


async def _cancel_after(checkpoints: int, scope: trio.CancelScope) -> None:
    for _ in range(checkpoints):
        await trio.lowlevel.checkpoint()
    scope.cancel()
