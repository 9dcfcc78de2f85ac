"""10 Feb 2026 in miniature: a vendor's zone at an operator of four name servers with two addresses each, an operator
that stands by and lacks the mail records, three resolvers whose caches count down, a customer's name that leads there.

What breaks is a flag: `dark` (operators that answer nothing), `lame`, `empty` (they say that names do not exist),
`delegated` (whom the parent names), `mail_at` (operators that have the mail records). Caches are real: an answer is
held for its TTL by each (probe, resolver), and fetched anew while whoever is delegated answers.
"""

from typing import Any

from parallax.plan.types import Check
from tests.collector.detect.scenes import EIGHT, NS, Scene, fleet

ZONE, CUSTOMER = "auth-vendor.example", "acme.example"
AUTH, ACCOUNTS = f"frontend-api.{ZONE}", f"accounts.{ZONE}"
ALIAS = f"clerk.{CUSTOMER}"
RESOLVERS = {"public-1": 0.5, "public-2": 0.3, "own": 0.2}
OPERATORS = {"dns-a": 4, "dns-b": 2, "dns-c": 2}
DKIM = f"dkim1._domainkey.{ZONE}"
TTL = {AUTH: 150, ACCOUNTS: 300, DKIM: 200}
TCP_S = 120
TIMEOUT_S = 3

REST = """
[defaults]
period = "15s"
timeout = "5s"
[[operator]]
name = "dns-a"
servers = ["*.dns-a.example"]
[[operator]]
name = "dns-b"
role = "fallback"
servers = ["*.dns-b.example"]
[[operator]]
name = "dns-c"
servers = ["*.dns-c.example"]
""" + "".join(
    f"""
[[resolver]]
name = "{name}"
address = "192.0.2.{50 + number}"
control = "control.example"
weight = {weight}
"""
    for number, (name, weight) in enumerate(RESOLVERS.items())
)
CHECKS = f"""
[[check]]
name = "zone"
kind = "dns.zone"
zone = "{ZONE}"
tcp_period = "{TCP_S}s"
[[check]]
name = "names"
kind = "dns.resolve"
names = ["{AUTH}", "{ACCOUNTS}"]
[[check]]
name = "chain"
kind = "dns.chain"
names = ["{ALIAS}"]
[[check]]
name = "parity"
kind = "dns.parity"
period = "15s"
timeout = "5s"
zone = "{ZONE}"
primary = "dns-a"
fallback = "dns-b"
[[check]]
name = "mail"
kind = "dns.mail"
period = "15s"
timeout = "5s"
domain = "{ZONE}"
selectors = ["dkim1"]
[[check]]
name = "api"
kind = "http"
targets = ["https://{AUTH}/v1/health"]
[[component]]
name = "User and authentication"
checks = ["api"]
[[component]]
name = "Email delivery"
checks = ["mail"]
risks = ["parity"]
"""
PLAN = fleet() + REST + CHECKS
MISSING = {
    "name": "dkim1._domainkey", "type": "TXT", "class": "missing", "severity": "critical", "purpose": "mail",
    "primary": ["v=DKIM1; p=MIIB"], "fallback": ["nxdomain"],
}  # fmt: skip
BECAUSE = "lacks the mail record dkim1._domainkey TXT"


