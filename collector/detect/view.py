"""The plan as detection looks at it: who measures what, how long a word is fresh, and what belongs together."""

from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from collector.detect.switching.groups import GroupView, by_check, groups_of
from parallax.clock import NS
from parallax.operators import planned_operator
from parallax.plan.alert_types import Maintenance
from parallax.plan.dns_specs import ZoneSpec
from parallax.plan.kinds import SPECS
from parallax.plan.load import load_plan_source
from parallax.plan.slots import network_of
from parallax.plan.source import PlanErrors, PlanSource
from parallax.plan.specs import DnsSpec, Spec
from parallax.plan.types import Check, Component, Operator, Plan, Probe, Resolver, Site

FRESH_PERIODS = 2.5
"""A word is fresh so long (and the timeout): one result may get lost, two may not."""
OVER_TCP = "/tcp"
"""How the subject of a name server's address ends that is asked over TCP, which is done less often."""
SILENT_PERIODS = 3
SILENT_AT_LEAST_NS, SILENT_AT_MOST_NS = 15 * NS, 90 * NS
"""A probe that runs nothing still reports on itself every 30 s, so 90 s are three of those."""


FLOWS = ("oidc", "signin")
"""The kinds whose runs are steps, one after another: a subject of theirs is a step; where one fails, the run ends."""

HANDSHAKES = ("tls", "http")
"""The kinds that see certificates."""
PACED = ("http", "tls", "dns")
"""Where a run is an exchange. What walks, signs in or waits for mail takes as long as it takes."""
WELL_KNOWN = "/.well-known/"
"""Where in a URL a host keeps what everybody may read (RFC 8615): discovery, keys."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a check goes. `endpoint` is host:port, empty where the target is a name or a URL that a run starts from;
    `ip` is empty where the host is a name."""

    host: str
    endpoint: str
    ip: str
    shows: str = ""
    """Whose certificate is shown there: the name that it must be for, and the port."""


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """A check; spans in ns. `role` and `query` are those of a dns check, else empty."""

    name: str
    kind: str
    period_ns: int
    timeout_ns: int
    fresh_ns: int
    role: str
    query: str
    targets: dict[str, Target]
    probes: frozenset[str]
    """Empty: all."""
    spec: Spec | None = None
    """What the plan says beside."""
    tcp_period_ns: int = 0
    """How often a name server is asked over TCP, where that is rarer than the check's period."""
    external: bool = True
    """Whether its targets are run by others."""
    member: str = ""
    """Of a check that is run against one member of a failover group directly: the member, as group/member."""

    of_dns: bool
    """Whether it measures names and what serves them; else it dials what names lead to."""
    of_steps: bool
    """Whether its subjects are the steps of a flow."""
    paced: bool = False
    """Whether passes are held against a baseline of how long they take."""

    def every_ns(self, subject: str) -> int:
        """How often a probe has a word on a subject."""
        return max(self.tcp_period_ns, self.period_ns) if subject.endswith(OVER_TCP) else self.period_ns

    def fresh_for_ns(self, subject: str) -> int:
        """How long a word on a subject is fresh."""
        if not subject.endswith(OVER_TCP):
            return self.fresh_ns
        return int(FRESH_PERIODS * self.every_ns(subject)) + self.timeout_ns


