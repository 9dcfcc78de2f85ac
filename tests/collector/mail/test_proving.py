"""What proves a mail, end to end: signed by dkimpy, brought by SMTP, its records at NSD."""

import base64
import smtplib
import socket
import ssl
from contextlib import suppress
from functools import partial
from pathlib import Path

import dkim as signer
import pytest
import trio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from collector.certificates import Certificate
from collector.mail import local_mailbox, open_mail_listener, serve_mail, spf
from collector.mail import smtp as sink
from collector.mail.dkim import LookupFailed
from collector.mail.proving import AT_A_TIME, MAX_WAITING
from collector.messages import Asked, Box
from parallax.config import CollectorAddress, MailServer, Tls
from parallax.letters import Letter
from parallax.secret import Secret
from parallax.values import Address, DnsName, Url
from probe.client import open_client
from probe.mailbox import CollectorMailbox, MailboxError
from tests.collector.mail.plans import plan_for
from tests.collector.mail.test_smtp import LISTEN, deliver, mail, wait_until
from tests.collector.serving import collector
from tests.parts.certificates import Authority
from tests.parts.nsd import nsd

KEY = rsa.generate_private_key(65537, 2048)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
ZONE = f"""
s1._domainkey.id TXT "v=DKIM1; k=rsa; p=" "{PUBLIC[:200]}" "{PUBLIC[200:]}"
_dmarc.id TXT "v=DMARC1; p=reject"
id TXT "v=spf1 include:_spf.id.example -all"
_spf.id TXT "v=spf1 a:relay.id.example -all"
relay.id A 127.0.0.1
other TXT "v=spf1 ip4:192.0.2.1 -all"
"""


def signed(text: str = "Your code is 123456.", domain: str = "id.example") -> bytes:
    octets = mail(text, Date="Thu, 01 Jan 2026 00:00:00 +0000").as_bytes().replace(b"\n", b"\r\n")
    return signer.sign(octets, b"s1", domain.encode(), PEM, include_headers=[b"from", b"subject"]) + octets


def told(letter: Letter) -> dict[str, str]:
    return {proof.by: proof.result for proof in letter.proofs or []}


@pytest.mark.slow
async def test_a_mail_is_proven_by_the_records_of_its_domain() -> None:
    async with nsd({"example": ZONE}) as server:
        async with local_mailbox(LISTEN, ["mx.example"], [server.address]) as box:
            await deliver(box.address, signed(), "right@mx.example")
            (letter,) = await box.wait("right@mx.example", 0, 10, proven=True)
            assert told(letter) == {"dkim": "pass", "spf": "pass", "dmarc": "pass"}
            assert [(p.by, p.domain, p.selector) for p in letter.proofs or []] == [
                ("dkim", "id.example", "s1"), ("spf", "id.example", ""), ("dmarc", "id.example", ""),
            ]  # fmt: skip
            await deliver(box.address, signed().replace(b"123456", b"666666"), "changed@mx.example")
            (letter,) = await box.wait("changed@mx.example", 0, 10, proven=True)
            assert told(letter) == {"dkim": "fail", "spf": "pass", "dmarc": "pass"}
            await deliver(box.address, mail(), "plain@mx.example")
            (letter,) = await box.wait("plain@mx.example", 0, 10, proven=True)
            assert told(letter) == {"dkim": "none", "spf": "pass", "dmarc": "pass"}
        async with local_mailbox(LISTEN, ["mx.example"], [Address("127.0.0.1:9")]) as box:
            await deliver(box.address, signed(), "dark@mx.example")
            (letter,) = await box.wait("dark@mx.example", 0, 0.5)
            assert letter.subject == "Your code"  # it is there before anybody knows what proves it
            (letter,) = await box.wait("dark@mx.example", 0, 20, proven=True)
            assert told(letter) == {"dkim": "temperror", "spf": "temperror", "dmarc": "temperror"}


