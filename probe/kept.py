"""Connections that checks with `reuse` keep from one run to the next. Bounded in number and age; a probe closes them
all when another plan comes into force."""

from collections import OrderedDict
from collections.abc import Hashable

import trio

from parallax.dialling.http import Http

MAX_KEPT = 256
KEPT_S = 900.0
"""The longest that a connection is kept unused; checks run more often, and most servers close sooner."""


class Kept:
    """Clients by whose they are. A client that is taken is the taker's, to give back or to close."""

    def __init__(self, most: int = MAX_KEPT, kept_s: float = KEPT_S) -> None:
        self._most, self._kept_s = most, kept_s
        self._clients: OrderedDict[Hashable, tuple[float, Http]] = OrderedDict()
        self._closed = False
        self.dropped = 0
        """Those that were closed as there were too many."""

    def __len__(self) -> int:
        return len(self._clients)

    def take(self, key: Hashable) -> Http | None:
        """The client kept under this key, if any."""
        self._forget_old()
        found = self._clients.pop(key, None)
        return found[1] if found else None

    def give_back(self, key: Hashable, client: Http) -> None:
        """Keeps a client; the one under the same key, if any, and the oldest beyond the bound are closed. Once this is
        closed, so is whatever comes back."""
        if self._closed:
            client.close()
            return
        before = self._clients.pop(key, None)
        if before is not None:
            before[1].close()
        self._clients[key] = trio.current_time(), client
        while len(self._clients) > self._most:
            self._clients.popitem(last=False)[1][1].close()
            self.dropped += 1

    def close(self) -> None:
        """Closes what is kept, for good."""
        self._closed = True
        while self._clients:
            self._clients.popitem()[1][1].close()

    def _forget_old(self) -> None:
        oldest = trio.current_time() - self._kept_s
        while self._clients and next(iter(self._clients.values()))[0] < oldest:
            self._clients.popitem(last=False)[1][1].close()