class ProbeView(msgspec.Struct, frozen=True, kw_only=True):
    """A probe; `network` tells whose trouble it shares."""

    probe: Probe
    network: str
    access: bool


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, indexed."""

    checks: dict[str, CheckView]
    probes: dict[str, ProbeView]
    """Empty: whoever has a token."""
    components: tuple[Component, ...]
    maintenance: tuple[Maintenance, ...]
    operators: tuple[Operator, ...]
    standing: dict[str, tuple[int, ...]] = {}
    """By check: the components that it is one of, by their places in `components`."""
    resolvers: dict[str, Resolver] = {}
    sites: tuple[Site, ...] = ()
    plan: Plan = Plan()
    """The plan itself."""
    published: dict[str, tuple[tuple[str, str], ...]] = {}
    """By host: (check, target) of those that read what a provider of sign-in publishes there for everybody."""
    tenants: dict[str, tuple[tuple[str, str], ...]] = {}
    """By flow: (check, target) of the flows of its kind that stand for the same component."""
    busy_ns: int = 0
    """The shortest period of a check that all probes run, ns; 0 where there is none."""
    busy: dict[str, int] = {}
    """The same of checks that are for some probes, by probe."""
    groups: dict[str, GroupView] = {}
    """Failover groups by name."""
    switched: dict[str, tuple[GroupView, ...]] = {}
    """By check: the groups of which it tells who serves."""

    def probe(self, name: str) -> ProbeView | None:
        """None for a probe that the plan does not have."""
        return self.probes.get(name) or (_stranger(name) if not self.probes else None)

    def operator_of(self, host: str, ip: str) -> Operator | None:
        """Whose name server it is."""
        return planned_operator(host, ip, self.operators)

    def stands_by(self, operator: str) -> bool:
        """Whether the plan has it as one that is to take over."""
        return any(each.name == operator and each.role == "fallback" for each in self.operators)

    def measures(self, probe: str) -> bool:
        """Whether the plan gives this probe a check."""
        return self.busy_ns > 0 or probe in self.busy

    def silent_after_ns(self, probe: str) -> int:
        """How long a probe may say nothing."""
        periods = [period for period in (self.busy_ns, self.busy.get(probe, 0)) if period]
        span = SILENT_PERIODS * min(periods, default=SILENT_AT_MOST_NS)
        return min(max(span, SILENT_AT_LEAST_NS), SILENT_AT_MOST_NS)


def for_check(view: View, check: str) -> tuple[str, ...]:
    """The components that a check stands for, or is a risk for."""
    return tuple(c.name for c in view.components if check in (*c.risks, *c.checks))


def server_name(view: View, check: str, target: str) -> str:
    """The name that a certificate must be for."""
    return _server_name(view.checks[check].spec, view.checks[check].targets[target].host)


NOTHING = View(checks={}, probes={}, components=(), maintenance=(), operators=())


@lru_cache(maxsize=4096)
def ip_of(subject: str) -> str:
    """The address of a subject that is one, without port and transport; else empty."""
    host, _, port = subject.removesuffix(OVER_TCP).rpartition(":")
    return host.strip("[]") if port.isdigit() else ""


@lru_cache(maxsize=4)
def view_of(texts: tuple[tuple[str, str], ...]) -> View | None:
    """The view of a plan from its texts; None where this version refuses it."""
    if not texts:
        return NOTHING
    try:
        return _view(load_plan_source(PlanSource(dict(texts))))
    except PlanErrors:
        return None


def _view(plan: Plan) -> View:
    checks = {check.name: _check(check) for check in plan.check}
    groups = groups_of(plan)
    return View(
        groups=groups,
        switched=by_check(groups),
        checks=checks,
        probes={
            probe.id: ProbeView(probe=probe, network=network_of(probe), access=probe.network == "access")
            for probe in plan.probe
        },
        components=tuple(plan.component),
        standing=_standing(plan),
        maintenance=tuple(plan.maintenance),
        operators=tuple(plan.operator),
        resolvers={resolver.name: resolver for resolver in plan.resolver},
        sites=tuple(plan.site),
        plan=plan,
        published=_published(checks),
        tenants={name: _tenants(plan, checks, name) for name, check in checks.items() if check.of_steps},
        busy_ns=min((check.period_ns for check in checks.values() if not check.probes), default=0),
        busy=_busy(checks),
    )


def _standing(plan: Plan) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for number, component in enumerate(plan.component):
        for check in component.checks:
            found.setdefault(check, []).append(number)
    return {check: tuple(dict.fromkeys(numbers)) for check, numbers in found.items()}


def _busy(checks: dict[str, CheckView]) -> dict[str, int]:
    found: dict[str, int] = {}
    for check in checks.values():
        for probe in check.probes:
            found[probe] = min(check.period_ns, found.get(probe, check.period_ns))
    return found


def _published(checks: dict[str, CheckView]) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for check in checks.values():
        for text, target in check.targets.items():
            if not check.member and (check.of_steps or (check.kind == "http" and WELL_KNOWN in text)):
                found.setdefault(target.host, []).append((check.name, text))
    return {host: tuple(places) for host, places in found.items()}


def _tenants(plan: Plan, checks: dict[str, CheckView], name: str) -> tuple[tuple[str, str], ...]:
    beside = {each for component in plan.component if name in component.checks for each in component.checks}
    return tuple(
        (other.name, target)
        for other in checks.values()
        if other.name in beside and other.kind == checks[name].kind
        for target in other.targets
    )


def _check(check: Check) -> CheckView:
    period_ns, timeout_ns = int(check.period * NS), int(check.timeout * NS)
    dns = check.spec if isinstance(check.spec, DnsSpec) else None
    return CheckView(
        name=check.name,
        kind=check.kind,
        of_dns=check.kind.startswith("dns"),
        of_steps=check.kind in FLOWS,
        period_ns=period_ns,
        timeout_ns=timeout_ns,
        fresh_ns=int(FRESH_PERIODS * period_ns) + timeout_ns,
        role=dns.role if dns else "",
        query=dns.query if dns else "",
        targets={str(target): _target(check.kind, check.spec, target) for target in check.targets},
        probes=frozenset(check.probes),
        spec=check.spec,
        tcp_period_ns=int(check.spec.tcp_period * NS) if isinstance(check.spec, ZoneSpec) else 0,
        external=check.external,
        member=check.member,
        paced=check.kind in PACED
        and not any(each.duration is not None for each in getattr(check.spec, "assertions", ())),
    )


def _server_name(spec: Spec | None, host: str) -> str:
    return str(getattr(spec, "server_name", None) or host)


def _target(kind: str, spec: Spec | None, text: str) -> Target:
    read = SPECS[kind].endpoint
    if read is None:
        return Target(host=_host_of(str(text)), endpoint="", ip="")
    endpoint = read(text)
    address = endpoint.address
    shows = f"{_server_name(spec, endpoint.host)}:{endpoint.port}"
    return Target(host=endpoint.host, endpoint=str(endpoint), ip=address.ip if address else "", shows=shows)


def _host_of(text: str) -> str:
    """The host of a URL; any other text as it is."""
    try:
        return (urlsplit(text).hostname or text) if "://" in text else text
    except ValueError:
        return text


@lru_cache(maxsize=1000)
def _stranger(name: str) -> ProbeView:
    probe = Probe(id=name)
    return ProbeView(probe=probe, network=network_of(probe), access=False)
