"""DNS as values: what is asked and what is answered (RFC 1035). Names are lower case, without a final dot."""

import msgspec


class Question(msgspec.Struct, frozen=True):
    name: str
    type: str


class RRset(msgspec.Struct, frozen=True):
    """All records of one type at one name. `data` in presentation form."""

    name: str
    type: str
    ttl: int
    data: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The sections of a response. `extended` is an extended error's code and words (RFC 8914)."""

    rcode: str = "NOERROR"
    authoritative: bool = False
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    extended: tuple[int, str] | None = None


def is_under(name: str, zone: str) -> bool:
    """Whether a name is a zone's apex or below it."""
    return name == zone or name.endswith(f".{zone}")


def names_upwards(name: str) -> list[str]:
    """The name and all above it, the longest first."""
    labels = name.split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]
