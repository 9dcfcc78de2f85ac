"""The check kinds as a plan sees them. The literal SPECS is the list of kinds: the probe's KINDS, the docs and the
tests iterate over the same names."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from parallax.loading.convert import Fault
from parallax.plan.assertions import http_faults
from parallax.plan.dns_rules import chain_faults, dns_faults, dnssec_faults, mail_faults, resolve_faults, zone_faults
from parallax.plan.dns_specs import ChainSpec, DnssecSpec, MailSpec, ParitySpec, ResolveSpec, ZoneSpec
from parallax.plan.inventory import inventory
from parallax.plan.oidc_rules import oidc_faults
from parallax.plan.parity_rules import parity_faults
from parallax.plan.signin_rules import signin_faults
from parallax.plan.signin_specs import OidcSpec, SigninSpec
from parallax.plan.specs import DnsSpec, HttpSpec, Spec, TlsSpec
from parallax.plan.step_rules import origin_of
from parallax.values import Duration, Endpoint, Url

NAME_SERVERS = 4
"""Addresses that the servers of a zone have, for lack of better knowledge."""
OPERATORS = RESOLVERS = 2
"""Those that serve a zone, and those that a plan names, likewise."""


class KindSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A kind as a plan sees it: its keys, what they must keep, how it reads a target, and what a run costs others."""

    spec: type[Spec]
    summary: str
    cost: Callable[[Any], int]
    """Given the spec: the queries, handshakes or requests of one run at one address; of one run in all, where a run
    finds out where it goes."""
    at_resolver: Callable[[Any], int] = lambda spec: 0
    """Given the spec: the queries of one run at each of the plan's resolvers that the check asks."""
    endpoint: Callable[[str], Endpoint] | None = None
    """Target text to where it goes. Raises ValueError with a sentence. None: a run finds out where it goes."""
    targets: Callable[[Any], list[str]] | None = None
    """The targets, where the kind's own keys say them; None: the plan writes `targets`."""
    pace: tuple[Duration, Duration] | None = None
    """Period and timeout of a check that says none, where a run is many queries; None: those of [defaults]."""
    secrets: frozenset[str] = frozenset()
    """The keys under which texts may name secrets (secret:NAME)."""
    faults: Callable[[Any, Duration], Iterator[Fault]] = lambda spec, timeout: iter(())
    """Given the spec, which may be a draft, and the check's timeout, which may be BAD: what the keys do not keep among
    each other."""


_SLOW = Duration(300), Duration(30)


def _zone_cost(spec: ZoneSpec) -> int:
    """The parent's servers; at each address the SOA, and by turns the data, TCP and the NS set (docs/checks/dns.zone).
    At a period of 30 s: what is not asked at every run counts as its share."""
    addresses = NAME_SERVERS + len(spec.servers)
    return 4 + math.ceil(addresses * (1.1 + 0.5 * (spec.data is not None) + min(1.0, 30 / spec.tcp_period)))


def _mail_at_resolver(spec: MailSpec) -> int:
    return 8 + len(spec.selectors) + 3 * bool(spec.return_path)


def _mail_cost(spec: MailSpec) -> int:
    """At a resolver what a receiver looks up, at an operator what is in its zone; and the walk."""
    at_operator = 4 + len(spec.selectors) + 2 * bool(spec.return_path)
    return RESOLVERS * _mail_at_resolver(spec) + OPERATORS * at_operator + 2


def _signin_targets(spec: SigninSpec) -> list[str]:
    """The issuer, Clerk's frontend API, or its backend where that alone is asked; of steps without an issuer, the
    first host that they say."""
    if not spec.use and not spec.issuer and spec.step:
        return [found] if (found := origin_of(spec)) else []
    found = spec.issuer or spec.frontend_api or (spec.backend_api if spec.use == "clerk.session_token" else None)
    return [found] if found else []


SPECS: dict[str, KindSpec] = {
    "dns": KindSpec(
        spec=DnsSpec,
        endpoint=lambda text: Endpoint.parse(text, 53),
        summary="one query to one server or resolver",
        faults=lambda spec, timeout: dns_faults(spec),
        cost=lambda spec: 1,
    ),
    "dns.zone": KindSpec(
        spec=ZoneSpec,
        targets=lambda spec: [spec.zone],
        summary="every name server of a zone, and its delegation",
        faults=lambda spec, timeout: zone_faults(spec),
        cost=_zone_cost,
        at_resolver=lambda spec: 1 + (spec.marker is not None),  # the NS set, and whose data it answers from
    ),
    "dns.resolve": KindSpec(
        spec=ResolveSpec,
        targets=lambda spec: list(spec.names),
        summary="names at resolvers, beside a control name",
        faults=lambda spec, timeout: resolve_faults(spec),
        cost=lambda spec: 2 * (len(spec.resolvers) or RESOLVERS + 1),
        at_resolver=lambda spec: 2,  # the name and the control name
    ),
    "dns.chain": KindSpec(
        spec=ChainSpec,
        targets=lambda spec: list(spec.names),
        summary="a chain of CNAMEs, hop by hop",
        faults=lambda spec, timeout: chain_faults(spec),
        cost=lambda spec: 2 * NAME_SERVERS,  # an alias and its target, at all servers of their zones
    ),
    "dns.parity": KindSpec(
        spec=ParitySpec,
        targets=lambda spec: [spec.zone],
        summary="whether the fallback operator serves the same",
        pace=_SLOW,
        faults=lambda spec, timeout: parity_faults(spec),
        cost=lambda spec: 2 * len(inventory(spec)) + 10,  # both sides; the delegation, the SOA, wildcards
    ),
    "dns.mail": KindSpec(
        spec=MailSpec,
        targets=lambda spec: [spec.domain],
        summary="SPF, DKIM, DMARC and MX, as seen from everywhere",
        pace=_SLOW,
        faults=lambda spec, timeout: mail_faults(spec),
        cost=_mail_cost,
        at_resolver=_mail_at_resolver,
    ),
    "dns.dnssec": KindSpec(
        spec=DnssecSpec,
        targets=lambda spec: [spec.zone],
        summary="whether a zone's signatures hold",
        pace=_SLOW,
        faults=lambda spec, timeout: dnssec_faults(spec),
        cost=lambda spec: 5 + 3 * OPERATORS + RESOLVERS,  # the delegation and its keys, then each view
        at_resolver=lambda spec: 1,
    ),
    "tls": KindSpec(
        spec=TlsSpec,
        endpoint=lambda text: Endpoint.parse(text, 443),
        summary="one TLS handshake with one address",
        cost=lambda spec: 1,
    ),
    "http": KindSpec(
        spec=HttpSpec,
        endpoint=lambda text: Url.parse(text).endpoint,
        summary="one HTTP request to one address",
        secrets=frozenset({"headers", "body"}),
        faults=http_faults,
        cost=lambda spec: 1 + spec.redirects,
    ),
    "oidc": KindSpec(
        spec=OidcSpec,
        targets=lambda spec: [spec.issuer],
        summary="discovery, keys, and a token for a machine",
        secrets=frozenset({"client", "parameters"}),
        faults=oidc_faults,
        cost=lambda spec: 2 + (spec.client is not None),  # the document, the keys, the token
    ),
    "signin": KindSpec(
        spec=SigninSpec,
        targets=_signin_targets,
        summary="a whole sign-in, step by step",
        pace=(Duration(30), Duration(20)),
        secrets=frozenset({"client", "user", "secret_key", "step"}),
        faults=signin_faults,
        cost=lambda spec: 2,  # discovery and keys: what every run asks; the whole flow is rare beside them
    ),
}
