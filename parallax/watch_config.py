"""Config of who watches the watcher: a probe's [pager], a collector's [[peer]]."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from parallax.loading.convert import Fault
from parallax.loading.problems import shown
from parallax.secret import SecretError, check_reference
from parallax.values import Address, Duration, Url

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
SHORTEST_AFTER_S = 60
"""A probe sends a report every 30 s, so a silence must be longer than two of them."""
SHORTEST_SILENCE_S = 15


class Pager(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the probe pages by itself when no collector takes its batches any more, though its own uplink is fine. All
    probes use one key, so that many of them make one page."""

    kind: Literal["pagerduty", "webhook"]
    """How: PagerDuty's Events API v2, or a webhook signed by Standard Webhooks."""
    url: Url | None = None
    """Where it is posted to; PagerDuty's own if left out."""
    address: Address | None = None
    """What to dial, so that paging does not need the DNS that is watched; looked up by the host if left out."""
    key: str
    """Where the integration key is, or what a webhook is signed with: file:PATH, env:NAME or credential:NAME."""
    after: Duration = Duration(90)
    """How long no collector may take anything; 60 s at least."""


class PeerAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The other collector, with which this one shares the paging: one of the two is in charge."""

    name: Annotated[str, msgspec.Meta(pattern=r"[A-Za-z0-9._-]{1,64}", description="a word")]
    """What it is called in words for people."""
    url: Url
    """https://..., or http:// on loopback only."""
    address: Address | None = None
    """What to dial, so that it does not need the DNS that is watched; left out if the URL has an address."""
    token: str
    """Where the token is that it gave this collector: file:PATH, env:NAME or credential:NAME."""
    ca: str | None = None
    """A PEM file with the CA of its certificate, beside the host's trust store."""
    silent: Duration = Duration(30)
    """After how long without a word of it this collector takes charge; 15 s at least."""


def pager_faults(pager: Pager) -> Iterator[Fault]:
    """Every fault of [pager]."""
    try:
        check_reference(pager.key)
    except SecretError as error:
        yield Fault(("pager", "key"), str(error))
    if pager.kind == "webhook" and pager.url is None:
        yield Fault(("pager", "url"), "is missing; a webhook is posted to a URL of your own")
    if pager.url is not None and not pager.url.https and not _stays_here(pager.url, pager.address):
        yield Fault(("pager", "url"), f"{shown(pager.url)} would send it in the clear; write https://")
    if pager.after < SHORTEST_AFTER_S:
        yield Fault(("pager", "after"), f"is shorter than {SHORTEST_AFTER_S} s: every probe would page now and then")


def peer_faults(peers: list[PeerAddress], role: str | None) -> Iterator[Fault]:
    """Every fault of [[peer]] and role."""
    if bool(peers) != (role is not None):
        yield Fault(("role",), "goes with [[peer]]: write both, or none")
    for place, peer in enumerate(peers):
        path = ("peer", place)
        address = peer.address or peer.url.endpoint.address
        if address is None:
            endpoint = peer.url.endpoint
            yield Fault(
                (*path, "address"),
                f"is missing: collectors must not need the DNS that is watched; write the address of {endpoint.host}, "
                f'like "192.0.2.1:{endpoint.port}"',
            )
        elif not peer.url.https and not address.parsed_ip.is_loopback:
            yield Fault((*path, "url"), f"{shown(peer.url)} would send the token in the clear; write https://")
        if "?" in peer.url:
            yield Fault((*path, "url"), f"{shown(peer.url)} has a query (?...); take it out")
        try:
            check_reference(peer.token)
        except SecretError as error:
            yield Fault((*path, "token"), str(error))
        if peer.silent < SHORTEST_SILENCE_S:
            yield Fault((*path, "silent"), f"is shorter than {SHORTEST_SILENCE_S} s: a restart would look like its end")


def _stays_here(url: Url, address: Address | None) -> bool:
    dialled = address or url.endpoint.address
    return dialled.parsed_ip.is_loopback if dialled is not None else url.endpoint.host == "localhost"
