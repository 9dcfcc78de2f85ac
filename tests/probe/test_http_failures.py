"""The http check against a server that misbehaves: the right reason and phase, and the evidence kept."""

import gzip
from pathlib import Path

import pytest
import trio

from parallax.plan.specs import HttpSpec
from parallax.values import Address
from tests.fakes import http_server as fake
from tests.fakes.http_server import Behaviour, http_server, response
from tests.parts.certificates import Authority
from tests.parts.ports import free_port
from tests.probe.attempts import Outcome, check

SHORT_S = 0.3


async def meet(behaviour: Behaviour, *, timeout_s: float = 5.0, **spec: object) -> Outcome:
    async with http_server(behaviour) as server:
        target = f"http://acme.test:{server.address.port}/health"
        return await check("http", target, server.address, timeout_s=timeout_s, **spec)  # type: ignore[arg-type]


async def test_a_good_answer() -> None:
    got = await meet(fake.says(response(200, b"hi", "Server: fake")))
    assert got.verdict is None
    assert got.phases == ["connect", "send", "first_byte", "body"]
    assert got.findings == {
        "status": 200,
        "http_version": "HTTP/1.1",
        "headers": {"server": "fake", "content-length": "2"},
        "body_size": 2,
        "body_received": 2,
        "body_sha256": "8f434346648f6b96",
    }


async def test_what_is_sent() -> None:
    async with http_server(fake.says(response())) as server:
        target = f"http://acme.test:{server.address.port}/a b?c=d&e=%20"
        await check("http", target.replace(" ", "%20"), server.address, headers={"X-Own": "1", "accept": "text/html"})
        await check("http", target.replace(" ", "%20"), server.address, method="POST", body="ä")
    get, post = server.asked
    assert get.decode() == (
        f"GET /a%20b?c=d&e=%20 HTTP/1.1\r\nHost: acme.test:{server.address.port}\r\n"
        "User-Agent: parallax/0.1.0 (+synthetic sign-in monitor)\r\nAccept-Encoding: gzip\r\n"
        "X-Own: 1\r\naccept: text/html\r\n\r\n"
    )
    assert post.startswith(b"POST /a%20b?c=d&e=%20 HTTP/1.1\r\n")
    assert b"Content-Length: 2\r\n" in post
    assert server.accepted == 2


