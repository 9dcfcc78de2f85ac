"""Small values that a plan, a config and an observation share, each parsed once, at the edge.

Each class parses its own text form and prints it back (`parse(str(x)) == x`). A bad text raises ValueError with a
sentence that says what was wrong and what would be right; loaders put the place before it.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, Self
from urllib.parse import urlsplit

Family = Literal[4, 6]
Protocol = Literal["tcp", "udp"]
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)", re.ASCII)
_RATE = re.compile(r"(\d{1,6})/(\d{1,4})?(s|min|h|d)", re.ASCII)
_BLANK = re.compile(r"[\x00-\x1f\s]")
_RATE_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d{1,12})(B|kB|MB|GB)", re.ASCII)
_SIZES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
_LABEL = re.compile(r"[a-z0-9_*](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)


class Duration(float):
    """A span of time in seconds; its text form is a number and a unit: 500ms, 30s, 5m, 2h, 7d."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        match = _DURATION.fullmatch(text)
        if match is None or float(match[1]) == 0:
            raise ValueError(f'{text!r} is no duration; write a number above 0 and a unit, like "500ms", "30s", "5m"')
        amount = float(match[1])
        return cls(amount / 1000 if match[2] == "ms" else amount * _UNITS[match[2]])  # 563 * 0.001 is not 0.563

    def __str__(self) -> str:
        for unit in ("d", "h", "m", "s"):
            amount = self / _UNITS[unit]
            if amount >= 1 and amount == int(amount):
                return f"{int(amount)}{unit}"
        return f"{self / 0.001:.10g}ms"


class Size(int):
    """A number of octets; its text form is a whole number and a decimal unit: 512B, 64kB, 1MB, 8GB."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        match = _SIZE.fullmatch(text)
        if match is None:
            raise ValueError(f'{text!r} is no size; write a whole number and a unit, like "64kB", "1MB", "8GB"')
        return cls(int(match[1]) * _SIZES[match[2]])

    def __str__(self) -> str:
        for unit in ("GB", "MB", "kB"):
            if self and self % _SIZES[unit] == 0:
                return f"{self // _SIZES[unit]}{unit}"
        return f"{int(self)}B"


class Rate(str):
    """How often something may be done: a whole number of times in a span of time: 4/min, 3/10s, 50/h."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        match = _RATE.fullmatch(text)
        if match is None or int(match[1]) == 0 or (match[2] and int(match[2]) == 0):
            raise ValueError(f'{text!r} is no rate; write a number and a span, like "4/min", "3/10s", "50/h"')
        return cls(text)

    @property
    def times(self) -> int:
        return int(self.partition("/")[0])

    @property
    def span_s(self) -> float:
        match = _RATE.fullmatch(self)
        assert match is not None, self
        return int(match[2] or 1) * _RATE_UNITS[match[3]]

    @property
    def per_minute(self) -> float:
        return self.times * 60 / self.span_s


class Address(str):
    """A transport address: a literal IP address and a port. Text form: 192.0.2.1:53, [2001:db8::1]:53."""

    __slots__ = ()

    @classmethod
    def of(cls, ip: str, port: int) -> Self:
        """From a literal IP address in any form and a port."""
        return cls(_address_text(ip, port))

    @classmethod
    def parse(cls, text: str, default_port: int | None = None) -> Self:
        host, port = split_host_port(text, default_port)
        if not is_ip(host):
            raise ValueError(f"{host!r} is no literal IP address; names are not looked up here, write the address")
        return cls.of(host, port)

    @property
    def ip(self) -> str:
        return self.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.rpartition(":")[2])

    @property
    def parsed_ip(self) -> IPAddress:
        return _parse_ip(self.ip)

    @property
    def family(self) -> Family:
        return 6 if self.startswith("[") else 4


class Endpoint(str):
    """Where a check goes before names are resolved: a host (name or literal IP address) and a port, as host:port."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str, default_port: int | None = None) -> Self:
        host, port = split_host_port(text, default_port)
        return cls(Address.of(host, port) if is_ip(host) else f"{dns_name(host)}:{port}")

    @property
    def host(self) -> str:
        return self.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.rpartition(":")[2])

    @property
    def address(self) -> Address | None:
        """The address, where the host is one already."""
        return Address(self) if is_ip(self.host) else None


class DnsName(str):
    """A DNS name in canonical text form: lower case A-labels, no final dot ("." is the root)."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(dns_name(text))


class Redirect(str):
    """The left side of a `connect_to`: an address, and /udp or /tcp where it holds for one of them only."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        address, slash, protocol = text.partition("/")
        if slash and protocol not in ("tcp", "udp"):
            raise ValueError(f"{text!r} ends in /{protocol}; write /udp, /tcp, or nothing for both")
        return cls(Address.parse(address) + slash + protocol)

    @property
    def address(self) -> Address:
        return Address(self.partition("/")[0])

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        text = self.partition("/")[2]
        return ("tcp", "udp") if not text else ("tcp",) if text == "tcp" else ("udp",)


class Cidr(str):
    """A network in CIDR form, like 10.0.0.0/8 or fd00::/8."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            return cls(ipaddress.ip_network(text))
        except ValueError as error:
            raise ValueError(f"{text!r} is no network: {error}; write it like 10.0.0.0/8") from None

    @property
    def network(self) -> Network:
        return ipaddress.ip_network(str(self))


