"""What stands between the command line and the probe's own runner: the tools of a person who dials by hand."""

from typing import TYPE_CHECKING

import msgspec
import trio

from parallax.clock import wall_ns
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.kinds import SPECS
from parallax.plan.types import Check, Operator, Resolver
from parallax.values import Address, Family, Redirect

if TYPE_CHECKING:
    from probe.checks.kind import Tools


class DnsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan's [dns], [[operator]] and [[resolver]] would say."""

    roots: tuple[Address, ...] = ()
    operators: tuple[Operator, ...] = ()
    resolvers: tuple[Resolver, ...] = ()


async def gather(
    check: Check,
    families: tuple[Family, ...],
    connect_to: tuple[tuple[Redirect, Address], ...],
    resolvers: tuple[Address, ...],
    ca: str | None,
    dns: DnsOptions = DnsOptions(),  # noqa: B008  # frozen
) -> list[Observation]:
    """One run against each target, side by side; the observations in the targets' order.

    Anywhere may be dialled: the guard protects a host from a plan written elsewhere, not from its own user. A target
    that is an address is measured whatever the families are."""
    return await measure(check, by_hand(families, connect_to, resolvers, ca, dns))


def by_hand(
    families: tuple[Family, ...],
    connect_to: tuple[tuple[Redirect, Address], ...],
    resolvers: tuple[Address, ...],
    ca: str | None,
    dns: DnsOptions = DnsOptions(),  # noqa: B008  # frozen
) -> "Tools":
    """The tools of a person's own probe, with a memory of its own."""
    from probe.checks.kind import Tools
    from probe.dns.lookup import system_resolvers

    return Tools(
        routes=Routes.of(connect_to, EVERYWHERE),
        trust=Trust(ca),
        resolvers=resolvers or system_resolvers(),
        families=families,
        roots=dns.roots,
        operators=dns.operators,
        named_resolvers=dns.resolvers,
    )


async def measure(check: Check, tools: "Tools") -> list[Observation]:
    """One run against each target with these tools; several may share them, and what they remember."""
    from probe.runs import Vantage, run_target

    results: dict[str, list[Observation]] = {}

    async def one(target: str) -> None:
        read = SPECS[check.kind].endpoint
        address = read(target).address if read else None
        vantage = Vantage(probe="local", families=tools.families if address is None else (address.family,))
        results[target] = await run_target(check, target, vantage, tools, scheduled_at=wall_ns())

    async with trio.open_nursery() as nursery:
        for target in check.targets:
            nursery.start_soon(one, target)
    return [observation for target in check.targets for observation in results[target]]