class Vendor(Scene):
    """All is well until a flag is turned."""

    def __init__(self, plan: str = PLAN) -> None:
        self.dark: set[str] = set()
        self.dark_parts: set[str] = set()
        """Addresses, or transports or families of them, that are dark: "tcp", "v6", "192.0.2.11"."""
        self.lame: set[str] = set()
        self.empty: set[str] = set()
        self.serials: dict[str, int] = {}
        """By address; 7 where nothing is said."""
        self.delegated = "dns-a"
        self.mail_at = {"dns-a"}
        self.stale: set[str] = set()
        """Resolvers that serve stale answers."""
        self.dead_resolvers: set[str] = set()
        self.caches: dict[tuple[str, str, str], tuple[float, str]] = {}
        """By probe, resolver and owner: until when it holds the record, and of which operator."""
        self.tcp_at: dict[str, float] = {}
        super().__init__(plan, {AUTH: ["203.0.113.10", "203.0.113.20"]})
        self.rule(self._world)

    def heal(self) -> None:
        """All flags as they were, and the fallback complete."""
        self.dark, self.dark_parts, self.lame, self.empty = set(), set(), set(), set()
        self.serials, self.delegated, self.mail_at = {}, "dns-a", {"dns-a", "dns-b", "dns-c"}
        self.stale, self.dead_resolvers = set(), set()

    # ---- what a probe finds to measure
    def finds(self, probe: str, check: Check, target: str) -> list[tuple[str, dict[str, str]]]:
        match check.kind:
            case "dns.zone":
                return [("delegation", {"zone": target}), *self._servers(probe)]
            case "dns.resolve":
                return [(name, {"resolver": name, "transport": "udp"}) for name in RESOLVERS]
            case "dns.parity":
                return [("dns-a -> dns-b", {"zone": ZONE, "operator": "dns-b"})]
            case "dns.mail":
                views = [(name, {"resolver": name}) for name in RESOLVERS]
                return views + [(f"operator {name}", {"operator": name}) for name in sorted({self.delegated, "dns-b"})]
            case _:
                return super().finds(probe, check, target)

    def _servers(self, probe: str) -> list[tuple[str, dict[str, str]]]:
        over_tcp = self.t - self.tcp_at.get(probe, -1e9) >= TCP_S
        if over_tcp:
            self.tcp_at[probe] = self.t
        found = []
        for server, operator, ip in servers(self.delegated):
            dims = {"server": server, "operator": operator, "zone": ZONE, "address": ip, "transport": "udp"}
            name = f"[{ip}]:53" if ":" in ip else f"{ip}:53"
            found.append((name, dims))
            if over_tcp:
                found.append((f"{name}/tcp", {**dims, "transport": "tcp"}))
        return found

    # ---- what comes of it
    def _measure(self, probe: str, check: Check, target: str) -> list[Any]:
        if check.kind == "http":
            answered = self._ask(probe, "public-1", AUTH) is not None
            self.lookups.pop((probe, AUTH), None)
            if not answered:
                self.lookups[probe, AUTH] = "dns_servfail"
        return super()._measure(probe, check, target)

    def _world(self, probe: str, check: Check, target: str, subject: str, t: float) -> dict[str, Any]:
        match check.kind:
            case "dns.zone" if subject == "delegation":
                ns = sorted({server for server, *_ in servers(self.delegated)})
                return {"findings": {"parent": "example", "ns": ns, "ttl": 3600, "ds": []}}
            case "dns.zone":
                return self._server(subject)
            case "dns.resolve":
                return self._resolved(probe, subject, target)
            case "dns.chain":
                return self._chain()
            case "dns.parity":
                return self._parity()
            case "dns.mail":
                return self._mail(probe, subject)
            case _:
                return {}

    def _server(self, subject: str) -> dict[str, Any]:
        ip = subject.removesuffix("/tcp").rpartition(":")[0].strip("[]")
        operator = next(operator for _, operator, own in servers(self.delegated) if own == ip)
        family, transport = "v6" if ":" in ip else "v4", "tcp" if subject.endswith("/tcp") else "udp"
        if operator in self.dark or self.dark_parts & {ip, family, transport}:
            return self.late("dns_timeout", {"class": "timeout"})
        if operator in self.lame or ip in self.lame:
            return {"reason": "dns_lame", "findings": {"class": "lame_refused"}}
        if operator in self.empty:
            return {"reason": "dns_nxdomain", "findings": {"class": "auth_answer"}}
        return {"findings": {"class": "auth_answer", "serial": self.serials.get(ip, 7), "refresh": 300, "expire": 3600}}

    def late(self, reason: str, findings: dict[str, Any]) -> dict[str, Any]:
        """A timeout: what is known now began some seconds ago."""
        began = self.now - TIMEOUT_S * NS
        return {"reason": reason, "findings": findings, "started_at": began, "duration_ns": TIMEOUT_S * NS}

    @property
    def answering(self) -> bool:
        return self.delegated not in self.dark | self.lame

    def _ask(self, probe: str, resolver: str, owner: str) -> tuple[int, bool, str] | None:
        """The TTL that is left, whether the answer is stale, and whose it is; None without an answer."""
        until, whose = self.caches.get((probe, resolver, owner), (-1e9, ""))
        if until > self.t:
            return int(until - self.t + 0.999), False, whose
        if self.answering:
            self.caches[probe, resolver, owner] = (self.t + TTL[owner], self.delegated)
            return TTL[owner], False, self.delegated
        return (30, True, whose) if resolver in self.stale and whose else None

    def _resolved(self, probe: str, resolver: str, name: str) -> dict[str, Any]:
        if resolver in self.dead_resolvers:
            return {"reason": "dns_resolver_down", "fault": "resolver"}
        found = self._ask(probe, resolver, name)
        if found is None:
            return self.late("dns_name_down", {"class": "servfail"})
        answers = [{"owner": name, "type": "A", "ttl": found[0], "text": "203.0.113.10"}]
        changes: dict[str, Any] = {"findings": {"answers": answers, "min_ttl": found[0]}}
        return {**changes, "reason": "dns_stale"} if found[1] else changes

    def _chain(self) -> dict[str, Any]:
        hop = {"owner": ALIAS, "zone": CUSTOMER, "operator": "dns-c", "type": "CNAME", "target": AUTH, "ttl": 300}
        last = {"owner": AUTH, "zone": ZONE, "operator": self.delegated, "servers": {}}
        if not self.answering:
            dims = {"hop": AUTH, "zone": ZONE, "operator": self.delegated}
            return {**self.late("dns_hop_dark", {"hops": [hop, last]}), "dims": dims}
        hops = [hop, {**last, "type": "A", "ttl": 60}]
        return {"findings": {"hops": hops, "signature": "aaaa", "end": ["203.0.113.10"]}}

    def _parity(self) -> dict[str, Any]:
        sides = {
            which: {"operator": operator, "state": "dark" if operator in self.dark else "serves"}
            for which, operator in (("primary", "dns-a"), ("fallback", "dns-b"))
        }
        if "dark" in (sides["primary"]["state"], sides["fallback"]["state"]):
            dark = next(side["operator"] for side in sides.values() if side["state"] == "dark")
            because = f"cannot be compared: {dark} does not answer"
            return {"reason": "parity_unknown", "findings": {**sides, "because": because}}
        if "dns-b" not in self.mail_at:
            findings = {**sides, "rows": [MISSING], "because": BECAUSE, "compared": 40, "inventory": 40}
            return {"reason": "parity_missing", "findings": findings}
        return {"findings": {**sides, "rows": [], "compared": 40, "inventory": 40}}

    def _mail(self, probe: str, subject: str) -> dict[str, Any]:
        operator = subject.removeprefix("operator ")
        if operator in OPERATORS:
            if operator in self.dark:
                return self.late("mail_dkim_tempfail", {})
            return {} if operator in self.mail_at else {"reason": "mail_dkim_missing"}
        found = self._ask(probe, subject, DKIM)
        if found is None:
            return self.late("mail_dkim_tempfail", {})
        return {} if found[2] in self.mail_at else {"reason": "mail_dkim_missing"}


def servers(operator: str) -> list[tuple[str, str, str]]:
    """(name, operator, address) of an operator's name servers."""
    place = sorted(OPERATORS).index(operator) + 1
    return [
        (f"ns{n}.{operator}.example", operator, ip)
        for n in range(1, OPERATORS[operator] + 1)
        for ip in (f"192.0.2.{place}{n}", f"2001:db8:{place}::{n}")
    ]


PROBES = [row[0] for row in EIGHT]
