"""How `parallax up` tells what the collector knows: a live screen on a terminal, lines elsewhere.

Whoever reads us may stop reading (Ctrl-S, a pager): everything is written in a worker thread, so that measuring goes
on meanwhile.
"""

import os
import sys
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import msgspec
import trio

from parallax.cli.lines import Summary, event_fields, event_line
from parallax.cli.text import clean
from parallax.clock import NS, wall_ns

if TYPE_CHECKING:
    from collector.main import Running
    from parallax.journal import Journal

SUMMARY_EVERY_S = 30.0
REDRAW_EVERY_S = 0.5
RATE_OVER_S = 10.0
RESTORED_WITHIN_S = 0.5


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What is told, and how. `facts` are said at the start where there are lines; `hint` and `log` stand on the
    screen."""

    title: str
    facts: dict[str, str]
    hint: str = ""
    log: str = ""
    as_json: bool = False
    live: bool = False


def can_draw() -> bool:
    """Whether stdout is a terminal that a screen can be drawn on, and nobody said that it should not be."""
    return (
        sys.stdout.isatty()
        and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")
        and not os.environ.get("NO_COLOR")
        and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    )


async def tell(running: "Running", telling: Telling) -> None:
    """Tells until cancelled."""
    await (_draw if telling.live else _print)(running, telling)


async def _draw(running: "Running", telling: Telling) -> None:
    from rich.console import Console, Group
    from rich.live import Live

    from parallax.cli.summary import Facts, screen

    console = Console(highlight=False)
    live = Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    started, rate = trio.current_time(), Rate(running.inputs)
    await _in_thread(live.start)
    try:
        while True:
            facts = Facts(
                title=telling.title,
                page=telling.facts["page"],
                hint=telling.hint,
                log=telling.log,
                up_s=trio.current_time() - started,
                rate=rate.take(trio.current_time()),
            )
            width, height = console.size
            lines = screen(running.detector.board(), facts, wall_ns(), width, height)
            await _in_thread(partial(live.update, Group(*lines), refresh=True))
            await trio.sleep(REDRAW_EVERY_S)
    finally:
        with trio.move_on_after(RESTORED_WITHIN_S, shield=True):
            await _in_thread(live.stop)


async def _print(running: "Running", telling: Telling) -> None:
    from collector.events import EventError, decode_event

    events, seen = running.stores.events, _taken(running.inputs)
    position = events.stats.last
    await _say(telling, wall_ns(), {"what": "up", **telling.facts}, _table(telling.facts))
    for incident in reversed(running.detector.board().incidents):
        line = f"incident  still open: {incident.title}"
        await _say(telling, wall_ns(), {"what": "open", "incident": incident}, line)
    next_summary = trio.current_time() + SUMMARY_EVERY_S
    while True:
        with trio.move_on_at(next_summary):
            await events.wait_beyond(position)
        for record in await events.read(position):
            position = record.position
            try:
                event = decode_event(record)
            except EventError:
                continue  # of a newer version: the page's business
            await _say(telling, event.at, event_fields(event), event_line(event))
        if trio.current_time() >= next_summary:
            next_summary += SUMMARY_EVERY_S
            before, seen = seen, _taken(running.inputs)
            summary = Summary.of(running.detector.board(), seen - before)
            fields = {"what": "summary", **msgspec.structs.asdict(summary)}
            await _say(telling, wall_ns(), fields, str(summary))


class Rate:
    """How many things a journal takes a second, over the last RATE_OVER_S."""

    def __init__(self, journal: "Journal") -> None:
        self._journal = journal
        self._samples: deque[tuple[float, int]] = deque()

    def take(self, now: float) -> float | None:
        """The rate at `now`, seconds of a steady clock; None before there is one."""
        self._samples.append((now, _taken(self._journal)))
        while self._samples[0][0] < now - RATE_OVER_S:
            self._samples.popleft()
        (since, before), (_, last) = self._samples[0], self._samples[-1]
        return (last - before) / (now - since) if now - since >= 1 else None


def _taken(journal: "Journal") -> int:
    """How many things it ever took, but for a constant."""
    stats = journal.stats
    return stats.things + sum(stats.lost.values())


def _table(facts: dict[str, str]) -> str:
    width = max(map(len, facts))
    return "\n".join(f"{name:<{width}}  {clean(fact)}" for name, fact in facts.items())


async def _say(telling: Telling, at: int, fields: dict[str, Any], line: str | None) -> None:
    if telling.as_json:
        await _in_thread(partial(click.echo, msgspec.json.encode({"at": at, **fields})))
    elif fields["what"] == "up":
        await _in_thread(partial(click.echo, line))
    elif line is not None:
        await _in_thread(partial(click.echo, f"{datetime.fromtimestamp(at // NS, UTC):%H:%M:%SZ}  {clean(line)}"))


async def _in_thread(write: Callable[[], object]) -> None:
    await trio.to_thread.run_sync(write, abandon_on_cancel=True)
