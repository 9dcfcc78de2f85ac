"""What a probe would have seen of a script's world, by kind of check. The words are those of the probe's own judges.

A kind here gives what came of one run: a subject, its labels and findings, a reason. How a real run gathers that is
the probe's matter (`probe.checks`); detection cannot tell the two apart by what it reads.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from lab.replay.script import Mode
from lab.replay.world import SYSTEM, World, rtt_ns, unit
from parallax.clock import to_ns
from parallax.observation import Phase
from parallax.plan.dns_specs import ChainSpec, MailSpec, ParitySpec, ResolveSpec, ZoneSpec
from parallax.plan.kinds import SPECS
from parallax.plan.signin_specs import OidcSpec, SigninSpec
from parallax.plan.types import Check, Probe
from parallax.values import Endpoint, Url
from probe.signin.cadence import cadence_at

LATE_NS = to_ns(3)
"""How long a name server is waited for, at most."""
LIGHT = ("discovery", "jwks")
WHOLE = {
    "signin": (*LIGHT, "authorize", "password", "token", "verify", "userinfo", "logout"),
    "oidc": (*LIGHT, "token", "verify"),
}
OVER_TCP = "/tcp"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt. `after_ns`: how long after the run's start it began."""

    subject: str
    dims: dict[str, str] = {}
    reason: str | None = None
    fault: str | None = None
    """Where it is not the reason's own."""
    findings: dict[str, Any] = {}
    duration_ns: int
    after_ns: int = 0
    phases: tuple[Phase, ...] = ()


class Run(msgspec.Struct, frozen=True):
    """One run of a check: who, what, when."""

    world: World
    probe: Probe
    check: Check
    target: str
    at: int
    turn: int
    """Which run of this target it is, by its grid."""

    @property
    def timeout_ns(self) -> int:
        return to_ns(self.check.timeout)

    @property
    def late_ns(self) -> int:
        return min(LATE_NS, self.timeout_ns)

    def rtt_ns(self, place: str) -> int:
        """With some jitter."""
        return int(rtt_ns(self.probe, place) * self.world.rng.uniform(0.95, 1.3))


def observe(run: Run) -> list[Seen]:
    """What a run sees. A probe whose own line is dead sees nothing answer, and says so of everything."""
    if run.world.mode("probe", run.probe.id, run.at) == "dark":
        return [_unanswered(run, seen) for seen in KINDS[run.check.kind](run)]
    return list(KINDS[run.check.kind](run))


def _unanswered(run: Run, seen: Seen) -> Seen:
    reason = "dns_timeout" if run.check.kind.startswith("dns") else "connect_timeout"
    return msgspec.structs.replace(seen, reason=reason, fault=None, findings={}, duration_ns=run.late_ns)


# ---- DNS
def _zone(run: Run) -> Iterator[Seen]:
    spec, world = run.check.spec, run.world
    assert isinstance(spec, ZoneSpec)
    zone = str(spec.zone)
    operator = world.operators[world.delegated(zone, run.at)]
    ns = sorted(operator.servers)
    ttl = int(world.zones[zone].ttl)
    yield Seen(
        subject="delegation",
        dims={"zone": zone, "parent": zone.partition(".")[2]},
        findings={"parent": zone.partition(".")[2], "ns": ns, "ttl": ttl, "ds": []},
        duration_ns=run.rtt_ns("parent"),
    )
    over_tcp = run.turn % max(round(spec.tcp_period / run.check.period), 1) == 0
    for server in ns:
        for ip in operator.servers[server]:
            if (6 if ":" in ip else 4) not in run.probe.families:
                continue
            for transport in ("udp", "tcp") if over_tcp else ("udp",):
                yield _asked(run, zone, world.planned_name(operator, server, ip), operator.name, server, ip, transport)


def _asked(run: Run, zone: str, planned: str, operator: str, server: str, ip: str, transport: str) -> Seen:
    """One name server's address."""
    dims = {
        "server": server,
        "operator": planned,
        "zone": zone,
        "address": ip,
        "family": "6" if ":" in ip else "4",
        "transport": transport,
    }
    subject = (f"[{ip}]:53" if ":" in ip else f"{ip}:53") + (OVER_TCP if transport == "tcp" else "")
    mode = "dark" if run.world.lost() else run.world.server_mode(operator, server, run.at)
    took = run.rtt_ns(ip)
    if mode == "dark":
        return Seen(
            subject=subject, dims=dims, reason="dns_timeout", findings={"class": "timeout"}, duration_ns=run.late_ns
        )
    if mode == "lame":
        return Seen(subject=subject, dims=dims, reason="dns_lame", findings={"class": "lame_refused"}, duration_ns=took)
    if mode == "empty":
        return Seen(
            subject=subject, dims=dims, reason="dns_nxdomain", findings={"class": "auth_answer"}, duration_ns=took
        )
    findings = {"class": "auth_answer", "aa": True, "rcode": "NOERROR", "rtt_ns": took, "serial": 7}
    findings |= {"refresh": 3600, "expire": 86400, "ttl": 300}
    return Seen(subject=subject, dims=dims, findings=findings, duration_ns=took)


