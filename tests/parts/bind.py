"""BIND, a real authoritative server and a real resolver, on loopback."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from parallax.values import Address
from tests.parts.certificates import Leaf
from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.ports import free_port
from tests.parts.zones import file_name, zone_file

_CONFIG = """
{before}
options {{
  directory "{folder}";
  pid-file none;
  session-keyfile none;
  lock-file none;
  listen-on port {port} {{ {v4} }};
  listen-on-v6 port {port} {{ {v6} }};
  server-id "{nsid}";
  notify no;
  minimal-responses no-auth-recursive;
{more}
}};
controls {{ }};
{clauses}
"""
_AUTHORITY = """
  recursion no;
  dnssec-validation no;
"""
_RESOLVER = """
  recursion yes;
  allow-query {{ any; }};
  allow-recursion {{ any; }};
  dnssec-validation no;
  empty-zones-enable no;
  qname-minimization off;
  max-cache-size 16m;
  servfail-ttl 0;
  resolver-query-timeout 2000;
{more}
"""
_TLS = """
tls ours {{ cert-file "{folder}/server.crt"; key-file "{folder}/server.key"; }};
http ours {{ endpoints {{ "/dns-query"; }}; }};
"""


@asynccontextmanager
async def bind_authority(
    zones: Mapping[str, str],
    *,
    nsid: str = "lon1.ns-b",
    ip: str = "127.0.0.1",
    port: int | None = None,
    also: Sequence[str] = (),
    more: str = "",
    keys: str = "",
    grants: str = "",
) -> AsyncIterator[Daemon]:
    """Serves zones: name without final dot to the records' lines; SOA, NS and ns1 are put before them, unless they
    bring an SOA. `also`: more addresses, at the same port. `more` goes into `options`; `keys` are whole clauses, and
    `grants` is the update-policy of every zone, which may be changed by dynamic update then.

    Skips the test where BIND is missing. `kill()` makes it dark; with `port` another can take its place.
    """
    policy = f"update-policy {{ {grants} }};" if grants else ""
    clauses = keys + "\n".join(
        f'zone "{name.rstrip(".") or "."}" {{ type primary; file "{file_name(name)}"; {policy} }};' for name in zones
    )
    files = {file_name(name): partial(_zone_file, name, lines) for name, lines in zones.items()}
    async with _named(nsid, (ip, *also), port, _AUTHORITY + more, clauses, files) as server:
        yield server


@asynccontextmanager
async def bind_resolver(
    stubs: Mapping[str, Address],
    *,
    nsid: str = "lon1.resolver",
    ip: str = "127.0.0.1",
    port: int | None = None,
    also: Sequence[str] = (),
    more: str = "",
    certificate: Leaf | None = None,
) -> AsyncIterator[Daemon]:
    """Resolves the zones from the given servers; the stub "." is where its root servers are. `more` goes into
    `options`. With a certificate it answers over TLS as well: `also["dot"]`, and `also["doh"]` at /dns-query.

    It gives up on a dark authority within two seconds (SERVFAIL). Skips the test where BIND is missing.
    """
    clauses = "\n".join(
        f'zone "{name}" {{ type static-stub; server-addresses {{ {at.ip}; }}; }};'
        for name, at in stubs.items()
        if name != "." and at.port == 53
    ) + "\n".join(
        f'zone "{name}" {{ type forward; forward only; forwarders {{ {at.ip} port {at.port}; }}; }};'
        for name, at in stubs.items()
        if name != "." and at.port != 53
    )
    files: dict[str, Callable[[Path], str]] = {}
    if "." in stubs:
        assert stubs["."].port == 53, "hints have no ports"
        files["hints"] = lambda _: f". 3600 NS a.root.\na.root. 3600 {_type(stubs['.'])} {stubs['.'].ip}\n"
        clauses += '\nzone "." { type hint; file "hints"; };'
    async with _named(nsid, (ip, *also), port, _RESOLVER.format(more=more), clauses, files, certificate) as server:
        yield server


@asynccontextmanager
async def _named(
    nsid: str,
    ips: Sequence[str],
    port: int | None,
    more: str,
    clauses: str,
    files: Mapping[str, Callable[[Path], str]],
    certificate: Leaf | None = None,
) -> AsyncIterator[Daemon]:
    program = find_program("named", "bind9")
    port = port or free_port(ips[0])
    also: dict[str, Address] = {}
    if certificate:
        also = {word: Address.of(ips[0], free_port(ips[0])) for word in ("dot", "doh")}
        files = {**files, "server.crt": lambda _: certificate.chain, "server.key": lambda _: certificate.key}

    def config(folder: Path) -> str:
        before, listen = "", more
        if certificate:
            before = _TLS.format(folder=folder)
            listen += f"""
  listen-on port {also["dot"].port} tls ours {{ {ips[0]}; }};
  listen-on port {also["doh"].port} tls ours http ours {{ {ips[0]}; }};
"""
        return _CONFIG.format(
            before=before,
            folder=folder,
            port=port,
            v4="".join(f"{ip}; " for ip in ips if ":" not in ip) or "none;",
            v6="".join(f"{ip}; " for ip in ips if ":" in ip) or "none;",
            nsid=nsid,
            more=listen,
            clauses=clauses,
        )

    command = lambda folder: [program, "-g", "-n", "1", "-U", "1", "-c", str(folder / "named.conf")]  # noqa: E731
    async with daemon(command, ips[0], port, " running\n", {"named.conf": config, **files}, also) as server:
        yield server


def _type(address: Address) -> str:
    return "AAAA" if address.family == 6 else "A"


def _zone_file(name: str, lines: str, _: Path) -> str:
    return zone_file(name, lines)
