"""A state as people see it."""

from collector.board import Board
from collector.detect.state import State


def board_of(state: State) -> Board:
    """Everything that is known at `state.now`."""
    return Board(at=state.now, position=state.position)
