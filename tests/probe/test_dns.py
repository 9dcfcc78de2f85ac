"""The dns check against a server that misbehaves: whatever it does, the right reason, and the evidence kept."""

import os
import socket
import stat
from pathlib import Path

import dns.flags
import pytest
import trio

from parallax.plan.specs import Answer
from parallax.values import Address, Redirect
from tests.fakes import dns_server as fake
from tests.fakes.dns_server import dns_server
from tests.parts.ports import free_port
from tests.probe.dns_attempts import Outcome, ask, tools

SHORT_S = 0.3


async def test_a_good_answer_is_ok_and_written_down() -> None:
    async with dns_server(fake.with_nsid(b"fra1.ns-a")) as server:
        got = await ask(server.address)
    assert got.verdict is None
    assert got.phases == ["query"]
    assert got.site == "fra1.ns-a"
    assert got.dims == {"transport": "udp", "family": "4", "address": "127.0.0.1", "server": "ns1.acme.test"}
    findings = dict(got.findings)
    assert 0 < findings.pop("rtt_ns") <= got.evidence.duration_ns
    assert findings == {
        "rcode": "NOERROR",
        "flags": ["AA"],
        "answers": [{"owner": "www.acme.test", "type": "A", "ttl": 60, "text": "192.0.2.1"}],
        "answer_count": 1,
        "min_ttl": 60,
        "size": 71,
        "edns": True,
        "nsid": b"fra1.ns-a".hex(),
        "site_known": False,
    }


async def test_the_query_asks_for_the_nsid_and_recursion_by_role() -> None:
    async with dns_server() as server:
        await ask(server.address)
        await ask(server.address, role="resolver")
    (_, first), (_, second) = server.asked
    assert not first.flags & dns.flags.RD
    assert second.flags & dns.flags.RD
    assert (first.edns, first.payload, [option.otype for option in first.options]) == (0, 1232, [3, 10])
    assert first.id != second.id  # 1 in 65,536


async def test_an_nsid_that_is_no_text_is_the_site_in_hex() -> None:
    async with dns_server(fake.with_nsid(b"\x00\xff")) as server:
        got = await ask(server.address)
    assert got.site == got.findings["nsid"] == "00ff"


@pytest.mark.parametrize(
    ("udp", "reason", "bad_replies"),
    [
        (fake.silent, "dns_timeout", None),
        (fake.wrong_source, "dns_timeout", None),
        (fake.garbage, "dns_bad_replies", {"id": 1}),
        (fake.wrong_id, "dns_bad_replies", {"id": 1}),
        (fake.wrong_question, "dns_bad_replies", {"question": 1}),
        (fake.garbled, "dns_malformed", {"unreadable": 1}),
        (fake.compression_loop, "dns_malformed", {"unreadable": 1}),
        (fake.late(trio.Event()), "dns_timeout", None),
    ],
)
async def test_what_is_no_answer_never_ends_the_query(
    udp: fake.UdpBehaviour, reason: str, bad_replies: dict[str, int] | None
) -> None:
    async with dns_server(udp) as server:
        got = await ask(server.address, timeout_s=SHORT_S)
    assert (got.reason, got.fault) == (reason, "target")
    assert got.findings.get("bad_replies") == bad_replies
    assert got.phases == ["query"]
    assert got.evidence.duration_ns >= SHORT_S * 1e9


async def test_the_right_answer_is_found_among_noise() -> None:
    async with dns_server(fake.noise_then_good) as server:
        got = await ask(server.address)
    assert got.verdict is None
    assert got.findings["bad_replies"] == {"id": 2, "question": 1, "unreadable": 1}


async def test_a_late_answer_within_the_deadline_counts() -> None:
    event = trio.Event()
    got: list[Outcome] = []
    async with dns_server(fake.late(event)) as server:

        async def run() -> None:
            got.append(await ask(server.address))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            while not server.asked:
                await trio.lowlevel.checkpoint()
            event.set()
    assert got[0].verdict is None


async def test_a_closed_port_is_refused_at_once() -> None:
    got = await ask(Address.of("127.0.0.1", free_port()))
    assert (got.reason, got.fault, got.phases) == ("connect_refused", "target", ["query"])
    assert got.evidence.duration_ns < 1e9


