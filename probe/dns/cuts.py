"""What a walk from the roots finds out: zone cuts, their servers, and what the parent's servers say. Values only."""

import msgspec

from parallax.values import Address


class NameServer(msgspec.Struct, frozen=True, kw_only=True):
    """One name server of a zone. Without addresses, `failure` says why: glue_missing, is_alias, no_address,
    no_such_name, loop, dark, lame, timeout, too_deep."""

    name: str
    addresses: tuple[Address, ...] = ()
    """Of the families that the probe has."""
    operator: str = ""
    failure: str | None = None


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A zone as whoever asks its servers knows it."""

    zone: str
    parent: str = "."
    servers: tuple[NameServer, ...] = ()
    ttl: int = 0
    """Of the delegation, seconds."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All servers' addresses, each once."""
        return tuple(dict.fromkeys(address for server in self.servers for address in server.addresses))


class ParentSays(msgspec.Struct, frozen=True, kw_only=True):
    """What one server of the parent says of a zone's delegation. `failure` is None where it delegates; else
    no_delegation, or how it failed: an exchange's outcome, or a class of answer (lame_refused...)."""

    server: str
    address: Address
    failure: str | None = None
    ns: tuple[str, ...] = ()
    """Sorted."""
    glue: dict[str, tuple[str, ...]] = {}
    """Server name to literal IP addresses, of both families, sorted."""
    ttl: int = 0
    ds: tuple[str, ...] = ()
    """Data of the DS records, presentation form, sorted."""
    ds_failure: str | None = None
    """Why the DS set is not known."""
    site: str | None = None
    """Which site of the server answered, as far as it says."""
    answers_for_child: bool = False
    """It serves the zone itself too: its NS set is the zone's own, not what the parent zone has."""


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """A zone's delegation as its parent's servers gave it just now."""

    zone: str
    parent: str
    parents: tuple[ParentSays, ...]
    ns: tuple[str, ...]
    """The union of the parents' sets, sorted."""
    ds: tuple[str, ...]
    ttl: int
    servers: tuple[NameServer, ...]

    @property
    def cut(self) -> Cut:
        """The zone as later walks know it."""
        return Cut(zone=self.zone, parent=self.parent, servers=self.servers, ttl=self.ttl)


class WalkFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A walk that did not arrive. `word`: no_delegation (the parent says there is none), dark (no server of `zone`
    answers), lame (they answer, none with authority), no_address (no server of `zone` has an address that this probe
    can reach), timeout, too_deep, loop, over_budget."""

    word: str
    zone: str
    """Where it ended: the last zone whose servers were known."""
    detail: str = ""
    parents: tuple[ParentSays, ...] = ()
    """Where the parent was reached."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host's addresses (literal IP, no port), found by walking; or why there are none, as in NameServer."""

    name: str
    ips: tuple[str, ...] = ()
    failure: str | None = None
