"""The lab in miniature: two front ends, an operator of four name servers (the last one anycast), one that stands by,
two resolvers."""

from typing import Any

from tests.collector.detect.scenes import EIGHT, Scene, fleet

US, EU = "203.0.113.10", "203.0.113.20"
NS = [f"ns{n}.dns-a.example" for n in range(1, 5)]
STANDBY = ["ns1.dns-b.example", "ns2.dns-b.example"]
RESOLVERS = ["192.0.2.53", "198.51.100.53"]
AUTH, ACCOUNTS = "frontend-api.auth-vendor.example", "accounts.auth-vendor.example"
ADDRESSES = {
    AUTH: [US, EU],
    ACCOUNTS: [US, EU],
    **{host: [f"192.0.2.1{n}"] for n, host in enumerate(NS)},
    **{host: [f"198.51.100.1{n}"] for n, host in enumerate(STANDBY)},
}
ADDRESS = {"owner": AUTH, "type": "A", "ttl": 60, "text": US}
SITES = {"fra1": "fra", "lon1": "fra", "gru1": "fra", "iad1": "iad", "sjc1": "iad"}
"""Whose catchment a probe is in; the others are in Singapore's."""

REST = f"""
[defaults]
period = "5s"
timeout = "2s"
[[operator]]
name = "dns-a"
servers = ["*.dns-a.example"]
[[operator]]
name = "dns-b"
role = "fallback"
servers = ["*.dns-b.example"]
[[check]]
name = "name servers"
kind = "dns"
external = false
targets = {NS!r}
query = "{AUTH}"
[[check]]
name = "fallback"
kind = "dns"
external = false
targets = {STANDBY!r}
query = "{AUTH}"
[[check]]
name = "resolvers"
kind = "dns"
external = false
role = "resolver"
targets = {RESOLVERS!r}
query = "{AUTH}"
[[check]]
name = "customer"
kind = "dns"
external = false
role = "resolver"
targets = {RESOLVERS!r}
query = "clerk.acme.example"
[[check]]
name = "front door"
kind = "tls"
external = false
targets = ["{AUTH}:443"]
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://{AUTH}/v1/health"]
serving = {{ header = "x-region" }}
[[check]]
name = "sign-in page"
kind = "http"
external = false
targets = ["https://{ACCOUNTS}/sign-in"]
serving = {{ header = "x-region" }}
[[component]]
name = "User and authentication"
checks = ["api", "front door"]
risks = ["name servers", "fallback"]
[[component]]
name = "Sign-in page"
checks = ["sign-in page"]
risks = ["name servers"]
[[component]]
name = "Customer domains"
checks = ["customer"]
"""
PLAN = fleet() + REST


class Lab(Scene):
    """All is well until something is broken."""

    def __init__(self, plan: str = PLAN) -> None:
        super().__init__(plan, ADDRESSES)
        self.rule(_well)


def _well(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any] | None:
    if check.name in ("api", "sign-in page"):
        return {"dims": {"region": "us-east" if subject.startswith(US) else "eu-west"}}
    if check.name == "name servers" and target.startswith(NS[3]):
        return {"site": SITES.get(probe, "sin")}
    if check.name == "resolvers":
        return {"findings": {"min_ttl": 60, "answers": [ADDRESS]}}
    if check.name == "customer":
        alias = {"owner": "clerk.acme.example", "type": "CNAME", "ttl": 300, "text": AUTH + "."}
        return {"findings": {"min_ttl": 60, "answers": [alias, ADDRESS]}}
    return None if False else {}


NETWORKS = {name: network for name, *_, network in EIGHT}
