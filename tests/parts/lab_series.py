"""A real InfluxDB 1 with what a lab shows: the world's own servers and the project's own checks, and then the
collector's own journals, detection, history and writer. The clock alone is not real: each check runs once in each
state of the world, and what came of it stands in the journal again and again, a round every 15 s, as the same runs
would have."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import trio

import lab
from collector.alerts.standing import ReceiverStatus
from collector.events import AlertRouted, Event, FailoverChanged, ReadinessChanged, Told
from collector.inputs import BatchInput, PlanInput, PlanStateInput, encode_input
from collector.series import Series
from collector.series.gauges import board_points, collector_points
from collector.series.setup import set_up
from collector.series.sink import Sink
from lab.replay.player import Player
from parallax import wire
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.journal import Entry
from parallax.observation import Observation
from parallax.plan.source import read_plan_source
from tests.fakes.events import incident
from tests.fakes.histories import World, world
from tests.fakes.series import sender, server, settle
from tests.parts.influxdb import InfluxDb, influxdb
from tests.parts.lab_world import EVERYBODY, PLAN, Lab, running_lab

EVERY_S = 15
AT_ONCE = 3
TWINS = {"iad1": "pdx1", "gru1": "lon1", "fra1": "bom1", "nrt1": "sin1"}
"""Probes that run, and who is said to have seen the same: eight that run at once are slow on a busy machine."""
ROUNDS = {"well": 6, "dark": 12, "moved": 8}
"""States of the world, in order, and for how many rounds each lasts."""
BROKEN: dict[str, Sequence[str]] = {
    "well": (),
    "dark": ("operator-dark", "sign-in-broken"),
    "moved": ("fallback-completed", "delegation-moved", "site-withdrawn", "resolver-down"),
}
CHECKS: dict[str, Sequence[str]] = {
    "well": [check.name for check in PLAN.check],
    "dark": ["name servers", "sign-in name", "accounts name", "sign-in"],
    "moved": ["name servers", "sign-in name", "fallback"],
}
"""What is run in each; the rest goes on as it was."""
PATIENCE_S = 30.0
DARK_S = 6.0
"""What waits for name servers that are dark takes all of it."""
TIMEOUTS_S: dict[str, dict[str, float]] = {
    "well": dict.fromkeys(CHECKS["well"], PATIENCE_S),
    "dark": {"name servers": DARK_S, "sign-in name": PATIENCE_S, "accounts name": PATIENCE_S},
    "moved": {"name servers": PATIENCE_S, "fallback": PATIENCE_S},
}
"""Of checks that must come to what the world is, however busy the machine: it is all that dashboards are shown."""
CONFIG = CollectorConfig(state="/nowhere", plan="/nowhere")


class Filled(msgspec.Struct, frozen=True):
    """A database, and the time that it has data of (ns since the Unix epoch)."""

    db: Any
    since: int
    until: int
    dark_until: int
    """Until when the DNS operator was dark."""


@asynccontextmanager
async def lab_in_influxdb(folder: Path) -> AsyncIterator[Filled]:
    """Until the end of the block. Skips the test where InfluxDB is missing."""
    async with influxdb() as db:
        rounds = sum(ROUNDS.values())
        until = wall_ns() // NS * NS
        since = until - rounds * EVERY_S * NS
        async with running_lab(folder / "lab") as running:
            runs: dict[str, list[Observation]] = {}
            for name, faults in BROKEN.items():
                found = await _run_all(running, CHECKS[name], faults, TIMEOUTS_S[name])
                again = set(CHECKS[name])
                runs[name] = found + [o for o in runs.get("well", ()) if o.check not in again]
        at = server(db.url)
        await set_up(at, CONFIG)
        async with world(folder, now=until) as here:
            await _fill(here, db, runs, since, folder)
        yield Filled(db, since, until, since + (ROUNDS["well"] + ROUNDS["dark"]) * EVERY_S * NS)


async def _run_all(
    running: Lab, checks: Sequence[str], faults: Sequence[str], timeouts_s: Mapping[str, float]
) -> list[Observation]:
    found: list[Observation] = []
    limit = trio.CapacityLimiter(AT_ONCE)

    async def one(check: str) -> None:
        async with limit:
            mine = await running.run(check, tuple(TWINS), timeout_s=timeouts_s.get(check))
            found.extend(mine + [msgspec.structs.replace(o, probe=TWINS[o.probe]) for o in mine])

    for fault in faults:
        running.break_(fault)
    async with trio.open_nursery() as nursery:
        for check in checks:
            nursery.start_soon(one, check)
    for fault in faults:
        running.mend(fault)
    return found


async def _fill(here: World, db: InfluxDb, runs: dict[str, list[Observation]], since: int, folder: Path) -> None:
    at, player = server(db.url), Player()
    sink = Sink(at, sender(at), {"inputs": here.inputs, "events": here.events}, gather_s=0.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        records = await _journal(here, _plan(since))
        for record in records:
            player.put(record)
        events: list[Event] = []
        number = 0
        for name, rounds in ROUNDS.items():
            for _ in range(rounds):
                now = since + number * EVERY_S * NS
                for record in await _journal(here, [*_round(runs[name], now, number)]):
                    events += player.put(record)
                number += 1
                gauges = [*board_points(player.board, now + NS), *_of_collector(sink, number, now + NS)]
                lines = [line for point in gauges if (line := sink.encoder.point(point))]
                await sink.put(lines)
        await here.conclude(*events, *_by_hand(since))
        await settle(here, sink)
        async with here.history(folder / "history") as history:
            config = CollectorConfig(state="s", plan="p", series=[at])
            series = Series(config, here.inputs, here.events, history, wall=here.wall)
            await here.settle(history)
            with trio.fail_after(90):
                while not await series.write_minutes(sink, since - 60 * NS, here.now):  # noqa: ASYNC110
                    await trio.sleep(0.05)
        assert sink.status.rejected == 0, sink.status.why
        nursery.cancel_scope.cancel()


async def _journal(here: World, entries: Sequence[Entry]) -> list[Any]:
    last = here.inputs.stats.last
    await here.inputs.append(entries)
    return await here.inputs.read(last, max_records=len(entries), max_bytes=10**9)


def _plan(at: int) -> list[Entry]:
    source = read_plan_source(Path(lab.__file__).with_name("plan.toml"))
    return [
        encode_input(PlanInput(at=at, digest=source.hash, hash="h", files=source.files), at_ns=at),
        encode_input(PlanStateInput(at=at, change="promoted", digest=source.hash, hash="h"), at_ns=at),
    ]


def _round(found: Sequence[Observation], now: int, number: int) -> Iterator[Entry]:
    """A batch of each probe."""
    for place, probe in enumerate(EVERYBODY):
        mine = [o for o in found if o.probe == probe]
        first = min(o.started_at for o in mine)
        moved = [
            msgspec.structs.replace(
                o,
                started_at=now + (o.started_at - first) // 10 + place,
                scheduled_at=now,
                run=f"{int(o.run, 16) ^ (number << 20):016x}",
            )
            for o in mine
        ]
        yield _batch(probe, f"{place + 1:016x}", [*moved, _health(moved[0], number)], now, number)


def _batch(probe: str, stream: str, found: Sequence[Observation], now: int, number: int) -> Entry:
    first = number * 10_000 + 1
    numbered = [msgspec.structs.replace(o, stream=stream, seq=first + place) for place, o in enumerate(found)]
    last = first + len(found) - 1
    batch = wire.Batch(
        probe=probe, stream=stream, first_seq=first, last_seq=last, cut_at=now + NS // 2, observations=numbered
    )
    value = BatchInput(
        probe=probe, received_at=now + NS, sent_at=now + NS // 2, round_trip=None, offset_ns=0, skewed=False, peer="",
        missing=0, digest=b"", content_type=wire.MSGPACK, encoding=wire.ZSTD, body=wire.encode(batch),
    )  # fmt: skip
    return encode_input(value, at_ns=now + NS, count=len(found))


def _health(like: Observation, number: int) -> Observation:
    return msgspec.structs.replace(
        like,
        kind="probe.health", check="probe.health", target="", subject="", dims={}, reason=None, fault=None,
        abstain=None, site=None, phases=[],
        findings={
            "lag_s": 0.01, "rss": 60_000_000 + number, "clock_offset_s": 0.002, "clock_synchronised": True,
            "running": 3, "spool": {"records": 2, "bytes": 4000}, "collectors": {"a": {"backlog": 1}},
            "skipped": {"busy": 0}, "lost": {"age": 0},
        },
    )  # fmt: skip


def _of_collector(sink: Sink, number: int, at: int) -> Iterator[Any]:
    journal = SimpleNamespace(records=number, bytes=number * 1000, lost={})
    status: Any = SimpleNamespace(
        up_s=number * EVERY_S, inputs=journal, events=journal, refused={},
        history=SimpleNamespace(inputs=SimpleNamespace(behind=0)),
        probes=[SimpleNamespace(connected=True, observations=number * 500)],
    )  # fmt: skip
    receiver = ReceiverStatus(name="pager", kind="webhook", waiting=0, delivered=number, last_word="sent")
    yield from collector_points(status, [sink.status], [receiver], 0, at)


def _by_hand(since: int) -> list[Event]:
    """What a lab tells only once its group fails over."""
    told = FailoverChanged(
        word="switched", group="regions", direction="failover", source="us-east", target="eu-west",
        title="regions is served by eu-west", duration_ns=40 * NS, dwell_ns=3600 * NS, hurt=7, flaps=1,
    )  # fmt: skip
    readiness = [
        ReadinessChanged(word=word, group="regions", member="eu-west", title=f"eu-west: readiness {word}")
        for word in ("lost", "restored")
    ]
    opened = incident(at=since + 300 * NS)
    alert = AlertRouted(
        key="k", about="incident.opened", phase="trigger", tier="page", severity="critical", to=("pager",),
        of=(Told(id="i", at=since, data=opened.data),),  # type: ignore[arg-type]
    )  # fmt: skip
    datas = [readiness[0], readiness[1], told, alert]
    return [
        Event(id=f"hand-{number}", at=since + (300 + number) * NS, cause=1, data=data)
        for number, data in enumerate(datas)
    ]
