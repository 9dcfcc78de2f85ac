"""The records of the journal `inputs`: everything that can change a verdict, in one order.

Each record's body is a msgpack array whose first item is the version of its layout; fields are only ever added at the
end, with a default. A batch's bytes are kept as they came, so that a replay reads what the probe wrote.
"""

from typing import Literal

import msgspec

from collector.peer_word import PeerRole, PeerWord
from parallax.journal import Entry, Record

VERSION = 1


class BatchInput(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A batch as received. Times are wall clock, ns since the Unix epoch; the offset is what to add to the probe's
    times to get the collector's. `missing` counts the observations of the stream that were skipped before it."""

    version: int = VERSION
    probe: str
    received_at: int
    sent_at: int | None
    round_trip: int | None
    offset_ns: int | None
    skewed: bool
    peer: str
    missing: int
    digest: bytes
    content_type: str
    encoding: str
    body: bytes


class PlanInput(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A version of the plan that was read without fault: file names and their text."""

    version: int = VERSION
    at: int
    digest: str
    hash: str
    files: dict[str, str]


PlanChange = Literal["candidate", "canary", "promoted", "rejected", "withdrawn", "rolled_back"]


class PlanStateInput(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What became of a version of the plan, by whom and why."""

    version: int = VERSION
    at: int
    change: PlanChange
    digest: str
    hash: str
    canary: str = ""
    actor: str = ""
    why: str = ""


class ClockInput(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Time has passed and nothing else came: what makes silence a record like any other. `started` marks a start of
    the collector: it heard nobody before, and that is no probe's silence."""

    version: int = VERSION
    at: int
    started: bool = False


class CommandInput(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a person told the collector to do, that bears on what it concludes. Unknown words change nothing."""

    version: int = VERSION
    at: int
    word: str
    """move_start, move_end; failover_freeze, failover_thaw, failover_override, failover_drill, standby_fact; silence,
    silence_end; ..."""
    actor: str
    arguments: dict[str, list[str]] = {}


class FactInput(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Something that happened to an incident and that no probe saw: a receiver took its alert, traffic was switched,
    the vendor posted. It goes on the timeline and leads to no alert. `at` is when it happened; `what` is a word of
    collector.events.MomentWord, and an unknown one changes nothing; `actor` is empty where no person said it."""

    version: int = VERSION
    at: int
    what: str
    incident: str
    text: str = ""
    actor: str = ""


ActionOutcome = Literal["applied", "refused", "failed", "expired", "dry_run", "reachable", "unreachable"]
"""refused: the other side said no, by epoch, by the value it found, or by its key's grant. failed: nobody knows
whether it was carried out. reachable, unreachable: what a look without any change came to (epoch 0)."""


class ActionInput(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What came of an action of a failover group: of a command's, or of the look whether it could be carried out."""

    version: int = VERSION
    at: int
    group: str
    action: str
    outcome: ActionOutcome
    epoch: int = 0
    member: str = ""
    """The one that it switches to, or would."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """What it found there, and what it left there."""
    text: str = ""
    took_ns: int = 0


class DeliveryInput(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What came of a try to tell a receiver of an alert: kept for the alert's life on its incident's page; no verdict
    changes by it. A trouble that goes on is written once, not at each try."""

    version: int = VERSION
    at: int
    alert: str
    """The alert's event id."""
    key: str
    """Its deduplication key."""
    receiver: str
    outcome: Literal["sent", "retried", "given_up"]
    tries: int = 1
    text: str = ""
    incident: str = ""


class PeerInput(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What was heard of the other collector, or that nothing was; the first of a life says which of the two this is."""

    version: int = VERSION
    at: int
    role: PeerRole
    """This collector's own; empty where there is no other."""
    peer: str = ""
    """The other's name."""
    silent_ns: int = 0
    """After how long without a word this one takes charge."""
    word: PeerWord | None = None
    why: str = ""
    """Why nothing was heard."""


Input = (
    BatchInput
    | PlanInput
    | PlanStateInput
    | ClockInput
    | CommandInput
    | FactInput
    | ActionInput
    | DeliveryInput
    | PeerInput
)

KINDS: dict[str, type[Input]] = {
    "batch": BatchInput,
    "plan": PlanInput,
    "plan_state": PlanStateInput,
    "clock": ClockInput,
    "command": CommandInput,
    "fact": FactInput,
    "action": ActionInput,
    "delivery": DeliveryInput,
    "peer": PeerInput,
}
"""The `kind` of a journal's record, and what its body is."""

_NAMES = {kind: name for name, kind in KINDS.items()}


class InputError(ValueError):
    """The record is no input of a version known here."""


def encode_input(value: Input, *, at_ns: int, count: int = 1) -> Entry:
    """The journal's entry; `count` is how many observations it holds."""
    return Entry(kind=_NAMES[type(value)], body=msgspec.msgpack.encode(value), at_ns=at_ns, count=count)


def decode_input(record: Record | Entry) -> Input:
    """The input in a record of the journal. Raises InputError."""
    kind = KINDS.get(record.kind)
    if kind is None:
        raise InputError(f"a record of the unknown kind {record.kind[:40]!r}")
    try:
        value = msgspec.msgpack.decode(record.body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"a {record.kind} record does not decode: {error}") from None
    if value.version != VERSION:
        raise InputError(f"a {record.kind} record has version {value.version}; this program knows {VERSION}")
    return value