def _resolve(run: Run) -> Iterator[Seen]:
    spec = run.check.spec
    assert isinstance(spec, ResolveSpec)
    for resolver in run.world.plan.resolver:
        if spec.resolvers and resolver.name not in spec.resolvers:
            continue
        ip = resolver.address.host
        dims = {"resolver": resolver.name, "address": ip, "family": "6" if ":" in ip else "4", "transport": "udp"}
        if run.world.mode("resolver", resolver.name, run.at) == "dark" or run.world.lost():
            yield Seen(
                subject=resolver.name,
                dims=dims,
                reason="dns_resolver_down",
                findings={"class": "timeout", "control": {"class": "timeout"}},
                duration_ns=run.late_ns,
            )
            continue
        answer = run.world.ask(run.probe.id, resolver.name, run.target, run.at)
        if answer is None:
            yield Seen(
                subject=resolver.name,
                dims=dims,
                reason="dns_name_down",
                findings={"class": "servfail", "control": {"class": "ok"}},
                duration_ns=run.late_ns,
            )
        elif answer.missing:
            yield Seen(
                subject=resolver.name,
                dims=dims,
                reason="dns_nxdomain",
                findings={"class": "nxdomain"},
                duration_ns=run.rtt_ns(ip),
            )
        else:
            answers = [{"owner": r.owner, "type": r.type, "ttl": r.ttl, "text": r.text} for r in answer.records]
            findings: dict[str, Any] = {
                "class": "stale" if answer.stale else "fresh",
                "answers": answers,
                "rcode": "NOERROR",
            }
            findings["min_ttl"] = min((r.ttl for r in answer.records), default=0)
            yield Seen(
                subject=resolver.name,
                dims=dims,
                reason="dns_stale" if answer.stale else None,
                findings=findings,
                duration_ns=run.rtt_ns(ip),
            )


def _chain(run: Run) -> Iterator[Seen]:
    """Where a name leads, asked at the servers of each zone on the way."""
    assert isinstance(run.check.spec, ChainSpec)
    hops: list[dict[str, Any]] = []
    name, world = run.target, run.world
    while True:
        zone, entry = world.zone_of(name), world.names.get(name)
        operator = world.delegated(zone, run.at) if zone else ""
        hop: dict[str, Any] = {"owner": name, "zone": zone, "operator": operator}
        hops.append(hop)
        if entry is None:
            dims = {"hop": name, "zone": zone, "operator": operator}
            yield Seen(
                subject=run.target,
                dims=dims,
                reason="dns_hop_nxdomain",
                findings={"hops": hops},
                duration_ns=run.rtt_ns(name),
            )
            return
        if zone and world.is_dark(operator, run.at):
            dims = {"hop": name, "zone": zone, "operator": operator}
            yield Seen(
                subject=run.target,
                dims=dims,
                reason="dns_hop_dark",
                findings={"hops": hops},
                duration_ns=run.late_ns,
            )
            return
        hop |= {"type": "CNAME" if entry.alias else "A", "ttl": int(entry.ttl)}
        if not entry.alias or len(hops) > 8:
            break
        hop["target"] = name = entry.alias
    end = world.addresses(entry)
    yield Seen(
        subject=run.target,
        findings={"hops": hops, "signature": f"{hash_of(hops):08x}", "end": end},
        duration_ns=run.rtt_ns(name),
    )


def hash_of(hops: list[dict[str, Any]]) -> int:
    """The same for the same names in a row."""
    return int(unit(*(str(hop["owner"]) for hop in hops)) * 2**32)


