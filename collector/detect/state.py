"""What detection remembers between two records, and its snapshot."""

import msgspec

VERSION = 1


class State(msgspec.Struct, kw_only=True):
    """Handed over from step to step: whoever gives it to `step` uses the returned one from then on."""

    version: int = VERSION
    seed: str
    """64 random bits as 16 hex digits, made with the journal: keeps ids apart over reinstallations."""
    position: int = 0
    """The last record of `inputs` that was taken."""
    now: int = 0
    """The latest time that a record told, ns since the Unix epoch."""


class StateError(ValueError):
    """The bytes are no snapshot of a version known here."""


def initial(seed: str) -> State:
    """Before the first record."""
    return State(seed=seed)


def encode_state(state: State) -> bytes:
    """The snapshot."""
    return msgspec.msgpack.encode(state)


def decode_state(raw: bytes) -> State:
    """A state from its snapshot. Raises StateError."""
    try:
        state = msgspec.msgpack.decode(raw, type=State)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise StateError(f"the snapshot does not decode: {error}") from None
    if state.version != VERSION:
        raise StateError(f"the snapshot has version {state.version}; this program knows {VERSION}")
    return state
