"""`parallax check KIND TARGET`: one check, run at once by the probe's own code, shown to a person or as JSON."""

import click

from parallax.cli.check import addresses, signin, zones
from parallax.cli.group import Group

COMMANDS: dict[str, click.Command] = {
    "dns": addresses.dns,
    "dns.zone": zones.dns_zone,
    "dns.resolve": zones.dns_resolve,
    "dns.chain": zones.dns_chain,
    "dns.parity": zones.dns_parity,
    "dns.mail": zones.dns_mail,
    "dns.dnssec": zones.dns_dnssec,
    "tls": addresses.tls,
    "http": addresses.http,
    "oidc": signin.oidc,
    "signin": signin.signin,
}


@click.group(
    cls=Group,
    noun="check kind",
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def check() -> None:
    """Run one check at once and show what came of it.

    Every address of the target is measured and shown on its own, once. Exit status: 0 ok or degraded, 1 failed, 2 usage
    or configuration, 3 unknown (the trouble was ours, or we were blocked).
    """
