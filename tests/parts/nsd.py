"""NSD, a real authoritative server, on loopback."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.parts.daemon import Daemon, daemon, find_program, free_port

_CONFIG = """
server:
  ip-address: {ip}@{port}
  server-count: 1
  rrl-ratelimit: 0
  nsid: "ascii_{nsid}"
  database: ""
  username: ""
  chroot: ""
  pidfile: ""
  zonesdir: "{folder}"
  xfrdfile: ""
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zones.list"
remote-control:
  control-enable: no
"""
_ZONE = """
zone:
  name: "{name}"
  zonefile: "{name}.zone"
"""
_HEAD = """$ORIGIN {name}.
$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A 127.0.0.1
"""


@asynccontextmanager
async def nsd(
    zones: Mapping[str, str], *, nsid: str = "fra1.ns-a", ip: str = "127.0.0.1", port: int | None = None
) -> AsyncIterator[Daemon]:
    """Serves zones: name without final dot to the records' lines; SOA, NS and ns1 are put before them.

    Skips the test where NSD is missing. `kill()` makes it dark; with `port` another can take its place.
    """
    program = find_program("nsd", "nsd")
    port = port or free_port(ip)

    def config(folder: Path) -> str:
        head = _CONFIG.format(ip=ip, port=port, nsid=nsid, folder=folder)
        return head + "".join(_ZONE.format(name=name) for name in zones)

    def zone_file(name: str, lines: str, folder: Path) -> str:
        return _HEAD.format(name=name) + lines + "\n"

    files = {f"{name}.zone": partial(zone_file, name, lines) for name, lines in zones.items()}
    command = lambda folder: [program, "-d", "-c", str(folder / "nsd.conf")]  # noqa: E731
    async with daemon(command, ip, port, "nsd started", {"nsd.conf": config, **files}) as server:
        yield server