@pytest.mark.parametrize("role", ["authoritative", "resolver"])
async def test_a_refused_connection_is_the_server_role(role: str) -> None:
    got = await ask(Address.of("127.0.0.1", free_port()), role=role, transport="tcp")
    fault = {"authoritative": "target", "resolver": "resolver"}[role]
    assert (got.reason, got.fault, got.phases) == ("connect_refused", fault, ["connect"])


async def test_an_address_that_the_guard_refuses_is_not_asked() -> None:
    async with dns_server() as server:
        got = await ask(server.address, with_tools=tools(allow=()))
        assert server.asked == []
    assert (got.reason, got.fault) == ("address_not_allowed", "config")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_connect_to_leads_elsewhere_and_the_subject_stays(transport: str) -> None:
    async with dns_server() as server:
        redirects = [(Redirect(f"192.0.2.53:53/{transport}"), server.address)]
        got = await ask(Address("192.0.2.53:53"), transport=transport, with_tools=tools(connect_to=redirects))
    assert got.verdict is None
    assert got.dims["address"] == "192.0.2.53"


# ---- truncation and TCP


@pytest.mark.parametrize("udp", [fake.truncated, fake.truncated_mid_record])
@pytest.mark.parametrize("tcp", [fake.tcp_good, fake.tcp_two_parts])
async def test_truncated_then_tcp(udp: fake.UdpBehaviour, tcp: fake.TcpBehaviour) -> None:
    async with dns_server(udp, tcp) as server:
        got = await ask(server.address)
    assert got.verdict is None
    assert got.phases == ["query", "tcp_connect", "tcp_query"]
    assert got.findings["tcp_fallback"] is True
    assert got.findings["flags"] == ["AA"]
    assert [transport for transport, _ in server.asked] == ["udp", "tcp"]


@pytest.mark.parametrize(
    ("tcp", "failure", "reason"),
    [
        (None, "refused", "dns_truncated"),
        (fake.tcp_closed, "closed", "dns_truncated"),
        (fake.tcp_reset, "reset", "dns_truncated"),
        (fake.tcp_half, "closed", "dns_truncated"),
        (fake.tcp_drip, "timeout", "dns_truncated"),
        (fake.tcp_lying_length, "timeout", "dns_truncated"),
        (fake.tcp_huge, "too_large", "dns_too_large"),
        (fake.tcp_garbled, "malformed", "dns_malformed"),
        (fake.tcp_wrong_id, "closed", "dns_truncated"),
    ],
)
async def test_truncated_then_no_answer_over_tcp(tcp: fake.TcpBehaviour | None, failure: str, reason: str) -> None:
    async with dns_server(fake.truncated, tcp) as server:
        got = await ask(server.address, timeout_s=SHORT_S if failure == "timeout" else 5)
    assert (got.evidence.failure, got.reason, got.fault) == (failure, reason, "target")
    assert got.phases[-1] == ("tcp_connect" if tcp is None else "tcp_query")
    assert got.findings["flags"] == ["AA", "TC"]


@pytest.mark.parametrize(
    ("tcp", "reason"),
    [
        (fake.tcp_good, None),
        (fake.tcp_two_parts, None),
        (fake.tcp_closed, "connection_closed"),
        (fake.tcp_reset, "connection_reset"),
        (fake.tcp_half, "connection_closed"),
        (fake.tcp_drip, "dns_timeout"),
        (fake.tcp_lying_length, "dns_timeout"),
        (fake.tcp_huge, "dns_too_large"),
        (fake.tcp_garbage, "dns_too_large"),  # "HT" read as a length: 18,516
        (fake.tcp_garbled, "dns_malformed"),
        (fake.tcp_wrong_id, "dns_bad_replies"),
    ],
)
@pytest.mark.parametrize("role", ["authoritative", "resolver"])
async def test_over_tcp(tcp: fake.TcpBehaviour, reason: str | None, role: str) -> None:
    async with dns_server(fake.silent, tcp) as server:
        got = await ask(server.address, transport="tcp", role=role, timeout_s=SHORT_S if reason == "dns_timeout" else 5)
    assert got.reason == reason
    assert got.fault == (None if reason is None else "resolver" if role == "resolver" else "target")
    assert got.phases == ["connect", "query"]
    assert [transport for transport, _ in server.asked] == ["tcp"]