def _parity(run: Run) -> Iterator[Seen]:
    spec, world = run.check.spec, run.world
    assert isinstance(spec, ParitySpec)
    sides = {
        which: {"operator": name, "state": "dark" if world.is_dark(name, run.at) else "serves"}
        for which, name in (("primary", spec.primary), ("fallback", spec.fallback))
    }
    subject = f"{spec.primary} -> {spec.fallback}"
    dims = {"zone": str(spec.zone), "operator": spec.fallback}
    dark = [side["operator"] for side in sides.values() if side["state"] == "dark"]
    if dark:
        because = f"cannot be compared: {dark[0]} does not answer"
        yield Seen(
            subject=subject,
            dims=dims,
            reason="parity_unknown",
            findings={**sides, "because": because},
            duration_ns=run.late_ns,
        )
        return
    labels = [*spec.purposes.get("mail", ()), *(f"{selector}._domainkey" for selector in spec.selectors)]
    if world.has_mail(spec.fallback, run.at) or not labels:
        yield Seen(
            subject=subject,
            dims=dims,
            findings={**sides, "rows": [], "compared": 24, "inventory": 24},
            duration_ns=6 * run.rtt_ns("parity"),
        )
        return
    rows = [
        {
            "name": str(label),
            "type": "TXT",
            "class": "missing",
            "severity": "critical",
            "purpose": "mail",
            "primary": ["(a mail record)"],
            "fallback": ["nxdomain"],
        }
        for label in labels
    ]
    more = f" (and {len(rows) - 2} more)" if len(rows) > 2 else ""
    named = ", ".join(f"{row['name']} TXT" for row in rows[:2])
    findings = {**sides, "rows": rows, "because": f"lacks the mail records {named}{more}", "compared": 24}
    yield Seen(
        subject=subject,
        dims=dims,
        reason="parity_missing",
        findings={**findings, "inventory": 24},
        duration_ns=6 * run.rtt_ns("parity"),
    )


def _mail(run: Run) -> Iterator[Seen]:
    """Mail records, as each resolver and each operator has them."""
    spec, world = run.check.spec, run.world
    assert isinstance(spec, MailSpec)
    domain = str(spec.domain)
    selector = str(spec.selectors[0]) if spec.selectors else "default"
    owner = f"{selector}._domainkey.{domain}"
    entry = world.names.get(owner)
    for resolver in world.plan.resolver:
        held = world.holder(run.probe.id, resolver.name, owner, entry.ttl if entry else 300.0, run.at)
        yield _mail_seen(run, resolver.name, {"resolver": resolver.name}, held[1] if held else None, owner)
    zone = world.zone_of(domain)
    fallbacks = [each.name for each in world.plan.operator if each.role == "fallback" and each.name in world.operators]
    named = list(spec.operators) or [world.delegated(zone, run.at) if zone else "", *fallbacks]
    for operator in sorted({name for name in named if name in world.operators}):
        whose = None if world.is_dark(operator, run.at) else operator
        yield _mail_seen(run, f"operator {operator}", {"operator": operator, "zone": domain}, whose, owner)


def _mail_seen(run: Run, subject: str, dims: dict[str, str], whose: str | None, owner: str) -> Seen:
    """`whose` copy answers; None for nobody's."""
    if whose is None:
        findings: dict[str, Any] = {"because": f"DKIM: {owner} cannot be had"}
        return Seen(subject=subject, dims=dims, reason="mail_dkim_tempfail", findings=findings, duration_ns=run.late_ns)
    if not run.world.has_mail(whose, run.at):
        findings = {"because": f"DKIM missing ({owner} does not exist)"}
        return Seen(
            subject=subject,
            dims=dims,
            reason="mail_dkim_missing",
            findings=findings,
            duration_ns=4 * run.rtt_ns(subject),
        )
    return Seen(subject=subject, dims=dims, findings={"queries": 4}, duration_ns=4 * run.rtt_ns(subject))


# ---- what names lead to
def _lookup(run: Run, host: str) -> list[str] | None:
    """The addresses that a probe's own resolver gives; None where it cannot."""
    answer = run.world.ask(run.probe.id, SYSTEM, host, run.at)
    if answer is None or answer.missing:
        return None
    return [ip for ip in answer.addresses if (6 if ":" in ip else 4) in run.probe.families]


def _dialled(run: Run) -> Iterator[Seen]:
    """A kind with an endpoint: each address that its name has."""
    read = SPECS[run.check.kind].endpoint
    assert read is not None
    endpoint: Endpoint = read(run.target)
    ips = [endpoint.address.ip] if endpoint.address is not None else _lookup(run, endpoint.host)
    if ips is None:
        yield Seen(
            subject=str(endpoint),
            reason="dns_servfail",
            fault="resolver",
            findings={"lookup": [{"outcome": "SERVFAIL", "type": "A"}]},
            duration_ns=run.late_ns,
        )
        return
    for ip in ips:
        region = run.world.serving(ip, run.at)
        subject = f"[{ip}]:{endpoint.port}" if ":" in ip else f"{ip}:{endpoint.port}"
        dims = {"address": ip, "family": "6" if ":" in ip else "4"}
        if run.world.lost() or region is None:
            yield Seen(subject=subject, dims=dims, reason="connect_timeout", duration_ns=run.timeout_ns)
            continue
        mode = run.world.request_mode(region, run.at)
        took = to_ns(region.latency * run.world.rng.uniform(0.8, 1.6)) + 3 * run.rtt_ns(ip)
        if run.check.kind == "tls" and mode not in ("dark", "refused"):
            mode = None  # who answers 429 has shaken hands
        reason, status, took = _answered(run, mode, took)
        if status and run.check.kind == "http":
            dims["region"] = region.name
        findings = {"status": status, "addresses": ips} if status and run.check.kind == "http" else {"addresses": ips}
        yield Seen(
            subject=subject,
            dims=dims,
            reason=reason,
            findings=findings,
            duration_ns=took,
            phases=_phases(run, ip, took),
        )


