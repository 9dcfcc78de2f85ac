"""One delivery over real sockets: to whom it is dialled, what is refused, and what comes of servers that misbehave."""

import logging
from pathlib import Path
from typing import Any

import pytest
import trio

from collector.alerts.message import rendered
from collector.alerts.notification import Notification
from collector.alerts.webhook import Webhook
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer
from parallax.plan.alert_types import Receiver
from parallax.plan.types import ConnectTo
from parallax.standard_webhooks import key_of, verify
from parallax.values import Address, Cidr, Redirect, Url
from tests.fakes.http_server import (
    Behaviour,
    Peer,
    blurts,
    drips,
    response,
    says_and_waits,
    silent,
)
from tests.fakes.receiver import fake_receiver
from tests.parts.certificates import Authority
from tests.parts.nginx import Site, nginx

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TRIAL = Notification(id="e1", at=0, phase="test", alert=None, key="e1", receiver="ops")
MESSAGE = rendered(TRIAL)
LOOPBACK = [Cidr("127.0.0.0/8"), Cidr("::1/128")]


def tells(*data: bytes) -> Behaviour:
    """Reads the whole message, sends these bytes, closes; an octet left unread would make the close a reset."""

    async def behaviour(peer: Peer) -> None:
        await peer.request(body=len(MESSAGE.body))
        for part in data:
            await peer.send(part)

    return behaviour


async def resets(peer: Peer) -> None:
    await peer.request(body=len(MESSAGE.body))
    peer.reset()


def key_file(folder: Path, text: str = KEY) -> str:
    path = folder / "key"
    path.write_text(text)
    path.chmod(0o600)
    return f"file:{path}"


def webhook(folder: Path, url: str, address: Address | None = None, **more: Any) -> Webhook:
    """A webhook that may dial loopback, with its key in a file."""
    look_up = more.pop("look_up", None)
    plain = {"state": "s", "plan": "p", "secrets": {"HOOK": key_file(folder)}, "allow": LOOPBACK}
    receiver = Receiver(name="ops", kind="webhook", url=Url.parse(url), address=address, key="secret:HOOK")
    config = CollectorConfig(**(plain | more))
    return Webhook(receiver, config, look_up=look_up) if look_up else Webhook(receiver, config)


async def sent(hook: Webhook, within_s: float = 5.0) -> Answer:
    with trio.move_on_after(within_s):
        return await hook.send(TRIAL)
    return Answer(failure="timeout")


def finder(*addresses: str) -> Any:
    async def look_up(host: str, port: int) -> list[Address]:
        await trio.lowlevel.checkpoint()
        return [Address.of(address, port) for address in addresses]

    return look_up


async def test_a_pinned_address_is_dialled_under_the_urls_name(tmp_path: Path) -> None:
    authority = Authority()
    async with fake_receiver(certificate=authority.leaf("hooks.example.org")) as receiver:
        url, ca = "https://hooks.example.org:8443/in/a?team=b", authority.write(tmp_path)
        hook = webhook(tmp_path, url, receiver.server.address, ca=ca, look_up=finder())
        assert await hook.prepare() == ""
        assert await sent(hook) == Answer(status=204)
    [got] = receiver.got
    assert receiver.server.asked[0].startswith(b"POST /in/a?team=b HTTP/1.1\r\nHost: hooks.example.org:8443\r\n")
    assert got.body == MESSAGE.body
    assert verify(key_of(KEY), got.headers, got.body, wall_ns() / NS) == "e1"


async def test_the_first_address_that_takes_the_connection_gets_it_once(tmp_path: Path) -> None:
    async with fake_receiver(lambda got: 500) as receiver:
        hook = webhook(
            tmp_path, f"http://localhost:{receiver.port}/", look_up=finder("127.9.9.9", "127.0.0.1", "127.0.0.1")
        )
        assert (await sent(hook)).status == 500
    assert len(receiver.got) == 1


