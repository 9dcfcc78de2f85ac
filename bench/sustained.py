"""Journal, detection and history in one process at a steady rate: does any of them fall behind?

    python -m bench.sustained [OBSERVATIONS_PER_S] [SECONDS]

The collector is the real program in a process of its own. Fifteen probes send what a second of their grid brings, each
second, over kept-alive connections; the batches are made before, for the times at which they are sent.
"""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.detect_cost import ADDRESSES, PROBES, observation
from bench.detect_cost import plan as checks_plan
from bench.ingest import ask, cpu_s, post, resident, wait_for
from collector.tokens import add_token
from parallax import wire
from parallax.clock import NS
from tests.parts.ports import free_port

BATCH = 500
AHEAD_S = 1.0
"""What making a second's batches may take, at most."""


def main() -> int:
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        print(json.dumps(measure(Path(folder), rate, seconds)))
    return 0


def measure(folder: Path, rate: int, seconds: int) -> dict[str, Any]:
    state, port = folder / "state", free_port()
    each = rate // PROBES // ADDRESSES  # checks that a probe runs in a second
    (folder / "plan.toml").write_text(checks_plan(each))
    (folder / "collector.toml").write_text(
        f'state = "{state}"\nplan = "{folder}/plan.toml"\nlisten = "127.0.0.1:{port}"\n'
    )
    tokens = {number: add_token(state, "probe", f"p{number}") for number in range(PROBES)}
    start = time.time_ns() + int(seconds * AHEAD_S * NS) + 3 * NS
    loads = {number: bodies(number, each, seconds, start) for number in range(PROBES)}
    assert time.time_ns() < start, "the batches took longer to make than was allowed for"
    command = [sys.executable, "-m", "parallax", "collector", "--config", str(folder / "collector.toml")]
    collector = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        way = wait_for(state / "owner.json")
        late: list[float] = []
        threads = [threading.Thread(target=send, args=(port, tokens[number], loads[number], late)) for number in loads]
        for thread in threads:
            thread.start()
        time.sleep(max(0.0, (start - time.time_ns()) / NS))
        began, cpu = time.monotonic(), cpu_s(collector.pid)
        behind = []
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.5)
            behind.append(lags(port, way["token"]))
        took, busy = time.monotonic() - began, cpu_s(collector.pid) - cpu
        ended = time.monotonic()
        while max(lags(port, way["token"])) > 0 and time.monotonic() < ended + 120:
            time.sleep(0.05)
        caught_up = time.monotonic() - ended
        memory = Path(f"/proc/{collector.pid}/status").read_text()
    finally:
        collector.send_signal(signal.SIGTERM)
        collector.wait()
    sent = PROBES * seconds * each * ADDRESSES
    late.sort()
    return {
        "bench": "journal, detection and history at a steady rate",
        "observations a s": round(sent / took),
        "wanted a s": rate,
        "seconds": round(took, 1),
        "ack ms p99": round(late[len(late) * 99 // 100] * 1000, 1),
        "most records that detection was behind": max(lag for lag, _ in behind),
        "most records that history was behind": max(lag for _, lag in behind),
        "records a s": PROBES,
        "all caught up after s": round(caught_up, 2),
        "collector cores": round(busy / took, 2),
        "collector rss mb": resident(memory, "VmRSS"),
    }


def lags(port: int, token: str) -> tuple[int, int]:
    """Records that detection and history have yet to take, about."""
    detected = ask(port, token, "/v1/board")["position"]
    status = ask(port, token)
    last = status["inputs"]["last"]
    return max(0, last - detected), status["history"]["inputs"]["behind"]


def bodies(probe: int, checks: int, seconds: int, start: int) -> list[tuple[int, bytes]]:
    """Batches, and when each is sent (wall clock, ns). A second's observations are spread over it."""
    made, seqs = [], {probe: 0}
    subjects = [(check, address) for check in range(checks) for address in range(ADDRESSES)]
    parts = [subjects[first : first + BATCH] for first in range(0, len(subjects), BATCH)]
    for second in range(seconds):
        for number, part in enumerate(parts):
            at = start + second * NS + (number * NS + probe * NS // PROBES) // len(parts)
            found = [observation(f"p{probe}", check, address, at, False, seqs, probe) for check, address in part]
            batch = wire.Batch(
                probe=f"p{probe}", stream=f"{probe:016x}", first_seq=found[0].seq, last_seq=found[-1].seq, cut_at=at,
                plan="h", observations=found,
            )  # fmt: skip
            made.append((at, wire.encode(batch)))
    return made


def send(port: int, token: str, load: list[tuple[int, bytes]], late: list[float]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at, body in load:
            time.sleep(max(0.0, (at - time.time_ns()) / NS))
            began = time.monotonic()
            post(sock, token, body)
            late.append(time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
