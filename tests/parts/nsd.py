"""NSD, a real authoritative server, on loopback."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.ports import free_port
from tests.parts.zones import file_name, zone_file

_CONFIG = """
server:
{listen}
  port: {port}
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
{more}
remote-control:
  control-enable: no
"""
_ZONE = """
zone:
  name: "{name}"
  zonefile: "{file}"
"""


@asynccontextmanager
async def nsd(
    zones: Mapping[str, str],
    *,
    nsid: str = "fra1.ns-a",
    ip: str = "127.0.0.1",
    port: int | None = None,
    also: Sequence[str] = (),
    more: str = "",
) -> AsyncIterator[Daemon]:
    """Serves zones: name without final dot to the records' lines; SOA, NS and ns1 are put before them, unless they
    bring an SOA. `also`: more addresses, at the same port. `more` goes into the `server:` clause.

    Skips the test where NSD is missing. `kill()` makes it dark; with `port` another can take its place.
    """
    program = find_program("nsd", "nsd")
    port = port or free_port(ip)

    def config(folder: Path) -> str:
        listen = "\n".join(f"  ip-address: {each}" for each in (ip, *also))
        head = _CONFIG.format(listen=listen, port=port, nsid=nsid, folder=folder, more=more)
        return head + "".join(_ZONE.format(name=name, file=file_name(name)) for name in zones)

    files = {file_name(name): partial(_zone_file, name, lines) for name, lines in zones.items()}
    command = lambda folder: [program, "-d", "-c", str(folder / "nsd.conf")]  # noqa: E731
    async with daemon(command, ip, port, "nsd started", {"nsd.conf": config, **files}) as server:
        yield server


def _zone_file(name: str, lines: str, _: Path) -> str:
    return zone_file(name, lines)
