"""From the observation that decides to the webhook's bytes at the receiver.

    python -m bench.alerts [OBSERVATIONS_PER_S] [SECONDS]

The collector is the real program in a process of its own; fifteen probes send what a second of their grid brings, and
one check after the other goes dark and comes back. An alert's event names the record of `inputs` that led to it: the
wait is from the moment when its probe heard that it is durable to the moment when the receiver has read the whole
request, by the clock of one machine. Beside it stands a bare loop in one process: a batch appended durably, one POST.
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

import trio

from bench.detect_cost import ADDRESSES, PROBES, observation
from bench.detect_cost import plan as checks_plan
from bench.ingest import ask, cpu_s, post, wait_for
from bench.sustained import BATCH
from collector.events import AlertRouted, decode_event
from collector.inputs import BatchInput, decode_input
from collector.tokens import add_token
from parallax import wire
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.post import Poster
from parallax.journal import Entry, Limits, open_journal
from parallax.standard_webhooks import headers
from parallax.values import Cidr, Url
from tests.parts.ports import free_port

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DARK_S, EVERY_S, FIRST_S = 16, 2, 5
LIMITS = Limits(max_bytes=10**9, max_age_s=10**9, ballast_bytes=0)
BARE = 300


class Sink:
    """A receiver of webhooks in a thread: when each id came first, wall clock in ns."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self.came: dict[str, int] = {}
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            threading.Thread(target=self._take, args=(sock,), daemon=True).start()

    def _take(self, sock: socket.socket) -> None:
        with sock:
            data = b""
            while b"\r\n\r\n" not in data and (more := sock.recv(65536)):
                data += more
            head, _, body = data.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:] if ": " in line)
            while len(body) < int(fields.get("content-length", 0)) and (more := sock.recv(65536)):
                body += more
            self.came.setdefault(fields.get("webhook-id", ""), time.time_ns())
            sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def main() -> int:
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        print(json.dumps(measure(Path(folder), rate, seconds)))
    return 0


