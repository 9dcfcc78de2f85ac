"""A replay on the page: the collector's own pages over the board of what is played, at a speed.

What is played goes into journals of a folder that lasts as long as the watching, and from there into a history, so that
charts and incidents are there as live. The pages' clock is the replay's.
"""

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import trio
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from collector.board import Board
from collector.events import Event, encode_event
from collector.history import open_history
from collector.serve import open_listener, serve
from collector.tokens import Tokens
from collector.web import Extension, Pages, View
from lab.replay.expectations import outcomes_of
from lab.replay.fleet import Fleet
from lab.replay.player import Player
from lab.replay.playing import Piece, heed, played_of, records_of, seed_of
from lab.replay.report import outcome_lines
from parallax.clock import NS, rfc3339
from parallax.config import CollectorLimits
from parallax.journal import Entry, Journal, Limits, Record, open_journal
from parallax.state import StartError
from parallax.values import Address

STEP_S = 0.25
"""How often the page's time goes on."""
KEPT_UP = 0.8
"""Below this share of the speed that was asked for it is said."""
AT_ONCE = 400
"""Records between two moments in which the pages are served."""
LIMITS = Limits(max_bytes=2_000_000_000, max_age_s=math.inf, ballast_bytes=0)


class Stage:
    """What is played so far, as the pages want it."""

    def __init__(self, piece: Piece, seed: int) -> None:
        self.player = Player(seed_of(piece))
        self.fleet = Fleet(piece.loaded, seed) if piece.records is None and piece.loaded is not None else None
        self.now = 0
        self._records = iter(self.fleet) if self.fleet is not None else records_of(piece)
        self._next: Record | None = next(self._records, None)
        self.first = self.now = self._next.at_ns if self._next is not None else 0
        self._board: Board | None = None
        self._changed = trio.Event()

    def board(self) -> Board:
        if self._board is None:
            self._board = self.player.board
        return self._board

    async def wait_changed(self, board: Board) -> None:
        while self._board is board:
            await self._changed.wait()

    @property
    def over(self) -> bool:
        return self._next is None

    def take(self, until: int, most: int = AT_ONCE) -> tuple[list[Record], list[Event]]:
        """Plays on to a moment, and no more than so many records; what was played, and what came of it."""
        records: list[Record] = []
        events: list[Event] = []
        while self._next is not None and self._next.at_ns <= until and len(records) < most:
            record = self._next
            came = self.player.put(record)
            events += came
            if self.fleet is not None:
                heed(self.fleet, self.player, record, came)
            records.append(record)
            self._next = next(self._records, None)
        if records:
            self.now = max(self.now, records[-1].at_ns)
            self._board = None
            changed, self._changed = self._changed, trio.Event()
            changed.set()
        return records, events


async def watch(
    piece: Piece,
    seed: int,
    speed: float,
    listen: Address,
    say: Callable[[str], None],
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Plays at `speed` times the time, and shows the end until cancelled. Raises StartError, RecordingError."""
    if not listen.parsed_ip.is_loopback:
        raise StartError(f"{listen} can be reached from other hosts; a replay is shown on loopback only")
    with tempfile.TemporaryDirectory(prefix="parallax-replay-") as folder:
        listener = open_listener(listen, None)
        stage, stop = Stage(piece, seed), trio.Event()
        path = Path(folder)
        async with (
            open_journal(path / "inputs.db", LIMITS) as inputs,
            open_journal(path / "events.db", LIMITS) as events,
            open_history(path / "history", CollectorLimits(), wall=lambda: stage.now) as history,
        ):
            view = View(
                board=stage.board,
                wait_changed=stage.wait_changed,
                history=history,
                tokens=Tokens(path),
                stop=stop,
                listen=listener.address,
                open=True,
                hosts=(),
                extension=_banner(piece, speed),
                now=lambda: stage.now,
            )
            try:
                async with trio.open_nursery() as nursery:
                    await nursery.start(history.run, inputs, events)
                    await nursery.start(serve, Starlette(routes=Pages(view).routes()), listener, stop)
                    say(f"{listener.url} shows it at {speed:g} times its speed; Ctrl-C ends it")
                    task_status.started(listener.url)
                    began = trio.current_time()
                    await _play(stage, speed, inputs, events)
                    say(f"played to the end, {rfc3339(stage.now)}; the page stays until Ctrl-C")
                    real = (stage.now - stage.first) / NS / max(trio.current_time() - began, STEP_S)
                    if real < speed * KEPT_UP:
                        say(f"it went at {real:.3g} times its speed, as this machine plays no faster")
                    for line in _verdicts(piece, stage):
                        say(line)
                    await trio.sleep_forever()
            finally:
                listener.close()


async def _play(stage: Stage, speed: float, inputs: Journal, events: Journal) -> None:
    began, first = trio.current_time(), stage.now
    while not stage.over:
        until = first + int((trio.current_time() - began) * speed * NS)
        while True:
            records, told = stage.take(until)
            if not records:
                break
            await inputs.append([Entry(kind=r.kind, body=r.body, at_ns=r.at_ns, count=r.count) for r in records])
            if told:
                await events.append([encode_event(event) for event in told])
        stage.now = max(stage.now, min(until, stage.now + int(STEP_S * 4 * speed * NS)))
        await trio.sleep(STEP_S)


def _verdicts(piece: Piece, stage: Stage) -> Iterator[str]:
    if piece.script is not None:
        played = played_of(piece, stage.player, stage.fleet, stage.first, stage.now)
        for met, name, expected, observed in outcome_lines(outcomes_of(piece.script.expect, played)):
            yield f"{met}: {name}, expected {expected}" + (f", observed {observed}" if observed else "")


def _banner(piece: Piece, speed: float) -> Extension:
    title = piece.script.title if piece.script is not None else piece.file.name
    return Extension(
        banner=f"REPLAY at up to {speed:g} times its speed: {title}; nothing here happens now",
        links=(),
        templates=Path(__file__).parent,
        pages=_none,
        api=_none,
    )


def _none(served: object) -> list[BaseRoute]:
    return []
