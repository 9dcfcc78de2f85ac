"""What a probe costs: 200 (check, address) pairs at 30 s against nginx and NSD, its memory and its share of a core.

`python -m bench.probe [MINUTES]`. Measured from outside, from /proc, once the plan has been in force for a period.
Flatness is the growth of the memory over the second half of the time, kB a minute (least squares).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import trio

from parallax.config import ProbeConfig
from parallax.plan.types import Control
from parallax.values import encode_value
from tests.fakes.http_collector import HttpCollector, http_collector
from tests.fakes.probes import part, probe_config
from tests.parts.certificates import Authority
from tests.parts.nginx import Site, nginx
from tests.parts.nsd import nsd

PERIOD_S = 30
PAIRS = 200
EVERY_S = 2.0
PROBE = """
import sys, trio, msgspec
from parallax.config import ProbeConfig
from parallax.values import decode_value
from probe.main import main
trio.run(main, msgspec.json.decode(sys.argv[1], type=ProbeConfig, dec_hook=decode_value))
"""


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    print(json.dumps(trio.run(measure, minutes)))
    return 0


async def measure(minutes: float) -> dict[str, Any]:
    authority = Authority()
    sites = {"plain": Site(), "tls": Site(certificate=authority.leaf("acme.test", "127.0.0.1"))}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca = authority.write(folder)
        async with nginx(sites) as web, nsd({"acme.test": "www A 192.0.2.1"}) as dns, http_collector() as collector:
            tables = [_table(n, web.addresses["plain"], web.addresses["tls"], dns.address) for n in range(PAIRS)]
            collector.give_part(*part(*tables))
            control = Control(addresses=[web.addresses["plain"]])
            config = probe_config(folder, collector.port, ca=str(ca), control=control)
            return await _watch(config, collector, minutes)


def _table(n: int, plain: str, tls: str, dns: str) -> dict[str, Any]:
    """A quarter each: HTTP, HTTPS, TLS, DNS."""
    kind: dict[str, Any] = [
        {"kind": "http", "targets": [f"http://{plain}/{n}"]},
        {"kind": "http", "targets": [f"https://{tls}/{n}"]},
        {"kind": "tls", "targets": [str(tls)], "server_name": "acme.test"},
        {"kind": "dns", "targets": [str(dns)], "query": "www.acme.test"},
    ][n % 4]
    return {"name": f"check {n}", "period": f"{PERIOD_S}s", "timeout": "5s", "external": False, **kind}


async def _watch(config: ProbeConfig, collector: HttpCollector, minutes: float) -> dict[str, Any]:
    command = [sys.executable, "-c", PROBE, msgspec.json.encode(config, enc_hook=encode_value).decode()]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stderr=subprocess.DEVNULL)
    try:
        await collector.wait_for(lambda: len(collector.seqs) >= PAIRS, PERIOD_S * 3)
        samples: list[tuple[float, int]] = []
        began, cpu, seen = trio.current_time(), _cpu_s(process.pid), len(collector.seqs)
        while (now := trio.current_time()) < began + minutes * 60:
            samples.append((now - began, _rss_kb(process.pid)))
            await trio.sleep(EVERY_S)
        took, cpu, seen = now - began, _cpu_s(process.pid) - cpu, len(collector.seqs) - seen
    finally:
        process.terminate()
        process.wait()
    checks = [o for batch in collector.batches for o in batch.observations if o.kind != "probe.health"]
    return {
        "bench": "A probe's cost",
        "pairs": PAIRS,
        "period_s": PERIOD_S,
        "minutes": round(took / 60, 1),
        "observations_per_min": round(seen / took * 60),
        "failed": sum(o.reason is not None for o in checks),
        "rss_mb": round(max(kb for _, kb in samples) * 1024 / 1e6, 1),
        "growth_kb_per_min": round(_slope(samples[len(samples) // 2 :]) * 60, 1),
        "core_percent": round(cpu / took * 100, 2),
    }


def _rss_kb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _slope(samples: list[tuple[float, int]]) -> float:
    if len(samples) < 2:
        return 0.0
    mean_t = sum(t for t, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return sum((t - mean_t) * (y - mean_y) for t, y in samples) / spread


if __name__ == "__main__":
    sys.exit(main())
