"""The kinds of DNS in depth, which find what to measure by themselves."""

from typing import Any

import click
import msgspec

from parallax.cli.check.options import dns_options, dns_settings_of, host_resolvers
from parallax.cli.check.run import run
from parallax.cli.values import NAME, OPERATOR, SELECTOR
from parallax.plan.dns_specs import ChainSpec, DnssecSpec, MailSpec, ParitySpec, ResolveSpec, ZoneSpec
from parallax.plan.types import Operator, Resolver
from parallax.values import DnsName, Endpoint


@click.command("dns.zone")
@click.argument("zone", type=NAME)
@click.option("--data", type=NAME, help="A name of the zone to ask for beside the SOA.")
@click.option("--marker", type=NAME, help="A TXT record that tells operators apart, asked at resolvers.")
@click.option("--chaos", is_flag=True, help="Ask servers that send no NSID which site they are.")
@dns_options
def dns_zone(zone: DnsName, data: DnsName | None, marker: DnsName | None, chaos: bool, **options: Any) -> None:
    """Every name server of ZONE, found from the roots down, and its delegation."""
    run("dns.zone", [zone], ZoneSpec(zone=zone, data=data, marker=marker, chaos=chaos), dns_settings_of(**options))


@click.command("dns.resolve")
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
    asked = resolver or tuple(Resolver(name=str(at), address=Endpoint(at)) for at in host_resolvers())
    if not asked:
        raise click.UsageError("/etc/resolv.conf names no resolver; say whom to ask: --resolver")
    repeated = [each.name for place, each in enumerate(asked) if each.name in {other.name for other in asked[:place]}]
    if repeated:
        raise click.UsageError(f"--resolver: {repeated[0]!r} is there already; write NAME=ADDRESS")
    asked = tuple(msgspec.structs.replace(each, control=control, own=own) for each in asked)
    run("dns.resolve", [name], spec, dns_settings_of(resolver=asked, **options), f"{name} {record}")


@click.command("dns.chain")
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
    run("dns.chain", [name], spec, dns_settings_of(**options))


@click.command("dns.parity")
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
    run("dns.parity", [zone], spec, dns_settings_of(operator=(primary, fallback, *operator), **options))


@click.command("dns.mail")
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
    run("dns.mail", [domain], spec, dns_settings_of(**options))


@click.command("dns.dnssec")
@click.argument("zone", type=NAME)
@click.option("--signed/--unsigned", default=None, help="Whether ZONE should be signed; as it is found if left out.")
@dns_options
def dns_dnssec(zone: DnsName, signed: bool | None, **options: Any) -> None:
    """Whether the signatures of ZONE hold: at its parent, at each operator, through each resolver."""
    run("dns.dnssec", [zone], DnssecSpec(zone=zone, signed=signed), dns_settings_of(**options))
