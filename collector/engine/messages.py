"""What the collector and detection's own process say to each other: a length of four octets, and MessagePack.

Both are of one release, as one starts the other, so nothing here is versioned. The process answers each question but
`Load`, in their order.
"""

import msgspec

from collector.engine.values import Shown, Taken
from parallax.journal import Record
from parallax.values import encode_value


class Load(msgspec.Struct, frozen=True, tag=True):
    """Goes on from this snapshot."""

    snapshot: bytes


class Take(msgspec.Struct, frozen=True, tag=True):
    """Asks for a `Taken`."""

    records: list[Record]
    save: bool


class Show(msgspec.Struct, frozen=True, tag=True):
    """Asks for a `Shown`."""


class Failed(msgspec.Struct, frozen=True):
    """The answer where detection raised something: the traceback."""

    why: str


Question = Load | Take | Show
HEAD = 4
_encoder = msgspec.msgpack.Encoder(enc_hook=encode_value)
_questions: msgspec.msgpack.Decoder[Question] = msgspec.msgpack.Decoder(Question)


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of them."""

    taken: Taken | None = None
    shown: Shown | None = None
    failed: Failed | None = None


_answers = msgspec.msgpack.Decoder(Answer)


def frame(message: Question | Answer) -> bytes:
    """As it goes through the pipe."""
    body = _encoder.encode(message)
    return len(body).to_bytes(HEAD, "big") + body


def body_length(head: bytes | bytearray) -> int:
    """How many octets come after the first four."""
    return int.from_bytes(head, "big")


def decode_question(body: bytes) -> Question:
    """Raises msgspec.DecodeError."""
    return _questions.decode(body)


def decode_answer(body: bytes) -> Answer:
    """Raises msgspec.DecodeError."""
    return _answers.decode(body)
