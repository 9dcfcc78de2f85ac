"""Mail is taken over real SMTP connections, by the standard library's client; hostile ones too."""

import smtplib
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from functools import partial

import pytest
import trio

from collector.mail import local_mailbox, open_mail_listener, serve_mail
from collector.mail.smtp import MAX_CONNECTIONS
from collector.messages import Asked, Box
from parallax.letters import MAX_LETTER
from parallax.state import StartError
from parallax.values import Address

LISTEN = Address("127.0.0.1:0")
DOMAINS = ["mx.example", "Codes.Example."]


def mail(text: str = "Your code is 123456.", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"] = "sign-in@id.example", "Your code"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


async def deliver(address: Address, message: EmailMessage | bytes, *to: str) -> None:
    def send() -> None:
        with smtplib.SMTP(address.ip, address.port, timeout=10) as client:
            octets = message if isinstance(message, bytes) else message.as_bytes()
            client.sendmail("sign-in@id.example", to, octets)

    await trio.to_thread.run_sync(send)


async def test_a_mail_is_taken_and_found_by_its_recipient() -> None:
    async with local_mailbox(LISTEN, DOMAINS) as box:
        since = trio.current_time()
        await deliver(box.address, mail(), "Probe+1@MX.example", "probe+2@codes.example")
        (letter,) = await box.wait("probe+1@mx.example", since, 5)
        assert (letter.to, letter.sender, letter.subject) == ("probe+1@mx.example", "sign-in@id.example", "Your code")
        assert letter.text.strip() == "Your code is 123456."
        assert letter.missing == ["Date", "Message-ID"]
        assert 0 <= letter.age_s < 5
        assert letter.peer == "127.0.0.1"
        assert len(await box.wait("<PROBE+2@codes.example>", since, 5)) == 1
        assert await box.wait("probe+3@mx.example", since, 0) == []
        assert await box.wait("probe+1@mx.example", trio.current_time(), 0) == []
        assert await box.wait("no address", since, 5) == []


async def test_who_waits_gets_the_mail_when_it_comes() -> None:
    async with local_mailbox(LISTEN, DOMAINS) as box, trio.open_nursery() as nursery:
        nursery.start_soon(deliver, box.address, mail(), "probe@mx.example")
        (letter,) = await box.wait("probe@mx.example", trio.current_time() - 1, 10)
        assert letter.number == 1


async def test_html_alone_is_read_without_its_tags() -> None:
    message = EmailMessage()
    message.set_content(
        "<html><title>111111</title><style>p { color: #222222 }</style><p>Your code:</p><b>12</b>3456<br>thanks</html>",
        subtype="html",
    )
    async with local_mailbox(LISTEN, DOMAINS) as box:
        await deliver(box.address, message, "probe@mx.example")
        (letter,) = await box.wait("probe@mx.example", 0, 5)
        assert letter.text == "Your code:\n123456\nthanks"


async def test_mail_for_others_is_refused_and_counted() -> None:
    box, listener = Box(), open_mail_listener(LISTEN)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_mail, listener, DOMAINS, box)
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"not one of ours"):
            await deliver(listener.address, mail(), "somebody@elsewhere.example")
        assert (box.taken, box.lost["wrong_recipient"]) == (0, 1)
        nursery.cancel_scope.cancel()
    listener.close()


@pytest.mark.parametrize(
    "content",
    [
        b"\0\xff" * 500,
        b"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n" * 50,
        b"Content-Type: text/plain; charset=\"\xff nonsense\"\r\n\r\nabc",
        b"Subject: =?utf-8?b?####?=\r\nDate: ???\r\nFrom: <<<>>>\r\n\r\n",
        b"Content-Type: text/html\r\n\r\n" + b"<p <b <![CDATA[ &#xffffffff; <!--" * 500,
        b"Message-ID: <[" + b"(" * 400 + b"\r\n\r\nabc",
        b"",
    ],
)  # fmt: skip
async def test_a_hostile_mail_costs_nothing_but_itself(content: bytes) -> None:
    async with local_mailbox(LISTEN, DOMAINS) as box:
        with suppress(smtplib.SMTPDataError):
            await deliver(box.address, content, "probe@mx.example")
        await deliver(box.address, mail(), "next@mx.example")
        assert len(await box.wait("next@mx.example", 0, 5)) == 1


