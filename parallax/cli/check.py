"""`parallax check KIND TARGET`: one check, run at once by the probe's own code, shown to a person or printed as JSON.

What is slow to import (the checks, rich) is imported when it is needed: measuring begins before anything is drawn."""

import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from parallax.cli.group import Group
from parallax.cli.values import (
    CA,
    DURATION,
    HEADER,
    NAME,
    NAMED_RESOLVER,
    OPERATOR,
    PATTERN,
    REDIRECT,
    RESOLVER,
    SELECTOR,
    SIZE,
)
from parallax.plan.dns_specs import ChainSpec, DnssecSpec, MailSpec, ParitySpec, ResolveSpec, ZoneSpec
from parallax.plan.kinds import SPECS
from parallax.plan.specs import Answer, Assertion, DnsSpec, HttpSpec, RecordType, Serving, Spec, TlsSpec
from parallax.plan.types import Check, Operator, Resolver
from parallax.values import Address, DnsName, Duration, Endpoint, Family, Redirect, Size

if TYPE_CHECKING:
    from parallax.observation import Observation

Command = TypeVar("Command", bound=Callable[..., Any])


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """The options that every kind has."""

    timeout: Duration
    connect_to: tuple[tuple[Redirect, Address], ...]
    families: tuple[Family, ...]
    resolver: tuple[Address, ...]
    as_json: bool
    ca: str | None = None
    roots: tuple[Address, ...] = ()
    operators: tuple[Operator, ...] = ()
    named_resolvers: tuple[Resolver, ...] = ()


def common(command: Command) -> Command:
    """Adds the options that every kind has."""
    for option in reversed(
        [
            click.option("--timeout", type=DURATION, default="5s", show_default=True, help="For each address."),
            click.option(
                "--connect-to", type=REDIRECT, multiple=True, metavar="FROM=TO", help="Dial TO where FROM is measured."
            ),
            click.option("-4", "four", is_flag=True, help="IPv4 only."),
            click.option("-6", "six", is_flag=True, help="IPv6 only."),
            click.option(
                "--resolver", type=RESOLVER, multiple=True, help="Whom to ask for names; /etc/resolv.conf if left out."
            ),
            click.option("--json", "as_json", is_flag=True, help="Print observations as JSON, one a line."),
        ]
    ):
        command = option(command)
    return command


def _common(
    timeout: Duration,
    connect_to: Sequence[tuple[Redirect, Address]],
    four: bool,
    six: bool,
    resolver: Sequence[Address],
    as_json: bool,
    ca: str | None = None,
) -> Common:
    wanted: tuple[Family, ...] = (4, 6) if four == six else (4,) if four else (6,)
    return Common(
        timeout=timeout,
        connect_to=tuple(connect_to),
        families=wanted if four or six else routed_families() or wanted,
        resolver=tuple(resolver),
        as_json=as_json,
        ca=ca,
    )


def dns_options(command: Command) -> Command:
    """Adds the options of the kinds of DNS in depth: what a plan's [dns], [[operator]] and [[resolver]] would say."""
    for option in reversed(
        [
            click.option("--timeout", type=DURATION, default="10s", show_default=True, help="For the whole run."),
            click.option(
                "--connect-to", type=REDIRECT, multiple=True, metavar="FROM=TO", help="Dial TO where FROM is measured."
            ),
            click.option("-4", "four", is_flag=True, help="IPv4 only."),
            click.option("-6", "six", is_flag=True, help="IPv6 only."),
            click.option(
                "--root", type=RESOLVER, multiple=True, help="Where walks begin, not at the Internet's roots."
            ),
            click.option(
                "--operator", type=OPERATOR, multiple=True, metavar="NAME=PATTERN", help="Whose servers fit PATTERN."
            ),
            click.option(
                "--resolver",
                type=NAMED_RESOLVER,
                multiple=True,
                metavar="[NAME=]ADDRESS[/TRANSPORT]",
                help="A resolver to ask as well; udp, tcp, dot or doh. Repeatable.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print observations as JSON, one a line."),
        ]
    ):
        command = option(command)
    return command


def _dns_common(
    root: Sequence[Address], operator: Sequence[Operator], resolver: Sequence[Resolver], **options: Any
) -> Common:
    return msgspec.structs.replace(
        _common(resolver=(), **options), roots=tuple(root), operators=tuple(operator), named_resolvers=tuple(resolver)
    )