@pytest.mark.slow
async def test_a_probe_asks_for_a_proven_mail(tmp_path: Path) -> None:
    async with nsd({"example": ZONE}) as server:
        listen, domains = Address("127.0.0.1:0"), [DnsName("mx.example")]
        config = MailServer(listen=listen, domains=domains, resolvers=[server.address])
        async with collector(tmp_path, plan=plan_for("a"), mail=config) as served:
            assert served.running.mail is not None
            assert served.running.mail.status is not None
            token = served.token()
            way = CollectorAddress(url=Url(served.running.url), token="env:NONE")
            async with open_client(way, lambda: Secret(token)) as client:
                began = trio.current_time()
                await deliver(Address(served.running.mail.status.listen), signed(), "a@mx.example")
                (letter,) = await CollectorMailbox([client]).wait("a@mx.example", began, 20, proven=True)
                assert told(letter) == {"dkim": "pass", "spf": "pass", "dmarc": "pass"}
    plain = MailServer(listen=listen, domains=domains)
    async with collector(tmp_path, plan=plan_for("a"), mail=plain) as served:
        token = served.token()
        way = CollectorAddress(url=Url(served.running.url), token="env:NONE")
        async with open_client(way, lambda: Secret(token)) as client:
            with pytest.raises(MailboxError, match=r"proves no mail; write `resolvers` in \[mail\]"):
                await CollectorMailbox([client]).wait("a@mx.example", 0, 1, proven=True)


RECORDS = {
    ("a.example", "TXT"): ["v=spf1 ip4:192.0.2.1 ip6:2001:db8::/32 -all"],
    ("b.example", "TXT"): ["hello", "v=spf1 include:a.example ~all"],
    ("two.example", "TXT"): ["v=spf1 -all", "v=spf1 +all"],
    ("loop.example", "TXT"): ["v=spf1 include:loop.example -all"],
    ("macro.example", "TXT"): ["v=spf1 exists:%{i}.%{l}.m.example -all"],
    ("192.0.2.1.user.m.example", "A"): ["127.0.0.2"],
    ("mx.example", "TXT"): ["v=spf1 mx -all"],
    ("mx.example", "MX"): [(10, "relay.example")],
    ("relay.example", "A"): ["192.0.2.1"],
    ("bad.example", "TXT"): ["v=spf1 ip4:999.0.0.1 frob:x -all"],
    ("long.example", "TXT"): ["v=spf1 " + "ip4:192.0.2.1 " * 500],
    ("many.example", "TXT"): ["v=spf1 " + " ".join(f"a:{n}.example" for n in range(20)) + " -all"],
    ("hostile.example", "TXT"): ["v=spf1 " + "%{" * 800],
    ("explained.example", "TXT"): ["v=spf1 -all exp=why.example"],
    ("why.example", "TXT"): ["%{S}" * 300],
}


@pytest.mark.parametrize(
    ("ip", "sender", "result"),
    [
        ("192.0.2.1", "user@a.example", "pass"),
        ("192.0.2.2", "user@a.example", "fail"),
        ("2001:db8::1", "user@a.example", "pass"),
        ("2001:db9::1", "user@a.example", "fail"),
        ("192.0.2.2", "user@b.example", "softfail"),
        ("192.0.2.1", "user@b.example", "pass"),
        ("192.0.2.1", "user@two.example", "permerror"),
        ("192.0.2.1", "user@loop.example", "permerror"),
        ("192.0.2.1", "user@macro.example", "pass"),
        ("192.0.2.1", "else@macro.example", "fail"),
        ("192.0.2.1", "user@mx.example", "pass"),
        ("192.0.2.1", "user@bad.example", "permerror"),
        ("192.0.2.1", "user@long.example", "permerror"),
        ("192.0.2.1", "user@many.example", "permerror"),
        ("192.0.2.1", "user@hostile.example", "permerror"),
        ("192.0.2.1", "user@explained.example", "fail"),
        ("192.0.2.1", "user@nothing.example", "none"),
        ("192.0.2.1", "user@dark.example", "temperror"),
        ("192.0.2.1", "", "pass"),
        ("no address", "user@a.example", "permerror"),
        ("192.0.2.1", "@", "none"),
        ("192.0.2.1", "a@b@" + "x" * 300, "none"),
    ],
)
def test_spf(ip: str, sender: str, result: str) -> None:
    def ask(name: str, rdtype: str) -> list[object]:
        if name == "dark.example":
            raise LookupFailed("timeout")
        return list(RECORDS.get((name, rdtype), []))

    proof = spf.check(ip, "a.example", sender, ask)
    assert proof.result == result, proof
    assert len(proof.why) <= 200


