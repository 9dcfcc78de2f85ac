"""Commands of people that bear on what is concluded: read from a request, written into `inputs` like all that can
change a verdict, and answered once detection has taken them.

POST /v1/moves      {"zone": Z or "name": N, "to": [...], "from": [...]}: a move is watched from now on
POST /v1/moves/end  {"id": ID}: it is no longer
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import trio

from collector.answers import Refusal
from collector.board import Board, MoveBoard
from collector.inputs import CommandInput, FactInput, encode_input
from parallax.clock import wall_ns
from parallax.journal import Journal, JournalBusy, JournalError, JournalFull
from parallax.values import dns_name

T = TypeVar("T")
MAX_BODY = 20_000
MAX_NAMES = 32
_CHECKED = {"delegation": "zone", "chain": "chain"}
TAKEN_S = 5.0
"""How long an answer waits for detection to take the command."""


class CommandError(ValueError):
    """What was asked for cannot be done; says why, and what could be."""


class MoveStart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/moves. One of `zone` and `name`; `old` is what is settled if left out."""

    zone: str = ""
    name: str = ""
    old: list[str] = msgspec.field(name="from", default_factory=list)
    new: list[str] = msgspec.field(name="to", default_factory=list)


class MoveEnd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/moves/end."""

    id: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: the move as it is after the command; None where detection is behind and has not taken it yet."""

    position: int
    move: MoveBoard | None


class Commands:
    """Puts commands into `inputs`."""

    def __init__(
        self, inputs: Journal, board: Callable[[], Board], wait_changed: Callable[[Board], Awaitable[None]]
    ) -> None:
        self._inputs, self._board, self._wait_changed = inputs, board, wait_changed

    async def start(self, body: bytes, actor: str) -> Moved | Refusal:
        """Raises CommandError."""
        wanted = read_command(body, MoveStart)
        arguments = start_arguments(wanted)
        kind, name = ("delegation", arguments["zone"][0]) if wanted.zone else ("chain", arguments["name"][0])
        new = tuple(sorted(set(arguments["to"]))) if wanted.zone else tuple(arguments["to"])
        known = {move.id for move in self._board().moves if move.ended_at is not None}
        taken = await self._move("move_start", arguments, actor)
        if isinstance(taken, Refusal):
            return taken
        position, board = taken
        if board is None:
            return Moved(position=position, move=None)
        for move in board.moves:
            if (move.kind, move.name, move.new) == (kind, name, new) and move.id not in known:
                return Moved(position=position, move=move)
        watched = {
            each.target for check in board.checks if check.kind == f"dns.{_CHECKED[kind]}" for each in check.subjects
        }
        if name not in watched:
            raise CommandError(
                f"no probe has looked at {name} with a dns.{_CHECKED[kind]} check yet; add one to the plan"
            )
        raise CommandError(f"no move of {name} was started: it is on that set already, or too many are under way")

    async def end(self, body: bytes, actor: str) -> Moved | Refusal:
        """Raises CommandError."""
        id_ = read_command(body, MoveEnd).id
        running = [move for move in self._board().moves if move.ended_at is None]
        if id_ not in {move.id for move in running}:
            known = ", ".join(f"{move.id} ({move.name})" for move in running[:20]) or "none"
            raise CommandError(f"no move {id_[:60]!r} is under way; under way: {known}")
        taken = await self._move("move_end", {"id": [id_]}, actor)
        if isinstance(taken, Refusal):
            return taken
        position, board = taken
        moves = board.moves if board else ()
        return Moved(position=position, move=next((move for move in moves if move.id == id_), None))

    async def _move(self, word: str, arguments: dict[str, list[str]], actor: str) -> tuple[int, Board | None] | Refusal:
        return await self.take(CommandInput(at=wall_ns(), word=word, actor=actor, arguments=arguments))

    async def take(self, value: CommandInput | FactInput) -> tuple[int, Board | None] | Refusal:
        """Writes it down, and waits a moment for the board that knows it; its position, and that board or None."""
        try:
            with trio.CancelScope(shield=True):
                position = await self._inputs.append([encode_input(value, at_ns=wall_ns())])
        except JournalBusy:
            return Refusal("busy")
        except JournalFull:
            return Refusal("full")
        except JournalError:
            return Refusal("full", "the collector cannot write its journal")
        with trio.move_on_after(TAKEN_S):
            while (board := self._board()).position < position:
                await self._wait_changed(board)
            return position, board
        return position, None


def start_arguments(wanted: MoveStart) -> dict[str, list[str]]:
    """What goes into the record. Raises CommandError."""
    if bool(wanted.zone) == bool(wanted.name):
        raise CommandError('say what moves: "zone", or "name" for a chain; one of them')
    if not wanted.new:
        raise CommandError(
            'say where it moves to: "to" is the new NS set, or the names that the new chain leads through'
        )
    for key, names in (("from", wanted.old), ("to", wanted.new)):
        if len(names) > MAX_NAMES:
            raise CommandError(f'"{key}" has {len(names)} names; {MAX_NAMES} are the most')
    about = {"zone": [wanted.zone]} if wanted.zone else {"name": [wanted.name]}
    arguments = {key: [_name(key, text) for text in texts] for key, texts in about.items()}
    arguments["from"] = [_name("from", text) for text in wanted.old]
    arguments["to"] = [_name("to", text) for text in wanted.new]
    same = set(arguments["from"]) == set(arguments["to"]) if wanted.zone else arguments["from"] == arguments["to"]
    if same:
        raise CommandError('"from" and "to" are the same: nothing moves')
    return arguments


def _name(key: str, text: str) -> str:
    try:
        return dns_name(text)
    except ValueError as error:
        raise CommandError(f'"{key}": {error}') from None


def read_command(body: bytes, kind: type[T]) -> T:
    """The body of a command. Raises CommandError."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CommandError(f"the body is not what is wanted here: {error}") from None
