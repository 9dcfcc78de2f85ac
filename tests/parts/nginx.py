"""nginx, a real web server, on loopback: any number of sites, each on a port of its own, with certificates of ours."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from parallax.values import Address
from tests.parts.certificates import Leaf
from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.ports import free_port

_CONFIG = """
daemon off;
worker_processes 1;
pid "{folder}/nginx.pid";
error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type text/plain;
  client_body_temp_path "{folder}/body";
  proxy_temp_path "{folder}/proxy";
  fastcgi_temp_path "{folder}/fastcgi";
  uwsgi_temp_path "{folder}/uwsgi";
  scgi_temp_path "{folder}/scgi";
  {sites}
}}
"""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One server block. Over TLS where it has a certificate. `inside`: its directives, `{folder}` the state folder.
    `staple`: the OCSP response that goes with the certificate, from `Authority.staple`."""

    certificate: Leaf | None = None
    staple: bytes | None = None
    inside: str = 'location / { return 200 "ok\\n"; }'
    http2: bool = False
    """Offers HTTP/2 too."""
    ip: str = "127.0.0.1"
    port: int | None = None
    """Where it listens; a free one if left out."""


class Nginx:
    """nginx, running. `addresses` is where each site answers, by its name."""

    def __init__(self, process: Daemon, addresses: Mapping[str, Address]) -> None:
        self._process, self.addresses = process, addresses

    @property
    def pid(self) -> int:
        """Of the master; its one worker is its child."""
        return self._process.pid

    @property
    def folder(self) -> Path:
        return self._process.folder

    def kill(self) -> None:
        self._process.kill()


@asynccontextmanager
async def nginx(sites: Mapping[str, Site]) -> AsyncIterator[Nginx]:
    """Serves the sites until the end of the block. Skips the test where nginx is missing."""
    program = find_program("nginx", "nginx-light")
    addresses = {name: Address.of(site.ip, site.port or free_port(site.ip)) for name, site in sites.items()}
    files: dict[str, Callable[[Path], str | bytes]] = {}
    for name, site in sites.items():
        if site.certificate:
            files[f"{name}.crt"] = partial(_content, site.certificate.chain)
            files[f"{name}.key"] = partial(_content, site.certificate.key)
        if site.staple is not None:
            files[f"{name}.ocsp"] = partial(_content, site.staple)

    def config(folder: Path) -> str:
        blocks = (_block(name, site, addresses[name], folder) for name, site in sites.items())
        return _CONFIG.format(folder=folder, sites="\n".join(blocks))

    command = lambda folder: [program, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]  # noqa: E731
    any_of_them = next(iter(addresses.values()))
    async with daemon(
        command, any_of_them.ip, any_of_them.port, "start worker process ", {**files, "nginx.conf": config}
    ) as running:
        yield Nginx(running, addresses)


def _block(name: str, site: Site, address: Address, folder: Path) -> str:
    tls = f'ssl_certificate "{folder}/{name}.crt"; ssl_certificate_key "{folder}/{name}.key";'
    if site.staple is not None:
        tls += f' ssl_stapling on; ssl_stapling_file "{folder}/{name}.ocsp";'
    listen = f"listen {address}{' ssl' if site.certificate else ''}{' http2' if site.http2 else ''};"
    inside = site.inside.replace("{folder}", str(folder))
    return f"server {{ {listen} {tls if site.certificate else ''} {inside} }}"


def _content(content: str | bytes, _: Path) -> str | bytes:
    return content
