"""Unbound, a real resolver, on loopback."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from parallax.values import Address
from tests.parts.daemon import Daemon, daemon, find_program, free_port

_CONFIG = """
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 1
  num-threads: 1
  interface: {ip}
  port: {port}
  access-control: 127.0.0.0/8 allow
  access-control: ::1 allow
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "test." nodefault
  infra-cache-max-rtt: 200
  unknown-server-time-limit: 100
  ede: yes
  nsid: "ascii_{nsid}"
{more}
remote-control:
  control-enable: no
"""
_STUB = """
stub-zone:
  name: "{name}"
  stub-addr: {ip}@{port}
"""


@asynccontextmanager
async def unbound(
    stubs: Mapping[str, Address], *, nsid: str = "fra1.resolver", more: str = "", ip: str = "127.0.0.1"
) -> AsyncIterator[Daemon]:
    """Resolves the zones from the given servers. `more` goes into the `server:` clause.

    It gives up on a dark authority within half a second (SERVFAIL); with Unbound's own settings that takes over 20 s.

    Skips the test where Unbound is missing.
    """
    program = find_program("unbound", "unbound")
    port = free_port(ip)

    def config(folder: Path) -> str:
        head = _CONFIG.format(folder=folder, ip=ip, port=port, nsid=nsid, more=more)
        return head + "".join(_STUB.format(name=name, ip=at.ip, port=at.port) for name, at in stubs.items())

    command = lambda folder: [program, "-d", "-c", str(folder / "unbound.conf")]  # noqa: E731
    async with daemon(command, ip, port, "start of service", {"unbound.conf": config}) as server:
        yield server
