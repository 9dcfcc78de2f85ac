"""What is asked on the way to a mail record, what was found, and what the record comes to. Values only.

The rules of each record are a generator: it yields what it wants to know, is sent what was found, and returns a State.
So the same rules run against a resolver, against one operator's server, and against a table in a test.
"""

from collections.abc import Generator
from typing import Any, Literal, NamedTuple

import msgspec

Status = Literal["found", "no_such_name", "no_such_record", "failed", "elsewhere"]


class Question(NamedTuple):
    """A name in canonical text, and a type."""

    name: str
    type: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a view has for a question, aliases followed. `failed`: no answer that says yes or no. `elsewhere`: not for
    this view to say, as the name is, or is an alias for one, in somebody else's zone."""

    status: Status
    values: tuple[str, ...] = ()
    """Record data; a TXT's strings joined."""
    aliases: tuple[str, ...] = ()
    """The names that the name led through."""
    word: str | None = None
    """How it failed: timeout, servfail, refused, ..."""

    @property
    def absent(self) -> bool:
        """Whether the answer says, for good, that nothing is there."""
        return self.status in ("no_such_name", "no_such_record")


Class = Literal["ok", "weak", "missing", "invalid", "permerror", "revoked", "tempfail", "elsewhere"]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a record comes to. `missing` is an answer, for good; `tempfail` is the lack of one (RFC 6376 3.9)."""

    word: Class
    why: str = ""
    """One clause for people."""
    problem: str | None = None
    """The same as a word: multiple, lookups, void, loop, syntax, ..."""
    facts: dict[str, Any] = {}

    def as_finding(self) -> dict[str, Any]:
        """Plain values for an observation."""
        said = {"class": self.word, "problem": self.problem, "why": self.why}
        return {key: value for key, value in (said | self.facts).items() if value not in (None, "", [], ())}


Asking = Generator[Question, Found, State]


def tempfail(found: Found, name: str, rdtype: str) -> State:
    """Of a question without an answer."""
    return State(
        word="tempfail", problem=found.word, why=f"{name} {rdtype}: {(found.word or 'failed').replace('_', ' ')}"
    )


def elsewhere(found: Found) -> State:
    """Of a name that this view has no say about."""
    return State(word="elsewhere", facts={"aliases": list(found.aliases)})
