"""Runs of dns.resolve, as the tests ask for them: resolvers have documentation addresses, and are on loopback."""

from collections.abc import Sequence
from typing import Any

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.dns_specs import ResolveSpec
from parallax.plan.types import Resolver
from parallax.values import Address, DnsName, Endpoint, Family, Redirect
from probe.dns.memory import Memory
from probe.tools import Tools
from tests.probe.dns_runs import by_subject, observe

CONTROL = DnsName("ok.control.test")


class Resolving:
    """One probe: its resolvers by name, and what it remembers between runs."""

    def __init__(
        self,
        resolvers: dict[str, Address],
        *,
        control: DnsName | None = CONTROL,
        families: tuple[Family, ...] = (4, 6),
        ca: str | None = None,
        host: str = "",
        lookups: Sequence[Address] = (),
        **more: Any,
    ) -> None:
        """`resolvers`: where each really is; by the plan at 192.0.2.53, 54... or `host`. `more` is of [[resolver]]."""
        port = {"dot": 853, "doh": 443}.get(more.get("transport", "udp"), 53)
        known = {name: Address.of(f"192.0.2.{53 + place}", port) for place, name in enumerate(resolvers)}
        self.memory = Memory()
        self._tools = Tools(
            routes=Routes.of([(Redirect(known[name]), to) for name, to in resolvers.items()], EVERYWHERE),
            trust=Trust(ca),
            resolvers=tuple(lookups),
            families=families,
            memory=self.memory,
            named_resolvers=tuple(
                Resolver(name=name, address=Endpoint(f"{host}:{port}" if host else at), control=control, **more)
                for name, at in known.items()
            ),
        )

    async def run(
        self, name: str = "www.acme.test", *, timeout_s: float = 3.0, tools: Tools | None = None, **spec: Any
    ) -> dict[str, Observation]:
        """One run; the observations by subject."""
        whole = ResolveSpec(names=[DnsName(name)], **spec)
        families = self._tools.families
        found = await observe("dns.resolve", name, whole, tools or self._tools, timeout_s=timeout_s, families=families)
        return by_subject(found)

    async def one(self, name: str = "www.acme.test", **more: Any) -> Observation:
        """One run at the one resolver."""
        (observation,) = (await self.run(name, **more)).values()
        return observation
