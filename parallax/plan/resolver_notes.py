"""What a plan's owner should know of resolvers that are right. Pure."""

from collections.abc import Iterator

from parallax.loading.problems import quoted
from parallax.plan.dns_specs import ResolveSpec
from parallax.plan.types import Check, Resolver


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
