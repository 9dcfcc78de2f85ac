"""Whether phases are what they say: 200 HTTPS checks in flight against a server of ours that holds each phase for a
known time, in a process of its own. `python -m bench.http_phases [SECONDS]`

The server says in its answers how long it really held each phase, as its own timers are late at times too. The error is
the phase's duration less that; it holds the way over loopback and the server's own work. The memory is that of the
process that checks.
"""

import json
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import trio

from parallax.clock import NS
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.specs import HttpSpec
from parallax.values import Address
from probe.attempt import attempt, evidence_of
from probe.checks import KINDS
from probe.http.judge import ANSWER
from probe.kind import Subject
from probe.tools import Tools
from tests.parts.certificates import Authority

NAME = "acme.test"
IN_FLIGHT = 200
HOLDS_S = {"tls": 0.3, "first_byte": 0.3, "body": 0.4}
MANY = 500
"""In flight, where memory is looked at."""


def main() -> int:
    if len(sys.argv) == 3 and sys.argv[1] == "serve":
        trio.run(serve, Path(sys.argv[2]))
        return 0
    print(json.dumps(trio.run(measure, float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)))
    return 0


async def measure(seconds: float) -> dict[str, Any]:
    authority = Authority()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca = authority.write(folder)
        authority.leaf(NAME).write(folder, "leaf")
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.http_phases", "serve", name], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            address = Address(server.stdout.readline().strip())
            errors = await in_flight(IN_FLIGHT, seconds, address, ca)
            before = peak_mb()
            await in_flight(MANY, 3.0, address, ca)
            return {
                "bench": "HTTP phases",
                "in_flight": IN_FLIGHT,
                "checks": len(errors["body"]),
                **{f"{phase} held ms": round(hold * 1000) for phase, hold in HOLDS_S.items()},
                **{f"{phase} error p95 ms": round(p95(errors[phase]) * 1000, 2) for phase in HOLDS_S},
                f"peak MB at {IN_FLIGHT}": before,
                f"peak MB at {MANY}": peak_mb(),
            }
        finally:
            server.kill()
            server.wait()


async def in_flight(many: int, seconds: float, address: Address, ca: str) -> dict[str, list[float]]:
    """The errors of each phase, seconds, of all checks that came to their end."""
    errors: dict[str, list[float]] = {phase: [] for phase in HOLDS_S}
    tools = Tools(routes=Routes.of(allow=EVERYWHERE), trust=Trust(ca), resolvers=())
    subject = Subject(target=f"https://{NAME}:{address.port}/", host=NAME, address=address)
    ends = time.perf_counter() + seconds

    async def loop(number: int) -> None:
        await trio.sleep(number / many * sum(HOLDS_S.values()))  # as a schedule spreads them
        while time.perf_counter() < ends:
            evidence = evidence_of(await attempt(KINDS["http"], HttpSpec(), subject, 20.0, tools))
            held = json.loads(evidence.material[ANSWER].body)
            for phase in HOLDS_S:
                errors[phase].append(evidence.spent_ns(phase) / NS - held[phase])

    async with trio.open_nursery() as nursery:
        for number in range(many):
            nursery.start_soon(loop, number)
    return errors


def p95(errors: list[float]) -> float:
    return sorted(abs(error) for error in errors)[int(len(errors) * 0.95)]


def peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


async def serve(folder: Path) -> None:
    """Holds the handshake once the connection is there, then the head, then the body's end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.crt", folder / "leaf.key")

    async def one(stream: trio.SocketStream) -> None:
        held: dict[str, float] = {}

        async def hold(phase: str) -> None:
            began = time.perf_counter()
            await trio.sleep(HOLDS_S[phase])
            held[phase] = time.perf_counter() - began

        try:
            await hold("tls")
            tls = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
            await tls.receive_some(65536)
            await hold("first_byte")
            # The length goes first, the figures last: what was held is known only then.
            await tls.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n")
            await hold("body")
            await tls.send_all(json.dumps(held).encode().ljust(200))
        except trio.BrokenResourceError:
            pass  # the last ones, as the bench ends
        finally:
            await trio.aclose_forcefully(stream)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=1000)
    print(Address.of(*listener.socket.getsockname()[:2]), flush=True)
    await trio.serve_listeners(one, [listener])


if __name__ == "__main__":
    sys.exit(main())
