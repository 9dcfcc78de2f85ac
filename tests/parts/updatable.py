"""Real name servers whose zone `auth.test` is changed by dynamic update; the key is granted two names of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tests.parts.bind import bind_authority
from tests.parts.daemon import Daemon
from tests.parts.knot import knot

ZONE = "auth.test"
KEY_NAME = "failover"
SECRET = "c2VjcmV0IG9mIHRoZSBmYWlsb3ZlciBncm91cCwgMzIg"
OTHER_SECRET = "YW5vdGhlciBzZWNyZXQsIG9mIHNvbWVib2R5IGVsc2Uh"
LINES = """api 20 A 192.0.2.10
other 20 A 192.0.2.99
"""
_BIND_KEY = f'key "{KEY_NAME}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
_BIND_GRANTS = f"grant {KEY_NAME} name api.{ZONE} A AAAA; grant {KEY_NAME} name _epoch.api.{ZONE} TXT;"
_KNOT = f"""
key:
  - id: {KEY_NAME}
    algorithm: hmac-sha256
    secret: {SECRET}
acl:
  - id: may
    key: {KEY_NAME}
    action: update
    update-owner: name
    update-owner-match: equal
    update-owner-name: [ api, _epoch.api ]
    update-type: [ A, AAAA, TXT ]
"""


@asynccontextmanager
async def updatable_bind(lines: str = LINES) -> AsyncIterator[Daemon]:
    async with bind_authority({ZONE: lines}, keys=_BIND_KEY, grants=_BIND_GRANTS) as server:
        yield server


@asynccontextmanager
async def updatable_knot(lines: str = LINES) -> AsyncIterator[Daemon]:
    async with knot({ZONE: lines}, more=_KNOT, acl="may") as server:
        yield server


UPDATABLE: dict[str, Callable[[], AbstractAsyncContextManager[Daemon]]] = {
    "bind": updatable_bind,
    "knot": updatable_knot,
}
