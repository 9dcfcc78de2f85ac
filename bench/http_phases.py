"""Whether phases are what they say: 200 HTTPS checks in flight against a server of ours that holds each phase for a
known time, in a process of its own. `python -m bench.http_phases [SECONDS]`

The server says in its answers how long it really held each phase, as its own timers are late at times too. The error is
the phase's duration less that; it holds the way over loopback and the server's own work. The memory is that of the
process that checks.

The connection is held as well where the host lets us have a network of our own (unshare -n, as root): there the server
has an address behind a tunnel, which we are the other end of, and holds what answers the client's first packet.
"""

import fcntl
import json
import os
import resource
import shutil
import ssl
import struct
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
HOLDS_S = {"connect": 0.2, "tls": 0.3, "first_byte": 0.3, "body": 0.4}
INSIDE = "inside"
"""The argument of a process that has a network of its own."""
HERE, BEHIND = "10.99.0.1", "10.99.0.2"
"""Our address in that network, and the one behind the tunnel. Neither is anywhere else."""
MANY = 500
"""In flight, where memory is looked at."""


def main() -> int:
    arguments = sys.argv[1:]
    inside = INSIDE in arguments
    if inside:
        arguments.remove(INSIDE)
    if arguments and arguments[0] == "serve":
        trio.run(serve, Path(arguments[1]), inside)
        return 0
    command = ["unshare", "-n", sys.executable, "-m", "bench.http_phases", *arguments, INSIDE]
    if not inside and shutil.which("unshare") and subprocess.run(["unshare", "-n", "true"]).returncode == 0:
        return subprocess.run(command).returncode
    print(json.dumps(trio.run(measure, float(arguments[0]) if arguments else 10.0, inside)))
    return 0


async def measure(seconds: float, inside: bool) -> dict[str, Any]:
    holds = {phase: hold for phase, hold in HOLDS_S.items() if inside or phase != "connect"}
    authority = Authority()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca = authority.write(folder)
        authority.leaf(NAME).write(folder, "leaf")
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.http_phases", "serve", name, *([INSIDE] if inside else [])],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            address = Address(server.stdout.readline().strip())
            failures: list[str] = []
            errors = await in_flight(IN_FLIGHT, seconds, address, ca, holds, failures)
            before = peak_mb()
            failed = len(failures)
            await in_flight(MANY, 3.0, address, ca, holds, failures)
            return {
                "bench": "HTTP phases",
                "in_flight": IN_FLIGHT,
                "checks": len(errors["body"]),
                "not over within 20 s": failed,
                **{f"{phase} held ms": round(hold * 1000) for phase, hold in holds.items()},
                **{f"{phase} error p95 ms": round(p95(errors[phase]) * 1000, 2) for phase in holds},
                **{
                    f"{phase} within 1 ms or 5 percent": round(within(errors[phase], hold), 3)
                    for phase, hold in holds.items()
                },
                f"peak MB at {IN_FLIGHT}": before,
                f"peak MB at {MANY}": peak_mb(),
            }
        finally:
            server.kill()
            server.wait()


async def in_flight(
    many: int, seconds: float, address: Address, ca: str, holds: dict[str, float], failures: list[str]
) -> dict[str, list[float]]:
    """The errors of each phase, seconds, of all checks that came to their end; `failures` gets the others."""
    errors: dict[str, list[float]] = {phase: [] for phase in holds}
    tools = Tools(routes=Routes.of(allow=EVERYWHERE), trust=Trust(ca), resolvers=())
    subject = Subject(target=f"https://{NAME}:{address.port}/", host=NAME, address=address)
    ends = time.perf_counter() + seconds

    async def loop(number: int) -> None:
        await trio.sleep(number / many * sum(holds.values()))  # as a schedule spreads them
        while time.perf_counter() < ends:
            evidence = evidence_of(await attempt(KINDS["http"], HttpSpec(), subject, 20.0, tools))
            if evidence.failure is not None:
                failures.append(f"{evidence.failure} in {evidence.phase}")
                continue
            held = json.loads(evidence.material[ANSWER].body)
            for phase in holds:
                errors[phase].append(evidence.spent_ns(phase) / NS - held[phase])

    async with trio.open_nursery() as nursery:
        for number in range(many):
            nursery.start_soon(loop, number)
    return errors


def p95(errors: list[float]) -> float:
    return sorted(abs(error) for error in errors)[int(len(errors) * 0.95)]


def within(errors: list[float], hold: float) -> float:
    """The share of them that are at most 1 ms, or 5 % of what was held."""
    return sum(abs(error) <= max(0.001, 0.05 * hold) for error in errors) / len(errors)


def peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


async def serve(folder: Path, inside: bool) -> None:
    """Holds the answer to the first packet, the handshake once the connection is there, the head, then the body's
    end."""
    connected: dict[int, float] = {}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.crt", folder / "leaf.key")

    async def one(stream: trio.SocketStream) -> None:
        port = stream.socket.getpeername()[1]
        held: dict[str, float] = {"connect": connected.pop(port)} if inside else {}

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

    tunnel = open_tunnel() if inside else None
    (listener,) = await trio.open_tcp_listeners(0, host=HERE if inside else "127.0.0.1", backlog=1000)
    ip, port = listener.socket.getsockname()[:2]
    print(Address.of(BEHIND if inside else ip, port), flush=True)
    async with trio.open_nursery() as nursery:
        if tunnel is not None:
            nursery.start_soon(bring, tunnel, connected)
        await trio.serve_listeners(one, [listener])


def open_tunnel() -> int:
    """A tunnel (Linux's TUN) to the address behind; of a network that is this process's own. A file descriptor."""
    tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tunnel, 0x400454CA, struct.pack("16sH22x", b"held", 0x1001))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
    for command in ("link set lo up", f"addr add {HERE} peer {BEHIND} dev held", "link set held up"):
        subprocess.run(["ip", *command.split()], check=True)
    return tunnel


async def bring(tunnel: int, connected: dict[int, float]) -> None:
    """Brings each packet back as if the address behind had sent it: with its addresses changed for each other, which
    its checksums do not notice. What answers a client's first packet (SYN and ACK) is held, and by the client's port
    `connected` has for how long."""

    async def later(packet: bytes, port: int) -> None:
        began = time.perf_counter()
        await trio.sleep(HOLDS_S["connect"])
        os.write(tunnel, packet)
        connected[port] = time.perf_counter() - began

    async with trio.open_nursery() as nursery:
        while True:
            await trio.lowlevel.wait_readable(tunnel)
            try:
                packet = os.read(tunnel, 65536)
            except BlockingIOError:
                continue
            if packet[0] >> 4 != 4 or packet[9] != 6:
                continue
            back = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
            tcp = packet[(packet[0] & 15) * 4 :]
            if tcp[13] & 0x12 == 0x12:
                nursery.start_soon(later, back, int.from_bytes(tcp[2:4], "big"))
            else:
                os.write(tunnel, back)


if __name__ == "__main__":
    sys.exit(main())
