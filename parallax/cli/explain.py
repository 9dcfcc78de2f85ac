"""`parallax explain NAME`: all that can be learnt about one name, on one screen."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import msgspec

from parallax.cli.by_hand import Settings, check_of
from parallax.cli.check.options import dns_options, dns_settings_of
from parallax.cli.values import NAME
from parallax.plan.dns_specs import ChainSpec, DnssecSpec, MailSpec, ResolveSpec, ZoneSpec
from parallax.plan.kinds import SPECS
from parallax.plan.specs import Spec
from parallax.values import DnsName, encode_value

if TYPE_CHECKING:
    from parallax.cli.explained import Explanation
    from parallax.observation import Observation
    from probe.tools import Tools


@click.command()
@click.argument("name", type=NAME)
@click.option("--mail", type=NAME, metavar="DOMAIN", help="Whose mail records to look at; NAME's zone if left out.")
@click.option("--selector", multiple=True, help="A DKIM selector of that domain. Repeatable.")
@dns_options
def explain(name: DnsName, mail: DnsName | None, selector: tuple[str, ...], **options: Any) -> None:
    """Show where NAME leads, who serves each step, how long caches carry it, and what each operator's failure would do.

    Exit status: 0 if it resolves, 1 if not, 2 usage or configuration, 3 unknown.
    """
    import trio

    settings = dns_settings_of(**options)
    try:
        told = trio.run(partial(_explain, name, mail, selector, settings))
    except KeyboardInterrupt:
        sys.exit(130)
    if settings.as_json:
        click.echo(msgspec.json.encode(told, enc_hook=encode_value))
    else:
        _print(told)
    sys.exit(0 if told.verdict is None else 3 if told.verdict == "unknown" else 1)


async def _explain(
    name: DnsName, mail: DnsName | None, selectors: tuple[str, ...], settings: Settings
) -> "Explanation":
    """The chain first, as it says which zones there are; then everything about them side by side."""
    import trio

    from parallax.cli.by_hand import tools_of
    from parallax.cli.explained import chain_of, explain, mail_domain_of, zones_of

    tools = tools_of(settings)
    observations = await _measure("dns.chain", ChainSpec(names=[name]), settings, tools)
    hops, _ = chain_of(observations)
    zones = [DnsName(zone) for zone in zones_of(hops)]
    domain = mail or mail_domain_of(name, zones)
    specs: list[tuple[str, Spec]] = [("dns.resolve", ResolveSpec(names=[name]))]
    specs += [("dns.zone", ZoneSpec(zone=zone)) for zone in zones]
    specs += [("dns.dnssec", DnssecSpec(zone=zone)) for zone in zones]
    specs.append(("dns.mail", MailSpec(domain=domain, selectors=list(selectors))))
    found: list[list[Observation]] = [[] for _ in specs]

    async def one(place: int, kind: str, spec: Spec) -> None:
        found[place] = await _measure(kind, spec, settings, tools)

    async with trio.open_nursery() as nursery:
        for place, (kind, spec) in enumerate(specs):
            nursery.start_soon(one, place, kind, spec)
    return explain(name, domain, [*observations, *(seen for each in found for seen in each)])


async def _measure(kind: str, spec: Spec, settings: Settings, tools: "Tools") -> "list[Observation]":
    from parallax.cli.by_hand import measure

    targets_of = SPECS[kind].targets
    assert targets_of is not None, kind
    return await measure(check_of(kind, targets_of(spec), spec, settings), tools)


def _print(told: "Explanation") -> None:
    from parallax.cli.drawing import draw
    from parallax.cli.explain_view import render_explanation

    draw(lambda console: render_explanation(told))
