"""Mail to a real mail server, with STARTTLS and a login; and to servers that misbehave."""

import ssl
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from collector.alerts.outcomes import outcome_of
from collector.alerts.receivers.mail import Mail
from collector.alerts.receivers.smtp import Letter, Login, hand_over
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.plan.alert_types import Receiver
from parallax.values import Address, Cidr
from tests.fakes.http_server import Behaviour, Peer, http_server
from tests.fakes.notifications import EVERY, nasty
from tests.parts.certificates import Authority
from tests.parts.mail_sink import mail_sink

TOLD = EVERY["incident.opened"]


def mail(folder: Path, host: Address, *, password: str = "", ca: str | None = None, **more: Any) -> Mail:
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o600)
    config = CollectorConfig(
        state="s",
        plan="p",
        allow=[Cidr("127.0.0.0/8"), Cidr("192.0.2.0/24")],
        ca=ca,
        secrets={"SMTP": f"file:{folder}/password"},
    )
    plain: dict[str, Any] = {"sender": "parallax@example.org", "to": ["ops@example.org", "all@example.org"]}
    return Mail(Receiver(name="mail", kind="email", host=host, key="secret:SMTP", **(plain | more)), config)


def context(folder: Path, authority: Authority, name: str = "mx.example.org") -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*authority.leaf(name).write(folder, "mx"))
    return made


