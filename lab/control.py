"""How `parallax up` speaks with the lab's two processes, the world and the probes: JSON, an object a line.

The child reads orders from stdin and answers on stdout, in order; what it logs goes to stderr. Its first line is
`WorldReady` or `ProbesReady`. When stdin ends, so does the child: a parent that is killed leaves nothing behind.
"""

import msgspec

from parallax.values import Address, Redirect


class WorldOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The first line to the world."""

    state: str
    """A folder: the CA, and faults.jsonl, the truth to judge by."""
    collector: Address
    """Where the probes' relays to the collector lead."""
    seed: int = 1
    webhook_secret: str
    """What the lab's pager checks signatures with: whsec_..."""
    command_secret: str = ""
    """The same for the vendor's automation, which carries commands out; that of the pager if left out."""
    sign_in_password: str
    """Of every user that the probes sign in as."""


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """How one probe reaches the world."""

    connect_to: list[tuple[Redirect, Address]]
    """Its own relays, by the addresses that the world's hosts have."""
    collector: Address
    """Its relay to the collector: dead while its uplink is."""
    resolvers: list[Address]
    """Addresses in the world."""


class WorldReady(msgspec.Struct, frozen=True, kw_only=True):
    """The world is up: within a second of the order."""

    probes: dict[str, Wiring]
    ca: str
    """A PEM file."""
    pager: list[tuple[Redirect, Address]]
    """How the collector reaches the receiver that the lab's plan names."""
    automation: list[tuple[Redirect, Address]] = []
    """And the vendor's automation, which its action names."""


class ProbeSeat(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe is given."""

    wiring: Wiring
    token: str
    """A file."""


class ProbesOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The first line to the probes."""

    state: str
    """A folder, in which each probe has one of its own."""
    truth: str
    """The file that injected faults are logged to, shared with the world."""
    collector: str
    """Its URL."""
    ca: str
    """A PEM file."""
    probes: dict[str, ProbeSeat]
    """By id."""
    sign_in_password: str
    """A file."""


class ProbesReady(msgspec.Struct, frozen=True, kw_only=True):
    """All probes run."""

    probes: list[str]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """break and mend name a fault of lab.faults; `actor` is who asked. state and pager ask."""

    do: str
    """break, mend, state, pager."""
    fault: str = ""
    actor: str = ""


class FaultState(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that is in force. `since` is wall clock, ns since the Unix epoch."""

    fault: str
    since: int
    actor: str


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as the lab's pager received it, its signature checked."""

    received_at: int
    id: str
    type: str
    text: str
    signed: bool


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """To every order: what is in force now. `error` says why nothing was done."""

    error: str = ""
    faults: list[FaultState] = []
    received: list[Received] = []
    """For `pager`: the latest, newest first, with what the automation was commanded."""
