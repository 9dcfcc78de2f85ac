"""DNS over UDP and TCP as a host of the lab serves it: in memory, virtual time."""

import pytest
import trio
import trio.testing

from lab import zones
from lab.dns_host import SLOW_CLIENT_S, DnsService, authority
from lab.internet import Visit
from lab.records import Answer, Question
from tests.fakes.lab_dns import question_wire, readable

NOBODY = Visit(client=None)
SOA = question_wire("auth-vendor.example", "SOA", nsid=True)
SERVICE = DnsService(authority(lambda: (zones.VENDOR_AT_A,)), nsid="fra")


def _framed(wire: bytes) -> bytes:
    return len(wire).to_bytes(2, "big") + wire


async def _exchange(sent: list[bytes], service: DnsService = SERVICE) -> list[bytes]:
    """Sends the pieces one after the other; the messages that came back before the server ended."""
    client, server = trio.testing.memory_stream_pair()
    got = b""
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await service.streams[53](NOBODY, server)
            await server.aclose()

        nursery.start_soon(serve)
        for piece in sent:
            await client.send_all(piece)
            await trio.testing.wait_all_tasks_blocked()
        while piece := await client.receive_some():
            got += piece
    messages = []
    while got:
        end = 2 + int.from_bytes(got[:2], "big")
        messages.append(got[2:end])
        got = got[end:]
    return messages


async def test_a_datagram_is_answered_with_the_site() -> None:
    wire = await SERVICE.datagrams[53](NOBODY, SOA)
    assert wire is not None
    reply = readable(wire)
    assert (reply.rcode, reply.flags, reply.nsid) == ("NOERROR", "QR AA", b"fra")
    assert await SERVICE.datagrams[53](NOBODY, b"nothing") is None


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_queries_over_tcp_come_in_any_pieces(size: int, autojump_clock: trio.testing.MockClock) -> None:
    both = _framed(SOA) + _framed(question_wire("dkim1.auth-vendor.example", "TXT"))
    replies = [readable(wire) for wire in await _exchange([both[i : i + size] for i in range(0, len(both), size)])]
    assert [(reply.rcode, len(reply.answer)) for reply in replies] == [("NOERROR", 1), ("NOERROR", 1)]


@pytest.mark.parametrize("sent", [b"", b"\x00", _framed(SOA)[:-1], b"\xff\xffabc"])
async def test_a_slow_client_is_let_go(sent: bytes, autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    assert await _exchange([sent] if sent else []) == []
    assert trio.current_time() - began == pytest.approx(SLOW_CLIENT_S)


@pytest.mark.parametrize("sent", [b"\x00\x00", _framed(b"short"), _framed(bytes([1, 2, 0x80]) + bytes(9))])
async def test_what_is_no_query_ends_the_connection(sent: bytes, autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    assert await _exchange([sent]) == []
    assert trio.current_time() == began


async def test_a_resolver_serves_those_who_want_recursion_only() -> None:
    async def answer(question: Question) -> Answer:
        return Answer()

    service = DnsService(answer, recursive=True)
    for recurse, rcode in ((True, "NOERROR"), (False, "REFUSED")):
        wire = await service.datagrams[53](NOBODY, question_wire("a.example", "A", recurse=recurse))
        assert wire is not None
        assert (readable(wire).rcode, "RA" in readable(wire).flags) == (rcode, True)
