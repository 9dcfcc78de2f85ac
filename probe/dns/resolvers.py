"""What is remembered of resolvers between runs: how the control name went, which TTLs were seen, where a resolver that
is given by a name is. Values only; the store is probe.dns.memory."""

import msgspec


class Control(msgspec.Struct, frozen=True):
    """What came of asking a resolver for its control name. `at` is when it ended, by trio's clock."""

    word: str
    """"ok", or a class of probe.checks.resolve_classes."""
    duration_ns: int
    at: float

    @property
    def ok(self) -> bool:
        return self.word == "ok"


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A record as a resolver last gave it. Times are trio's clock."""

    ttl: int
    since: float
    """When this TTL was first seen, without another in between."""
    at: float
    largest: int
    """The largest TTL seen of the record at this resolver."""
