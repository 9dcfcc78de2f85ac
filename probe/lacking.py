"""What this probe's host lacks, looked at in time: routes often, as asking costs nothing; the rest at the start, with a
new plan, and once an hour, and only where a check of the plan needs it.

That somebody answers in others' name is proven by an answer. That a port is closed is only concluded from silence, so
it is believed of a port that was never open in this process: one that was is the resolvers' outage, not a lack.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

import trio

from parallax.clock import wall_ns
from parallax.config import ProbeConfig
from parallax.log import get_log
from parallax.values import Address, Family
from probe.capabilities import direct_lacks, dot_lacks, family_lacks, need_of, needs_of
from probe.doctor.facts import Dialled, Exchanged
from probe.doctor.gather import ask_nobody as ask_at_nowhere
from probe.doctor.gather import dialled, dot_addresses, local_addresses
from probe.force import Force
from probe.own_certificate import OwnCertificate, certificate_lacks, read_own
from probe.plans import PlanInForce
from probe.runner import Runner
from probe.uplink import dialler

ROUTES_S = 30.0
REST_S = 3600.0
MOST_DOT = 4
_log = get_log(__name__)

AskNobody = Callable[[Iterable[Family]], Awaitable[tuple[Exchanged, ...]]]
"""Asks an address at which nobody is, in each of the families."""
DialApart = Callable[[Address], Awaitable[Dialled]]


class Lacking:
    """`words` is what is lacking, and why; `tell` gets it whenever it is another. `serve` keeps it up to date."""

    def __init__(
        self,
        config: ProbeConfig,
        tell: Callable[[Mapping[str, str]], None],
        *,
        ask_nobody: AskNobody | None = None,
        dial: DialApart,
        local: Callable[[], Mapping[Family, str]] = local_addresses,
        own: Sequence[OwnCertificate] = (),
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        self._config, self._tell = config, tell
        self._ask_nobody, self._dial, self._local = ask_nobody, dial, local
        self._own, self._wall = own, wall
        self._plan: PlanInForce | None = None
        self._changed = trio.Event()
        self._rest: dict[str, str] = {}
        self._open = False
        """Port 853 was seen open."""
        self.words: Mapping[str, str] = {}

    def use(self, plan: PlanInForce) -> None:
        """Another plan is in force."""
        self._plan = plan
        self._look_at_routes()
        self._changed.set()

    async def serve(self) -> None:
        """Looks until cancelled."""
        while True:
            self._changed = trio.Event()
            await self._look_at_rest()
            with trio.move_on_after(REST_S):
                while not self._changed.is_set():
                    with trio.move_on_after(ROUTES_S):
                        await self._changed.wait()
                    self._look_at_routes()

    def _look_at_routes(self) -> None:
        plan, config = self._plan, self._config
        if plan is None:
            return
        redirected: set[Family] = {each.source.address.family for each in (*plan.part.connect_to, *config.connect_to)}
        redirected |= {6 if each.network.version == 6 else 4 for each in config.allow}
        self._put(family_lacks(self._local(), redirected, plan.part.probe.families))

    async def _look_at_rest(self) -> None:
        plan = self._plan
        if plan is None:
            return
        needed = _needed(plan)
        found: dict[str, str] = {}
        if "direct_dns" in needed and self._ask_nobody is not None:
            found |= direct_lacks(await self._ask_nobody([family for family, ip in self._local().items() if ip]))
        if "dot" in needed and not self._open:
            tried: list[Dialled] = []

            async def one(address: Address) -> None:
                tried.append(await self._dial(address))

            async with trio.open_nursery() as nursery:
                for address in dot_addresses(plan.part.resolver)[:MOST_DOT]:
                    nursery.start_soon(one, address)
            self._open = any(each.answered for each in tried)
            found |= dot_lacks(tried)
        self._rest = found
        self._look_at_routes()

    def _put(self, families: Mapping[str, str]) -> None:
        words = {**families, **self._rest, **certificate_lacks(self._own, self._wall())}
        if words == self.words:
            return
        for word in words.keys() - self.words.keys():
            _log.warning("this probe lacks something, and runs no check that needs it", lacks=word, why=words[word])
        for word in self.words.keys() - words.keys():
            _log.info("this probe lacks it no more", word=word)
        self.words = words
        self._tell(words)


def watch_lacks(config: ProbeConfig, force: Force, runner: Runner, *, ask_nobody: bool) -> Lacking:
    """What is lacking, told to who heeds it, asked for by the routes in force."""

    def tell(words: Mapping[str, str]) -> None:
        force.lack(words.keys())
        runner.lacks = words

    async def nobody(families: Iterable[Family]) -> tuple[Exchanged, ...]:
        return await ask_at_nowhere(force.tools().dns, families)

    async def dial(address: Address) -> Dialled:
        return await dialled(address, dialler(lambda: force.routes))

    own = read_own(config.collector)
    return Lacking(config, tell, ask_nobody=nobody if ask_nobody else None, dial=dial, own=own)


def _needed(plan: PlanInForce) -> Collection[str]:
    """What any check of the plan needs, or one of the resolvers that it asks."""
    found: set[str] = set()
    for check in plan.checks:
        for target in check.targets:
            found |= needs_of(check, target, plan.part.resolver)
        if check.kind == "dns.resolve":
            found |= {need for each in plan.part.resolver if (need := need_of(each))}
    return found
