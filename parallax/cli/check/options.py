"""The options that commands which measure by hand share, and the settings that they come to."""

import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
import msgspec

from parallax.cli.by_hand import Settings
from parallax.cli.values import CA, DURATION, NAMED_RESOLVER, OPERATOR, REDIRECT, RESOLVER
from parallax.plan.types import Operator, Resolver
from parallax.values import Address, Duration, Family, Redirect

Command = TypeVar("Command", bound=Callable[..., Any])


def _with_options(command: Command, timeout: str, what: str, *more: Callable[..., Any]) -> Command:
    """The command with the options that all have, and with those of its family."""
    for option in reversed(
        [
            click.option("--timeout", type=DURATION, default=timeout, show_default=True, help=what),
            click.option(
                "--connect-to", type=REDIRECT, multiple=True, metavar="FROM=TO", help="Dial TO where FROM is measured."
            ),
            click.option("-4", "four", is_flag=True, help="IPv4 only."),
            click.option("-6", "six", is_flag=True, help="IPv6 only."),
            *more,
            click.option("--json", "as_json", is_flag=True, help="Print observations as JSON, one a line."),
        ]
    ):
        command = option(command)
    return command


def address_options(command: Command) -> Command:
    """Adds the options of the kinds that measure each address of a target."""
    resolver = click.option(
        "--resolver", type=RESOLVER, multiple=True, help="Whom to ask for names; /etc/resolv.conf if left out."
    )
    return _with_options(command, "5s", "For each address.", resolver)


def flow_options(command: Command) -> Command:
    """Adds the options of the kinds whose run is a flow of steps."""
    resolver = click.option(
        "--resolver", type=RESOLVER, multiple=True, help="Whom to ask for names; /etc/resolv.conf if left out."
    )
    ca = click.option("--ca", type=CA, metavar="FILE", help="A PEM file with CAs to trust as well.")
    return _with_options(command, "30s", "For the whole run.", resolver, ca)


def settings_of(
    timeout: Duration,
    connect_to: Sequence[tuple[Redirect, Address]],
    four: bool,
    six: bool,
    resolver: Sequence[Address],
    as_json: bool,
    ca: str | None = None,
) -> Settings:
    """What `address_options` come to."""
    wanted: tuple[Family, ...] = (4, 6) if four == six else (4,) if four else (6,)
    return Settings(
        timeout=timeout,
        connect_to=tuple(connect_to),
        families=wanted if four or six else routed_families() or wanted,
        resolver=tuple(resolver),
        as_json=as_json,
        ca=ca,
    )


def dns_options(command: Command) -> Command:
    """Adds the options of the kinds of DNS in depth: what a plan's [dns], [[operator]] and [[resolver]] would say."""
    root = click.option("--root", type=RESOLVER, multiple=True, help="Where walks begin, not at the Internet's roots.")
    operator = click.option(
        "--operator", type=OPERATOR, multiple=True, metavar="NAME=PATTERN", help="Whose servers fit PATTERN."
    )
    resolver = click.option(
        "--resolver",
        type=NAMED_RESOLVER,
        multiple=True,
        metavar="[NAME=]ADDRESS[/TRANSPORT]",
        help="A resolver to ask as well; udp, tcp, dot or doh. Repeatable.",
    )
    return _with_options(command, "10s", "For the whole run.", root, operator, resolver)


def dns_settings_of(
    root: Sequence[Address], operator: Sequence[Operator], resolver: Sequence[Resolver], **options: Any
) -> Settings:
    """What `dns_options` come to."""
    return msgspec.structs.replace(
        settings_of(resolver=(), **options),
        roots=tuple(root),
        operators=tuple(operator),
        named_resolvers=tuple(resolver),
    )


def routed_families() -> tuple[Family, ...]:
    """The address families that this host has a route for. Connecting a UDP socket asks the kernel; nothing is sent.

    Without it, a host without IPv6 would call every dual-stack service failed."""
    found: list[Family] = []
    for family, kind, somewhere in ((4, socket.AF_INET, "192.0.2.1"), (6, socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(kind, socket.SOCK_DGRAM) as sock:
                sock.connect((somewhere, 53))
        except OSError:
            continue
        found.append(4 if family == 4 else 6)
    return tuple(found)


def host_resolvers() -> tuple[Address, ...]:
    """Those of /etc/resolv.conf."""
    from probe.dns.lookup import system_resolvers

    return system_resolvers()


def parsed(parse: Callable[[str], Any], text: str, what: str) -> Any:
    """What `parse` makes of the text; click's complaint where it raises ValueError."""
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=what) from None