def measure(folder: Path, rate: int, seconds: int) -> dict[str, Any]:
    sink, state, port = Sink(), folder / "state", free_port()
    each = rate // PROBES // ADDRESSES  # checks that a probe runs in a second
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    receiver = (
        '[[receiver]]\nname = "ops"\nkind = "webhook"\nkey = "secret:HOOK"\n'
        f'url = "http://127.0.0.1/in"\naddress = "127.0.0.1:{sink.port}"\n'
    )
    (folder / "plan.toml").write_text(checks_plan(each) + receiver)
    (folder / "collector.toml").write_text(
        f'state = "{state}"\nplan = "{folder}/plan.toml"\nlisten = "127.0.0.1:{port}"\nallow = ["127.0.0.0/8"]\n'
        f'[secrets]\nHOOK = "file:{folder}/key"\n'
    )
    tokens = {number: add_token(state, "probe", f"p{number}") for number in range(PROBES)}
    start = time.time_ns() + int((seconds * 0.6 + 4) * NS)
    loads = {number: bodies(number, each, seconds, start) for number in range(PROBES)}
    assert time.time_ns() < start, "the batches took longer to make than was allowed for"
    command = [sys.executable, "-m", "parallax", "collector", "--config", str(folder / "collector.toml")]
    collector = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        way = wait_for(state / "owner.json")
        late: list[float] = []
        acked: dict[int, list[int]] = {number: [] for number in loads}
        threads = [
            threading.Thread(target=send, args=(port, tokens[number], loads[number], late, acked[number]))
            for number in loads
        ]
        for thread in threads:
            thread.start()
        time.sleep(max(0.0, (start - time.time_ns()) / NS))
        began, cpu = time.monotonic(), cpu_s(collector.pid)
        for thread in threads:
            thread.join()
        took, busy = time.monotonic() - began, cpu_s(collector.pid) - cpu
        time.sleep(2)
        ask(port, way["token"])
    finally:
        collector.send_signal(signal.SIGTERM)
        collector.wait()
    waits = sorted(waits_of(state, sink, {f"p{number}": moments for number, moments in acked.items()}))
    bare = sorted(trio.run(bare_loop, folder, sink))
    sent = sum(len(load) for load in loads.values())
    return {
        "bench": "from the deciding observation to the webhook's bytes",
        "observations a s": round(PROBES * seconds * each * ADDRESSES / took),
        "batches a s": round(sent / took),
        "alerts": len(waits),
        "ms p50": round(waits[len(waits) // 2], 1),
        "ms p99": round(waits[len(waits) * 99 // 100], 1),
        "ms most": round(waits[-1], 1),
        "bare loop ms p50": round(bare[len(bare) // 2], 1),
        "bare loop ms p99": round(bare[len(bare) * 99 // 100], 1),
        "ack ms p99": round(sorted(late)[len(late) * 99 // 100] * 1000, 1),
        "collector cores": round(busy / took, 2),
    }


def is_dark(check: int, second: int, checks: int) -> bool:
    """One check after the other, each for some seconds, and anew once all had their turn."""
    since = second - FIRST_S - check * EVERY_S
    return since >= 0 and since % (checks * EVERY_S) < DARK_S


def bodies(probe: int, checks: int, seconds: int, start: int) -> list[tuple[int, bytes]]:
    """Batches, and when each is sent (wall clock, ns)."""
    made, seqs = [], {probe: 0}
    subjects = [(check, address) for check in range(checks) for address in range(ADDRESSES)]
    parts = [subjects[first : first + BATCH] for first in range(0, len(subjects), BATCH)]
    for second in range(seconds):
        for number, part in enumerate(parts):
            at = start + second * NS + (number * NS + probe * NS // PROBES) // len(parts)
            found = [
                observation(f"p{probe}", check, address, at, is_dark(check, second, checks), seqs, probe)
                for check, address in part
            ]
            batch = wire.Batch(
                probe=f"p{probe}", stream=f"{probe:016x}", first_seq=found[0].seq, last_seq=found[-1].seq, cut_at=at,
                plan="h", observations=found,
            )  # fmt: skip
            made.append((at, wire.encode(batch)))
    return made


def send(port: int, token: str, load: list[tuple[int, bytes]], late: list[float], acked: list[int]) -> None:
    """`acked`: when each batch was acknowledged, wall clock in ns."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at, body in load:
            time.sleep(max(0.0, (at - time.time_ns()) / NS))
            began = time.monotonic()
            post(sock, token, body)
            acked.append(time.time_ns())
            late.append(time.monotonic() - began)


def waits_of(state: Path, sink: Sink, acked: dict[str, list[int]]) -> list[float]:
    """Milliseconds, for every alert that came and that a batch led to."""
    durable = trio.run(durable_of, state, acked)
    return [
        (sink.came[event.id] - durable[event.cause]) / 1e6
        for event in trio.run(alerts_of, state)
        if event.id in sink.came and event.cause in durable
    ]


async def durable_of(state: Path, acked: dict[str, list[int]]) -> dict[int, int]:
    """By position in `inputs`: when the probe heard that the batch is durable. Each probe's batches are in order."""
    found, position = {}, 0
    left = {name: iter(moments) for name, moments in acked.items()}
    async with open_journal(state / "inputs.db", LIMITS) as inputs:
        while records := await inputs.read(position, max_records=1000):
            position = records[-1].position
            for record in records:
                value = decode_input(record)
                if isinstance(value, BatchInput):
                    found[record.position] = next(left[value.probe])
    return found


async def alerts_of(state: Path) -> list[Any]:
    found, position = [], 0
    async with open_journal(state / "events.db", LIMITS) as events:
        while records := await events.read(position, max_records=1000):
            position = records[-1].position
            found += [decode_event(record) for record in records if record.kind.startswith("alert.")]
    return [event for event in found if isinstance(event.data, AlertRouted) and event.data.to]


async def bare_loop(folder: Path, sink: Sink) -> list[float]:
    config = CollectorConfig(state="s", plan="p", allow=[Cidr("127.0.0.0/8")])
    poster = Poster(Url.parse(f"http://127.0.0.1:{sink.port}/in"), None, config)
    key, found = b"0" * 24, []
    async with open_journal(folder / "bare.db", LIMITS) as journal:
        for number in range(BARE):
            began = wall_ns()
            await journal.append([Entry(kind="batch", body=b"x" * 30_000, at_ns=began, count=BATCH)])
            name, body = f"bare{number}", b"{}" * 1000
            await poster.post(body, lambda name=name, body=body: headers(key, name, began // NS, body))  # type: ignore[misc] # noqa: B023
            found.append((sink.came[name] - began) / 1e6)
    return found


if __name__ == "__main__":
    sys.exit(main())
