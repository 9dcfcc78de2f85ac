"""The small values as types of command-line options: a bad one is a sentence and exit status 2."""

import re
from collections.abc import Callable
from typing import Any

import click

from parallax.plan.types import RESOLVER_PORTS, Operator, Resolver
from parallax.values import Address, Cidr, DnsName, Duration, Endpoint, Redirect, Size, Url


class Parsed(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on only
    """An option's text through a value's own `parse`, whose ValueError has the sentence."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _redirect(text: str) -> tuple[Redirect, Address]:
    source, equals, to = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} has no '='; write FROM=TO, like 192.0.2.1:443=127.0.0.1:8443")
    return Redirect.parse(source), Address.parse(to)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"{text!r} is no header; write 'Name: value'")
    if any((c < " " and c != "\t") or c == "\x7f" for c in value):
        raise ValueError(f"the value of the header {name.strip()!r} has a line break or control character in it")
    return name.strip(), value.strip()


def _listen(text: str) -> Address:
    """As an address, but port 0 (any free port) is allowed."""
    if text.endswith(":0"):
        return Address.of(Address.parse(text.removesuffix(":0") + ":1").ip, 0)
    return Address.parse(text)


def _ca(text: str) -> str:
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(text)
    except ssl.SSLError:
        raise ValueError(f"{text} has no certificate in PEM form (-----BEGIN CERTIFICATE-----)") from None
    except OSError as error:
        raise ValueError(f"{text} cannot be read: {error.strerror}") from None
    return text


def _pattern(text: str) -> str:
    from parallax.plan.patterns import pattern_complaint

    if complaint := pattern_complaint(text):
        raise ValueError(f"{text!r} {complaint}")
    return text


def _named_resolver(text: str) -> Resolver:
    """[NAME=]HOST[:PORT][/TRANSPORT]; the name is the host if left out."""
    name, equals, rest = text.rpartition("=")
    address, slash, transport = rest.partition("/")
    if slash and transport not in RESOLVER_PORTS:
        raise ValueError(f"{text!r} ends in /{transport}; write /udp, /tcp, /dot or /doh, or nothing for udp")
    if equals and not name:
        raise ValueError(f"{text!r} has no name before '='; write NAME=ADDRESS, or the address alone")
    transport = transport or "udp"
    endpoint = Endpoint.parse(address, RESOLVER_PORTS[transport])
    return Resolver(name=name or rest, address=endpoint, transport=transport)  # type: ignore[arg-type]


def _operator(text: str) -> Operator:
    """NAME=PATTERN[,PATTERN...]"""
    name, equals, patterns = text.partition("=")
    servers = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    if not (name and equals and servers):
        raise ValueError(f"{text!r} is no operator; write NAME=PATTERN, like dns-a=*.dns-a.example or dns-b=192.0.2.53")
    from parallax.plan.rules import server_complaint

    for server in servers:
        if complaint := server_complaint(server):
            raise ValueError(complaint)
    return Operator(name=name, servers=servers)


def _selector(text: str) -> str:
    """A DKIM selector, as a plan has it."""
    from parallax.plan.dns_specs import Selector

    meta = Selector.__metadata__[0]  # type: ignore[attr-defined]
    if not re.fullmatch(meta.pattern, text):
        raise ValueError(f"{text!r} does not fit; wants {meta.description}")
    return text


DURATION = Parsed("duration", Duration.parse)
SIZE = Parsed("size", Size.parse)
NAME = Parsed("name", DnsName.parse)
URL = Parsed("url", Url.parse)
CIDR = Parsed("cidr", Cidr.parse)
RESOLVER = Parsed("address", lambda text: Address.parse(text, 53))
NAMED_RESOLVER = Parsed("[name=]address[/transport]", _named_resolver)
OPERATOR = Parsed("name=pattern", _operator)
SELECTOR = Parsed("selector", _selector)
REDIRECT = Parsed("from=to", _redirect)
HEADER = Parsed("header", _header)
LISTEN = Parsed("address", _listen)
CA = Parsed("file", _ca)
PATTERN = Parsed("pattern", _pattern)