async def test_a_server_without_edns_is_asked_again_once() -> None:
    async with dns_server(fake.no_edns) as server:
        got = await ask(server.address)
        assert got.verdict is None
        assert (got.findings["edns_broken"], got.findings["edns"]) == (True, False)
        assert [message.edns for _, message in server.asked] == [0, -1]

        server.udp = fake.with_rcode("FORMERR")
        got = await ask(server.address)
        assert (got.reason, got.findings["rcode"]) == ("dns_rcode", "FORMERR")
        assert len(server.asked) == 4


# ---- cancelled


class CancelAtStep(trio.abc.Instrument):
    """Cancels the scope just before the n-th step of the task that made it: at each of its checkpoints in turn."""

    def __init__(self, scope: trio.CancelScope, step: int) -> None:
        self._task, self._scope, self._left = trio.lowlevel.current_task(), scope, step

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self._task:
            self._left -= 1
            if self._left == 0:
                self._scope.cancel()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_cancelled_at_any_checkpoint_no_socket_stays_open(transport: str) -> None:
    async with dns_server(fake.truncated) as server:
        step = 0
        cancelled = True
        while cancelled:
            step += 1
            before = open_sockets_to(server.address)
            with trio.CancelScope() as scope:
                instrument = CancelAtStep(scope, step)
                trio.lowlevel.add_instrument(instrument)
                try:
                    await ask(server.address, transport=transport)
                finally:
                    trio.lowlevel.remove_instrument(instrument)
            cancelled = scope.cancelled_caught
            assert open_sockets_to(server.address) == before == 0
    assert step > 4


def open_sockets_to(address: Address) -> int:
    """Sockets of this process that are connected to the address: by asking the kernel, not the garbage collector."""
    count = 0
    for fd in (int(entry.name) for entry in list(Path("/proc/self/fd").iterdir())):
        try:
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                continue
            with socket.socket(fileno=os.dup(fd)) as sock:
                count += sock.getpeername()[:2] == (address.ip, address.port)
        except OSError:  # gone meanwhile, or not connected
            continue
    return count


# ---- what the answer says


@pytest.mark.parametrize(
    ("rcode", "ede", "at_authority", "at_resolver"),
    [
        ("NXDOMAIN", None, ("dns_nxdomain", "target"), ("dns_nxdomain", "target")),
        ("NXDOMAIN", 17, ("dns_nxdomain", "target"), ("dns_nxdomain", "resolver")),
        ("SERVFAIL", None, ("dns_servfail", "target"), ("dns_servfail", "resolver")),
        ("SERVFAIL", 22, ("dns_servfail", "target"), ("dns_servfail", "target")),
        ("SERVFAIL", 23, ("dns_servfail", "target"), ("dns_servfail", "target")),
        ("SERVFAIL", 7, ("dns_servfail", "target"), ("dns_servfail", "target")),
        ("REFUSED", None, ("dns_refused", "target"), ("dns_refused", "resolver")),
        ("NOTIMP", None, ("dns_rcode", "target"), ("dns_rcode", "resolver")),
        ("NOERROR", None, ("dns_nodata", "target"), ("dns_nodata", "target")),
    ],
)
async def test_response_codes(
    rcode: str, ede: int | None, at_authority: tuple[str, str], at_resolver: tuple[str, str]
) -> None:
    async with dns_server(fake.with_rcode(rcode, ede=ede)) as server:
        authority = await ask(server.address)
        resolver = await ask(server.address, role="resolver")
    assert (authority.reason, authority.fault) == at_authority
    assert (resolver.reason, resolver.fault) == at_resolver
    assert resolver.findings["rcode"] == rcode
    assert resolver.findings.get("ede") == ([{"code": ede, "text": "said so"}] if ede else None)
    assert ("resolver" in resolver.dims, "server" in resolver.dims) == (True, False)


@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
async def test_an_authoritative_server_must_answer_with_authority(rcode: str) -> None:
    async with dns_server(fake.with_rcode(rcode, flags=0)) as server:
        assert (await ask(server.address)).reason == "dns_not_authoritative"
        assert (await ask(server.address, expect=Answer(rcode=rcode))).reason == "dns_not_authoritative"
        assert (await ask(server.address, role="resolver", expect=Answer(rcode=rcode))).verdict is None