def _answered(run: Run, mode: Mode | None, took: int) -> tuple[str | None, int, int]:
    """The reason, the status (0: none came) and how long it took."""
    match mode:
        case "dark":
            return "connect_timeout", 0, run.timeout_ns
        case "refused":
            return "connect_refused", 0, run.rtt_ns(run.target)
        case "errors":
            return "http_server_error", 503, took
        case "throttled":
            return "http_throttled", 429, run.rtt_ns(run.target) * 3
        case "slow":
            took = int(run.timeout_ns * run.world.rng.uniform(0.4, 1.6))
            return ("first_byte_timeout", 0, run.timeout_ns) if took > run.timeout_ns else ("http_slow", 200, took)
        case _:
            return None, 200, min(took, run.timeout_ns)


def _phases(run: Run, ip: str, took: int) -> tuple[Phase, ...]:
    """As a request has them: connect, handshake, then the wait for the first octet."""
    rtt = min(rtt_ns(run.probe, ip), took // 4)
    return (
        Phase("connect", 0, rtt),
        Phase("tls", rtt, rtt),
        Phase("first_byte", 2 * rtt, max(took - 2 * rtt, 0)),
    )


def _flow(run: Run) -> Iterator[Seen]:
    """A sign-in, or a client's token: its steps, until one fails."""
    spec, kind = run.check.spec, run.check.kind
    assert isinstance(spec, SigninSpec | OidcSpec)
    every = spec.every.full if isinstance(spec, SigninSpec) else spec.every
    if isinstance(spec, SigninSpec):
        full = cadence_at(run.probe.id, run.check.name, run.at, run.check.period, spec.every) == "full"
    else:
        full = run.turn % max(round(every / run.check.period), 1) == 0
    steps = WHOLE[kind] if full else LIGHT
    host = Url(run.target).endpoint.host
    ips = _lookup(run, host)
    region = run.world.serving(ips[0], run.at) if ips else None
    begun = 0
    for place, step in enumerate(steps, 1):
        dims = {"step": step, "issuer": run.target, "cadence": "full" if full else "light"}
        if isinstance(spec, SigninSpec):
            dims["flow"] = spec.use or "steps"
        findings: dict[str, Any] = {"place": [place, len(steps)]}
        if step not in LIGHT:
            findings["every_s"] = max(float(every), float(run.check.period))
        reason: str | None
        fault: str | None = None
        if ips is None:
            reason, took, fault = "dns_servfail", run.late_ns, "resolver"
        elif region is None or run.world.lost():
            reason, took = "connect_timeout", run.timeout_ns
        else:
            mode = run.world.request_mode(region, run.at + begun)
            usual = to_ns(region.latency * run.world.rng.uniform(0.8, 1.6)) + 2 * run.rtt_ns(ips[0])
            found, status, took = _answered(run, mode, usual)
            reason = _of_step(step, found)
            if status:
                findings["status"] = status
        yield Seen(
            subject=step,
            dims=dims,
            reason=reason,
            fault=fault,
            findings=findings,
            duration_ns=took,
            after_ns=begun,
        )
        begun += took
        if reason is not None and reason != "http_slow":
            return


def _of_step(step: str, reason: str | None) -> str | None:
    """What a step says where a request would say this."""
    if reason == "http_server_error" and step in LIGHT:
        return f"{step}_http"
    return None if reason == "http_slow" else reason  # a step has no opinion on how long it took


KINDS: dict[str, Callable[[Run], Iterator[Seen]]] = {
    "dns.zone": _zone,
    "dns.resolve": _resolve,
    "dns.chain": _chain,
    "dns.parity": _parity,
    "dns.mail": _mail,
    "tls": _dialled,
    "http": _dialled,
    "oidc": _flow,
    "signin": _flow,
}
"""The kinds that a script can play."""
