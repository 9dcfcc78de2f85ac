"""DNS queries a second and how well they are timed, against one NSD. `python -m bench.dns [SECONDS]`

Ours (`probe.dns.client.ask`), dnspython's own exchange (dns.asyncquery.udp), dnsperf and whole attempts of the dns
check take turns, several times, and of each the best turn counts: what else the machine does only adds. A query counts
only if it was answered as it should. Per core means per CPU second of the process that asks: NSD has another core.

Reading: the CPU time that one message takes `parse`, for the messages that were made to take long; of each the best of
several.

Timing: bursts of 500 queries at once. The truth about each is what the kernel says (SO_TIMESTAMPING): from the stamp of
its datagram as it leaves to the stamp of the answer as it comes. Error is what we report less that. Beside it stands
what dnspython reports of a like burst; it has no truth of its own, but the server is the same.
"""

import json
import resource
import shutil
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.edns
import dns.exception
import dns.message
import dns.rcode
import trio

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.specs import DnsSpec
from parallax.values import Address, DnsName
from probe.attempt import attempt, evidence_of
from probe.checks import KINDS
from probe.dns.client import Client, Server, ask
from probe.dns.memory import Memory
from probe.dns.message import Query, Unreadable, parse
from probe.dns.udp import UdpSockets
from probe.dns.udp_socket import UdpSocket
from probe.kind import Subject
from probe.tools import Tools
from tests.parts.nsd import nsd
from tests.probe.dns.hostile import hostile_answers, huge_answers

AT_ONCE = 64
TURNS = 5
BURST = 500
BURSTS = 20
NAME = "www.acme.test"
QUERY = Query(name=NAME, type="A", recurse=False)

_SO_TIMESTAMPING = 37
_TX_AND_RX_SOFTWARE = 1 << 1 | 1 << 3 | 1 << 4  # SOF_TIMESTAMPING_{TX_SOFTWARE,RX_SOFTWARE,SOFTWARE}
_STAMP = struct.Struct("@ll")


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    print(json.dumps(trio.run(measure, seconds)))
    return 0


async def measure(seconds: float) -> dict[str, Any]:
    async with nsd({"acme.test": "www A 192.0.2.1"}) as server:
        rates = await measure_rates(server.address, seconds)
        timing = await measure_timing(server.address)
    return {"bench": "DNS queries", **rates, **timing, "reading": measure_reading()}


# ---- how many


async def measure_rates(address: Address, seconds: float) -> dict[str, Any]:
    each = seconds / (4 * TURNS)
    ones = {"ours": our_exchange(address), "check": our_check(address), "dnspython": their_exchange(address)}
    turns: dict[str, list[float]] = {name: [] for name in (*ones, "dnsperf")}
    per_s: dict[str, list[float]] = {name: [] for name in ones}
    for _ in range(TURNS):
        for name, one in ones.items():
            began, busy = time.perf_counter(), time.process_time()
            count = await repeat(one, each)
            turns[name].append((time.process_time() - busy) / count)
            per_s[name].append(count / (time.perf_counter() - began))
        answered, busy_s = await dnsperf(address, each)
        if answered:
            turns["dnsperf"].append(busy_s / answered)
    us = {name: 1e6 * min(each) for name, each in turns.items() if each}
    ours, theirs, perf, check = us["ours"], us["dnspython"], us.get("dnsperf"), us["check"]
    return {
        "queries_per_s": round(max(per_s["ours"])),
        "queries_per_s_per_core": round(1e6 / ours),
        "us_cpu_per_query": round(ours, 1),
        "dns_asyncquery_udp_per_s_per_core": round(1e6 / theirs),
        "times_dns_asyncquery_udp": round(theirs / ours, 1),
        "us_cpu_per_query_of_dnsperf": round(perf, 2) if perf else None,
        "times_the_cpu_of_dnsperf": round(ours / perf, 1) if perf else None,
        "whole_checks_per_s_per_core": round(1e6 / check),
        "at_once": AT_ONCE,
    }


async def repeat(one: Callable[[], Awaitable[None]], seconds: float) -> int:
    """How many came to their end, AT_ONCE side by side."""
    done = 0
    end = time.perf_counter() + seconds

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await one()
            done += 1

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(worker)
    return done


def our_exchange(address: Address) -> Callable[[], Awaitable[None]]:
    client, server = Client(routes=Routes.of(allow=EVERYWHERE), memory=Memory()), Server(address=address)

    async def one() -> None:
        asked = await ask(QUERY, server, client, 5.0)
        assert asked.reply is not None, asked.outcome
        assert asked.reply.answers[0].text == "192.0.2.1"

    return one


def our_check(address: Address) -> Callable[[], Awaitable[None]]:
    kind, spec = KINDS["dns"], DnsSpec(query=DnsName(NAME))
    subject = Subject(target=str(address), host=address.ip, address=address)
    tools = Tools(routes=Routes.of(allow=EVERYWHERE), trust=Trust(), resolvers=())

    async def one() -> None:
        tape = await attempt(kind, spec, subject, 5.0, tools)
        assert kind.judge(spec, evidence_of(tape)) is None
        assert tape.site

    return one


def their_query() -> dns.message.QueryMessage:
    options: list[dns.edns.Option] = [dns.edns.GenericOption(dns.edns.NSID, b"")]
    return dns.message.make_query(NAME, "A", use_edns=0, payload=1232, options=options)


