"""Queries under way side by side on shared sockets: each gets its own answer, its own end and its own count of strays,
whatever comes, and no socket outlives them."""

import errno
import struct
from collections.abc import Awaitable, Callable, Sequence

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import msgspec
import pytest
import trio
import trio.lowlevel

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.values import Address, Redirect
from probe.dns import udp_socket
from probe.dns.client import Asked, Client, Server, ask, ask_again
from probe.dns.cookies import MOST_ADDRESSES, Cookie, Cookies
from probe.dns.memory import Memory
from probe.dns.message import Query, Record, Reply
from tests.fakes import dns_server as fake
from tests.fakes.dns_server import UdpBehaviour, dns_server
from tests.parts.ports import free_port
from tests.probe.test_dns import open_sockets_to

SHORT_S = 0.3
QUERY = Query(name="www.acme.test", type="A", recurse=False)
WWW = (Record("www.acme.test", "A", 60, "192.0.2.1"),)


def client() -> Client:
    return Client(routes=Routes.of(allow=EVERYWHERE), memory=Memory())


async def ask_many(
    queries: list[Query], server: Address, with_client: Client, timeouts_s: Sequence[float] = (30.0,)
) -> list[Asked]:
    """All at once, with these timeouts in turn; the results in the order of the queries."""
    found: dict[int, Asked] = {}

    async def one(n: int) -> None:
        found[n] = await ask(queries[n], Server(address=server), with_client, timeouts_s[n % len(timeouts_s)])

    async with trio.open_nursery() as nursery:
        for n in range(len(queries)):
            nursery.start_soon(one, n)
    return [found[n] for n in range(len(queries))]


async def echo(query: fake.Query) -> None:
    """Answers any name with an address of its own."""
    name = query.message.question[0].name.to_text()
    number = int(name[1:].partition(".")[0])
    await query.send(fake.answer(query.message, f"{name} 60 IN A 192.0.{number // 256}.{number % 256}"))


def numbered(count: int) -> list[Query]:
    return [Query(name=f"n{n}.acme.test", type="A", recurse=False) for n in range(count)]


async def test_each_of_many_at_once_gets_its_own_answer() -> None:
    count, mine = 2 * udp_socket.MOST_AT_ONCE + 20, client()
    async with dns_server(echo) as server:
        asked = await ask_many(numbered(count), server.address, mine)
        assert (open_sockets_to(server.address), mine.memory.udp.open_count) == (0, 0)
    for n, each in enumerate(asked):
        assert each.reply is not None
        assert [record.text for record in each.reply.answers] == [f"192.0.{n // 256}.{n % 256}"]
        assert each.rtt_ns is not None
        assert 0 < each.rtt_ns <= each.duration_ns + 1_000_000
        assert each.bad_replies == {}
    assert len({message.id for _, message in server.asked}) > count * 0.9


async def test_those_under_way_share_a_socket_and_those_after_one_another_do_not() -> None:
    ports: list[int] = []

    async def note_port(query: fake.Query) -> None:
        ports.append(query._peer[1])
        await echo(query)

    mine = client()
    async with dns_server(note_port) as server:
        await ask_many(numbered(20), server.address, mine)
        assert len(set(ports)) == 1
        ports.clear()
        for query in numbered(5):
            await ask(query, Server(address=server.address), mine, 5.0)
        assert len(set(ports)) == 5


async def test_answers_in_any_order_reach_their_askers() -> None:
    held: list[fake.Query] = []

    async def hold(query: fake.Query) -> None:
        held.append(query)
        if len(held) == 30:
            for each in reversed(held):
                await echo(each)

    async with dns_server(hold) as server:
        asked = await ask_many(numbered(30), server.address, client())
    assert [each.reply.answers[0].text for each in asked if each.reply] == [f"192.0.0.{n}" for n in range(30)]


async def test_each_has_its_own_deadline_whoever_leads() -> None:
    async def only_odd(query: fake.Query) -> None:
        if int(query.message.question[0].name.to_text()[1:].partition(".")[0]) % 2:
            await echo(query)

    async with dns_server(only_odd) as server:
        asked = await ask_many(numbered(40), server.address, client(), (SHORT_S, 30.0))
    assert [each.outcome for each in asked] == ["timeout", "ok"] * 20
    assert all(SHORT_S * 1e9 <= each.duration_ns < 30e9 for each in asked[::2])
    assert all([phase.name for phase in each.phases] == ["query"] for each in asked)


