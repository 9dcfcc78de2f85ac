"""Config of the servers of time series that the collector writes to, and what its keys must keep among each other."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from parallax.loading.convert import Fault
from parallax.loading.problems import shown
from parallax.secret import SecretError, check_reference
from parallax.values import Address, Duration, Url

SeriesKind = Literal["influxdb1", "influxdb2", "influxdb3", "victoriametrics"]


class SeriesServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server of time series that everything measured and concluded is written to. Several are written to at once,
    each with its own cursor. `parallax series setup` makes there what is needed."""

    name: Annotated[str, msgspec.Meta(pattern=r"[a-z0-9][a-z0-9_-]{0,31}", description="a word in lower case")]
    """Its name here."""
    kind: SeriesKind
    """Which program it is."""
    url: Url
    """Where it is, without the path that is written to; a path in front of that is kept."""
    address: Address | None = None
    """What to dial, so that writing does not need the DNS that is watched; left out if the URL has an address. Not for
    influxdb2 and influxdb3."""
    database: Annotated[str, msgspec.Meta(pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", description="a word")] = "parallax"
    """The database, or on influxdb2 the bucket. What is kept longer goes to its retention policy `long`, or on
    influxdb2 and influxdb3 to the bucket or database with `_long` behind the name."""
    org: str = ""
    """The organisation, on influxdb2."""
    token: str | None = None
    """Where the token is (influxdb2, influxdb3; sent as a bearer token to the others): file:PATH, env:NAME or
    credential:NAME."""
    user: str = ""
    """The user, on influxdb1 with passwords."""
    password: str | None = None
    """Where the user's password is: file:PATH, env:NAME or credential:NAME."""
    ca: str | None = None
    """A PEM file with the CA of the server's certificate, beside the host's trust store."""
    rate: Annotated[int, msgspec.Meta(ge=1000, le=1_000_000)] = 40_000
    """Observations a second that it is sent at most, while it catches up."""
    raw_age: Duration = Duration(14 * 86400)
    """How long it keeps every observation, as `parallax series setup` tells it."""
    minutes_age: Duration = Duration(400 * 86400)
    """How long it keeps figures by the minute, likewise."""


def series_faults(servers: list[SeriesServer]) -> Iterator[Fault]:
    """Every fault of the [[series]]."""
    names: set[str] = set()
    for place, server in enumerate(servers):
        path = ("series", place)
        if server.name in names:
            yield Fault((*path, "name"), f"{shown(server.name)} is there already")
        names.add(server.name)
        if "?" in server.url:
            yield Fault((*path, "url"), f"{shown(server.url)} has a query (?...); take it out")
        address = server.address or server.url.endpoint.address
        clear = not server.url.https and not (address and address.parsed_ip.is_loopback)
        if clear and (server.token or server.password):
            yield Fault((*path, "url"), f"{shown(server.url)} would send the secret in the clear; write https://")
        by_client = server.kind in ("influxdb2", "influxdb3")
        if by_client and server.address is not None:
            yield Fault((*path, "address"), f"is not for {server.kind}; write the address into url")
        if by_client and server.token is None:
            yield Fault((*path, "token"), f"is missing: {server.kind} takes nothing without one")
        if server.kind == "influxdb2" and not server.org:
            yield Fault((*path, "org"), "is missing: on influxdb2 a bucket belongs to an organisation")
        if (server.password is None) != (not server.user):
            yield Fault((*path, "user"), "goes with password: write both, or none")
        for key, reference in (("token", server.token), ("password", server.password)):
            if reference is not None:
                try:
                    check_reference(reference)
                except SecretError as error:
                    yield Fault((*path, key), str(error))