def their_exchange(address: Address) -> Callable[[], Awaitable[None]]:
    async def one() -> None:
        reply = await dns.asyncquery.udp(their_query(), address.ip, timeout=5.0, port=address.port)
        assert reply.rcode() == dns.rcode.NOERROR

    return one


async def dnsperf(address: Address, seconds: float) -> tuple[int, float]:
    """Queries that it had answered, and the CPU seconds it took; (0, 0) where it is not installed."""
    if shutil.which("dnsperf") is None:
        return 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "queries"
        names.write_text(f"{NAME} A\n")
        command = ["dnsperf", "-s", address.ip, "-p", str(address.port), "-d", str(names), "-e", "-c", "1", "-T", "1"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = await trio.run_process(
            [*command, "-q", str(AT_ONCE), "-l", str(max(1, round(seconds)))], capture_stdout=True, capture_stderr=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    line = next(line for line in ran.stdout.decode().splitlines() if "Queries completed" in line)
    return int(line.split()[2]), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# ---- how long a message can take


def measure_reading() -> dict[str, Any]:
    """The slowest of the hostile messages: whole answers of at most 16 KiB, which is what is read over TCP, and those
    of 60 to 100 kB."""
    return {
        "hostile_16_kib_ms": round(max(map(_reading_ms, hostile_answers().values())), 2),
        "hostile_64_kb_ms": round(max(map(_reading_ms, huge_answers().values())), 2),
    }


def _reading_ms(wire: bytes) -> float:
    best = float("inf")
    for _ in range(20):
        began = time.process_time()
        with suppress(Unreadable):
            parse(wire)
        best = min(best, time.process_time() - began)
    return 1e3 * best


# ---- how well timed


class Traced(UdpSocket):
    """Also asks the kernel when each query left, and keeps what we report beside what the kernel says."""

    all: list["Traced"] = []  # noqa: RUF012

    def __init__(self, real: Address, routes: Routes) -> None:
        super().__init__(real, routes)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _TX_AND_RX_SOFTWARE)
        self.left_at: dict[int, int] = {}
        self.came: list[tuple[int, int, int]] = []
        """Id, the kernel's stamp on the answer, and the round trip that we report."""
        Traced.all.append(self)

    def _take(self, asker: Any, wire: bytes, ancillary: Any) -> None:
        super()._take(asker, wire, ancillary)
        self.came.append((asker.id, stamped(ancillary), asker.heard.rtt_ns))

    def _take_errors(self) -> None:
        while True:
            try:
                sent, ancillary, *_ = self.socket.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
            except BlockingIOError:
                return
            # The whole packet comes back, headers first: Ethernet, IP and UDP, then the query.
            self.left_at[int.from_bytes(sent[-_QUERY_SIZE:][:2], "big")] = stamped(ancillary)

    def close(self) -> None:
        self._take_errors()
        super().close()

    def errors_ns(self) -> list[int]:
        return [rtt_ns - (came_at - self.left_at[number]) for number, came_at, rtt_ns in self.came]

    def rtts_ns(self) -> list[int]:
        return [came_at - self.left_at[number] for number, came_at, _ in self.came]


_QUERY_SIZE = 0


def stamped(ancillary: Any) -> int:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING:
            seconds, nanoseconds = _STAMP.unpack_from(data)
            return int(seconds * 1_000_000_000 + nanoseconds)
    raise AssertionError("no time stamp from the kernel")


async def measure_timing(address: Address) -> dict[str, Any]:
    global _QUERY_SIZE
    from probe.dns.message import encode

    memory = Memory()
    memory.udp = UdpSockets(Traced)
    client, server = Client(routes=Routes.of(allow=EVERYWHERE), memory=memory), Server(address=address)
    _QUERY_SIZE = len(encode(QUERY, 0, memory.cookies.of(address).to_send))
    theirs: list[float] = []
    lost = their_lost = 0

    async def our_one() -> None:
        nonlocal lost
        lost += not (await ask(QUERY, server, client, 5.0)).ok

    async def their_one() -> None:
        nonlocal their_lost
        try:
            reply = await dns.asyncquery.udp(their_query(), address.ip, timeout=5.0, port=address.port)
            theirs.append(reply.time)
        except dns.exception.Timeout:
            their_lost += 1

    for _ in range(BURSTS):
        for one in (our_one, their_one):
            async with trio.open_nursery() as nursery:
                for _ in range(BURST):
                    nursery.start_soon(one)
    errors_us = sorted(abs(error) / 1e3 for each in Traced.all for error in each.errors_ns())
    truth_us = sorted(rtt / 1e3 for each in Traced.all for rtt in each.rtts_ns())
    theirs_us = sorted(1e6 * each for each in theirs)
    return {
        "burst": {
            "queries_at_once": BURST,
            "timed": len(errors_us),
            "lost": lost,
            "rtt_error_us": quantiles(errors_us),
            "rtt_us_by_the_kernel": quantiles(truth_us),
            "dns_asyncquery_udp_time_us": quantiles(theirs_us),
            "dns_asyncquery_udp_lost": their_lost,
        }
    }


def quantiles(ordered: list[float]) -> dict[str, float]:
    return {f"p{share}": round(ordered[int(len(ordered) * share / 100)], 1) for share in (50, 99)}


if __name__ == "__main__":
    sys.exit(main())
