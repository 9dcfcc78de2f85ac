"""DNS messages as a client of the lab makes and reads them, by dnspython; and a fake of the name servers that a
resolver asks."""

from collections.abc import Callable

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import trio
from trio import socket as tsocket

from lab.records import Answer, Question
from parallax.values import Address


class Readable:
    """A response: `answer` as sorted lines, `flags` by name."""

    def __init__(self, message: dns.message.Message) -> None:
        self.message = message
        self.rcode = dns.rcode.to_text(message.rcode())
        self.flags = dns.flags.to_text(message.flags)
        self.answer = sorted(line for rrset in message.answer for line in rrset.to_text().splitlines())
        options = {int(option.otype): option for option in message.options}
        nsid, extended = options.get(3), options.get(15)
        self.nsid = nsid.to_wire() if nsid else None
        self.extended = int(extended.code) if isinstance(extended, dns.edns.EDEOption) else None


def question_wire(name: str, kind: str, *, recurse: bool = False, edns: bool = True, nsid: bool = False) -> bytes:
    options = [dns.edns.GenericOption(dns.edns.OptionType.NSID, b"")] if nsid else []
    message = dns.message.make_query(name, kind, use_edns=0 if edns else False, payload=1232, options=options or None)
    if not recurse:
        message.flags &= ~dns.flags.RD
    return message.to_wire()


def readable(wire: bytes) -> Readable:
    return Readable(dns.message.from_wire(wire, ignore_trailing=False))


async def exchange_udp(address: Address, wire: bytes) -> bytes:
    with tsocket.socket(tsocket.AF_INET, tsocket.SOCK_DGRAM) as sock:
        await sock.connect((address.ip, address.port))
        await sock.send(wire)
        with trio.fail_after(60):
            return await sock.recv(65535)


class FakeServers:
    """Name servers by address, in virtual time. `dark` answer nothing; `asked` is what came, answered or not."""

    def __init__(self, servers: dict[str, Callable[[Question], Answer]], round_trip_s: float = 0.02) -> None:
        self._servers, self._round_trip_s = servers, round_trip_s
        self.dark: set[str] = set()
        self.asked: list[tuple[str, Question]] = []

    async def ask(self, ip: str, question: Question) -> Answer:
        self.asked.append((ip, question))
        await trio.sleep(self._round_trip_s)
        if ip in self.dark:
            await trio.sleep_forever()
        return self._servers[ip](question)