async def test_the_hosts_resolver_is_asked(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        assert await sent(webhook(tmp_path, f"http://localhost:{receiver.port}/")) == Answer(status=204)


async def test_the_last_addresses_are_kept_for_when_the_lookup_fails(tmp_path: Path) -> None:
    dead = False

    async def look_up(host: str, port: int) -> list[Address]:
        await trio.lowlevel.checkpoint()
        if dead:
            raise OSError("temporary failure in name resolution")
        return [Address.of("127.0.0.1", port)]

    async with fake_receiver() as receiver:
        hook = webhook(tmp_path, f"http://localhost:{receiver.port}/", look_up=look_up)
        await hook.prepare()
        dead = True
        assert (await sent(hook)).status == 204
        fresh = webhook(tmp_path, f"http://localhost:{receiver.port}/", look_up=look_up)
        await fresh.prepare()
        answer = await sent(fresh)
    assert answer == Answer(failure="no_address", detail="localhost: temporary failure in name resolution")


async def test_a_lookup_that_finds_nothing(tmp_path: Path) -> None:
    answer = await sent(webhook(tmp_path, "http://localhost:9/", look_up=finder()))
    assert answer == Answer(failure="no_address", detail="localhost has none")


async def test_connect_to_redirects_the_dial_only(tmp_path: Path) -> None:
    authority = Authority()
    async with fake_receiver(certificate=authority.leaf("192.0.2.7")) as receiver:
        redirect = ConnectTo(source=Redirect("192.0.2.7:443/tcp"), to=receiver.server.address)
        hook = webhook(tmp_path, "https://192.0.2.7/", ca=authority.write(tmp_path), connect_to=[redirect])
        assert (await sent(hook)).status == 204


async def test_a_private_address_needs_leave(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        hook = webhook(tmp_path, "http://127.0.0.1/", receiver.server.address, allow=[])
        answer = await sent(hook)
    assert answer.failure == "not_allowed"
    assert 'add its network to "allow" in the collector\'s config' in answer.detail
    assert receiver.server.accepted == 0


async def test_plain_http_never_leaves_this_host(tmp_path: Path) -> None:
    hook = webhook(tmp_path, "http://localhost:9/", look_up=finder("192.0.2.1"), allow=[Cidr("0.0.0.0/0")])
    assert await sent(hook) == Answer(failure="not_https", detail="192.0.2.1 is not loopback; write https://")


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with fake_receiver() as other, fake_receiver() as receiver:
        receiver.server.behaviour = tells(response(307, b"", f"Location: http://127.0.0.1:{other.port}/"))
        assert (await sent(webhook(tmp_path, "http://127.0.0.1/", receiver.server.address))).status == 307
    assert other.got == []


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (tells(response(429, b"", "Retry-After: 7")), (429, "", 7.0)),
        (tells(response(503, b"", "Retry-After: soon")), (503, "", None)),
        (tells(response(429, b"", "Retry-After: " + "9" * 5000)), (429, "", 9_999_999_999.0)),
        (tells(response(200, b"x" * 5_000_000)), (200, "", None)),
        (says_and_waits(response(200, b"", length=100)), (200, "", None)),
        (drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100), (200, "", None)),
        (drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), (200, "", None)),
        (tells(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), (200, "", None)),
        (tells(b"\x00\xff" * 500), (None, "malformed", None)),
        (blurts(b"SSH-2.0-OpenSSH_9.6\r\n"), (None, "timeout", None)),
        (tells(), (None, "closed", None)),
        (resets, (None, "reset", None)),
        (silent, (None, "timeout", None)),
        (drips(b"HTTP/1.1 200 OK\r\n", b"X-Y: " + b"z" * 2000 + b"\r\n"), (None, "malformed", None)),
    ],
)  # fmt: skip
async def test_servers_that_misbehave(
    tmp_path: Path, behaviour: Behaviour, expected: tuple[int | None, str, float | None]
) -> None:
    async with fake_receiver() as receiver:
        receiver.server.behaviour = behaviour
        answer = await sent(webhook(tmp_path, "http://127.0.0.1/", receiver.server.address), within_s=1)
    assert (answer.status, answer.failure, answer.retry_after_s) == expected


