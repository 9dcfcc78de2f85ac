"""What the keys of dns.mail and dns.dnssec checks must keep among each other. Pure."""

from collections.abc import Iterator, Sequence

from parallax.loading.convert import Fault, good
from parallax.loading.problems import shown
from parallax.plan.dns_specs import DnssecSpec, MailSpec

LONGEST_NAME = 253


def mail_faults(spec: MailSpec) -> Iterator[Fault]:
    """Faults of a draft: what did not convert is passed over."""
    if good(spec.domain) and spec.domain == ".":
        yield Fault(("domain",), '"." is the root, which sends no mail')
    if good(spec.selectors):
        yield from _repeats("selectors", spec.selectors)
        for place, selector in enumerate(spec.selectors):
            if good(selector, spec.domain) and len(f"{selector}._domainkey.{spec.domain}") > LONGEST_NAME:
                with_domain = f"with ._domainkey and the domain is longer than DNS allows ({LONGEST_NAME})"
                yield Fault(("selectors", place), f"{shown(selector[:40])} {with_domain}")
    if good(spec.operators):
        yield from _repeats("operators", spec.operators)


def dnssec_faults(spec: DnssecSpec) -> Iterator[Fault]:
    """Faults of a draft: what did not convert is passed over."""
    if good(spec.zone) and spec.zone == ".":
        yield Fault(("zone",), '"." is the root, which has no parent to vouch for it')
    if good(spec.operators):
        yield from _repeats("operators", spec.operators)


def _repeats(key: str, values: Sequence[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, value in enumerate(values):
        if good(value) and value.lower() in seen:
            yield Fault((key, place), f"{shown(value)} is there already")
        elif good(value):
            seen.add(value.lower())
