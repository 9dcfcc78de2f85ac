"""Unbound, a real resolver, on loopback."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from parallax.values import Address
from tests.parts.certificates import Leaf
from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.ports import free_port

_CONFIG = """
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 1
  num-threads: 1
{listen}
  port: {port}
  access-control: 0.0.0.0/0 allow
  access-control: ::0/0 allow
  do-not-query-localhost: no
  module-config: "{modules}"
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
SERVE_EXPIRED = """
  serve-expired: yes
  serve-expired-client-timeout: 0
  ede-serve-expired: yes
"""
"""For `more`: what has expired is handed out at once with TTL 30 and EDE 3, and fetched again beside it."""


@asynccontextmanager
async def unbound(
    stubs: Mapping[str, Address],
    *,
    nsid: str = "fra1.resolver",
    more: str = "",
    ip: str = "127.0.0.1",
    port: int | None = None,
    also: Sequence[str] = (),
    certificate: Leaf | None = None,
    anchors: Sequence[str] = (),
) -> AsyncIterator[Daemon]:
    """Resolves the zones from the given servers; the stub "." is where its root servers are. `more` goes into the
    `server:` clause. With a certificate it answers over TLS as well: `also["dot"]`, and `also["doh"]` at /dns-query.
    With trust anchors ("auth.test. DS ...") it validates.

    It gives up on a dark authority within half a second (SERVFAIL); with Unbound's own settings that takes over 20 s.

    Skips the test where Unbound is missing.
    """
    program = find_program("unbound", "unbound")
    port = port or free_port(ip)
    ways: dict[str, Address] = {}
    files: dict[str, Callable[[Path], str]] = {}
    if certificate:
        ways = {word: Address.of(ip, free_port(ip)) for word in ("dot", "doh")}
        files = {"server.crt": lambda _: certificate.chain, "server.key": lambda _: certificate.key}

    def config(folder: Path) -> str:
        listen = [f"interface: {each}" for each in (ip, *also)]
        if certificate:
            listen += [f"interface: {ip}@{way.port}" for way in ways.values()]
            listen += [f"tls-port: {ways['dot'].port}", f"https-port: {ways['doh'].port}"]
            listen += [f'tls-service-pem: "{folder}/server.crt"', f'tls-service-key: "{folder}/server.key"']
        listen += [f'trust-anchor: "{anchor}"' for anchor in anchors]
        head = _CONFIG.format(
            folder=folder,
            listen="\n".join(f"  {line}" for line in listen),
            port=port,
            nsid=nsid,
            more=more,
            modules="validator iterator" if anchors else "iterator",
        )
        return head + "".join(_STUB.format(name=name, ip=at.ip, port=at.port) for name, at in stubs.items())

    command = lambda folder: [program, "-d", "-c", str(folder / "unbound.conf")]  # noqa: E731
    async with daemon(command, ip, port, "start of service", {"unbound.conf": config, **files}, ways) as server:
        yield server
