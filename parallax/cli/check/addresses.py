"""The kinds that measure each address of a target: dns, tls, http."""

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from parallax.cli.check.options import address_options, host_resolvers, parsed, settings_of
from parallax.cli.check.run import run
from parallax.cli.values import CA, DURATION, HEADER, NAME, PATTERN, SIZE
from parallax.plan.specs import Answer, Assertion, DnsSpec, HttpSpec, RecordType, Serving, TlsSpec
from parallax.values import DnsName, Duration, Size


@click.command()
@click.argument("target")
@click.argument("at", required=False, metavar="[@SERVER]")
@click.option("--server", multiple=True, metavar="HOST[:PORT]", help="The server or resolver to ask. Repeatable.")
@click.option("--query", type=NAME, help="The name to ask for; TARGET is then the server.")
@click.option("--type", "record", default="A", show_default=True, help="The record type.")
@click.option(
    "--role",
    type=click.Choice(["authoritative", "resolver"]),
    help="What the server is: authoritative, unless the host's own resolvers are asked.",
)
@click.option("--transport", type=click.Choice(["udp", "tcp"]), default="udp", show_default=True)
@click.option("--expect", multiple=True, metavar="DATA", help="A record that the answer should have; all of them.")
@click.option("--nxdomain", is_flag=True, help="The name should not exist.")
@address_options
def dns(
    target: str,
    at: str | None,
    server: tuple[str, ...],
    query: DnsName | None,
    record: str,
    role: str | None,
    transport: str,
    expect: tuple[str, ...],
    nxdomain: bool,
    **options: Any,
) -> None:
    """One query to one server, or to each of the host's resolvers.

    \b
    parallax check dns www.example.org                  ask the host's resolvers
    parallax check dns www.example.org @ns1.example.net ask one authoritative server
    parallax check dns 192.0.2.53 --query example.org   the same, as a plan has it
    """
    settings = settings_of(**options)
    servers = list(server)
    if at is not None:
        if not at.startswith("@"):
            raise click.UsageError(f"{at!r} is one word too many; a server to ask is written @{at}")
        servers.append(at[1:])
    if query is not None:
        if servers:
            raise click.UsageError("with --query, TARGET is the server; leave out --server and @SERVER")
        servers = [target]
    name = query or parsed(DnsName.parse, target, "TARGET")
    if not servers:
        servers = [str(address) for address in settings.resolver or host_resolvers()]
        role = role or "resolver"
        if not servers:
            raise click.UsageError("/etc/resolv.conf names no resolver; say whom to ask: @SERVER or --resolver")
    kinds = RecordType.__args__  # type: ignore[attr-defined]
    if record.upper() not in kinds:
        raise click.UsageError(f"record type {record!r} is not known; known are {', '.join(kinds)}")
    if expect and nxdomain:
        raise click.UsageError("a name that does not exist has no data; give --expect or --nxdomain, not both")
    answer = None
    if expect or nxdomain:
        answer = Answer(rcode="NXDOMAIN" if nxdomain else "NOERROR", values=list(expect))
    raw = {"query": name, "type": record.upper(), "role": role or "authoritative", "transport": transport}
    spec = msgspec.convert(raw, DnsSpec, dec_hook=_as_it_is)
    asked = f"{name} {record.upper()}" + (" over TCP" if transport == "tcp" else "")
    run("dns", servers, msgspec.structs.replace(spec, expect=answer), settings, asked)


@click.command()
@click.argument("target", metavar="HOST[:PORT]")
@click.option("--server-name", type=NAME, help="The name to send and to look for in the certificate.")
@click.option("--min-version", type=click.Choice(["1.2", "1.3"]), default="1.2", show_default=True)
@click.option("--alpn", multiple=True, metavar="PROTOCOL", help="A protocol, one of which must be chosen. Repeatable.")
@click.option("--caa", multiple=True, type=NAME, help="A name by which CAA records know the CA. Repeatable.")
@click.option("--no-caa", is_flag=True, help="Do not look at CAA records.")
@click.option("--ca", type=CA, metavar="FILE", help="A PEM file with CAs to trust as well.")
@address_options
def tls(
    target: str,
    server_name: DnsName | None,
    min_version: Any,
    alpn: tuple[str, ...],
    caa: tuple[DnsName, ...],
    no_caa: bool,
    **options: Any,
) -> None:
    """One TLS handshake with each address of HOST."""
    if caa and no_caa:
        raise click.UsageError("give --caa or --no-caa, not both")
    spec = TlsSpec(
        server_name=server_name,
        min_version=min_version,
        alpn=[_protocol(name) for name in alpn] or None,
        caa=[] if no_caa else list(caa) or None,
    )
    run("tls", [target], spec, settings_of(**options))


def _protocol(name: str) -> str:
    if not name.isascii() or not name.isprintable() or " " in name or not 0 < len(name) <= 50:
        raise click.UsageError(f"--alpn: {name!r} is no protocol's name; write it as registered: h2, http/1.1")
    return name


