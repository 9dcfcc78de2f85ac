"""Ingest with durable acknowledgements: pre-encoded batches of 500 from several probes over kept-alive HTTP.

The collector is the real program in a process of its own; the senders are threads of this one, with sockets and no
HTTP library, so that they cost little. Every batch counts once its 200 has come. `python -m bench.ingest [SECONDS]`
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.report import fdatasyncs_per_s
from collector.tokens import add_token
from parallax import wire
from parallax.observation import Observation, Phase
from tests.parts.ports import free_port

PROBES = 8
BATCH = 500
PLAN = '[[check]]\nname = "api"\nkind = "http"\ntargets = ["https://192.0.2.1/"]\n'


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        figures = measure(Path(folder), seconds)
    print(json.dumps(figures))
    return 0


def measure(folder: Path, seconds: float) -> dict[str, Any]:
    state, port = folder / "state", free_port()
    (folder / "plan.toml").write_text(PLAN)
    (folder / "collector.toml").write_text(
        f'state = "{state}"\nplan = "{folder}/plan.toml"\nlisten = "127.0.0.1:{port}"\n'
    )
    tokens = {f"probe{n}": add_token(state, "probe", f"probe{n}") for n in range(PROBES)}
    each = int(seconds * 250 / PROBES)  # at 125,000 observations/s they last for the time asked for
    load = {probe: batches(probe, each) for probe in tokens}
    command = [sys.executable, "-m", "parallax", "collector", "--config", str(folder / "collector.toml")]
    collector = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        way = wait_for(state / "owner.json")
        began, cpu = time.monotonic(), cpu_s(collector.pid)
        waits: list[float] = []
        senders = [threading.Thread(target=send, args=(port, tokens[p], load[p], waits)) for p in tokens]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        took, busy = time.monotonic() - began, cpu_s(collector.pid) - cpu
        memory = Path(f"/proc/{collector.pid}/status").read_text()
        status = ask(port, way["token"])
    finally:
        collector.send_signal(signal.SIGTERM)
        collector.wait()
    sent = PROBES * each
    assert status["inputs"]["things"] >= sent * BATCH, "acknowledged, but not in the journal"
    waits.sort()
    octets = sum(len(body) for bodies in load.values() for body in bodies)
    return {
        "bench": "ingest with durable acknowledgements",
        "observations_per_s": round(sent * BATCH / took),
        "batches_per_s": round(sent / took),
        "fdatasync_per_s": round(fdatasyncs_per_s()),
        "ack_ms_median": round(1000 * waits[len(waits) // 2], 1),
        "ack_ms_p99": round(1000 * waits[len(waits) * 99 // 100], 1),
        "collector_cores": round(busy / took, 2),
        "collector_rss_mb": resident(memory, "VmRSS"),
        "collector_peak_rss_mb": resident(memory, "VmHWM"),
        "octets_per_batch": octets // sent,
        "connections": PROBES,
        "seconds": round(took, 1),
    }


def batches(probe: str, number: int) -> list[bytes]:
    """Batches of one stream, their observations as an HTTP check makes them."""
    rng = random.Random(probe)
    stream = f"{rng.getrandbits(64):016x}"
    made = []
    for n in range(number):
        first = n * BATCH + 1
        at = time.time_ns()
        observations = [observation(rng, probe, stream, first + k, at) for k in range(BATCH)]
        batch = wire.Batch(
            probe=probe,
            stream=stream,
            first_seq=first,
            last_seq=first + BATCH - 1,
            cut_at=at,
            plan="0123456789abcdef",
            observations=observations,
        )
        made.append(wire.encode(batch))
    return made


def observation(rng: random.Random, probe: str, stream: str, seq: int, at: int) -> Observation:
    spans = [rng.randrange(100_000, 50_000_000) for _ in range(5)]
    names = ("connect", "tls", "send", "first_byte", "body")
    return Observation(
        probe=probe,
        stream=stream,
        seq=seq,
        run=f"{rng.getrandbits(64):016x}",
        check="api",
        kind="http",
        target="https://192.0.2.1/",
        subject="192.0.2.1:443",
        dims={"address": "192.0.2.1", "family": "4", "region": "eu-central"},
        scheduled_at=at,
        started_at=at + rng.randrange(1_000_000),
        duration_ns=sum(spans),
        phases=[Phase(name, sum(spans[:i]), span) for i, (name, span) in enumerate(zip(names, spans, strict=True))],
        findings={"status": 200, "length": rng.randrange(20_000)},
    )


def send(port: int, token: str, bodies: list[bytes], waits: list[float]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for body in bodies:
            began = time.monotonic()
            post(sock, token, body)
            waits.append(time.monotonic() - began)


def post(sock: socket.socket, token: str, body: bytes) -> None:
    """Returns once the batch is acknowledged."""
    head = (
        f"POST /v1/batches HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: {wire.MSGPACK}\r\ncontent-encoding: {wire.ZSTD}\r\n"
        f"{wire.SENT_AT}: {time.time_ns()}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    sock.sendall(head.encode() + body)
    status, answer = receive(sock)
    assert status == 200, answer


def receive(sock: socket.socket) -> tuple[int, bytes]:
    """The status and body of an answer that announces its length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(sock)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += _some(sock)
    return int(head[9:12]), body


def _some(sock: socket.socket) -> bytes:
    piece = sock.recv(65536)
    if not piece:
        raise ConnectionResetError("closed in mid-answer")
    return piece


def ask(port: int, token: str, path: str = "/v1/status") -> Any:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n".encode())
        return json.loads(receive(sock)[1])


def wait_for(path: Path) -> Any:
    for _ in range(6000):
        if path.exists():
            return json.loads(path.read_text())
        time.sleep(0.01)
    raise TimeoutError(f"{path} does not appear")


def cpu_s(pid: int) -> float:
    """Of a process and its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = " ".join(file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children"))
    return own + sum(cpu_s(int(child)) for child in children.split())


def resident(status: str, field: str) -> float:
    line = next(line for line in status.splitlines() if line.startswith(field))
    return round(int(line.split()[1]) / 1000, 1)


if __name__ == "__main__":
    sys.exit(main())