async def test_a_retry_after_may_be_a_date(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        receiver.server.behaviour = tells(response(503, b"", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"))
        answer = await sent(webhook(tmp_path, "http://127.0.0.1/", receiver.server.address))
    assert answer.retry_after_s is not None
    assert answer.retry_after_s > 10**9


async def test_nobody_listens(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        address = receiver.server.address
    answer = await sent(webhook(tmp_path, "http://127.0.0.1/", address))
    assert answer.failure == "refused"


async def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    async with fake_receiver(certificate=Authority().leaf("hooks.example.org")) as receiver:
        answer = await sent(webhook(tmp_path, "https://hooks.example.org/", receiver.server.address))
    assert answer.failure == "certificate"
    assert answer.detail.endswith('is its CA in "ca" of the collector\'s config?')
    assert receiver.got == []


async def test_a_handshake_that_never_ends_is_cut_by_the_caller(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        receiver.server.behaviour = silent
        answer = await sent(webhook(tmp_path, "https://hooks.example.org/", receiver.server.address), within_s=0.2)
    assert answer.failure == "timeout"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, 'the collector\'s config has no HOOK under [secrets]; add HOOK = "file:PATH"'),
        ("", "HOOK: file:{file} is empty"),
        ("correct horse", "HOOK is no webhook key; one is whsec_ and then base64 of 24 to 64 random octets"),
        ("whsec_aGFsbG8=", "HOOK has 5 octets behind whsec_, in base64; a webhook key has 24 to 64"),
    ],
)
async def test_a_key_that_is_none_is_named_and_nothing_is_dialled(
    tmp_path: Path, text: str | None, problem: str
) -> None:
    async with fake_receiver() as receiver:
        secrets = {} if text is None else {"HOOK": key_file(tmp_path, text)}
        hook = webhook(tmp_path, "http://127.0.0.1/", receiver.server.address, secrets=secrets)
        if text is not None:
            key_file(tmp_path, text)
        problem = problem.format(file=tmp_path / "key")
        assert await hook.prepare() == problem
        assert await sent(hook) == Answer(failure="secret", detail=problem)
    assert receiver.server.accepted == 0


async def test_a_key_that_was_mended_works_at_the_next_try(tmp_path: Path) -> None:
    other = "whsec_" + "A" * 32

    def picky(got: Any) -> int:
        try:
            verify(key_of(KEY), got.headers, got.body, wall_ns() / NS)
        except ValueError:
            return 401
        return 204

    async with fake_receiver(picky) as receiver:
        hook = webhook(tmp_path, "http://127.0.0.1/", receiver.server.address)
        key_file(tmp_path, other)
        assert (await sent(hook)).status == 401
        key_file(tmp_path)
        assert (await sent(hook)).status == 204


async def test_nothing_secret_is_logged_or_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for behaviour in (tells(response(500, KEY.encode())), tells(b"HTTP/1.1 " + KEY.encode()), resets):
        async with fake_receiver() as receiver:
            receiver.server.behaviour = behaviour
            url = "http://127.0.0.1/in?team=8f14e45fceea167a5a36dedd4bea2543"
            answer = await sent(webhook(tmp_path, url, receiver.server.address))
        said = f"{answer} {caplog.text} {[r.__dict__ for r in caplog.records]}"
        assert KEY.removeprefix("whsec_") not in said
        assert "8f14e45f" not in said


@pytest.mark.slow
async def test_nginx_takes_it(tmp_path: Path) -> None:
    authority = Authority()
    site = Site(certificate=authority.leaf("hooks.example.org"), inside="location / { return 202; }")
    async with nginx({"hooks": site}) as server:
        ca = authority.write(tmp_path)
        hook = webhook(tmp_path, "https://hooks.example.org/in", server.addresses["hooks"], ca=ca)
        assert [(await sent(hook)).status for _ in range(3)] == [202, 202, 202]
        server.kill()
        assert (await sent(hook)).failure == "refused"


@pytest.mark.slow
async def test_nginx_without_a_backend_asks_to_wait(tmp_path: Path) -> None:
    async with nginx({"hooks": Site(inside="add_header Retry-After 3 always; return 503;")}) as server:
        answer = await sent(webhook(tmp_path, "http://127.0.0.1/", server.addresses["hooks"]))
    assert (answer.status, answer.retry_after_s) == (503, 3.0)