@click.command()
@click.argument("target", metavar="URL")
@click.option(
    "--method", type=click.Choice(["GET", "HEAD", "POST", "PUT", "OPTIONS"]), default="GET", show_default=True
)
@click.option("--header", type=HEADER, multiple=True, metavar="'NAME: VALUE'", help="A request header. Repeatable.")
@click.option("--body", default="", help="The request body.")
@click.option(
    "--status",
    type=click.IntRange(100, 599),
    multiple=True,
    help="The status that passes; below 400 if left out. Repeatable.",
)
@click.option("--contains", multiple=True, help="Text that must be in the body. Repeatable.")
@click.option(
    "--matches", type=PATTERN, multiple=True, help="A regular expression that must match in the body. Repeatable."
)
@click.option("--duration", type=DURATION, help="Degraded when it takes longer.")
@click.option("--json-path", multiple=True, metavar="PATH[=VALUE]", help="A JSONPath that must find something.")
@click.option("--serving", metavar="HEADER", help="The response header that says which region served, or a JSONPath.")
@click.option("--max-body", type=SIZE, default="1MB", show_default=True, help="How much of a body is read.")
@click.option("--http", "version", type=click.Choice(["1.1", "2", "auto"]), default="1.1", show_default=True)
@click.option("--redirects", type=click.IntRange(0, 10), default=0, show_default=True, help="How many to follow.")
@click.option("--redirect-host", type=NAME, multiple=True, help="Another host that they may lead to. Repeatable.")
@click.option("--ca", type=CA, metavar="FILE", help="A PEM file with CAs to trust as well.")
@address_options
def http(
    target: str,
    method: Any,
    header: tuple[tuple[str, str], ...],
    body: str,
    status: tuple[int, ...],
    contains: tuple[str, ...],
    matches: tuple[str, ...],
    duration: Duration | None,
    json_path: tuple[str, ...],
    serving: str | None,
    max_body: Size,
    version: Any,
    redirects: int,
    redirect_host: tuple[DnsName, ...],
    **options: Any,
) -> None:
    """One HTTP request to each address of URL's host. Redirects are followed as far as told."""
    assertions = [Assertion(status=list(status))] if status else []
    assertions += [Assertion(body="text", contains=text) for text in contains]
    assertions += [Assertion(body="text", matches=pattern) for pattern in matches]
    assertions += [_json_assertion(text) for text in json_path]
    if duration is not None:
        assertions.append(Assertion(duration=duration, otherwise="degraded"))
    spec = HttpSpec(
        method=method,
        headers=dict(header),
        body=body,
        assertions=assertions,
        serving=_serving(serving) if serving else None,
        max_body=max_body,
        version=version,
        redirects=redirects,
        redirect_hosts=list(redirect_host),
    )
    _refuse_faults(spec, options["timeout"])
    run("http", [target if "://" in target else f"https://{target}"], spec, settings_of(**options))


def _serving(text: str) -> Serving:
    return Serving(json=text) if text.startswith("$") else Serving(header=text)


def _json_assertion(text: str) -> Assertion:
    """`$.status` must be there; `$.status=ok` and `$.up=true` must be that, a number, true or false where it reads so.
    The last = decides: one in a filter is followed by a quote or a bracket."""
    path, equals, value = text.rpartition("=")
    if not equals or path.endswith(("=", "!", "<", ">")) or "]" in value:
        return Assertion(json=text)
    try:
        read = msgspec.json.decode(value.encode())
    except msgspec.DecodeError:
        read = value
    return Assertion(json=path, equals=read if isinstance(read, str | bool | int | float) else value)


def _refuse_faults(spec: HttpSpec, timeout: Duration) -> None:
    """The plan's own rules, but that a person may send a secret of theirs by hand."""
    from parallax.plan.assertions import http_faults

    open_headers = {name: value for name, value in spec.headers.items() if name.lower() not in _BY_HAND}
    for fault in http_faults(msgspec.structs.replace(spec, headers=open_headers), timeout):
        raise click.UsageError(f"{_option(fault.path)}: {fault.message}")


def _option(path: Sequence[str | int]) -> str:
    """The option that a place in the plan's check stands for."""
    if path[0] == "headers":
        return f"--header {path[-1]}"
    if path[0] in _OPTIONS or path[-1] in _OPTIONS:
        return _OPTIONS[path[0] if path[0] in _OPTIONS else path[-1]]
    return f"--{str(path[-1]).replace('_', '-')}" if isinstance(path[-1], str) else "the options"


_OPTIONS: dict[str | int, str] = {
    "serving": "--serving",
    "redirect_hosts": "--redirect-host",
    "json": "--json-path",
}
"""Options that are not called as their keys."""
_BY_HAND = ("authorization", "cookie")


def _as_it_is(kind: type, value: object) -> object:
    return value