@pytest.mark.parametrize(
    ("behaviour", "reason", "phase"),
    [
        (fake.resets_at_once, "connection_reset", None),
        (fake.says_and_resets(b""), "connection_reset", "first_byte"),
        (fake.reads_then_closes, "connection_closed", "first_byte"),
        (fake.says(b"HTTP/1.1 200 O"), "connection_closed", "first_byte"),
        (fake.silent, "first_byte_timeout", "first_byte"),
        (fake.says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "http_malformed", "first_byte"),
        (fake.says(b"\x00\xff" * 300), "http_malformed", "first_byte"),
        (fake.says(b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"), "http_malformed", "first_byte"),
        (
            fake.says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            "http_malformed",
            "first_byte",
        ),
        (fake.says(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "http_malformed", "first_byte"),
        (fake.drips(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"a" * 8000 + b"\r\n"), "http_malformed", "first_byte"),
        (fake.drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "http_malformed", "first_byte"),
        (fake.says_and_waits(response(200, b"hi", length=100)), "body_timeout", "body"),
        (fake.says(response(200, b"hi", length=100)), "http_truncated", "body"),
        (fake.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), "http_truncated", "body"),
        (fake.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"), "http_truncated", "body"),
        (fake.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab"), "http_malformed", "body"),
        (fake.says_and_resets(response(200, b"hi", length=100)), "connection_reset", None),
        (fake.drips(response(200, b"", length=900_000), b"x"), "body_timeout", "body"),
        (
            fake.drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 9000),
            "body_timeout",
            "body",
        ),
        (fake.drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 60000), "http_too_large", "body"),
        (fake.says_and_waits(response(200, b"hi", length=2_000_000)), "http_too_large", "body"),
        (fake.says(fake.gzipped(b"\0" * 9_000_000)), "http_bad_encoding", "body"),
        (fake.says(response(200, b"no gzip at all", "Content-Encoding: gzip")), "http_bad_encoding", "body"),
        (
            fake.says(response(200, gzip.compress(b"a" * 100)[:-9], "Content-Encoding: gzip")),
            "http_bad_encoding",
            "body",
        ),
        (fake.says(response(200, b"\x0b", "Content-Encoding: br")), "http_bad_encoding", "body"),
    ],
)
async def test_misbehaviour(behaviour: Behaviour, reason: str, phase: str | None) -> None:
    got = await meet(behaviour, timeout_s=SHORT_S if reason.endswith("_timeout") else 5.0)
    assert got.reason == reason
    assert got.fault == "target"
    if phase:
        assert got.evidence.phase == phase
        assert got.phases[-1] == phase


async def test_refused() -> None:
    address = Address.of("127.0.0.1", free_port())
    got = await check("http", f"http://acme.test:{address.port}/", address)
    assert (got.reason, got.phases) == ("connect_refused", ["connect"])


async def test_no_answer_to_the_connection_attempt() -> None:
    # A listener whose queue is full drops the SYN, as a dead host would.
    listener = trio.socket.socket()
    with listener:
        await listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        full = Address.of(*listener.getsockname())
        async with await trio.open_tcp_stream("127.0.0.1", full.port):
            got = await check("http", f"http://acme.test:{full.port}/", full, timeout_s=SHORT_S)
    assert (got.reason, got.phases) == ("connect_timeout", ["connect"])


async def test_a_server_that_stops_reading() -> None:
    async def deaf(peer: fake.Peer) -> None:
        await trio.sleep_forever()

    got = await meet(deaf, timeout_s=SHORT_S, whole=HttpSpec(method="POST", body="x" * 20_000_000))
    assert (got.reason, got.phases) == ("send_timeout", ["connect", "send"])


async def test_an_early_answer_is_read_though_the_request_was_cut() -> None:
    async def too_much(peer: fake.Peer) -> None:
        await peer.request()
        await peer.send(response(413, b"too much", "Connection: close"))
        peer.reset()

    got = await meet(too_much, whole=HttpSpec(method="POST", body="x" * 3_000_000))
    assert got.findings["status"] == 413
    assert got.reason == "http_status"


@pytest.mark.parametrize(
    ("behaviour", "reason", "phase"),
    [
        (fake.resets_at_once, "connection_reset", "tls"),
        (fake.reads_once_then_closes, "connection_closed", "tls"),
        (fake.silent, "tls_timeout", "tls"),
        (fake.blurts(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "tls_malformed", "tls"),
        (fake.blurts(b"220 mail.test ESMTP\r\n"), "tls_malformed", "tls"),
        (fake.blurts(b"\x15\x03\x03\x00\x02\x02\x28"), "tls_alert", "tls"),
        (fake.blurts(b"\x15\x03\x03\x00\x02\x02\x46"), "tls_old_version", "tls"),
    ],
)
@pytest.mark.parametrize("kind", ["tls", "http"])
async def test_misbehaviour_before_tls(behaviour: Behaviour, reason: str, phase: str, kind: str) -> None:
    async with http_server(behaviour) as server:
        port = server.address.port
        target = f"https://acme.test:{port}/" if kind == "http" else f"acme.test:{port}"
        got = await check(kind, target, server.address, timeout_s=SHORT_S if "timeout" in reason else 5.0)
    if kind == "tls" and behaviour in (fake.resets_at_once, fake.reads_once_then_closes, fake.silent):
        phase = "hello"  # this kind tells apart what ends before the server's first octet
    assert (got.reason, got.evidence.phase) == (reason, phase)
    if reason == "tls_alert":
        assert got.findings["alert"] == "handshake_failure"


async def test_a_server_that_wants_a_client_certificate_says_so_after_the_handshake(tmp_path: Path) -> None:
    authority = Authority()
    leaf, ca = authority.leaf("acme.test"), authority.write(tmp_path)
    async with http_server(fake.keeps_answering, certificate=leaf, wants_client_certificate=True) as server:
        target = f"https://acme.test:{server.address.port}/"
        got = await check("http", target, server.address, ca=ca)
    assert got.reason == "tls_alert"
    assert got.findings["alert"] == "certificate_required"
    assert got.phases[:3] == ["connect", "tls", "send"]


ALERTS = {10: "unexpected_message", 40: "handshake_failure", 42: "bad_certificate", 48: "unknown_ca",
          49: "access_denied", 71: "insufficient_security", 80: "internal_error", 109: "missing_extension",
          112: "unrecognized_name", 120: "no_application_protocol"}  # fmt: skip


@pytest.mark.parametrize(("number", "name"), ALERTS.items())
async def test_alerts_have_their_names(number: int, name: str) -> None:
    async with http_server(fake.blurts(b"\x15\x03\x03\x00\x02\x02" + bytes([number]))) as server:
        got = await check("tls", f"acme.test:{server.address.port}", server.address)
    assert (got.reason, got.findings["alert"]) == ("tls_alert", name)


@pytest.mark.slow
async def test_a_hundred_at_once_each_have_their_own_end() -> None:
    turns = iter(range(1000))

    async def every_third_differs(peer: fake.Peer) -> None:
        turn = next(turns) % 3
        await peer.request()
        if turn == 0:
            await peer.send(response(200, b"ok"))
        elif turn == 1:
            peer.reset()
        else:
            await peer.until_gone()

    reasons: list[str | None] = []
    async with http_server(every_third_differs) as server:

        async def one() -> None:
            target = f"http://acme.test:{server.address.port}/"
            reasons.append((await check("http", target, server.address, timeout_s=3.0)).reason)

        async with trio.open_nursery() as nursery:
            for _ in range(99):
                nursery.start_soon(one)
        assert _client_sockets(server.address) == 0
    assert sorted(str(r) for r in reasons) == ["None"] * 33 + ["connection_reset"] * 33 + ["first_byte_timeout"] * 33


@pytest.mark.slow
async def test_silence_after_tls_keeps_the_certificate(tmp_path: Path) -> None:
    authority = Authority()
    async with http_server(fake.silent_after_tls, certificate=authority.leaf("acme.test")) as server:
        target = f"https://acme.test:{server.address.port}/"
        got = await check("http", target, server.address, ca=authority.write(tmp_path), timeout_s=1.0)
    assert got.reason == "first_byte_timeout"
    assert got.phases == ["connect", "tls", "send", "first_byte"]
    assert got.findings["chain"][0]["names"] == ["acme.test"]


async def test_a_cut_without_close_notify_in_mid_body(tmp_path: Path) -> None:
    authority = Authority()
    cut = fake.says(response(200, b"hi", length=100))
    async with http_server(cut, certificate=authority.leaf("acme.test")) as server:
        target = f"https://acme.test:{server.address.port}/"
        got = await check("http", target, server.address, ca=authority.write(tmp_path))
    assert got.reason == "http_truncated"


async def test_partial_evidence_survives() -> None:
    got = await meet(fake.says_and_waits(response(200, b"half", "Server: slow", length=100)), timeout_s=0.9)
    assert got.reason == "body_timeout"
    assert got.findings["status"] == 200
    assert got.findings["headers"]["server"] == "slow"
    assert got.findings["body_size"] == 4


async def test_non_ascii_headers_do_no_harm() -> None:
    raw = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\xc3\xa9\xff\r\nServer: \xfcber\r\nContent-Length: 0\r\n\r\n"
    got = await meet(fake.says(raw))
    assert got.verdict is None
    assert got.findings["headers"] == {"server": "über", "content-length": "0"}


async def test_a_large_page_that_was_compressed_is_too_large_and_no_bomb() -> None:
    words = b"".join(b"%d," % (n * 7919 % 100_003) for n in range(200_000))
    got = await meet(fake.says(fake.gzipped(words)))
    assert got.reason == "http_too_large"
    assert got.findings["body_size"] == 1_000_001


@pytest.mark.parametrize(
    "raw",
    [
        fake.gzipped(b"healthy"),
        fake.deflated(b"healthy", bare=False),
        fake.deflated(b"healthy", bare=True),
        response(200, gzip.compress(b"heal", mtime=0) + gzip.compress(b"thy", mtime=0), "Content-Encoding: gzip"),
        response(200, b"healthy", "Content-Encoding: identity"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nheal\r\n3\r\nthy\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhealthy",
        b"HTTP/1.0 200 OK\r\n\r\nhealthy",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + response(200, b"healthy"),
    ],
)
async def test_codings_of_a_good_body(raw: bytes) -> None:
    got = await meet(fake.says(raw), **{"assert": [{"body": "text", "equals": "healthy"}]})
    assert got.verdict is None


async def test_head_has_no_body_whatever_it_announces() -> None:
    got = await meet(fake.says_and_waits(response(200, b"", length=90_000_000)), method="HEAD")
    assert got.verdict is None


@pytest.mark.slow
async def test_cancelled_at_any_moment_it_closes_its_sockets(tmp_path: Path) -> None:
    authority = Authority()
    ca = authority.write(tmp_path)

    async def cancel_after(checkpoints: int, scope: trio.CancelScope) -> None:
        for _ in range(checkpoints):
            await trio.lowlevel.checkpoint()
        scope.cancel()

    async with http_server(fake.keeps_answering, certificate=authority.leaf("acme.test")) as server:
        target = f"https://acme.test:{server.address.port}/"
        finished = cancelled = 0
        for checkpoints in range(0, 80, 2):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_after, checkpoints, scope)
                    await check("http", target, server.address, ca=ca)
                    finished += 1
                    nursery.cancel_scope.cancel()
            cancelled += scope.cancelled_caught
            assert _client_sockets(server.address) == 0
    assert cancelled > 3
    assert finished > 0 or cancelled == 40


def _client_sockets(address: Address) -> int:
    """Sockets of this process that are connected to the address, by /proc."""
    inodes = {
        link.readlink().name[8:-1]
        for link in Path("/proc/self/fd").iterdir()
        if link.is_symlink() and str(link.readlink()).startswith("socket:")
    }
    remote = f"0100007F:{address.port:04X}"
    lines = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for line in lines if line[2] == remote and line[9] in inodes)
