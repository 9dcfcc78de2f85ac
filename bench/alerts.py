"""From the observation that decides to the webhook's bytes at the receiver.

    python -m bench.alerts [OBSERVATIONS_PER_S] [SECONDS]

The collector is the real program in a process of its own; fifteen probes send what they see of 240 targets, each the
whole of a component, which go dark one after the other, five a second, and come back. So most of the minute's pages are
the first of an incident of their own. An alert's event names the record of `inputs` that led to it: the wait is from
the moment when its probe heard that it is durable to the moment when the receiver has read the whole request, by the
clock of one machine.

Beside it, in the same minute on the same machine: Alertmanager's own path, from its answer to a POST of one new alert
to the webhook's bytes, `group_wait` 0. It has neither to conclude anything nor to make that durable first. After it: a
bare loop in one process, a batch appended durably, one POST.

All of that twice: with detection within the collector, and with detection in a process of its own.

Where the rate was not kept, the machine had other things to do: the waits are those of a collector that is behind.
"""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import trio

from bench.detect_cost import observation
from bench.ingest import ask, cpu_s, post, wait_for
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
from tests.parts.alertmanager import Alertmanager, alertmanager
from tests.parts.ports import free_port

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TARGETS, PROBES = 240, 15
DARK_S, EVERY_S, FIRST_S = 8, 0.2, 5
CUTS = 4
"""Batches that a probe cuts in a second."""
PEER_EVERY_S = 0.25
LIMITS = Limits(max_bytes=10**9, max_age_s=10**9, ballast_bytes=0)
BARE = 300
BATCH = 500
MADE_S = 1.5
"""What making the batches of a second may take, at most."""


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
            now = time.time_ns()
            if "webhook-id" in fields:
                self.came.setdefault(fields["webhook-id"], now)
            else:  # Alertmanager's, which lists the alerts of a group
                for alert in json.loads(body)["alerts"]:
                    self.came.setdefault(alert["labels"]["parallax_key"], now)
            sock.sendall(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")


def main() -> int:
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        figures = {where: trio.run(beside, Path(folder), where, rate, seconds) for where in ("within", "apart")}
    print(json.dumps({"bench": "from the deciding observation to the webhook's bytes", **figures}))
    return 0


async def beside(folder: Path, where: str, rate: int, seconds: int) -> dict[str, Any]:
    """With Alertmanager where that is installed."""
    sink = Sink()
    (own := folder / where).mkdir()
    if shutil.which("prometheus-alertmanager") is None:
        return await trio.to_thread.run_sync(measure, own, where, rate, seconds, sink, None)
    async with alertmanager(f"http://127.0.0.1:{sink.port}/am") as peer:
        return await trio.to_thread.run_sync(measure, own, where, rate, seconds, sink, peer)


def measure(folder: Path, where: str, rate: int, seconds: int, sink: Sink, peer: Alertmanager | None) -> dict[str, Any]:
    """`where` detection runs: "within" the collector, or "apart"."""
    state, port = folder / "state", free_port()
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    (folder / "plan.toml").write_text(plan(sink.port))
    (folder / "collector.toml").write_text(
        f'state = "{state}"\nplan = "{folder}/plan.toml"\nlisten = "127.0.0.1:{port}"\nallow = ["127.0.0.0/8"]\n'
        f'detection = "{where}"\n'
        f'[secrets]\nHOOK = "file:{folder}/key"\n'
    )
    tokens = {number: add_token(state, "probe", f"p{number}") for number in range(PROBES)}
    start = time.time_ns() + int((seconds * MADE_S + 4) * NS)
    loads = {number: bodies(number, rate, seconds, start) for number in range(PROBES)}
    assert time.time_ns() < start, "the batches took longer to make than was allowed for"
    command = [sys.executable, "-m", "parallax", "collector", "--config", str(folder / "collector.toml")]
    collector = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        way = wait_for(state / "owner.json")
        late: list[float] = []
        acked: dict[int, list[int]] = {number: [] for number in loads}
        peers: dict[str, int] = {}
        threads = [
            threading.Thread(target=send, args=(port, tokens[number], loads[number], late, acked[number]))
            for number in loads
        ]
        if peer is not None:
            threads.append(threading.Thread(target=post_alerts, args=(peer, start, seconds, peers)))
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
    waits = trio.run(waits_of, state, sink, {f"p{number}": moments for number, moments in acked.items()})
    theirs = [(sink.came[key] - at) / 1e6 for key, at in peers.items() if key in sink.came]
    bare = trio.run(bare_loop, folder, sink)
    arrived = sum(len(load) for load in loads.values()) * (rate // PROBES // CUTS) / took
    figures: dict[str, Any] = {
        "observations a s": round(arrived),
        "the rate was kept": arrived > 0.95 * rate,
        "batches a s": round(sum(len(load) for load in loads.values()) / took),
        **{f"alerts.{name}": value for name, value in spread(waits["alerts"]).items()},
        **{f"of it first pages.{name}": value for name, value in spread(waits["pages"]).items()},
        "bare loop.ms p50": spread(bare)["ms p50"],
        "bare loop.ms p99": spread(bare)["ms p99"],
        "ack.ms p99": round(sorted(late)[len(late) * 99 // 100] * 1000, 1),
        "collector cores": round(busy / took, 2),
    }
    if theirs:
        figures |= {f"alertmanager.{name}": value for name, value in spread(theirs).items()}
        if waits["pages"]:
            ratio = spread(waits["pages"])["ms p99"] / spread(theirs)["ms p99"]
            figures["ours over alertmanager's, p99"] = round(ratio, 2)
    return figures


def spread(found: list[float]) -> dict[str, Any]:
    """Milliseconds."""
    if not found:
        return {"number": 0, "ms p50": None, "ms p99": None, "ms most": None}
    waits = sorted(found)
    return {
        "number": len(waits),
        "ms p50": round(waits[len(waits) // 2], 1),
        "ms p99": round(waits[len(waits) * 99 // 100], 1),
        "ms most": round(waits[-1], 1),
    }


def plan(sink: int) -> str:
    """Targets that have nothing in common, each the whole of a component."""
    text = '[defaults]\nperiod = "1s"\ntimeout = "900ms"\n'
    for number in range(PROBES):
        text += f'[[probe]]\nid = "p{number}"\nprovider = "n{number % 5}"\nasn = {64496 + number % 5}\n'
    for number in range(TARGETS):
        text += (
            f'[[check]]\nname = "c{number}"\nkind = "http"\ntargets = ["https://a{number}.test/"]\nexternal = false\n'
            f'[[component]]\nname = "C{number}"\nchecks = ["c{number}"]\n'
        )
    return text + (
        '[[receiver]]\nname = "ops"\nkind = "webhook"\nkey = "secret:HOOK"\n'
        f'url = "http://127.0.0.1/in"\naddress = "127.0.0.1:{sink}"\n'
    )


def post_alerts(peer: Alertmanager, start: int, seconds: int, posted: dict[str, int]) -> None:
    """One new alert after the other; when each was answered, wall clock in ns."""
    for number in range(int(seconds / PEER_EVERY_S)):
        time.sleep(max(0.0, (start + number * int(PEER_EVERY_S * NS) - time.time_ns()) / NS))
        key = f"am{number}"
        body = json.dumps([{"labels": {"alertname": "Outage", "parallax_key": key}}])
        connection = http.client.HTTPConnection(peer.address.ip, peer.address.port, timeout=30)
        connection.request("POST", "/api/v2/alerts", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        posted[key] = time.time_ns()
        assert answer.status == 200, answer.read()
        connection.close()


def is_dark(target: int, at_s: float) -> bool:
    """One after the other, each once."""
    return 0 <= at_s - FIRST_S - target * EVERY_S < DARK_S


def bodies(probe: int, rate: int, seconds: int, start: int) -> list[tuple[int, bytes]]:
    """Batches, and when each is sent (wall clock, ns). Each probe takes the targets in turn."""
    made, seqs, turn = [], {probe: 0}, probe * TARGETS // PROBES
    each = rate // PROBES // CUTS
    for cut in range(seconds * CUTS):
        at = start + cut * NS // CUTS + probe * NS // CUTS // PROBES
        found = []
        for target in (number % TARGETS for number in range(turn, turn + each)):
            seen = observation(f"p{probe}", target, 0, at, is_dark(target, (at - start) / NS), seqs, probe)
            ip = f"198.51.100.{target}"
            changes = {"kind": "http", "target": f"https://a{target}.test/", "subject": f"{ip}:443"}
            dims = {"address": ip, "family": "4"}
            found.append(msgspec.structs.replace(seen, dims=dims, **changes))
        turn += each
        batch = wire.Batch(
            probe=f"p{probe}", stream=f"{probe:016x}", first_seq=found[0].seq, last_seq=found[-1].seq, cut_at=at,
            plan="h", observations=found,
        )  # fmt: skip
        made.append((at, wire.encode(batch)))
    return made


def send(port: int, token: str, load: list[tuple[int, bytes]], late: list[float], acked: list[int]) -> None:
    """`acked`: when each batch was acknowledged, wall clock in ns."""
    time.sleep(max(0.0, (load[0][0] - time.time_ns()) / NS - 1))  # else it is idle for too long
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at, body in load:
            time.sleep(max(0.0, (at - time.time_ns()) / NS))
            began = time.monotonic()
            post(sock, token, body)
            acked.append(time.time_ns())
            late.append(time.monotonic() - began)


async def waits_of(state: Path, sink: Sink, acked: dict[str, list[int]]) -> dict[str, list[float]]:
    """Milliseconds, for every alert that came and that a batch led to; and of those the first pages."""
    durable = await durable_of(state, acked)
    found: dict[str, list[float]] = {"alerts": [], "pages": []}
    for event in await alerts_of(state):
        if event.id in sink.came and event.cause in durable:
            wait = (sink.came[event.id] - durable[event.cause]) / 1e6
            found["alerts"].append(wait)
            if event.data.pages:
                found["pages"].append(wait)
    return found


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
    """Each that is told to somebody."""
    found: list[Any] = []
    position = 0
    async with open_journal(state / "events.db", LIMITS) as events:
        while records := await events.read(position, max_records=1000):
            position = records[-1].position
            for record in records:
                event = decode_event(record) if record.kind.startswith("alert.") else None
                if event is not None and isinstance(event.data, AlertRouted) and event.data.to:
                    found.append(event)
    return found


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
