"""DNS checks a second: whole attempts of the dns check, verdict included, beside dnspython's own exchange
(dns.asyncquery.udp) in the same run against one NSD. `python -m bench.dns [SECONDS]`

Both take turns, several times, so that the machine's mood hits both alike. A check counts only if it is ok. Per core
means per CPU second of this process: NSD has the other core.
"""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import dns.asyncquery
import dns.edns
import dns.message
import dns.rcode
import trio

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.specs import DnsSpec
from parallax.values import Address, DnsName
from probe.attempt import attempt, evidence_of
from probe.checks import KINDS
from probe.checks.kind import Subject, Tools
from tests.parts.nsd import nsd

AT_ONCE = 16
TURNS = 5
NAME = "www.acme.test"


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    print(json.dumps(trio.run(measure, seconds)))
    return 0


async def measure(seconds: float) -> dict[str, Any]:
    async with nsd({"acme.test": "www A 192.0.2.1"}) as server:
        ours, theirs = our_check(server.address), their_exchange(server.address)
        each = seconds / (2 * TURNS)
        counts = {"ours": 0, "theirs": 0}
        wall = {"ours": 0.0, "theirs": 0.0}
        cpu = {"ours": 0.0, "theirs": 0.0}
        for _ in range(TURNS):
            for name, one in (("ours", ours), ("theirs", theirs)):
                began, busy = time.perf_counter(), time.process_time()
                counts[name] += await repeat(one, each)
                wall[name] += time.perf_counter() - began
                cpu[name] += time.process_time() - busy
    per_core = {name: counts[name] / cpu[name] for name in counts}
    return {
        "bench": "DNS checks",
        "checks_per_s": round(counts["ours"] / wall["ours"]),
        "checks_per_s_per_core": round(per_core["ours"]),
        "us_cpu_per_check": round(1e6 / per_core["ours"], 1),
        "dns_asyncquery_udp": {
            "queries_per_s": round(counts["theirs"] / wall["theirs"]),
            "queries_per_s_per_core": round(per_core["theirs"]),
        },
        "ratio_per_core": round(per_core["ours"] / per_core["theirs"], 2),
        "at_once": AT_ONCE,
        "seconds": round(sum(wall.values()), 1),
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


def our_check(address: Address) -> Callable[[], Awaitable[None]]:
    kind, spec = KINDS["dns"], DnsSpec(query=DnsName(NAME))
    subject = Subject(target=str(address), host=address.ip, address=address)
    tools = Tools(routes=Routes.of(allow=EVERYWHERE), trust=Trust(), resolvers=())

    async def one() -> None:
        tape = await attempt(kind, spec, subject, 5.0, tools)
        assert kind.judge(spec, evidence_of(tape)) is None
        assert tape.site

    return one


def their_exchange(address: Address) -> Callable[[], Awaitable[None]]:
    async def one() -> None:
        options: list[dns.edns.Option] = [dns.edns.GenericOption(dns.edns.NSID, b"")]
        query = dns.message.make_query(NAME, "A", use_edns=0, payload=1232, options=options)
        reply = await dns.asyncquery.udp(query, address.ip, timeout=5.0, port=address.port)
        assert reply.rcode() == dns.rcode.NOERROR

    return one


if __name__ == "__main__":
    sys.exit(main())