async def test_starttls_with_the_certificate_of_the_collector(tmp_path: Path) -> None:
    ca = Authority()
    chain, key = ca.leaf("mx.example").write(tmp_path, "mx")
    tls = Tls(certificate=str(chain), key=str(key))
    certificate = Certificate(tls)
    box, listener = Box(), open_mail_listener(LISTEN)
    async with trio.open_nursery() as nursery:
        tls_context = lambda: certificate.context  # noqa: E731
        await nursery.start(partial(serve_mail, listener, ["mx.example"], box, tls=tls_context))

        def send() -> None:
            with smtplib.SMTP(listener.address.ip, listener.address.port, timeout=10) as client:
                client.ehlo("client.example")
                assert client.has_extn("starttls")
                trust = ssl.create_default_context(cadata=ca.pem)
                trust.check_hostname = False
                client.starttls(context=trust)
                client.sendmail("sign-in@id.example", ["p@mx.example"], mail().as_bytes())

        await trio.to_thread.run_sync(send)
        await deliver(listener.address, mail(), "p@mx.example")  # who has no TLS is served, too
        assert len(box.find(Asked(to="p@mx.example", since=0))) == 2
        for _ in range(sink.MAX_CONNECTIONS + 2):  # none of them stays behind
            await trio.to_thread.run_sync(send)
        assert box.lost["connections"] == 0
        nursery.cancel_scope.cancel()
    listener.close()


async def test_silent_connections_keep_nobody_out() -> None:
    box, listener = Box(), open_mail_listener(LISTEN)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_mail, listener, ["mx.example"], box)
        streams = [
            await trio.open_tcp_stream(listener.address.ip, listener.address.port)
            for _ in range(sink.MAX_CONNECTIONS)
        ]  # fmt: skip
        for stream in streams:
            assert (await stream.receive_some()).startswith(b"220 ")
        await streams[0].send_all(b"NOOP\r\n")
        assert (await streams[0].receive_some()).startswith(b"250 ")
        for _ in range(3):
            await deliver(listener.address, mail(), "p@mx.example")
        assert box.taken == 3
        await wait_until(lambda: box.lost["connections"] >= 1)
        await streams[0].send_all(b"NOOP\r\n")  # who spoke last has not made room
        assert (await streams[0].receive_some()).startswith(b"250 ")
        with trio.fail_after(60):
            with suppress(trio.BrokenResourceError):
                assert await streams[1].receive_some() == b""
        nursery.cancel_scope.cancel()
    for stream in streams:
        await stream.aclose()
    listener.close()


@pytest.mark.slow
async def test_lookups_under_way_hold_up_no_end_and_their_number_is_bounded() -> None:
    box, listener = Box(), open_mail_listener(LISTEN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = Address.of(*silent.getsockname())
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                await nursery.start(partial(serve_mail, listener, ["mx.example"], box, resolvers=[resolver]))
                while not box.lost["unproven"]:
                    await deliver(listener.address, signed(), "p@mx.example")
                assert box.taken > MAX_WAITING + AT_A_TIME  # all of them are there, proven or not
                ending = trio.current_time()
                nursery.cancel_scope.cancel()
        assert trio.current_time() - ending < 2  # a resolver is waited for for 3
    listener.close()
