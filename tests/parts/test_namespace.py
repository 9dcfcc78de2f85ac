"""The network namespace of the tests: what comes in, what does not, and that nobody stays in there."""

import socket
import threading
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import pytest
import trio

from tests.fakes.dns_server import dns_server, with_records
from tests.parts.namespace import Namespace, network_namespace
from tests.parts.nsd import nsd

pytestmark = pytest.mark.slow

IPS = ("192.0.2.1", "2001:db8::1")


async def ask(ip: str, *, tcp: bool = False, timeout_s: float = 30.0) -> list[str]:
    query = dns.message.make_query("www.auth.test", "A")
    if tcp:
        reply = await dns.asyncquery.tcp(query, ip, timeout=timeout_s)
    else:
        reply = await dns.asyncquery.udp(query, ip, timeout=timeout_s)
    return [rdata.to_text() for rrset in reply.answer for rdata in rrset]


async def assert_silent(ip: str, *, tcp: bool = False) -> None:
    with pytest.raises(dns.exception.Timeout):
        await ask(ip, tcp=tcp, timeout_s=0.2)


async def test_addresses_are_dark_led_elsewhere_and_mended() -> None:
    with network_namespace() as net:
        net.add(*IPS)
        async with nsd({"auth.test": "www A 192.0.2.7"}, ip=IPS[0], also=IPS[1:], port=53):
            await everything_answers(net)
            net.drop(IPS[0])
            await assert_silent(IPS[0])
            await assert_silent(IPS[0], tcp=True)
            assert await ask(IPS[1]) == ["192.0.2.7"]
            net.mend()
            net.drop(*IPS, only="tcp")
            assert await ask(IPS[0]) == ["192.0.2.7"]
            await assert_silent(IPS[1], tcp=True)
            net.mend()
            net.refuse(*IPS)
            for ip in IPS:
                with pytest.raises(ConnectionRefusedError):
                    await ask(ip, tcp=True)
            net.mend()
            liar = with_records("www.auth.test. 60 IN A 198.51.100.66")
            async with dns_server(liar) as fake:
                net.redirect(53, fake.address)
                assert await ask(IPS[0]) == ["198.51.100.66"]
                assert await ask(IPS[1]) == ["192.0.2.7"], "the other family"
            net.mend()
            await everything_answers(net)


async def everything_answers(net: Namespace) -> None:
    for ip in IPS:
        assert await ask(ip) == ["192.0.2.7"]
        assert await ask(ip, tcp=True) == ["192.0.2.7"]


async def test_worker_threads_come_along_and_back() -> None:
    def where(thread: str = "thread-self") -> str:
        return str(Path(f"/proc/{thread}/ns/net").readlink())

    home = where()
    assert await trio.to_thread.run_sync(where) == home
    with network_namespace():
        inside = where()
        assert inside != home
        assert await trio.to_thread.run_sync(where) == inside
    assert where() == home
    assert await trio.to_thread.run_sync(where) == home
    assert {where(f"self/task/{each.native_id}") for each in threading.enumerate()} == {home}


async def test_a_test_that_fails_inside_comes_home() -> None:
    with socket.socket() as before:
        before.bind(("127.0.0.1", 0))
        with pytest.raises(ZeroDivisionError), network_namespace():
            1 / 0  # noqa: B018
        with socket.socket() as after:
            after.settimeout(30)
            before.listen()
            after.connect(before.getsockname())
    await trio.lowlevel.checkpoint()
