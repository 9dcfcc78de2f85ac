"""HTTP checks a second per core: whole attempts of the http check, verdict included, beside Debian's
prometheus-blackbox-exporter in the same run against one nginx, plain and over TLS. `python -m bench.http [SECONDS]`

Both take turns, several times, so that the machine's mood hits both alike. Per core means per CPU second of the process
that checks, children and other threads included; nginx and whoever asks the exporter are not counted. A check counts
only if it is ok. The exporter is asked as Prometheus asks it, over kept connections, so its figure holds the writing of
its metrics, as ours holds the verdict and the findings.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from parallax.dialling.http import open_http
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.specs import Assertion, HttpSpec
from parallax.values import Address
from probe.attempt import attempt, evidence_of
from probe.checks import KINDS
from probe.kind import Subject
from probe.tools import Tools
from tests.parts.certificates import Authority
from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.nginx import Site, nginx
from tests.parts.ports import free_port

AT_ONCE = 8
TURNS = 5
NAME = "acme.test"
INSIDE = 'location / { default_type application/json; return 200 "{\\"status\\":\\"healthy\\"}"; }'
MODULES = """modules:
  plain: {{prober: http, timeout: 5s, http: {{ip_protocol_fallback: false, preferred_ip_protocol: ip4}}}}
  tls:
    prober: http
    timeout: 5s
    http: {{ip_protocol_fallback: false, preferred_ip_protocol: ip4, tls_config: {{ca_file: "{ca}"}}}}
"""

Check = Callable[[], Awaitable[bool]]


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    print(json.dumps(trio.run(measure, seconds)))
    return 0


async def measure(seconds: float) -> dict[str, Any]:
    authority = Authority()
    sites = {
        "plain": Site(inside=INSIDE),
        "tls": Site(certificate=authority.leaf(NAME, "127.0.0.1"), inside="ssl_protocols TLSv1.3;" + INSIDE),
    }
    with tempfile.TemporaryDirectory() as folder:
        ca = authority.write(Path(folder))
        async with nginx(sites) as server, exporter(ca) as theirs:
            out: dict[str, Any] = {"bench": "HTTP checks", "at_once": AT_ONCE, "seconds": seconds}
            for scheme, site in (("http", "plain"), ("https", "tls")):
                address = server.addresses[site]
                async with open_http(theirs.address, Routes.of(allow=EVERYWHERE), Trust()) as client:

                    async def asked(site: str = site, scheme: str = scheme, address: Address = address) -> bool:
                        url = f"http://{theirs.address}/probe?module={site}&target={scheme}://{address}/"
                        async with client.request("GET", url, headers={}) as answer:
                            return b"\nprobe_success 1\n" in await answer.aread()

                    out[scheme] = await compare(our_check(scheme, address, ca), asked, theirs.pid, seconds / 2)
    return out


async def compare(ours: Check, theirs: Check, their_pid: int, seconds: float) -> dict[str, Any]:
    counts, cpu, wall = [0, 0], [0.0, 0.0], [0.0, 0.0]
    busy: tuple[Callable[[], float], ...] = (time.process_time, lambda: cpu_of(their_pid))
    for one in (ours, theirs):
        await repeat(one, 0.3)  # warm
    for _ in range(TURNS):
        for who, one in enumerate((ours, theirs)):
            began, before = time.perf_counter(), busy[who]()
            counts[who] += await repeat(one, seconds / (2 * TURNS))
            cpu[who] += busy[who]() - before
            wall[who] += time.perf_counter() - began
    names = ("parallax", "blackbox_exporter")
    per_core = [counts[who] / cpu[who] for who in (0, 1)]
    return {
        name: {
            "checks_per_s_per_core": round(per_core[who]),
            "us_cpu_per_check": round(1e6 / per_core[who]),
            "checks_per_s": round(counts[who] / wall[who]),
        }
        for who, name in enumerate(names)
    } | {"ratio_per_core": round(per_core[0] / per_core[1], 2)}


async def repeat(one: Check, seconds: float) -> int:
    """How many of them went well, AT_ONCE at a time."""
    done = 0
    ends = time.perf_counter() + seconds

    async def loop() -> None:
        nonlocal done
        while time.perf_counter() < ends:
            if not await one():
                raise RuntimeError("a check was not ok")
            done += 1

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(loop)
    return done


def our_check(scheme: str, address: Address, ca: str) -> Check:
    tools = Tools(routes=Routes.of(allow=EVERYWHERE), trust=Trust(ca), resolvers=())
    subject = Subject(target=f"{scheme}://{NAME}:{address.port}/", host=NAME, address=address)
    spec = HttpSpec(assertions=[Assertion(status=200)])
    kind = KINDS["http"]

    async def check() -> bool:
        tape = await attempt(kind, spec, subject, 5.0, tools)
        return kind.judge(spec, evidence_of(tape)) is None

    return check


@asynccontextmanager
async def exporter(ca: str) -> AsyncIterator[Daemon]:
    program, port = find_program("prometheus-blackbox-exporter", "prometheus-blackbox-exporter"), free_port()

    def command(folder: Path) -> list[str]:
        return [program, f"--config.file={folder}/modules.yml", f"--web.listen-address=127.0.0.1:{port}"]

    files = {"modules.yml": lambda _: MODULES.format(ca=ca)}
    async with daemon(command, "127.0.0.1", port, "Listening on", files) as running:
        yield running


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