CHAIN = ("www.acme.test. 60 IN CNAME Front.IdP.test.", "front.idp.test. 30 IN A 192.0.2.7")


async def test_an_alias_is_an_answer_of_an_authority_and_none_of_a_resolver() -> None:
    async with dns_server(fake.with_records(CHAIN[0])) as server:
        assert (await ask(server.address)).verdict is None
        assert (await ask(server.address, role="resolver")).reason == "dns_nodata"
    async with dns_server(fake.with_records(*CHAIN)) as server:
        got = await ask(server.address, role="resolver", expect=Answer(values=["192.0.2.7"]))
    assert got.verdict is None
    assert got.findings["min_ttl"] == 30
    assert got.findings["answers"][0]["text"] == "Front.IdP.test."


@pytest.mark.parametrize(
    ("rdtype", "records", "values", "reason"),
    [
        ("A", ["A 192.0.2.1", "A 192.0.2.2"], ["192.0.2.2", "192.0.2.1"], None),
        ("A", ["A 192.0.2.1", "A 192.0.2.2"], ["192.0.2.1"], "dns_wrong_answer"),
        ("A", ["A 192.0.2.1"], ["192.0.2.1", "192.0.2.2"], "dns_wrong_answer"),
        ("A", [], ["192.0.2.1"], "dns_nodata"),
        ("A", [], [], None),  # only the response code is asked for
        ("AAAA", ["AAAA 2001:db8::1"], ["2001:0DB8:0::1"], None),
        ("CNAME", ["CNAME Front.IdP.test."], ["front.idp.test"], None),
        ("MX", ["MX 10 Mail.acme.test."], ["10 mail.ACME.test."], None),
        ("TXT", ['TXT "v=spf1 " "-all"'], ["v=spf1 -all"], None),
        ("TXT", ['TXT "v=spf1 -all"'], ['"v=spf1" " -all"'], None),
        ("TXT", ['TXT "v=spf1 -all"'], ["V=SPF1 -ALL"], "dns_wrong_answer"),
        ("TXT", [f'TXT "{"k" * 250}" "{"p" * 250}"'], ["k" * 250 + "p" * 250], None),
        ("TXT", [f'TXT "{"k" * 250}" "{"p" * 250}"'], ["k" * 250 + "p" * 249], "dns_wrong_answer"),
        ("CAA", ['CAA 0 issue "ca.test"'], ['0 issue "ca.test"'], None),
    ],
)
async def test_expected_values(rdtype: str, records: list[str], values: list[str], reason: str | None) -> None:
    lines = [f"www.acme.test. 60 IN {record}" for record in records]
    async with dns_server(fake.with_records(*lines)) as server:
        got = await ask(server.address, type=rdtype, expect=Answer(values=values))
    assert got.reason == reason
    assert all(len(record["text"]) <= 255 for record in got.findings["answers"])
    if got.verdict is not None:
        assert got.verdict.note["expected"]["values"] == [value[:255] for value in values]


async def test_a_value_that_no_answer_can_have_is_the_plans_fault() -> None:
    async with dns_server() as server:
        got = await ask(server.address, expect=Answer(values=["not an address"]))
    assert (got.reason, got.fault) == ("dns_wrong_answer", "config")


async def test_an_expected_nxdomain_passes_and_an_answer_in_its_place_does_not() -> None:
    async with dns_server(fake.with_rcode("NXDOMAIN")) as server:
        assert (await ask(server.address, expect=Answer(rcode="NXDOMAIN"))).verdict is None
        server.udp = fake.good
        assert (await ask(server.address, expect=Answer(rcode="NXDOMAIN"))).reason == "dns_wrong_answer"


async def test_many_records_are_counted_and_a_bounded_number_kept() -> None:
    records = [f"www.acme.test. 60 IN A 192.0.2.{last}" for last in range(60)]
    async with dns_server(fake.with_records(*records)) as server:
        got = await ask(server.address, expect=Answer(values=[f"192.0.2.{last}" for last in range(60)]))
    assert got.verdict is None
    assert (len(got.findings["answers"]), got.findings["answer_count"]) == (50, 60)
