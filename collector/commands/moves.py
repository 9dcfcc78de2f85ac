"""What people say of moves.

POST /v1/moves      {"zone": Z or "name": N, "to": [...], "from": [...]}: a move is watched from now on
POST /v1/moves/end  {"id": ID}: it is no longer
"""

from collections.abc import Callable

import msgspec

from collector.answers import Refusal
from collector.board import Board, MoveBoard
from collector.commands.commands import CommandError, Commands, read_command
from collector.inputs import CommandInput
from parallax.clock import wall_ns
from parallax.values import dns_name

MAX_NAMES = 32
_CHECKED = {"delegation": "zone", "chain": "chain"}


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


class MoveCommands:
    """Begins and ends the watching of moves. `board` has those that are known."""

    def __init__(self, commands: Commands, board: Callable[[], Board]) -> None:
        self._commands, self._board = commands, board

    async def start(self, body: bytes, actor: str) -> Moved | Refusal:
        """Raises CommandError."""
        wanted = read_command(body, MoveStart)
        arguments = start_arguments(wanted)
        kind, name = ("delegation", arguments["zone"][0]) if wanted.zone else ("chain", arguments["name"][0])
        new = tuple(sorted(set(arguments["to"]))) if wanted.zone else tuple(arguments["to"])
        known = {move.id for move in self._board().moves if move.ended_at is not None}
        taken = await self._take("move_start", arguments, actor)
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
        taken = await self._take("move_end", {"id": [id_]}, actor)
        if isinstance(taken, Refusal):
            return taken
        position, board = taken
        moves = board.moves if board else ()
        return Moved(position=position, move=next((move for move in moves if move.id == id_), None))

    async def _take(self, word: str, arguments: dict[str, list[str]], actor: str) -> tuple[int, Board | None] | Refusal:
        return await self._commands.take(CommandInput(at=wall_ns(), word=word, actor=actor, arguments=arguments))


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
