"""DNS cookies as the client keeps them (RFC 7873, RFC 9018): they tell a server's answers from those of a spoofer who
does not see our queries, and spare us the server's rate limiting. No sockets, no clock.

A server that has given cookies and then answers without one is not believed, once. Behind one anycast address there may
be servers of both sorts, so from then on answers without a cookie are taken from that address, and only a wrong cookie
is refused: else a site that moves would look dark.
"""

from collections import OrderedDict
from os import urandom

from parallax.values import Address
from probe.dns.message import COOKIE_SIZE, Reply

MOST_ADDRESSES = 4096
_LENGTHS = frozenset({COOKIE_SIZE, *range(COOKIE_SIZE + 8, COOKIE_SIZE + 33)})


class Cookie:
    """What we and one server address know each other by. `client` differs by address, so that servers can't join what
    they see of us (RFC 9018 section 3)."""

    __slots__ = ("_expected", "_mixed", "client", "server")

    def __init__(self) -> None:
        self.client = urandom(COOKIE_SIZE)
        self.server = b""
        self._expected = self._mixed = False

    @property
    def to_send(self) -> bytes:
        return self.client + self.server

    def accepts(self, reply: Reply) -> bool:
        """Whether the reply may be this server's, by its cookie (RFC 7873 section 5.3); learns what it brings."""
        cookie = reply.cookie
        if cookie is None:
            fine = not self._expected
            self._mixed, self._expected = self._mixed or self._expected, False
            return fine
        if len(cookie) not in _LENGTHS or cookie[:COOKIE_SIZE] != self.client:
            return False
        if len(cookie) > COOKIE_SIZE:
            self.server = cookie[COOKIE_SIZE:]
            self._expected = not self._mixed
        return True


class Cookies:
    """The cookies of the addresses that were asked last, at most MOST_ADDRESSES."""

    def __init__(self) -> None:
        self._held: OrderedDict[Address, Cookie] = OrderedDict()

    def of(self, address: Address) -> Cookie:
        cookie = self._held.get(address)
        if cookie is None:
            cookie = self._held[address] = Cookie()
            if len(self._held) > MOST_ADDRESSES:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(address)
        return cookie
