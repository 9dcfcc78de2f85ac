"""Knot DNS, a real authoritative server, on loopback."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.ports import free_port
from tests.parts.zones import file_name, zone_file

_CONFIG = """
server:
  rundir: "{folder}"
  listen: [ {listen} ]
  nsid: "{nsid}"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: "{folder}"
  journal-db-max-size: 1M
  kasp-db-max-size: 5M
  timer-db-max-size: 1M
template:
  - id: default
    storage: "{folder}"
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
{more}
zone:
"""
_ZONE = """
  - domain: "{name}"
    file: "{file}"
"""


@asynccontextmanager
async def knot(
    zones: Mapping[str, str],
    *,
    nsid: str = "ams1.ns-k",
    ip: str = "127.0.0.1",
    port: int | None = None,
    also: Sequence[str] = (),
    more: str = "",
    acl: str = "",
) -> AsyncIterator[Daemon]:
    """Serves zones: name without final dot to the records' lines; SOA, NS and ns1 are put before them, unless they
    bring an SOA. `also`: more addresses, at the same port. `more`: whole sections of its config; `acl`: the one of them
    that says who may update every zone.

    Skips the test where Knot is missing. `kill()` makes it dark; with `port` another can take its place.
    """
    program = find_program("knotd", "knot")
    port = port or free_port(ip)

    def config(folder: Path) -> str:
        listen = ", ".join(f'"{each}@{port}"' for each in (ip, *also))
        head = _CONFIG.format(listen=listen, nsid=nsid, folder=folder, more=more)
        allowed = f"    acl: {acl}\n" if acl else ""
        return head + "".join(
            _ZONE.format(name=f"{name.rstrip('.')}.", file=file_name(name)) + allowed for name in zones
        )

    files = {file_name(name): partial(_zone_file, name, lines) for name, lines in zones.items()}
    command = lambda folder: [program, "-c", str(folder / "knot.conf")]  # noqa: E731
    async with daemon(command, ip, port, "server started", {"knot.conf": config, **files}) as server:
        yield server


def _zone_file(name: str, lines: str, _: Path) -> str:
    return zone_file(name, lines)
