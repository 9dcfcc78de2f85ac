"""What a probe would have seen of names and of what serves them."""

from collections.abc import Iterator
from typing import Any

from lab.replay.seen import Run, Seen
from lab.replay.world import unit
from parallax.plan.dns_specs import ChainSpec, MailSpec, ParitySpec, ResolveSpec, ZoneSpec

OVER_TCP = "/tcp"


def see_zone(run: Run) -> Iterator[Seen]:
    spec, world = run.check.spec, run.world
    assert isinstance(spec, ZoneSpec)
    zone = str(spec.zone)
    operator = world.operators[world.delegated(zone, run.at)]
    ns = sorted(operator.servers)
    ttl = int(world.zones[zone].ttl)
    yield Seen(
        subject="delegation",
        dims={"zone": zone, "parent": zone.partition(".")[2]},
        findings={"parent": zone.partition(".")[2], "ns": ns, "ttl": ttl, "ds": [], "operators": [operator.name]},
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


def see_resolve(run: Run) -> Iterator[Seen]:
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


def see_chain(run: Run) -> Iterator[Seen]:
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


def see_parity(run: Run) -> Iterator[Seen]:
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


def see_mail(run: Run) -> Iterator[Seen]:
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
