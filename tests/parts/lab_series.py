"""A real InfluxDB 1 with what a lab shows: the world's own servers and the project's own checks, and then the collector's
own journals, detection, history and writer. The clock alone is not real: each check runs once in each state of the world,
and what came of it stands in the journal again and again, a round every 15 s, as the same runs would have."""

from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, AsyncIterator

import msgspec
import trio

import lab
from collector.alerts.delivery import ReceiverStatus
from collector.events import AlertRouted, Event, FailoverChanged, ReadinessChanged, Told
from collector.inputs import PlanInput, PlanStateInput, encode_input
from collector.series import Series
from collector.series.gauges import board_points, collector_points
from collector.series.setup import set_up
from collector.series.sink import Sink
from lab.replay.player import Player

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
ROUNDS = {"well": 12, "dark": 16, "moved": 12}
"""States of the world, in order, and for how many rounds each lasts."""
BROKEN: dict[str, Sequence[str]] = {
    "well": (),
    "dark": ("operator-dark", "sign-in-broken"),
    "moved": ("fallback-completed", "delegation-moved", "site-withdrawn"),
}
CONFIG = CollectorConfig(state="/nowhere", plan="/nowhere")


class Filled(msgspec.Struct, frozen=True):
    """A database, and the time that it has data of (ns since the Unix epoch)."""

    db: Any
    since: int
    until: int


@asynccontextmanager
async def lab_in_influxdb(folder: Path) -> AsyncIterator[Filled]:
    """Until the end of the block. Skips the test where InfluxDB is missing."""
    async with influxdb() as db:
        rounds = sum(ROUNDS.values())
        until = wall_ns() // NS * NS
        since = until - rounds * EVERY_S * NS
        async with running_lab(folder / "lab") as running:
            runs = {name: await _run_all(running, faults) for name, faults in BROKEN.items()}
        at = server(db.url)
        await set_up(at, CONFIG)
        async with world(folder, now=until) as here:
            await _fill(here, db, runs, since, folder)
        yield Filled(db, since, until)


async def _run_all(running: Lab, faults: Sequence[str]) -> list[Observation]:
    found: list[Observation] = []

    async def one(check: str) -> None:
        found.extend(await running.run(check))

    for fault in faults:
        running.break_(fault)
    for names in _some([check.name for check in PLAN.check], 4):
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(one, name)
    for fault in faults:
        running.mend(fault)
    return found


def _some(names: Sequence[str], number: int) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), number):
        yield names[first : first + number]


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
                for record in await _journal(here, [*_round(here, runs[name], now, number)]):
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
            with trio.fail_after(20):
                while not await series.write_minutes(sink, since - 60 * NS, here.now):
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


def _round(here: World, found: Sequence[Observation], now: int, number: int) -> Iterator[Entry]:
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
        here.stream, here._seq = f"{place + 1:016x}", number * 10_000
        yield here.batch(*moved, _health(moved[0], number), received_at=now + NS)


def _health(like: Observation, number: int) -> Observation:
    return msgspec.structs.replace(
        like,
        kind="probe.health", check="probe.health", target="", subject="", dims={}, reason=None, fault=None, abstain=None,
        site=None, phases=[],
        findings={
            "lag_s": 0.01, "rss": 60_000_000 + number, "clock_offset_s": 0.002, "clock_synchronised": True, "running": 3,
            "spool": {"records": 2, "bytes": 4000}, "collectors": {"a": {"backlog": 1}},
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
    """What the lab's plan has none of: a failover group."""
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


