"""Scripts to play in tests: one world with every kind of check, in short."""

from pathlib import Path

from lab.replay.loading import Loaded, load_script

PROBES = "".join(
    f'[[probe]]\nid = "p{number}"\nasn = {64496 + number}\nnetwork = "{"access" if number == 5 else "data-centre"}"\n'
    for number in range(1, 6)
)
PLAN = f"""
[defaults]
period = "15s"
timeout = "5s"
{PROBES}
[[operator]]
name = "dns-a"
servers = ["*.dns-a.example"]
[[operator]]
name = "dns-b"
role = "fallback"
servers = ["*.dns-b.example"]
[[resolver]]
name = "public-1"
address = "192.0.2.51"
control = "control.example"
[[check]]
name = "zone"
kind = "dns.zone"
zone = "idp.example"
[[check]]
name = "names"
kind = "dns.resolve"
names = ["api.idp.example"]
[[check]]
name = "chain"
kind = "dns.chain"
names = ["clerk.acme.example"]
[[check]]
name = "parity"
kind = "dns.parity"
zone = "idp.example"
primary = "dns-a"
fallback = "dns-b"
selectors = ["s1"]
period = "30s"
timeout = "5s"
[[check]]
name = "mail"
kind = "dns.mail"
domain = "idp.example"
selectors = ["s1"]
period = "30s"
timeout = "5s"
[[check]]
name = "front door"
kind = "tls"
targets = ["api.idp.example:443"]
[[check]]
name = "api"
kind = "http"
targets = ["https://api.idp.example/health"]
[[check]]
name = "tokens"
kind = "oidc"
issuer = "https://api.idp.example"
client = {{ id = "c", auth = "basic", secret = "secret:CLIENT" }}
period = "30s"
timeout = "10s"
[[check]]
name = "sign-in"
kind = "signin"
use = "oidc.password"
issuer = "https://api.idp.example"
client = {{ id = "c" }}
user = {{ name = "synthetic-{{probe}}", password = "secret:PASSWORD" }}
period = "30s"
timeout = "10s"
[[component]]
name = "Sign-in"
checks = ["api", "front door", "sign-in", "tokens"]
risks = ["zone", "names", "chain", "parity", "mail"]
[[receiver]]
name = "on-call"
kind = "webhook"
url = "https://on-call.example/hook"
address = "203.0.113.200:443"
key = "secret:ON_CALL"
"""
WORLD = """
title = "A test"
window = { from = 2026-03-01T12:00:00Z, to = 2026-03-01T12:03:00Z }
before = "1m"
after = "10s"
plan = "plan.toml"
[[operator]]
name = "dns-a"
servers = { "ns1.dns-a.example" = ["192.0.2.11", "2001:db8::11"], "ns2.dns-a.example" = ["192.0.2.12"] }
[[operator]]
name = "dns-b"
lacks_mail = true
servers = { "ns1.dns-b.example" = ["203.0.113.21"] }
[[zone]]
name = "idp.example"
operator = "dns-a"
ttl = "10m"
[[name]]
name = "api.idp.example"
ttl = "1m"
regions = ["east", "west"]
[[name]]
name = "clerk.acme.example"
alias = "api.idp.example"
[[name]]
name = "front.acme.example"
fronts = ["front"]
[[region]]
name = "east"
address = "203.0.113.10"
[[region]]
name = "west"
address = "203.0.113.20"
[[front]]
name = "front"
address = "203.0.113.1"
regions = ["east", "west"]
out = "30s"
back = "60s"
"""


def write(folder: Path, more: str = "", world: str = WORLD, plan: str = PLAN) -> Path:
    """A script of this world, and more."""
    (folder / "plan.toml").write_text(plan)
    file = folder / "script.toml"
    file.write_text(world + more)
    return file


def load(folder: Path, more: str = "", world: str = WORLD) -> Loaded:
    return load_script(write(folder, more, world))


def fault(where: str, mode: str, start: str = "12:00:00", end: str = "12:03:00", severity: float = 1.0) -> str:
    """A [[fault]] of the test's day."""
    return (
        f"[[fault]]\nfrom = 2026-03-01T{start}Z\nto = 2026-03-01T{end}Z\n"
        f'where = "{where}"\nmode = "{mode}"\nseverity = {severity}\n'
    )
