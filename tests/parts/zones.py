"""Zone files for the real name servers: plain and signed, and another content for a server that runs."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import dns.asyncquery
import dns.dnssec
import dns.dnssectypes
import dns.message
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.zone
import msgspec
import pytest
import trio
from cryptography.hazmat.primitives.asymmetric import ec

from tests.parts.daemon import Daemon

_HEAD = """@ SOA ns1 hostmaster {serial} 3600 600 86400 60
@ NS ns1
ns1 A 127.0.0.1
"""
_SERVE_TIMEOUT_S = 60.0


def zone_file(name: str, lines: str, serial: int = 1) -> str:
    """The file's text for a zone, "." being the root. SOA, NS and ns1 are put before lines that have no SOA."""
    head = "" if any(" SOA " in f" {line} " for line in lines.splitlines()) else _HEAD.format(serial=serial)
    return f"$ORIGIN {name.rstrip('.')}.\n$TTL 300\n{head}{lines}\n"


def file_name(name: str) -> str:
    return f"{name.rstrip('.') or 'root'}.zone"


def soa(mname: str, serial: int, ttl: int = 300, *, negative_ttl: int = 60) -> str:
    """The SOA's line. `negative_ttl` is how long a resolver remembers that a name is not there (RFC 2308)."""
    return f"@ {ttl} SOA {mname} hostmaster {serial} 3600 600 86400 {negative_ttl}"


async def serve(server: Daemon, name: str, lines: str, serial: int) -> None:
    """Gives a running name server another content for a zone that it has, and waits until it answers with it.

    `serial` is the new content's, also where the lines have their own SOA."""
    (server.folder / file_name(name)).write_text(zone_file(name, lines, serial))
    old = max(server.children(), default=0)
    server.reload()
    await wait_serial(server, name, serial)
    # NSD forks a child for the new content, and the old one still takes a packet at times until it has ended.
    with trio.move_on_after(_SERVE_TIMEOUT_S):
        while old in server.children():
            await trio.lowlevel.checkpoint()


async def wait_serial(server: Daemon, name: str, serial: int) -> None:
    """Waits until the server answers with this serial."""
    query, seen = dns.message.make_query(f"{name.rstrip('.')}.", "SOA"), None
    with trio.move_on_after(_SERVE_TIMEOUT_S):
        while seen != serial:
            try:
                address = server.address
                reply = await dns.asyncquery.udp(query, address.ip, port=address.port, timeout=0.2)
            except dns.exception.Timeout:
                continue
            seen = next((rdata.serial for rrset in reply.answer for rdata in rrset if rdata.rdtype == 6), None)
    if seen != serial:
        pytest.fail(f"{server.address} has serial {seen} of {name}, not {serial}:\n{server.log[-2000:]}")


class ZoneKey:
    """A key of a zone, ECDSA P-256, that signs everything in it (RFC 6781 calls it a CSK)."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.dnskey = dns.dnssec.make_dnskey(
            self.private.public_key(), dns.dnssectypes.Algorithm.ECDSAP256SHA256, flags=257
        )

    def ds(self, name: str) -> str:
        """The DS record's data, for the parent."""
        return str(dns.dnssec.make_ds(dns.name.from_text(name), self.dnskey, "SHA256"))


class Validity(msgspec.Struct, frozen=True, kw_only=True):
    """When signatures hold, as spans from now; from an hour ago to in 30 days unless said otherwise."""

    since: timedelta = timedelta(hours=-1)
    until: timedelta = timedelta(days=30)


VALID = Validity()
EXPIRED = Validity(since=timedelta(days=-9), until=timedelta(days=-2))


def signed(
    name: str, lines: str, *keys: ZoneKey, serial: int = 1, validity: Validity = VALID, ds: Iterable[str] = ()
) -> str:
    """The zone's lines again, signed with NSEC; to be given to a name server like any others.

    `ds`: more lines, "child DS ..." of signed zones below this one.
    """
    zone = dns.zone.from_text(
        zone_file(name, lines + "\n" + "\n".join(ds), serial), dns.name.from_text(name), relativize=False
    )
    now = datetime.now(UTC)
    dns.dnssec.sign_zone(
        zone,
        keys=[(key.private, key.dnskey) for key in keys],
        dnskey_ttl=300,
        inception=now + validity.since,
        expiration=now + validity.until,
    )
    return str(zone.to_text())
