"""haproxy, a real TLS terminator with HTTP/2, on loopback: any number of fronts, each on a port of its own, before a
server of the test's or with a short answer of its own."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import trio

from parallax.values import Address
from tests.parts.certificates import Authority, Leaf
from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.ports import free_port

_CONFIG = """
global
  maxconn 4000
  stats socket "{folder}/admin.sock" mode 600 level admin
  tune.ssl.default-dh-param 2048
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
{fronts}
"""
_OWN_ANSWER = 'http-request return status 200 content-type text/plain string "ok"'


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """One listener with TLS. `to`: the server behind it, plain HTTP/1.1; without one it answers 200 "ok" itself.
    `staple`: an OCSP response, from `Authority.staple`; it wants the `issuer` too. `bind`: more words for its bind line
    (`ssl-max-ver TLSv1.2`). `inside`: more lines, such as `http-after-response set-header x-served-by one`."""

    certificate: Leaf
    to: Address | None = None
    members: Mapping[str, Address] = {}
    """Instead of `to`: servers by name, of which the first serves until `Haproxy.switch`."""
    alpn: tuple[str, ...] = ("h2", "http/1.1")
    staple: bytes | None = None
    issuer: Authority | None = None
    bind: str = ""
    inside: str = ""


class Haproxy:
    """haproxy, running. `addresses` is where each front answers, by its name."""

    def __init__(self, process: Daemon, addresses: Mapping[str, Address]) -> None:
        self._process, self.addresses = process, addresses

    @property
    def pid(self) -> int:
        return self._process.pid

    async def switch(self, front: str, member: str, others: Sequence[str]) -> None:
        """Leads a front to one of its members, by the runtime API."""
        orders = [f"enable server {front}/{member}", *(f"disable server {front}/{other}" for other in others)]
        async with await trio.open_unix_socket(self._process.folder / "admin.sock") as stream:
            await stream.send_all(("; ".join(orders) + "\n").encode())
            said = b"".join([part async for part in stream])
        assert not said.strip(), said

    def kill(self) -> None:
        self._process.kill()

    def pause(self) -> None:
        """Dark: takes connections, answers nothing, until `resume`."""
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()


@asynccontextmanager
async def haproxy(fronts: Mapping[str, Front]) -> AsyncIterator[Haproxy]:
    """Serves the fronts until the end of the block. Skips the test where haproxy is missing."""
    program = find_program("haproxy", "haproxy")
    addresses = {name: Address.of("127.0.0.1", free_port()) for name in fronts}
    files: dict[str, Callable[[Path], str | bytes]] = {}
    for name, front in fronts.items():
        files[f"{name}.pem"] = partial(_content, front.certificate.chain + front.certificate.key)
        if front.staple is not None:
            files[f"{name}.pem.ocsp"] = partial(_content, front.staple)
        if front.issuer is not None:
            files[f"{name}.pem.issuer"] = partial(_content, front.issuer.pem)

    def config(folder: Path) -> str:
        return _CONFIG.format(
            folder=folder, fronts="\n".join(_front(n, f, addresses[n], folder) for n, f in fronts.items())
        )

    command = lambda folder: [program, "-W", "-db", "-f", str(folder / "haproxy.cfg")]  # noqa: E731
    first = next(iter(addresses.values()))
    async with daemon(command, first.ip, first.port, "Loading success", {**files, "haproxy.cfg": config}) as running:
        yield Haproxy(running, addresses)


def _front(name: str, front: Front, address: Address, folder: Path) -> str:
    lines = [
        f"frontend {name}",
        f'  bind {address} ssl crt "{folder}/{name}.pem" alpn {",".join(front.alpn)} {front.bind}',
        *(f"  {line}" for line in front.inside.splitlines()),
    ]
    members = front.members or ({} if front.to is None else {"behind": front.to})
    if not members:
        return "\n".join([*lines, f"  {_OWN_ANSWER}"])
    behind = [f"  server {each} {at}{' disabled' * bool(n)}" for n, (each, at) in enumerate(members.items())]
    return "\n".join([*lines, f"  default_backend {name}", f"backend {name}", *behind])


def _content(content: str | bytes, _: Path) -> str | bytes:
    return content
