"""The contract that `peer_chain` relies on: one private attribute of CPython's. If it goes away with an
upgrade, this fails and says where to look."""

from pathlib import Path

import pytest
import trio

from parallax.dialling.tls import Trust, client_context, open_tls, peer_chain, session_of
from tests.fakes.http_server import http_server, silent
from tests.parts.certificates import Authority


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_chain_is_there_whether_it_verifies_or_not(tmp_path: Path, trusted: bool) -> None:
    authority = Authority()
    leaf = authority.below("middle").leaf("acme.test")
    trust = Trust(authority.write(tmp_path)) if trusted else Trust()
    async with http_server(silent, certificate=leaf) as server:
        stream = await trio.open_tcp_stream("127.0.0.1", server.address.port)
        async with stream:
            tls = open_tls(stream, client_context(trust), "acme.test")
            assert peer_chain(tls) == []
            assert session_of(tls) is None
            if trusted:
                await tls.do_handshake()
                session = session_of(tls)
                assert session is not None
                assert session.version == "TLSv1.3"
            else:
                with pytest.raises(trio.BrokenResourceError):
                    await tls.do_handshake()
                assert session_of(tls) is None
            chain = peer_chain(tls)
    assert chain[0] == leaf.der
    assert len(chain) == 2


def test_contexts_are_shared_by_trust_version_and_alpn() -> None:
    assert client_context(Trust()) is client_context(Trust())
    assert client_context(Trust()) is not client_context(Trust(), "1.3")
    assert client_context(Trust()) is not client_context(Trust(), "1.2", ("h2",))
