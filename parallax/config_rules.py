"""What the keys of a config must keep among each other, and that the files it names are there."""

import os
from collections.abc import Iterator
from pathlib import Path

from parallax.config import CollectorAddress, CollectorConfig, ProbeConfig
from parallax.hook_config import hook_faults
from parallax.loading.convert import Fault
from parallax.loading.problems import shown
from parallax.plan.types import ConnectTo
from parallax.secret import SecretError, check_reference
from parallax.series_config import series_faults
from parallax.values import Size
from parallax.watch_config import pager_faults, peer_faults


def collector_faults(config: CollectorConfig) -> Iterator[Fault]:
    """Every fault between the keys of a collector.toml whose paths are absolute."""
    if not config.listen.parsed_ip.is_loopback and config.tls is None:
        yield Fault(
            ("listen",), f"{config.listen} can be reached from other hosts, so it needs [tls] with certificate and key"
        )
    for key in ("state", "plan"):
        if not getattr(config, key):
            yield Fault((key,), "is empty")
    if config.tls is not None:
        yield from _file_faults(("tls", "certificate"), config.tls.certificate)
        yield from _file_faults(("tls", "key"), config.tls.key)
    yield from _file_faults(("ca",), config.ca)
    if config.charts is not None and not config.charts.https:
        yield Fault(("charts",), f"{shown(str(config.charts))} is fetched by others; write https://")
    for name, reference in config.secrets.items():
        try:
            check_reference(reference)
        except SecretError as error:
            yield Fault(("secrets", name), str(error))
    yield from hook_faults(config.hook)
    yield from series_faults(config.series)
    for place, server in enumerate(config.series):
        yield from _file_faults(("series", place, "ca"), server.ca)
    yield from peer_faults(config.peer, config.role)
    for place, peer in enumerate(config.peer):
        yield from _file_faults(("peer", place, "ca"), peer.ca)
    yield from _redirect_faults(config.connect_to)
    yield from _ballast_faults(config.limits.ballast, config.limits.inputs_size, "inputs_size")


def probe_faults(config: ProbeConfig) -> Iterator[Fault]:
    """Every fault between the keys of a probe.toml whose paths are absolute."""
    if not config.state:
        yield Fault(("state",), "is empty")
    for name, bound in config.secrets.items():
        try:
            check_reference(bound.source)
        except SecretError as error:
            yield Fault(("secrets", name, "from"), str(error))
    yield from _file_faults(("ca",), config.ca)
    if config.metrics is not None and not config.metrics.parsed_ip.is_loopback:
        yield Fault(("metrics",), "has no authentication, and so must be a loopback address, as 127.0.0.1:9464")
    if config.pager is not None:
        yield from pager_faults(config.pager)
    urls: set[str] = set()
    for place, collector in enumerate(config.collector):
        path = ("collector", place)
        yield from _shipping_faults(path, collector)
        url = collector.url.rstrip("/")
        if url in urls:
            yield Fault((*path, "url"), f"{shown(url)} is there already")
        urls.add(url)
    yield from _redirect_faults(config.connect_to)
    yield from _ballast_faults(config.limits.ballast, config.limits.spool_size, "spool_size")


def _redirect_faults(entries: list[ConnectTo]) -> Iterator[Fault]:
    sources: set[tuple[str, str]] = set()
    for place, entry in enumerate(entries):
        source = {(str(entry.source.address), protocol) for protocol in entry.source.protocols}
        if source & sources:
            yield Fault(("connect_to", place, "from"), f"{shown(str(entry.source))} is redirected already")
        sources |= source


def _shipping_faults(path: tuple[str, int], collector: CollectorAddress) -> Iterator[Fault]:
    address = collector.address or collector.url.endpoint.address
    if address is None:
        yield Fault(
            (*path, "address"),
            f"is missing: shipping must not depend on the DNS that is watched; write the address of "
            f'{collector.url.endpoint.host}, like "192.0.2.1:{collector.url.endpoint.port}"',
        )
    elif not collector.url.https and not address.parsed_ip.is_loopback:
        yield Fault((*path, "url"), f"{shown(collector.url)} would send the token in the clear; write https://")
    if "?" in collector.url:
        yield Fault((*path, "url"), f"{shown(collector.url)} has a query (?...); take it out")
    try:
        check_reference(collector.token)
    except SecretError as error:
        yield Fault((*path, "token"), str(error))
    yield from _file_faults((*path, "ca"), collector.ca)
    if collector.certificate is not None:
        try:
            check_reference(collector.certificate)
            if collector.certificate.startswith("env:"):
                raise SecretError("is no file; write file:PATH or credential:NAME")
        except SecretError as error:
            yield Fault((*path, "certificate"), str(error))


def _file_faults(path: tuple[str | int, ...], file: str | None) -> Iterator[Fault]:
    if file is not None and not (Path(file).is_file() and os.access(file, os.R_OK)):
        yield Fault(path, f"{file} is no file that can be read" if file else "is empty")


def _ballast_faults(ballast: Size, size: Size, name: str) -> Iterator[Fault]:
    if ballast >= size:
        yield Fault(("limits", "ballast"), f"{ballast} is not smaller than {name}, {size}")
