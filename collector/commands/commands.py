"""Commands of people that bear on what is concluded: read from a request, written into `inputs` like all that can
change a verdict, and answered once detection has taken them."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import trio

from collector.answers import Refusal, journal_refusal
from collector.board import Board
from collector.inputs import CommandInput, FactInput, encode_input
from parallax.clock import wall_ns
from parallax.journal import Journal, JournalBusy, JournalError, JournalFull

T = TypeVar("T")
MAX_BODY = 20_000
TAKEN_S = 5.0
"""How long an answer waits for detection to take the command."""


class CommandError(ValueError):
    """What was asked for cannot be done; says why, and what could be."""


class Commands:
    """Puts commands into `inputs`."""

    def __init__(
        self, inputs: Journal, board: Callable[[], Board], wait_changed: Callable[[Board], Awaitable[None]]
    ) -> None:
        self._inputs, self._board, self._wait_changed = inputs, board, wait_changed

    async def take(self, *values: CommandInput | FactInput) -> tuple[int, Board | None] | Refusal:
        """Writes them down, all or none, and waits a moment for the board that knows them; the last one's position, and
        that board or None."""
        try:
            with trio.CancelScope(shield=True):
                position = await self._inputs.append([encode_input(value, at_ns=wall_ns()) for value in values])
        except (JournalBusy, JournalFull, JournalError) as error:
            return journal_refusal(error)
        with trio.move_on_after(TAKEN_S):
            while (board := self._board()).position < position:
                await self._wait_changed(board)
            return position, board
        return position, None


def read_command(body: bytes, kind: type[T]) -> T:
    """The body of a command. Raises CommandError."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CommandError(f"the body is not what is wanted here: {error}") from None
