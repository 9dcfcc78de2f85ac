"""A plan for the small internet (tests/parts/internet.py), and a probe in it: the project's own checks, run one at a
time, no redirects."""

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.load import load_plan
from parallax.plan.types import Plan
from parallax.values import Cidr, Family
from probe.dns.memory import Memory
from probe.runs import Vantage, get_ready, run_target
from probe.tools import Tools
from tests.parts.internet import ADDRESSES, WEB, address

DOCUMENTATION = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "127.0.0.0/8")
"""The probe's `allow`: these are no public addresses."""


def head(period: str = "15s", timeout: str = "4s", most_per_operator: int = 1200) -> str:
    """The plan's sections on the world itself; checks follow them."""
    return f"""
[defaults]
period = "{period}"
timeout = "{timeout}"

[dns]
most_per_operator = {most_per_operator}
roots = ["{address("root")}", "{address("root", 6)}"]

[[operator]]
name = "operator-a"
servers = ["*.operator-a.test"]
[[operator]]
name = "operator-b"
role = "fallback"
servers = ["*.operator-b.test", {", ".join(f'"{ip}"' for n in (1, 2) for ip in ADDRESSES[f"b{n}"])}]

[[resolver]]
name = "plain"
address = "{ADDRESSES["plain"][0]}"
control = "www.control.test"
[[resolver]]
name = "stale"
address = "{ADDRESSES["stale"][0]}"
control = "www.control.test"
[[resolver]]
name = "bind"
address = "{ADDRESSES["bind"][0]}"
control = "www.control.test"
"""


PLAN = f"""{head()}
[[check]]
name = "zone"
kind = "dns.zone"
zone = "idp.example"
data = "frontend-api.idp.example"
tcp_period = "15s"
[[check]]
name = "resolve"
kind = "dns.resolve"
names = ["clerk.acme.test"]
expect = ["{WEB}"]
[[check]]
name = "chain"
kind = "dns.chain"
names = ["clerk.acme.test", "accounts.acme.test"]
expect = ["frontend-api.idp.example", "accounts.idp.example"]
workaround = ["worker.idp.example"]
[[check]]
name = "parity"
kind = "dns.parity"
zone = "idp.example"
primary = "operator-a"
fallback = "operator-b"
purposes = {{ sign-in = ["frontend-api", "accounts"] }}
selectors = ["sel1", "sel2"]
names = ["dkim1.acme", "mail1.acme"]
[[check]]
name = "mail"
kind = "dns.mail"
domain = "idp.example"
selectors = ["sel1", "sel2"]
return_path = "mail1.acme.idp.example"
[[check]]
name = "dnssec"
kind = "dns.dnssec"
zone = "idp.example"
"""


def plan_of(text: str) -> Plan:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.toml"
        path.write_text(text)
        return load_plan(path)


class Probe:
    """A probe of the internet that remembers from run to run."""

    def __init__(self, text: str = PLAN, families: tuple[Family, ...] = (4, 6)) -> None:
        self.text, plan = text, plan_of(text)
        self.checks = {check.name: check for check in plan.check}
        self._vantage = Vantage(probe="fra1", families=families)
        self.tools = Tools(
            routes=Routes.of(allow=[Cidr(network) for network in DOCUMENTATION]),
            trust=Trust(),
            resolvers=(address("plain"),),
            families=families,
            memory=Memory(),
            roots=tuple(plan.dns.roots),
            operators=tuple(plan.operator),
            named_resolvers=tuple(plan.resolver),
        )
        get_ready(plan.check, self.tools)

    async def run(self, check: str, *, timeout_s: float | None = None) -> list[Observation]:
        """One run of every target of a check, in the order of the plan."""
        found: list[Observation] = []
        one = self.checks[check]
        if timeout_s is not None:
            one = msgspec.structs.replace(one, timeout=timeout_s)
        for target in one.targets:
            found += await run_target(one, target, self._vantage, self.tools, scheduled_at=0)
        return found
