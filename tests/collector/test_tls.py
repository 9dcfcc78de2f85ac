"""The collector's TLS, spoken to by the client that probes use."""

import ssl
from pathlib import Path

import pytest
import trio

from parallax import wire
from parallax.config import Tls
from parallax.dialling.http import open_http
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
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
