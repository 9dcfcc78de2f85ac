"""What stands between the command line and the probe's own runner: the settings, checks and tools of a person who
measures by hand."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from parallax.observation import Observation
from parallax.plan.kinds import SPECS
from parallax.plan.specs import Spec
from parallax.plan.types import Check, Operator, Resolver
from parallax.values import Address, Duration, Family, Redirect

if TYPE_CHECKING:
    from probe.tools import Tools
    from probe.vault import Vault

BY_HAND = "by hand"
"""What a check is called that no plan has."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan and a probe's config would say beside the check."""

    timeout: Duration
    families: tuple[Family, ...]
    connect_to: tuple[tuple[Redirect, Address], ...] = ()
    resolver: tuple[Address, ...] = ()
    """Whom to ask for names; those of /etc/resolv.conf if empty."""
    as_json: bool = False
    ca: str | None = None
    """A file of CAs to trust as well."""
    roots: tuple[Address, ...] = ()
    operators: tuple[Operator, ...] = ()
    named_resolvers: tuple[Resolver, ...] = ()


def check_of(kind: str, targets: list[str], spec: Spec, settings: Settings) -> Check:
    """The check that a plan would have."""
    return Check(
        name=BY_HAND,
        kind=kind,
        targets=targets,
        period=Duration(settings.timeout * 2),
        timeout=settings.timeout,
        external=True,
        probes=[],
        spec=spec,
    )


def tools_of(settings: Settings, vault: "Vault | None" = None, on_step: Callable[[str], None] | None = None) -> "Tools":
    """The tools of a person's own probe, with a memory of its own.

    Anywhere may be dialled: the guard protects a host from a plan written elsewhere, not from its own user."""
    from parallax.dialling.route import EVERYWHERE, Routes
    from parallax.dialling.tls import Trust
    from probe.dns.lookup import system_resolvers
    from probe.tools import Tools
    from probe.vault import Vault

    return Tools(
        routes=Routes.of(settings.connect_to, EVERYWHERE),
        trust=Trust(settings.ca),
        resolvers=settings.resolver or system_resolvers(),
        families=settings.families,
        roots=settings.roots,
        operators=settings.operators,
        named_resolvers=settings.named_resolvers,
        vault=vault or Vault(),
        on_step=on_step,
    )


async def measure(check: Check, tools: "Tools", probe: str = "local") -> list[Observation]:
    """One run against each target with these tools; several may share them, and what they remember. `probe` is what
    the plan's texts mean by {probe}.

    The observations are in the targets' order. A target that is an address is measured whatever the families are."""
    import trio

    from parallax.clock import wall_ns
    from probe.runs import Vantage, run_target

    results: dict[str, list[Observation]] = {}

    async def one(target: str) -> None:
        read = SPECS[check.kind].endpoint
        address = read(target).address if read else None
        vantage = Vantage(probe=probe, families=tools.families if address is None else (address.family,))
        results[target] = await run_target(check, target, vantage, tools, scheduled_at=wall_ns())

    async with trio.open_nursery() as nursery:
        for target in check.targets:
            nursery.start_soon(one, target)
    return [observation for target in check.targets for observation in results[target]]
