"""Detection: records of `inputs` in, events out. Pure: no clock, no I/O, no logging; time is what the records say.

    step(state, record) -> (state, events)

The same records give the same events, live, after a restart and in a replay. `board_of` shows a state to people.
"""

from collector.detect.board import board_of
from collector.detect.endings import Open, endings, note
from collector.detect.incidents.words import known_incidents
from collector.detect.peers import of_now, peer_word
from collector.detect.state import State, StateError, decode_state, encode_state, initial
from collector.detect.step import step

__all__ = [
    "Open",
    "State",
    "StateError",
    "board_of",
    "decode_state",
    "encode_state",
    "endings",
    "initial",
    "known_incidents",
    "note",
    "of_now",
    "peer_word",
    "step",
]
