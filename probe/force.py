"""What is in force at a probe: its config and the plan laid together. Where both speak, the config wins."""

from collections.abc import Iterable

from parallax.config import ProbeConfig
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.plan.types import ConnectTo
from probe.checks.kind import Tools
from probe.lookup import system_resolvers
from probe.plans import PlanInForce
from probe.runs import Vantage


class Force:
    """Changes with every plan; runs read it when they start. `plan` is the hash of the part, "" before the first."""

    def __init__(self, config: ProbeConfig) -> None:
        self._config = config
        self.plan = ""
        self.controls = list(config.control.addresses) if config.control else []
        self.vantage = Vantage(probe=config.id, families=(4, 6))
        self.tools = self._tools([])

    def apply(self, plan: PlanInForce) -> None:
        """Puts a plan in force."""
        self.plan = plan.hash
        if self._config.control is None:
            self.controls = list(plan.part.control.addresses)
        self.vantage = Vantage(probe=self._config.id, families=plan.part.probe.families)
        self.tools = self._tools(plan.part.connect_to)

    def _tools(self, redirects: Iterable[ConnectTo]) -> Tools:
        later_wins = [*redirects, *self._config.connect_to]
        return Tools(
            routes=Routes.of([(redirect.source, redirect.to) for redirect in later_wins], self._config.allow),
            trust=Trust(self._config.ca),
            resolvers=tuple(self._config.resolvers) or system_resolvers(),
        )
