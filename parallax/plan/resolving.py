"""What the keys of `dns.resolve` and `dns.chain` must keep among each other, and what a plan's owner should know of its
resolvers. Pure."""

from collections.abc import Iterator, Sequence

from parallax.loading.convert import Fault, good
from parallax.loading.problems import quoted, shown
from parallax.plan.dns_specs import ChainSpec, ResolveSpec
from parallax.plan.types import Check, Resolver
from parallax.values import Address, is_ip

_FAMILIES = {"A": 4, "AAAA": 6}


def resolve_faults(spec: ResolveSpec | ChainSpec) -> Iterator[Fault]:
    """Names and resolvers that are there twice, and expected values that no answer can have."""
    yield from _repeats("names", spec.names)
    if isinstance(spec, ChainSpec):
        return
    yield from _repeats("resolvers", spec.resolvers)
    family = _FAMILIES.get(spec.type) if good(spec.type) else None
    for place, value in enumerate(spec.expect if good(spec.expect) and family else ()):
        if not good(value):
            continue
        if not is_ip(value) or Address.of(value, 53).family != family:
            complaint = f"{shown(value)} is no IPv{family} address, and {spec.type} records have no other values"
            yield Fault(("expect", place), complaint)


def resolver_notes(checks: list[Check], resolvers: list[Resolver]) -> Iterator[str]:
    """What a check of names cannot tell with the resolvers that it has."""
    for check in checks:
        if not isinstance(check.spec, ResolveSpec):
            continue
        asked = [each for each in resolvers if not check.spec.resolvers or each.name in check.spec.resolvers]
        if bare := [each.name for each in asked if each.control is None]:
            yield (
                f'check "{check.name}": without a control at {quoted(bare)}, a dead resolver cannot be told from a '
                "dead name"
            )
        elif len(asked) < 2:
            yield f'check "{check.name}": with one resolver, a dead network of the probe looks like a dead resolver'


def _repeats(key: str, values: Sequence[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, value in enumerate(values if good(values) else ()):
        if good(value) and value in seen:
            yield Fault((key, place), f"{shown(value)} is there already")
        elif good(value):
            seen.add(value)
