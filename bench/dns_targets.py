"""What zones cost a probe: queries a minute of one zone, and core and memory of a probe that watches many.

`python -m bench.dns_targets [TARGETS [MINUTES [KIND...]]]`. A zone has 4 servers in IPv4 and IPv6, a primary and a
fallback operator, and two resolvers. NSD serves the root, the parent, the zones; Unbound is the resolvers; all on
loopback, by connect_to.

Queries of one zone are counted over 20 minutes of a clock that runs 20 times too fast. A probe's cost is measured from
outside, from /proc, once the plan has been in force for two periods.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio
import trio.testing

from bench.probe import PROBE, _cpu_s, _rss_kb, _slope
from parallax.clock import wall_ns
from parallax.config import ProbeConfig
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.checks import convert_check
from parallax.plan.part import encode_part, part_hash
from parallax.plan.types import Check, ConnectTo, Control, Dns, Operator, Part, Probe, Resolver
from parallax.values import Address, Cidr, Endpoint, Redirect, encode_value
from probe.runs import Vantage, run_target
from probe.tools import Tools
from tests.fakes.http_collector import HttpCollector, http_collector
from tests.fakes.probes import part, probe_config
from tests.parts.nsd import nsd
from tests.parts.unbound import unbound
from tests.parts.zones import soa

HEALTH_S = 30
TARGETS, PERIOD_S, SPEED, COUNTED_MINUTES = 1000, 30, 20, 20
ROOT, PARENT = "198.51.100.1", "198.51.100.11"
PRIMARY = {f"ns{n}.operator-a.test": (f"192.0.2.{n}", f"2001:db8:a::{n}") for n in (1, 2, 3, 4)}
FALLBACK = {f"ns{n}.operator-b.test": (f"192.0.2.{64 + n}", f"2001:db8:b::{n}") for n in (1, 2)}
RESOLVERS = ("203.0.113.53", "203.0.113.54")
KEYS: dict[str, dict[str, Any]] = {
    "dns.zone": {"zone": "{zone}", "data": "www.{zone}"},
    "dns.resolve": {"names": ["www.{zone}"]},
    "dns.chain": {"names": ["login.{zone}"]},
    "dns.parity": {"zone": "{zone}", "primary": "A", "fallback": "B", "period": "5m"},
    "dns.mail": {"domain": "{zone}", "selectors": ["s1"], "period": "5m"},
    "dns.dnssec": {"zone": "{zone}", "period": "5m"},
}
"""The keys of a zone's checks; parity, mail and dnssec change slowly, and are asked every 5 minutes."""


def main() -> int:
    arguments = sys.argv[1:]
    targets = int(arguments[0]) if arguments else TARGETS
    minutes = float(arguments[1]) if len(arguments) > 1 else 3.0
    kinds = arguments[2:] or ["dns.zone", "dns.chain", "dns.parity", "dns.mail"]
    fast = trio.testing.MockClock(rate=SPEED)
    queries = {kind: trio.run(count, kind, clock=fast) for kind in kinds}
    print(json.dumps({"bench": "Queries of a zone", "per_min": queries, "sum": round(sum(queries.values()), 1)}))
    print(json.dumps(trio.run(measure, targets, minutes, kinds)))
    return 0


class World(msgspec.Struct, frozen=True):
    """Where addresses lead."""

    connect_to: dict[str, Address]


@asynccontextmanager
async def world(zones: int) -> AsyncIterator[World]:
    """The servers of so many zones, z0.example and on."""
    names = [f"z{n}.example" for n in range(zones)]
    lines = _zone_lines()
    parent = _lines("p1", f"p1 A {PARENT}", *(f"{n.partition('.')[0]} NS {ns}." for n in names for ns in PRIMARY))
    hosts = {
        f"operator-{letter}.test": _lines("ns1", *(_host(name.partition(".")[0], ips) for name, ips in servers.items()))
        for letter, servers in (("a", PRIMARY), ("b", FALLBACK))
    }
    test = [f"operator-{letter} NS ns1.operator-{letter}\nns1.operator-{letter} A {PARENT}" for letter in "ab"]
    root = _lines("a.root.", f"a.root. A {ROOT}", *(f"{tld}. NS p1.nic." for tld in ("example", "test")))
    root += f"\nnic. NS p1.nic.\np1.nic. A {PARENT}"
    async with (
        nsd({".": root}) as above,
        nsd(
            {"example": parent, "nic": _lines("p1", f"p1 A {PARENT}"), "test": _lines("p1.nic.", *test), **hosts}
        ) as mid,
        nsd(dict.fromkeys(names, lines), nsid="fra1") as servers,
        unbound(dict.fromkeys(names, servers.address)) as one,
    ):
        to = {ROOT: above.address, PARENT: mid.address}
        to |= {ip: servers.address for ips in (*PRIMARY.values(), *FALLBACK.values()) for ip in ips}
        yield World(to | dict.fromkeys(RESOLVERS, one.address))


def _zone_lines() -> str:
    more = [f"@ NS {name}." for name in PRIMARY]
    more += ["www 300 A 192.0.2.200", "login 300 CNAME www", "@ MX 10 www", '@ TXT "v=spf1 -all"']
    more += ['_dmarc TXT "v=DMARC1; p=reject"', 's1._domainkey TXT "v=DKIM1; p="']
    return "\n".join([soa("ns1.operator-a.test.", 1), *more])


def _lines(mname: str, *lines: str) -> str:
    return "\n".join([soa(mname, 1), f"@ NS {mname}", *lines])


