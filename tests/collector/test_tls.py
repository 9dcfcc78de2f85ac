"""The collector's TLS, spoken to by the client that probes use."""

import ssl
from pathlib import Path

import pytest
import trio
import trio.testing
from cryptography.hazmat.primitives import serialization

from collector.certificates import LOOK_S, Certificate
from parallax import wire
from parallax.config import Tls
from parallax.dialling.http import open_http
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.state import StartError
from tests.collector.serving import batch, collector
from tests.parts.certificates import Authority


@pytest.fixture
def files(tmp_path: Path) -> tuple[Tls, Trust]:
    authority = Authority()
    certificate, key = authority.leaf("collector.test").write(tmp_path, "collector")
    ca = tmp_path / "ca.pem"
    ca.write_text(authority.pem)
    return Tls(certificate=str(certificate), key=str(key)), Trust(str(ca))


async def test_batches_go_over_one_kept_alive_tls_connection(tmp_path: Path, files: tuple[Tls, Trust]) -> None:
    tls, trust = files
    async with collector(tmp_path, tls=tls) as served:
        assert served.running.url.startswith("https://")
        headers = {
            "authorization": f"Bearer {served.token()}",
            "content-type": wire.MSGPACK,
            "content-encoding": wire.ZSTD,
        }
        url = f"https://collector.test:{served.running.address.port}/v1/batches"
        async with open_http(served.running.address, Routes.of(allow=EVERYWHERE), trust) as http:
            streams = set()
            for seq in range(1, 4):
                body = wire.encode(batch(seq))
                async with http.request("POST", url, headers=headers, body=body) as response:
                    assert response.status_code == 200
                    assert b"last_seq" in b"".join([part async for part in response.aiter_raw()])
                streams.add(http.stream)
            assert len(streams) == 1


async def test_old_versions_and_plain_text_are_refused(tmp_path: Path, files: tuple[Tls, Trust]) -> None:
    tls, trust = files
    async with collector(tmp_path, tls=tls) as served:
        context = ssl.create_default_context(cafile=trust.ca_file)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        stream = trio.SSLStream(await served.connect(), context, server_hostname="collector.test")
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()
        await trio.aclose_forcefully(stream)
        async with await served.connect() as plain:
            await plain.send_all(b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n")
            try:
                answer = await plain.receive_some(1000)
            except trio.BrokenResourceError:
                answer = b""
            assert not answer.startswith(b"HTTP")


def served_name(certificate: Certificate, trust: Trust) -> str:
    """The name in the certificate that a handshake shows, without sockets."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=trust.ca_file)
    context.check_hostname = False
    client = context.wrap_bio(to_client, to_server)
    server = certificate.context.wrap_bio(to_server, to_client, server_side=True)
    shaken = 0
    while shaken < 2:
        shaken = 0
        for side in (client, server):
            try:
                side.do_handshake()
                shaken += 1
            except ssl.SSLWantReadError:
                pass
    (name,) = dict(client.getpeercert() or {})["subjectAltName"]
    return str(name[1])


def test_a_renewed_certificate_is_read_and_a_half_renewed_one_is_not(tmp_path: Path) -> None:
    authority = Authority()
    tls = Tls(certificate=str(tmp_path / "x.crt"), key=str(tmp_path / "x.key"))
    authority.leaf("old.test").write(tmp_path, "x")
    trust = Trust(authority.write(tmp_path))
    certificate = Certificate(tls)
    assert served_name(certificate, trust) == "old.test"
    renewed = authority.leaf("new.test")
    Path(tls.certificate).write_text(renewed.chain)
    certificate.look()
    assert served_name(certificate, trust) == "old.test", "the key is the old one still"
    Path(tls.key).write_text(renewed.key[:100])
    certificate.look()
    assert served_name(certificate, trust) == "old.test"
    Path(tls.key).unlink()
    certificate.look()
    assert served_name(certificate, trust) == "old.test"
    Path(tls.key).write_text(renewed.key)
    certificate.look()
    assert served_name(certificate, trust) == "new.test"


async def test_the_files_are_looked_at_again_and_again(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    authority = Authority()
    certificate_file, key = authority.leaf("old.test").write(tmp_path, "x")
    trust = Trust(authority.write(tmp_path))
    certificate = Certificate(Tls(certificate=str(certificate_file), key=str(key)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(certificate.watch)
        for name in ("new.test", "newer.test"):
            authority.leaf(name).write(tmp_path, "x")
            await trio.sleep(LOOK_S * 1.5)
            assert served_name(certificate, trust) == name
        nursery.cancel_scope.cancel()


def test_a_key_with_a_passphrase_is_one_line_and_asks_nobody(tmp_path: Path) -> None:
    leaf = Authority().leaf("x.test")
    certificate, key = leaf.write(tmp_path, "x")
    plain = serialization.load_pem_private_key(leaf.key.encode(), None)
    locked = plain.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    key.write_bytes(locked)
    with pytest.raises(StartError, match="the key has a passphrase; take it off"):
        Certificate(Tls(certificate=str(certificate), key=str(key)))