@pytest.mark.slow
async def test_a_mail_server_takes_it_behind_tls_and_a_login(tmp_path: Path) -> None:
    authority = Authority()
    ca = authority.write(tmp_path)
    async with mail_sink(starttls=context(tmp_path, authority), login=("parallax", "pass word")) as sink:
        secure: dict[str, Any] = {"host_name": "mx.example.org", "user": "parallax", "ca": ca}
        to = mail(tmp_path, sink.address, password="pass word", **secure)
        assert await to.prepare() == ""
        chart = msgspec.structs.replace(TOLD, chart=b"\x89PNG....")
        with trio.fail_after(60):
            assert await to.send(chart) == Answer(status=250)
            assert await to.send(EVERY["incident.resolved"]) == Answer(status=250)
            first, last = await sink.wait_mail("ops@example.org"), await sink.wait_mail("ops@example.org")
            await sink.wait_mail("all@example.org")
            wrong = await mail(tmp_path, sink.address, password="other", **secure).send(TOLD)
            other = await mail(tmp_path, sink.address, password="x", **(secure | {"host_name": "mx.example.com"})).send(
                TOLD
            )
    assert first["References"] == last["In-Reply-To"] == "<thread.i1@example.org>"
    assert first["Message-ID"] != first["References"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Subject"] == "[critical] DNS operator dns-a is dark"
    assert "List-Unsubscribe" not in first
    plain, picture = (
        first.get_body(("plain",)),
        [part for part in first.walk() if part.get_content_type() == "image/png"],
    )
    assert plain is not None
    assert plain.get_content().startswith("DNS operator dns-a is dark (Sign-in); since 22:13:20 UTC")
    assert picture[0]["Content-ID"] == "<chart@parallax>"
    assert (wrong.failure, outcome_of(wrong).action) == ("mail_login", "slow")
    assert (other.failure, outcome_of(other).action) == ("certificate", "slow")


@pytest.mark.slow
async def test_no_password_is_said_where_tls_is_not_offered(tmp_path: Path) -> None:
    async with mail_sink() as sink:
        to = mail(tmp_path, sink.address, password="s3cret", host_name="mx.example.org", user="parallax")
        answer = await to.send(TOLD)
        assert (answer.failure, outcome_of(answer).action) == ("no_starttls", "slow")
        assert (await mail(tmp_path, sink.address).send(TOLD)).status == 250
        mail_taken = await sink.wait_mail("all@example.org")
    assert mail_taken["To"] == "ops@example.org, all@example.org"


@pytest.mark.slow
async def test_any_text_comes_as_it_is_and_ends_nothing(tmp_path: Path) -> None:
    async with mail_sink() as sink:
        with trio.fail_after(60):
            dots = mail(tmp_path, sink.address, templates={"body": ".\n..two\n.one\n\nQUIT"})
            assert (await dots.send(TOLD)).status == 250
            first = (await sink.wait_mail("ops@example.org")).get_body(("plain",))
            assert (await mail(tmp_path, sink.address).send(nasty())).status == 250
            hostile = await sink.wait_mail("ops@example.org")
        raw = Letter(sender="a@example.org", recipients=["b@example.org"], content=b".\r\n..\r\n.x\r\n")
        routes = Routes.of((), [Cidr("127.0.0.0/8")])
        assert (await hand_over(raw, sink.address, "", Login(), routes, Trust(None))).status == 250
        bare = await sink.wait_mail("b@example.org")
    assert first is not None
    assert first.get_content().splitlines()[:5] == [".", "..two", ".one", "", "QUIT"]
    assert hostile["Bcc"] is None
    assert "evil.example" in hostile["Subject"]
    assert str(bare.get_payload()).split() == [".", "..", ".x"]


def says(*replies: bytes, hang: bool = False) -> Behaviour:
    """A reply to each line, one after the other, whatever it says; then the end, or silence."""

    async def behaviour(peer: Peer) -> None:
        for reply in replies:
            await peer.send(reply)
            if reply is not replies[-1] or hang:
                await peer.stream.receive_some(65536)
        if hang:
            await trio.sleep_forever()

    return behaviour


GREETING, READY = b"220 mx\r\n", b"250-mx\r\n250 8BITMIME\r\n"
OK = b"250 ok\r\n"


@pytest.mark.parametrize(
    ("behaviour", "failure", "action"),
    [
        (says(b"421 busy\r\n"), "mail_deferred", "retry"),
        (says(b"554 no\r\n"), "mail_refused", "refuse"),
        (says(GREETING, READY, b"451 later\r\n"), "mail_deferred", "retry"),
        (says(GREETING, READY, OK, b"550 who\r\n", b"550 who\r\n"), "mail_refused", "refuse"),
        (says(GREETING, READY, OK, OK, OK, b"354 go\r\n", b"552 large\r\n"), "mail_refused", "refuse"),
        (says(GREETING, READY, OK, OK, b""), "closed", "retry"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "malformed", "retry"),
        (says(b"220-" + b"x" * 100_000), "malformed", "retry"),
        (says(*[b"220-x\r\n" * 5000]), "malformed", "retry"),
        (says(b"\xff\xfe\r\n"), "malformed", "retry"),
        (says(), "closed", "retry"),
        (says(GREETING, hang=True), "timeout", "retry"),
    ],
)  # fmt: skip
async def test_mail_servers_that_misbehave(tmp_path: Path, behaviour: Behaviour, failure: str, action: str) -> None:
    async with http_server(behaviour) as server:
        answer = Answer(failure="timeout")
        with trio.move_on_after(1):
            answer = await mail(tmp_path, server.address).send(TOLD)
    assert (answer.failure, outcome_of(answer).action) == (failure, action)


async def test_a_recipient_that_is_refused_does_not_keep_it_from_the_others(tmp_path: Path) -> None:
    async with http_server(says(GREETING, READY, OK, b"550 who\r\n", OK, b"354 go\r\n", OK, b"221 bye\r\n")) as server:
        answer = await mail(tmp_path, server.address).send(TOLD)
    assert answer == Answer(status=250, detail="1 of 2 recipients refused")
    assert outcome_of(answer).action == "deliver"


async def test_plain_smtp_never_leaves_this_host(tmp_path: Path) -> None:
    to = mail(tmp_path, Address("192.0.2.25:25"))
    assert (await to.send(TOLD)).failure == "not_https"
    blocked = mail(tmp_path, Address("10.0.0.1:25"), host_name="mx.example.org")
    assert (await blocked.send(TOLD)).failure == "not_allowed"