async def test_a_later_query_with_an_earlier_deadline_is_not_kept_waiting() -> None:
    mine = client()
    async with dns_server(fake.silent) as server, trio.open_nursery() as nursery:
        nursery.start_soon(ask, QUERY, Server(address=server.address), mine, 60.0)
        await trio.testing.wait_all_tasks_blocked(0.01)
        short = await ask(QUERY, Server(address=server.address), mine, SHORT_S)
        assert short.outcome == "timeout"
        nursery.cancel_scope.cancel()
    assert mine.memory.udp.open_count == 0


async def test_a_late_answer_ends_no_other_query_and_is_no_stray() -> None:
    """The first query is given up; its answer comes while the others wait on the same socket, before theirs."""
    mine, given_up, seen = client(), trio.Event(), 0
    asked: list[Asked] = []

    async def behave(query: fake.Query) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            await given_up.wait()
            await query.send(fake.answer(query.message, "www.acme.test. 60 IN A 192.0.2.66"))

    async with dns_server(behave) as server, trio.open_nursery() as nursery:

        async def other() -> None:
            asked.append(await ask(QUERY, Server(address=server.address), mine, SHORT_S))

        with trio.CancelScope() as scope:
            nursery.start_soon(cancel_when_blocked, scope, other, nursery)
            await ask(QUERY, Server(address=server.address), mine, 60.0)
        given_up.set()
    assert seen == 2
    assert [(each.outcome, each.bad_replies) for each in asked] == [("timeout", {})]


async def cancel_when_blocked(
    scope: trio.CancelScope, other: Callable[[], Awaitable[None]], nursery: trio.Nursery
) -> None:
    await trio.testing.wait_all_tasks_blocked(0.005)
    nursery.start_soon(other)
    await trio.testing.wait_all_tasks_blocked(0.005)
    scope.cancel()


def test_a_socket_never_draws_an_id_twice_and_ends_its_life() -> None:
    sock = udp_socket.UdpSocket(Address("127.0.0.1:9"), Routes())
    try:
        drawn = [sock._new_id() for _ in range(udp_socket.MOST_IN_LIFE)]
        assert len(set(drawn)) == udp_socket.MOST_IN_LIFE
        assert not sock.has_room
    finally:
        sock.close()


@pytest.mark.parametrize("who", ["leader", "follower"])
async def test_cancelled_at_any_moment_the_others_go_on(who: str) -> None:
    mine, answer = client(), trio.Event()
    async with dns_server(fake.late(answer)) as server:
        asked: list[Asked] = []

        async def one(scope: trio.CancelScope) -> None:
            with scope:
                asked.append(await ask(QUERY, Server(address=server.address), mine, 5.0))

        async with trio.open_nursery() as nursery:
            scopes = [trio.CancelScope() for _ in range(5)]
            for scope in scopes:
                nursery.start_soon(one, scope)
            await trio.testing.wait_all_tasks_blocked(0.01)
            gone = scopes[:4] if who == "leader" else scopes[1:]
            for scope in gone:
                scope.cancel()
                await trio.testing.wait_all_tasks_blocked(0.001)
            answer.set()
        assert [each.outcome for each in asked] == ["ok"]
        assert (open_sockets_to(server.address), mine.memory.udp.open_count) == (0, 0)


async def test_all_cancelled_in_one_go() -> None:
    mine = client()
    async with dns_server(fake.silent) as server:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                for query in numbered(50):
                    nursery.start_soon(ask, query, Server(address=server.address), mine, 5.0)
                await trio.testing.wait_all_tasks_blocked(0.01)
                scope.cancel()
        assert (open_sockets_to(server.address), mine.memory.udp.open_count) == (0, 0)