@click.group(
    cls=Group, noun="check kind", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def check() -> None:
    """Run one check at once and show what came of it.

    Every address of the target is measured and shown on its own, once. Exit status: 0 ok or degraded, 1 failed, 2 usage
    or configuration, 3 unknown (the trouble was ours, or we were blocked).
    """


@check.command()
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
@common
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
    settings = _common(**options)
    servers = list(server)
    if at is not None:
        if not at.startswith("@"):
            raise click.UsageError(f"{at!r} is one word too many; a server to ask is written @{at}")
        servers.append(at[1:])
    if query is not None:
        if servers:
            raise click.UsageError("with --query, TARGET is the server; leave out --server and @SERVER")
        servers = [target]
    name = query or _parsed(DnsName.parse, target, "TARGET")
    if not servers:
        servers = [str(address) for address in settings.resolver or _host_resolvers()]
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
    _run("dns", servers, msgspec.structs.replace(spec, expect=answer), settings, asked)


@check.command()
@click.argument("target", metavar="HOST[:PORT]")
@click.option("--server-name", type=NAME, help="The name to send and to look for in the certificate.")
@click.option("--min-version", type=click.Choice(["1.2", "1.3"]), default="1.2", show_default=True)
@click.option("--ca", type=CA, metavar="FILE", help="A PEM file with CAs to trust as well.")
@common
def tls(target: str, server_name: DnsName | None, min_version: Any, **options: Any) -> None:
    """One TLS handshake with each address of HOST."""
    _run("tls", [target], TlsSpec(server_name=server_name, min_version=min_version), _common(**options))


@check.command()
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
@click.option("--serving", metavar="HEADER", help="The response header that says which region served.")
@click.option("--max-body", type=SIZE, default="1MB", show_default=True, help="How much of a body is read.")
@click.option("--ca", type=CA, metavar="FILE", help="A PEM file with CAs to trust as well.")
@common
def http(
    target: str,
    method: Any,
    header: tuple[tuple[str, str], ...],
    body: str,
    status: tuple[int, ...],
    contains: tuple[str, ...],
    matches: tuple[str, ...],
    duration: Duration | None,
    serving: str | None,
    max_body: Size,
    **options: Any,
) -> None:
    """One HTTP request to each address of URL's host. Redirects are not followed."""
    assertions = [Assertion(status=list(status))] if status else []
    assertions += [Assertion(body="text", contains=text) for text in contains]
    assertions += [Assertion(body="text", matches=pattern) for pattern in matches]
    if duration is not None:
        assertions.append(Assertion(duration=duration, otherwise="degraded"))
    spec = HttpSpec(
        method=method,
        headers=dict(header),
        body=body,
        assertions=assertions,
        serving=Serving(header=serving) if serving else None,
        max_body=max_body,
    )
    _refuse_faults(spec, options["timeout"])
    _run("http", [target if "://" in target else f"https://{target}"], spec, _common(**options))


@check.command("dns.zone")
@click.argument("zone", type=NAME)
@click.option("--data", type=NAME, help="A name of the zone to ask for beside the SOA.")
@click.option("--marker", type=NAME, help="A TXT record that tells operators apart, asked at resolvers.")
@click.option("--chaos", is_flag=True, help="Ask servers that send no NSID which site they are.")
@dns_options
def dns_zone(zone: DnsName, data: DnsName | None, marker: DnsName | None, chaos: bool, **options: Any) -> None:
    """Every name server of ZONE, found from the roots down, and its delegation."""
    _run("dns.zone", [zone], ZoneSpec(zone=zone, data=data, marker=marker, chaos=chaos), _dns_common(**options))


@check.command("dns.resolve")
@click.argument("name", type=NAME)
@click.option(
    "--type", "record", type=click.Choice(["A", "AAAA", "HTTPS", "MX", "TXT"]), default="A", show_default=True
)
@click.option("--control", type=NAME, help="A name that others serve: tells a dead resolver from a dead name.")
@click.option("--expect", multiple=True, metavar="DATA", help="A value that the answer may have. Repeatable.")
@click.option("--private", is_flag=True, help="The answer may be a private address.")
@click.option("--own", is_flag=True, help="The resolvers are yours: ask what their caches hold first (RD=0).")
@dns_options
def dns_resolve(
    name: DnsName,
    record: Any,
    control: DnsName | None,
    expect: tuple[str, ...],
    private: bool,
    own: bool,
    resolver: tuple[Resolver, ...],
    **options: Any,
) -> None:
    """NAME at each resolver, or at the host's own, with a control name beside it.

    \b
    parallax check dns.resolve www.example.org --control example.net --resolver quad=9.9.9.9 --resolver 1.1.1.1/tcp
    """
    from parallax.plan.dns_rules import resolve_faults

    spec = ResolveSpec(names=[name], type=record, expect=list(expect), private=private)
    for fault in resolve_faults(spec):
        raise click.UsageError(f"--{fault.path[0]}: {fault.message}")
    asked = resolver or tuple(Resolver(name=str(at), address=Endpoint(at)) for at in _host_resolvers())
    if not asked:
        raise click.UsageError("/etc/resolv.conf names no resolver; say whom to ask: --resolver")
    repeated = [each.name for place, each in enumerate(asked) if each.name in {other.name for other in asked[:place]}]
    if repeated:
        raise click.UsageError(f"--resolver: {repeated[0]!r} is there already; write NAME=ADDRESS")
    asked = tuple(msgspec.structs.replace(each, control=control, own=own) for each in asked)
    _run("dns.resolve", [name], spec, _dns_common(resolver=asked, **options), f"{name} {record}")


@check.command("dns.chain")
@click.argument("name", type=NAME)
@click.option(
    "--type", "record", type=click.Choice(["A", "AAAA", "HTTPS", "MX", "TXT"]), default="A", show_default=True
)
@click.option(
    "--expect", type=NAME, multiple=True, help="A name that the chain may lead through; no others. Repeatable."
)
@click.option("--workaround", type=NAME, multiple=True, help="A name that it may lead to instead. Repeatable.")
@click.option("--max-hops", type=click.IntRange(1, 16), default=8, show_default=True)
@dns_options
def dns_chain(
    name: DnsName,
    record: Any,
    expect: tuple[DnsName, ...],
    workaround: tuple[DnsName, ...],
    max_hops: int,
    **options: Any,
) -> None:
    """The chain of aliases from NAME, hop by hop at the authoritative servers."""
    spec = ChainSpec(names=[name], type=record, expect=list(expect), workaround=list(workaround), max_hops=max_hops)
    _run("dns.chain", [name], spec, _dns_common(**options))


@check.command("dns.parity")
@click.argument("zone", type=NAME)
@click.option("--primary", type=OPERATOR, required=True, metavar="NAME=PATTERN", help="Who serves the zone.")
@click.option("--fallback", type=OPERATOR, required=True, metavar="NAME=SERVER,...", help="Who stands by, and where.")
@click.option(
    "--sign-in", multiple=True, metavar="LABEL", help="A name below ZONE for sign-in, @ for ZONE. Repeatable."
)
@click.option("--mail", multiple=True, metavar="LABEL", help="A name for mail. Repeatable.")
@click.option("--policy", multiple=True, metavar="LABEL", help="A name for policies. Repeatable.")
@click.option("--name", multiple=True, metavar="LABEL", help="Another name to compare. Repeatable.")
@click.option("--selector", multiple=True, help="A DKIM selector. Repeatable.")
@click.option("--differing", multiple=True, metavar="LABEL", help="A name whose values differ by design. Repeatable.")
@dns_options
def dns_parity(
    zone: DnsName,
    primary: Operator,
    fallback: Operator,
    sign_in: tuple[str, ...],
    mail: tuple[str, ...],
    policy: tuple[str, ...],
    name: tuple[str, ...],
    selector: tuple[str, ...],
    differing: tuple[str, ...],
    operator: tuple[Operator, ...],
    **options: Any,
) -> None:
    """Whether the fallback operator serves what the primary serves of ZONE.

    \b
    parallax check dns.parity auth-vendor.example --primary 'dns-a=*.dns-a.example' \\
        --fallback dns-b=192.0.2.53 --sign-in frontend-api --mail clkmail --selector clk
    """
    from parallax.loading.convert import Fault, convert_table
    from parallax.plan.parity_rules import parity_faults

    purposes = {"sign-in": sign_in, "mail": mail, "policy": policy}
    table = {
        "zone": zone,
        "primary": primary.name,
        "fallback": fallback.name,
        "purposes": {purpose: list(labels) for purpose, labels in purposes.items() if labels},
        "names": list(name),
        "selectors": list(selector),
        "differing": list(differing),
    }
    faults: list[Fault] = []
    spec: ParitySpec = convert_table(table, ParitySpec, faults)
    for fault in [*faults, *parity_faults(spec)]:
        words = [{"names": "name", "selectors": "selector"}.get(each, each) for each in map(str, fault.path)]
        raise click.UsageError(f"--{words[1] if words[0] == 'purposes' else words[0]}: {fault.message}")
    _run("dns.parity", [zone], spec, _dns_common(operator=(primary, fallback, *operator), **options))


@check.command("dns.mail")
@click.argument("domain", type=NAME)
@click.option("--selector", type=SELECTOR, multiple=True, metavar="NAME", help="A DKIM selector. Repeatable.")
@click.option("--return-path", type=NAME, help="The domain that bounces go to.")
@click.option("--no-mail", is_flag=True, help="DOMAIN takes no mail, and needs no MX.")
@dns_options
def dns_mail(
    domain: DnsName, selector: tuple[str, ...], return_path: DnsName | None, no_mail: bool, **options: Any
) -> None:
    """SPF, DKIM, DMARC and MX of DOMAIN, at resolvers and at each operator that serves it."""
    spec = MailSpec(domain=domain, selectors=list(selector), return_path=return_path, receives=not no_mail)
    _run("dns.mail", [domain], spec, _dns_common(**options))


@check.command("dns.dnssec")
@click.argument("zone", type=NAME)
@click.option("--signed/--unsigned", default=None, help="Whether ZONE should be signed; as it is found if left out.")
@dns_options
def dns_dnssec(zone: DnsName, signed: bool | None, **options: Any) -> None:
    """Whether the signatures of ZONE hold: at its parent, at each operator, through each resolver."""
    _run("dns.dnssec", [zone], DnssecSpec(zone=zone, signed=signed), _dns_common(**options))


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
    return f"--{str(path[-1]).replace('_', '-')}" if isinstance(path[-1], str) else "the options"


_BY_HAND = ("authorization", "cookie")


def routed_families() -> tuple[Family, ...]:
    """The address families that this host has a route for. Connecting a UDP socket asks the kernel; nothing is sent.

    Without it, a host without IPv6 would call every dual-stack service failed."""
    found: list[Family] = []
    for family, kind, somewhere in ((4, socket.AF_INET, "192.0.2.1"), (6, socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(kind, socket.SOCK_DGRAM) as sock:
                sock.connect((somewhere, 53))
        except OSError:
            continue
        found.append(4 if family == 4 else 6)
    return tuple(found)


def _run(kind: str, targets: list[str], spec: Spec, settings: Common, asked: str = "") -> None:
    """Measures, prints, and leaves with the exit status. `asked` is what a person wants to see beside the target."""
    import trio

    from parallax.cli.gather import DnsOptions, gather

    for target in targets:
        _parsed(SPECS[kind].endpoint or DnsName.parse, target, "TARGET")
    entry = Check(
        name="by hand",
        kind=kind,
        targets=targets,
        period=Duration(settings.timeout * 2),
        timeout=settings.timeout,
        external=True,
        probes=[],
        spec=spec,
    )
    dns = DnsOptions(roots=settings.roots, operators=settings.operators, resolvers=settings.named_resolvers)
    try:
        observations = trio.run(
            gather, entry, settings.families, settings.connect_to, settings.resolver, settings.ca, dns
        )
    except KeyboardInterrupt:
        sys.exit(130)
    if settings.as_json:
        _print_json(observations)
    else:
        _print_text(observations, asked)
    from parallax.cli.grades import exit_status

    sys.exit(exit_status(observations))


def _print_json(observations: "list[Observation]") -> None:
    from parallax.observation import as_dict
    from parallax.values import encode_value

    for observation in observations:
        click.echo(msgspec.json.encode(as_dict(observation), enc_hook=encode_value))


def _print_text(observations: "list[Observation]", asked: str) -> None:
    from rich.console import Console

    from parallax.cli.show import render

    console = Console(highlight=False, width=None if sys.stdout.isatty() else shutil.get_terminal_size().columns)
    with console.capture() as capture:
        console.print(render(observations, width=console.width, plain=console.options.ascii_only, asked=asked))
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def _host_resolvers() -> tuple[Address, ...]:
    from probe.dns.lookup import system_resolvers

    return system_resolvers()


def _parsed(parse: Callable[[str], Any], text: str, what: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=what) from None


def _as_it_is(kind: type, value: object) -> object:
    return value