def _host(label: str, ips: tuple[str, str]) -> str:
    return f"{label} A {ips[0]}\n{label} AAAA {ips[1]}"


def _operators() -> list[Operator]:
    return [
        Operator(name="A", servers=["*.operator-a.test"]),
        Operator(
            name="B", servers=["*.operator-b.test", *(ip for ips in FALLBACK.values() for ip in ips)], role="fallback"
        ),
    ]


def _resolvers() -> list[Resolver]:
    return [Resolver(name=f"r{n}", address=Endpoint.parse(ip, 53)) for n, ip in enumerate(RESOLVERS)]


def _table(kind: str, zone: str) -> dict[str, Any]:
    keys = {
        key: [text.format(zone=zone) for text in value] if isinstance(value, list) else value.format(zone=zone)
        for key, value in KEYS[kind].items()
    }
    return {"name": f"{kind} {zone}", "kind": kind, "period": f"{PERIOD_S}s", "timeout": "10s", **keys}


async def count(kind: str) -> float:
    """Queries a minute of one zone's check."""
    check = convert_check(_table(kind, "z0.example"))
    assert isinstance(check, Check), check
    async with world(1) as servers:
        redirects = [(Redirect(Address.of(ip, 53)), to) for ip, to in servers.connect_to.items()]
        tools = Tools(
            routes=Routes.of(redirects, EVERYWHERE),
            trust=Trust(),
            resolvers=(),
            roots=(Address.of(ROOT, 53),),
            operators=tuple(_operators()),
            named_resolvers=tuple(_resolvers()),
        )
        began, runs = trio.current_time(), int(COUNTED_MINUTES * 60 / check.period)
        for run in range(runs):
            await trio.sleep_until(began + run * check.period)
            seen = await run_target(check, check.targets[0], Vantage(probe="p", families=(4, 6)), tools, scheduled_at=0)
            failed = {(each.subject, each.reason) for each in seen if each.reason}
            if run == 0:
                print(kind, len(seen), "observations a run;", failed or "none failed", file=sys.stderr)
        return round(tools.memory.budget.sent / COUNTED_MINUTES, 1)


async def measure(targets: int, minutes: float, kinds: list[str]) -> dict[str, Any]:
    """The probe's cost, from outside."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with world(targets) as servers, http_collector() as collector:
            tables = [_table(kind, f"z{n}.example") for n in range(targets) for kind in kinds]
            collector.give_part(*_part(servers, tables))
            control = Control(addresses=[Address.of("127.0.0.1", collector.port)])
            config = probe_config(folder, collector.port, control=control)
            config = msgspec.structs.replace(config, allow=[Cidr("127.0.0.0/8")])
            return await _watch(config, collector, minutes, targets, kinds)


def _part(servers: World, tables: list[dict[str, Any]]) -> tuple[bytes, str]:
    plain = msgspec.json.decode(part(*tables)[0], type=Part, dec_hook=lambda kind, raw: kind(raw))
    connect_to = [ConnectTo(source=Redirect(Address.of(ip, 53)), to=to) for ip, to in servers.connect_to.items()]
    made = Part(
        probe=Probe(id="p1"),
        slot=(0, 1),
        check=plain.check,
        operator=_operators(),
        resolver=_resolvers(),
        connect_to=connect_to,
        dns=Dns(roots=[Address.of(ROOT, 53)], most_per_operator=1_000_000),
    )
    return encode_part(made), part_hash(made)


async def _watch(
    config: ProbeConfig, collector: HttpCollector, minutes: float, targets: int, kinds: list[str]
) -> dict[str, Any]:
    command = [sys.executable, "-c", PROBE, msgspec.json.encode(config, enc_hook=encode_value).decode()]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stderr=subprocess.DEVNULL)
    try:
        await collector.wait_for(lambda: len(collector.seqs) > 0, PERIOD_S)
        await trio.sleep(2 * PERIOD_S)
        samples: list[tuple[float, int]] = []
        began, cpu, first = trio.current_time(), _cpu_s(process.pid), wall_ns()
        while (now := trio.current_time()) < began + minutes * 60:
            samples.append((now - began, _rss_kb(process.pid)))
            await trio.sleep(2)
        took, cpu = now - began, _cpu_s(process.pid) - cpu
    finally:
        process.terminate()
        process.wait()
    seen = [o for batch in collector.batches for o in batch.observations]
    health = [o.findings for o in seen if o.kind == "probe.health" and o.started_at > first]
    delivered = [found["delivered"] for found in health]
    seen = [o for o in seen if o.started_at > first]
    checks = [o for o in seen if o.kind != "probe.health"]
    return {
        "bench": "A probe of many zones",
        "targets": targets,
        "kinds": kinds,
        "minutes": round(took / 60, 1),
        "observations_per_min": round(
            (delivered[-1] - delivered[0]) / ((len(delivered) - 1) * HEALTH_S) * 60 if len(delivered) > 1 else 0
        ),
        "failed": {o.reason: sum(p.reason == o.reason for p in checks) for o in checks if o.reason},
        "abstained": sum(o.abstain is not None for o in checks),
        "skipped": health[-1].get("skipped") if health else None,
        "lag_s": max((found.get("lag_s", 0) for found in health), default=None),
        "rss_mb": round(max(kb for _, kb in samples) * 1024 / 1e6, 1),
        "growth_kb_per_min": round(_slope(samples[len(samples) // 2 :]) * 60, 1),
        "core_percent": round(cpu / took * 100, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