async def test_another_set_of_routes_does_not_share_what_the_first_may_dial() -> None:
    memory, redirect = Memory(), Redirect("192.0.2.53:53")
    async with dns_server(fake.silent) as server:
        open_client = Client(routes=Routes.of([(redirect, server.address)], EVERYWHERE), memory=memory)
        shut = Client(routes=Routes.of([(redirect, server.address)]), memory=memory)
        to = Server(address=Address("192.0.2.53:53"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, QUERY, to, open_client, 60.0)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert (await ask(QUERY, to, shut, 1.0)).outcome == "not_allowed"
            nursery.cancel_scope.cancel()


# ---- errors of the network


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
async def test_a_closed_port_refuses_all_that_were_sent(ip: str) -> None:
    address = Address.of(ip, free_port(ip))
    asked = await ask_many(numbered(10), address, client())
    assert {each.outcome for each in asked} == {"refused"}
    assert max(each.duration_ns for each in asked) < 1e9


async def test_a_refusal_ends_only_the_query_that_it_quotes() -> None:
    """The server comes up between two queries on one socket: the first was refused, the second is answered."""
    sock = udp_socket.UdpSocket(Address.of("127.0.0.1", free_port("127.0.0.1")), Routes())
    first, second = (udp_socket.Asker(QUERY, None, udp_socket.Heard(), 9e9) for _ in range(2))
    first.id, second.id = 1, 2
    try:
        sock._waiting = {1: first, 2: second}
        sock._end(struct.pack("!H", 1) + b"rest of the query", errno.ECONNREFUSED)
        assert isinstance(first.error, ConnectionRefusedError)
        assert second.error is None
        sock._end(b"", errno.EHOSTUNREACH)  # an error that quotes nothing is everybody's
        assert second.error is not None
        assert second.error.errno == errno.EHOSTUNREACH  # type: ignore[union-attr]
    finally:
        sock.close()


# ---- what is no answer


async def flood(query: fake.Query) -> None:
    """Thousands of datagrams that are not the answer, and then the answer."""
    wire = fake.answer(query.message, fake.WWW)
    for n in range(3000):
        wrong = (query.message.id + 1 + n % 60000) & 0xFFFF
        await query.send(wrong.to_bytes(2, "big") + wire[2:])
        if n % 100 == 0:
            await trio.lowlevel.checkpoint()
    await query.send(wire)


async def test_a_flood_of_strays_neither_ends_a_query_nor_starves_the_others() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with dns_server(flood) as server, trio.open_nursery() as nursery:
        nursery.start_soon(other)
        asked = await ask(QUERY, Server(address=server.address), client(), 5.0)
        nursery.cancel_scope.cancel()
    assert asked.outcome == "ok"
    assert asked.bad_replies["id"] > 500  # some are lost at the socket's bound
    assert turns > 30


async def test_only_so_many_unreadable_answers_are_looked_at() -> None:
    async def garble(query: fake.Query) -> None:
        for _ in range(2 * udp_socket.MOST_UNREADABLE):
            await fake.garbled(query)

    async with dns_server(garble) as server:
        asked = await ask(QUERY, Server(address=server.address), client(), SHORT_S)
    assert asked.outcome == "bad_replies"
    assert asked.bad_replies == {"unreadable": 2 * udp_socket.MOST_UNREADABLE}


async def test_a_datagram_larger_than_what_is_read_is_unreadable() -> None:
    async def huge(query: fake.Query) -> None:
        await query.send(fake.answer(query.message, fake.WWW) + bytes(40_000))
        await query.send(b"\x01")
        await query.send(b"")

    async with dns_server(huge) as server:
        asked = await ask(QUERY, Server(address=server.address), client(), SHORT_S)
    assert asked.bad_replies == {"unreadable": 3}


async def test_ask_again_has_another_try_after_a_lost_datagram() -> None:
    seen = 0

    async def lose_first(query: fake.Query) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            await fake.good(query)

    async with dns_server(lose_first) as server:
        asked = await ask_again(QUERY, Server(address=server.address), client(), 0.9)
    assert (asked.outcome, seen) == ("ok", 2)


# ---- streams


@pytest.mark.parametrize(
    ("tcp", "outcome"),
    [
        (fake.tcp_good, "ok"),
        (fake.tcp_two_parts, "ok"),
        (fake.tcp_closed, "closed"),
        (fake.tcp_reset, "reset"),
        (fake.tcp_half, "closed"),
        (fake.tcp_drip, "timeout"),
        (fake.tcp_lying_length, "timeout"),
        (fake.tcp_huge, "too_large"),
        (fake.tcp_garbled, "malformed"),
    ],
)
async def test_a_stream_that_misbehaves(tcp: fake.TcpBehaviour, outcome: str) -> None:
    async with dns_server(tcp=tcp) as server:
        asked = await ask(QUERY, Server(address=server.address, transport="tcp"), client(), SHORT_S)
        assert open_sockets_to(server.address) == 0
    assert asked.outcome == outcome
    assert [phase.name for phase in asked.phases] == ["connect", "query"]


async def test_a_stream_of_messages_that_are_not_the_answer_is_left() -> None:
    async def babble(stream: trio.SocketStream, message: dns.message.Message) -> None:
        wire = bytearray(fake.answer(message, fake.WWW))
        wire[0] ^= 0x55
        await stream.send_all((len(wire).to_bytes(2, "big") + wire) * 1000)

    async with dns_server(tcp=babble) as server:
        asked = await ask(QUERY, Server(address=server.address, transport="tcp"), client(), 5.0)
    assert (asked.outcome, asked.bad_replies) == ("malformed", {"id": 100})


@pytest.mark.parametrize("transport", ["dot", "doh"])
@pytest.mark.parametrize(
    ("tcp", "outcome", "phase"),
    [
        (fake.tcp_garbage, "tls_malformed", "handshake"),
        (None, "refused", "connect"),
    ],
)
async def test_what_speaks_no_tls(transport: str, tcp: fake.TcpBehaviour | None, outcome: str, phase: str) -> None:
    async def serve_garbage(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.0 400 Bad Request\r\n\r\n")

    async with trio.open_nursery() as nursery:
        if tcp is None:
            address = Address.of("127.0.0.1", free_port("127.0.0.1"))
        else:
            listeners = await nursery.start(trio.serve_tcp, serve_garbage, 0)
            address = Address.of("127.0.0.1", listeners[0].socket.getsockname()[1])
        server = Server(address=address, name="dns.test", transport=transport)  # type: ignore[arg-type]
        asked = await ask(QUERY, server, client(), 2.0)
        nursery.cancel_scope.cancel()
    assert (asked.outcome, asked.phases[-1].name) == (outcome, phase)


@pytest.mark.parametrize("transport", ["dot", "doh"])
async def test_a_handshake_that_hangs_is_a_timeout_in_its_phase(transport: str) -> None:
    async def hang(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, hang, 0)
        address = Address.of("127.0.0.1", listeners[0].socket.getsockname()[1])
        server = Server(address=address, name="dns.test", transport=transport)  # type: ignore[arg-type]
        asked = await ask(QUERY, server, client(), SHORT_S)
        nursery.cancel_scope.cancel()
    assert (asked.outcome, asked.phases[-1].name) == ("timeout", "handshake")


# ---- cookies


def cookie_of(query: fake.Query) -> bytes:
    return next((option.to_wire() or b"" for option in query.message.options if option.otype == 10), b"")


def with_cookie(query: fake.Query, cookie: bytes, rcode: str = "NOERROR") -> bytes:
    reply = dns.message.make_response(query.message)
    reply.flags |= dns.flags.AA
    if rcode == "NOERROR":
        reply.answer.append(dns.rrset.from_text("www.acme.test.", 60, "IN", "A", "192.0.2.1"))
    reply.use_edns(0, options=[dns.edns.GenericOption(10, cookie)])  # type: ignore[no-untyped-call]
    reply.set_rcode(dns.rcode.from_text(rcode))  # after, as its upper bits are in the OPT record
    return reply.to_wire()


SERVER = b"server-1"


def cookies_as(sent: list[bytes], answer: bytes | None = None) -> UdpBehaviour:
    async def behave(query: fake.Query) -> None:
        sent.append(cookie_of(query))
        await query.send(with_cookie(query, sent[-1][:8] + SERVER if answer is None else answer))

    return behave


async def test_the_servers_cookie_is_sent_back_next_time_and_each_address_has_its_own() -> None:
    sent: list[bytes] = []
    mine = client()
    async with dns_server(cookies_as(sent)) as one, dns_server(cookies_as(sent)) as other:
        for server in (one, one, other):
            assert (await ask(QUERY, Server(address=server.address), mine, 5.0)).ok
    first, second, third = sent
    assert len(first) == 8
    assert second == first + SERVER
    assert len(third) == 8
    assert third != first


async def test_without_edns_and_over_tcp_no_cookie_is_sent() -> None:
    sent: list[bytes] = []
    mine = client()
    async with dns_server(cookies_as(sent)) as server:
        await ask(msgspec.structs.replace(QUERY, edns=False), Server(address=server.address), mine, SHORT_S)
        await ask(QUERY, Server(address=server.address, transport="tcp"), mine, 5.0)
    assert sent == [b""]
    assert [option.otype for option in server.asked[1][1].options] == [3]


@pytest.mark.parametrize("cookie", [b"spoofed!", b"spoofed!" + SERVER, b"short", b"x" * 41])
async def test_a_wrong_cookie_is_a_stray(cookie: bytes) -> None:
    async with dns_server(cookies_as([], cookie)) as server:
        asked = await ask(QUERY, Server(address=server.address), client(), SHORT_S)
    assert (asked.outcome, asked.bad_replies) == ("bad_replies", {"cookie": 1})


async def test_a_spoofed_answer_without_the_cookie_is_passed_over() -> None:
    """A server that gives cookies is known to: an answer without one that comes first is not believed."""
    mine, spoof = client(), False

    async def behave(query: fake.Query) -> None:
        if spoof:
            await query.send(fake.answer(query.message, "www.acme.test. 60 IN A 192.0.2.66"))
        await query.send(with_cookie(query, cookie_of(query)[:8] + SERVER))

    async with dns_server(behave) as server:
        assert (await ask(QUERY, Server(address=server.address), mine, 5.0)).ok
        spoof = True
        asked = await ask(QUERY, Server(address=server.address), mine, 5.0)
    assert asked.reply is not None
    assert (asked.reply.answers, asked.bad_replies) == (WWW, {"cookie": 1})


async def test_a_site_without_cookies_behind_the_same_address_costs_one_query_at_most() -> None:
    mine = client()
    async with dns_server(cookies_as([])) as server:
        assert (await ask(QUERY, Server(address=server.address), mine, 5.0)).ok
        server.udp = fake.good
        outcomes = [(await ask(QUERY, Server(address=server.address), mine, SHORT_S)).outcome for _ in range(3)]
        server.udp = cookies_as([])
        outcomes.append((await ask(QUERY, Server(address=server.address), mine, SHORT_S)).outcome)
        server.udp = fake.good
        outcomes.append((await ask(QUERY, Server(address=server.address), mine, SHORT_S)).outcome)
    assert outcomes == ["bad_replies", "ok", "ok", "ok", "ok"]


async def test_badcookie_is_answered_once_with_the_new_cookie() -> None:
    sent: list[bytes] = []

    def demand(times: int) -> UdpBehaviour:
        async def behave(query: fake.Query) -> None:
            sent.append(cookie_of(query))
            good = len(sent) > times
            await query.send(with_cookie(query, sent[-1][:8] + SERVER, "NOERROR" if good else "BADCOOKIE"))

        return behave

    async with dns_server(demand(1)) as server:
        asked = await ask(QUERY, Server(address=server.address), client(), 5.0)
    assert (asked.outcome, sent) == ("ok", [sent[0], sent[0] + SERVER])
    sent.clear()
    async with dns_server(demand(9)) as server:
        asked = await ask(QUERY, Server(address=server.address), client(), 5.0)
    assert asked.reply is not None
    assert (asked.reply.rcode, len(sent)) == ("BADCOOKIE", 2)


def test_cookies_are_bounded_and_the_oldest_goes() -> None:
    cookies = Cookies()
    first, second = (Address.of("192.0.2.1", port) for port in (1, 2))
    held = cookies.of(first), cookies.of(second)
    cookies.of(first)
    for port in range(3, MOST_ADDRESSES + 2):
        cookies.of(Address.of("192.0.2.1", port))
    assert cookies.of(first) is held[0]
    assert cookies.of(second) is not held[1]


def test_a_cookie_of_only_the_clients_half_is_taken_but_promises_nothing() -> None:
    cookie = Cookie()

    def reply(option: bytes | None) -> Reply:
        return Reply(rcode="NOERROR", flags=(), answers=(), edns=True, size=0, cookie=option)

    assert cookie.accepts(reply(cookie.client))
    assert cookie.accepts(reply(None))
    assert cookie.to_send == cookie.client
