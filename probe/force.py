"""What is in force at a probe: its config and the plan laid together. Where both speak, the config wins."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from parallax.config import ProbeConfig
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.plan.types import ConnectTo, Part, Probe
from parallax.values import Address
from probe.capabilities import OF_FAMILY
from probe.dns.lookup import system_resolvers
from probe.dns.memory import Memory
from probe.hidden import Hidden
from probe.kept import Kept
from probe.mailbox import Mailbox
from probe.plans import PlanInForce
from probe.runs import Vantage
from probe.signin.memory import Signins
from probe.tools import Tools
from probe.vault import Vault


class Force:
    """Changes with every plan; runs read it when they start. `plan` is the hash of the part, "" before the first."""

    def __init__(
        self, config: ProbeConfig, host_resolvers: Callable[[], tuple[Address, ...]] = system_resolvers
    ) -> None:
        self._config, self._host_resolvers = config, host_resolvers
        self.routes = self._routes([])
        self.plan = ""
        self.controls = list(config.control.addresses) if config.control else []
        self.vantage = Vantage(probe=config.id, families=(4, 6))
        self._memory = Memory()
        self._kept = Kept()
        self._vault, self._hidden = Vault(config.secrets), Hidden()
        self.signins = Signins(Path(config.state) / "halts.json")
        self.mailbox: Mailbox | None = None
        """Who is asked after mails; set once there are collectors to ask."""
        self._lacks: frozenset[str] = frozenset()
        self._part = Part(probe=Probe(id=config.id), slot=(0, 1))

    def apply(self, plan: PlanInForce) -> None:
        """Puts a plan in force."""
        self.plan, self._part = plan.hash, plan.part
        if self._config.control is None:
            self.controls = list(plan.part.control.addresses)
        self._see()
        self.routes = self._routes(plan.part.connect_to)
        _, fleet = plan.part.slot
        self._kept.close()
        self._kept = Kept()
        self.signins.shares = {key: share.of for key, share in plan.part.shares.items()}
        self._memory.budget.limit(plan.part.dns.most_per_operator / max(1, fleet))

    def lack(self, words: Collection[str]) -> None:
        """What this host lacks from now on (probe.capabilities): names are looked up in the other family alone."""
        self._lacks = frozenset(words)
        self._see()

    def _see(self) -> None:
        families = self._part.probe.families
        left = tuple(family for family in families if OF_FAMILY[family] not in self._lacks)
        self.vantage = Vantage(probe=self._config.id, families=left or families)

    def close(self) -> None:
        """Closes the connections that are kept between runs."""
        self._kept.close()

    @property
    def not_asked(self) -> Mapping[str, int]:
        """DNS queries that were kept back to stay within the plan's budget, by operator."""
        return self._memory.budget.refused

    def tools(self) -> Tools:
        """For a run that begins now: the host's resolvers are read anew, as they change with its network."""
        resolvers = tuple(self._config.resolvers) or self._host_resolvers()
        return Tools(
            routes=self.routes,
            trust=Trust(self._config.ca),
            resolvers=resolvers,
            families=self.vantage.families,
            lacks=self._lacks,
            memory=self._memory,
            roots=tuple(self._part.dns.roots),
            operators=tuple(self._part.operator),
            named_resolvers=tuple(self._part.resolver),
            kept=self._kept,
            vault=self._vault,
            hidden=Hidden(self._hidden),
            signins=self.signins,
            mailbox=self.mailbox,
        )

    def _routes(self, redirects: Iterable[ConnectTo]) -> Routes:
        later_wins = [*redirects, *self._config.connect_to]
        return Routes.of([(redirect.source, redirect.to) for redirect in later_wins], self._config.allow)