class Url(str):
    """An absolute http or https URL with a host, and without userinfo or fragment."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        parts = urlsplit(text)
        if "@" in parts.netloc:  # looked at first, as the other messages quote the text
            raise ValueError("the URL carries a user or password before '@'; a plan holds no secrets")
        if _BLANK.search(text):
            raise ValueError(f"the URL {text!r} has a blank or control character in it")
        if parts.scheme not in ("http", "https"):
            raise ValueError(f"{text!r} is no URL to check; it must begin with https:// or http://")
        if parts.fragment:
            raise ValueError(f"{text!r} has a fragment (#...), which is never sent; take it out")
        if not parts.hostname:
            raise ValueError(f"{text!r} has no host")
        url = cls(text)
        _ = url.endpoint  # host and port are checked at load
        return url

    @property
    def https(self) -> bool:
        return self.startswith("https:")

    @property
    def endpoint(self) -> Endpoint:
        return _endpoint_of(str(self))


@lru_cache(4096)
def _endpoint_of(url: str) -> Endpoint:
    """Of a URL: a run asks it for each request, header and cookie."""
    return Endpoint.parse(urlsplit(url).netloc, 443 if url.startswith("https:") else 80)


def is_ip(text: str) -> bool:
    """Whether the text is a literal IPv4 or IPv6 address (without brackets or scope)."""
    try:
        _parse_ip(text)
    except ValueError:
        return False
    return "%" not in text


@lru_cache(4096)
def _parse_ip(text: str) -> IPAddress:
    # Kept: parsing is slow, and a probe dials the same addresses for ever.
    return ipaddress.ip_address(text)


@lru_cache(4096)
def _address_text(ip: str, port: int) -> str:
    ip = str(_parse_ip(ip))
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def dns_name(text: str) -> str:
    """A host name or DNS owner name in its canonical text form: lower case A-labels, no final dot ("." is the root).

    Raises ValueError for what RFC 1035 section 2.3.4 forbids (label over 63 octets, name over 255), for characters that
    no public name has (LDH, underscore and a leading * are allowed), and for an IDN that is not written in A-labels:
    which ones it has is the registry's rule (RFC 5891), and two rules are in use.
    """
    if text == ".":
        return text
    if text != text.strip():
        raise ValueError(f"the name {text!r} has a blank at its start or end; take it out")
    name = text.removesuffix(".").lower()
    if not name.isascii():
        raise ValueError(f"the name {text!r} is an IDN; write its A-labels{_a_labels(name)}")
    if len(name) > 253:
        raise ValueError(f"the name {text[:40]!r}... is {len(name)} characters long; DNS allows 253")
    for label in name.split("."):
        if len(label) > 63:
            raise ValueError(f"the label {label[:20]!r}... is {len(label)} octets long; DNS allows 63")
        if not label:
            raise ValueError(f"the name {text!r} has an empty label (two dots together, or a dot in front)")
        if not _LABEL.fullmatch(label):
            raise ValueError(f"the label {label!r} of {text!r} has a character that no host name has")
    if name.rsplit(".", 1)[-1].isdigit():
        raise ValueError(f"{text!r} is neither a name nor a literal IP address")
    return name


def _a_labels(name: str) -> str:
    """The A-labels of an IDN as a hint, where all rules give the same (IDNA 2003 and 2008 differ in a few letters)."""
    try:
        return "" if set(name) & _DEVIATIONS or len(name) > 253 else f": {name.encode('idna').decode('ascii')}"
    except UnicodeError:
        return ""


_DEVIATIONS = frozenset("ßς\u200c\u200d")


def split_host_port(text: str, default_port: int | None) -> tuple[str, int]:
    """Take host:port, [v6]:port, or a bare host where a default port is given, apart."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r}: an IPv6 address with a port is written [2001:db8::1]:53")
        port_text = rest[1:]
    elif text.count(":") > 1:
        host, port_text = text, ""
    else:
        host, _, port_text = text.partition(":")
    if not host:
        raise ValueError(f"{text!r} has no host before the port")
    if not port_text:
        if default_port is None:
            raise ValueError(f"{text!r} has no port; write it as host:port")
        return host, default_port
    if not (port_text.isascii() and port_text.isdigit() and 0 < int(port_text) < 65536):
        raise ValueError(f"{port_text!r} is no port; a port is a number from 1 to 65535")
    return host, int(port_text)


VALUE_TYPES = (Duration, Size, Rate, Address, Endpoint, DnsName, Redirect, Cidr, Url)
"""The types with a text form of their own, which msgspec hands to `decode_value` and `encode_value`."""

_PARSERS: dict[Any, Callable[[str], Any]] = {kind: kind.parse for kind in VALUE_TYPES}


def decode_value(kind: type, raw: object) -> object:
    """msgspec's `dec_hook`: text to one of VALUE_TYPES. Raises ValueError."""
    if kind not in _PARSERS:
        raise NotImplementedError(f"no text form for {kind}")
    if not isinstance(raw, str):
        raise ValueError(f"wants text in quotes, not {raw!r}")
    return _PARSERS[kind](raw)


def encode_value(value: object) -> str:
    """msgspec's `enc_hook`: one of VALUE_TYPES to its text form."""
    if isinstance(value, VALUE_TYPES):
        return str(value)
    raise NotImplementedError(f"no text form for {type(value)}")