async def test_a_mail_that_is_too_large_is_refused() -> None:
    async with local_mailbox(LISTEN, DOMAINS) as box:
        with pytest.raises(smtplib.SMTPResponseException, match="552"):
            await deliver(box.address, mail("x" * 70 + "\n" + ("y" * 70 + "\n") * (MAX_LETTER // 70)), "a@mx.example")
        assert await box.wait("a@mx.example", 0, 0) == []


async def test_connections_are_bounded() -> None:
    box, listener = Box(), open_mail_listener(LISTEN)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_mail, listener, DOMAINS, box)
        streams = [await trio.open_tcp_stream(listener.address.ip, listener.address.port) for _ in range(60)]
        await wait_until(lambda: box.lost["connections"] == 60 - MAX_CONNECTIONS)
        for stream in streams:
            await stream.aclose()
        await deliver_when_there_is_room(listener.address)
        assert box.taken == 1
        nursery.cancel_scope.cancel()
    listener.close()


async def deliver_when_there_is_room(address: Address) -> None:
    for _ in range(200):
        try:
            await deliver(address, mail(), "probe@mx.example")
            return
        except (smtplib.SMTPServerDisconnected, ConnectionError):
            continue
    pytest.fail("there is no room again")


async def wait_until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(60):
        while not holds():
            await trio.to_thread.run_sync(lambda: None)


async def test_a_cancelled_server_ends_at_once_with_a_client_in_mid_mail() -> None:
    box, listener = Box(), open_mail_listener(LISTEN)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_mail, listener, DOMAINS, box)
            stream = await trio.open_tcp_stream(listener.address.ip, listener.address.port)
            await stream.receive_some()
            await stream.send_all(b"HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<p@mx.example>\r\nDATA\r\nab")
            nursery.cancel_scope.cancel()
    await stream.aclose()
    listener.close()


async def test_an_address_that_is_taken_is_said() -> None:
    listener = open_mail_listener(LISTEN)
    listener.sock.listen()
    with pytest.raises(StartError, match=r"cannot take mail on 127\.0\.0\.1:\d+: .*\[mail\]"):
        open_mail_listener(listener.address)
    listener.close()


async def test_what_the_block_raises_comes_alone() -> None:
    with pytest.raises(KeyError):
        async with local_mailbox(LISTEN, DOMAINS):
            raise KeyError("x")


async def test_a_flood_pushes_out_no_mail_of_another_peer() -> None:
    from collector.mail.reading import read_letter

    box = Box(most=10, age_s=10)
    box.put_nowait(read_letter(b"\r\nabc", to="p@mx.example", sender="", peer="192.0.2.1"))
    for number in range(100):
        box.put_nowait(read_letter(b"\r\nabc", to=f"{number}@mx.example", sender="", peer="192.0.2.66"))
    assert len(box.find(Asked(to="p@mx.example", since=0))) == 1
    assert (len(box), box.lost["pushed_out"]) == (10, 91)
    assert len(box.find(Asked(to="99@mx.example", since=0))) == 1


async def test_the_box_is_bounded_by_number_and_age(autojump_clock: trio.testing.MockClock) -> None:
    from collector.mail.reading import read_letter

    box = Box(most=3, age_s=10)
    put = partial(read_letter, b"Subject: a\r\n\r\nabc", sender="", peer="")
    for number in range(5):
        box.put_nowait(put(to=f"{number}@mx.example"))
    assert (len(box), box.taken, box.lost["pushed_out"]) == (3, 5, 2)
    assert box.find(Asked(to="1@mx.example", since=0)) == []
    assert [each.number for each in box.find(Asked(to="2@mx.example", since=0))] == [3]
    await trio.sleep(4)
    assert box.find(Asked(to="2@mx.example", since=0))[0].age_s == pytest.approx(4)
    await trio.sleep(7)
    assert box.find(Asked(to="4@mx.example", since=0)) == []
    assert len(box) == 0
