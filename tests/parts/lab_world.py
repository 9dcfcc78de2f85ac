"""The lab's world in this process, and one probe's view of it: the project's own checks through the world's relays."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

import lab
from lab.control import Order, WorldOrder
from lab.identity import HOST
from lab.places import PROBES, ProbePlace
from lab.probes import IN_THE_PLAN
from lab.world import World
from parallax.config import BoundSecret
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.load import load_plan
from parallax.plan.signin_specs import SigninSpec
from parallax.plan.specs import HttpSpec
from parallax.plan.types import Check
from parallax.state import write_private
from parallax.values import Address, Cidr, Duration
from probe.dns.memory import Memory
from probe.runs import Vantage, get_ready, run_target
from probe.tools import Tools
from probe.vault import Vault

SIGN_IN_PASSWORD = "correct horse battery staple"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLAN = load_plan(Path(lab.__file__).with_name("plan.toml"))
PATIENCE_S = 1.45
"""Instead of the plan's 1.2 s: on a busy machine the way alone may take that long; a fault adds more."""
EVERYBODY = tuple(probe.id for probe in PROBES)


def _patient(check: Check) -> Check:
    if isinstance(check.spec, SigninSpec):
        return msgspec.structs.replace(check, period=check.spec.every.full)  # every run is a whole one
    return _slow_from(check, PATIENCE_S)


def _slow_from(check: Check, duration_s: float) -> Check:
    """The same check, which calls an answer slow from then on."""
    if not isinstance(check.spec, HttpSpec):
        return check
    assertions = [
        msgspec.structs.replace(each, duration=Duration(duration_s)) if each.duration else each
        for each in check.spec.assertions
    ]
    return msgspec.structs.replace(check, spec=msgspec.structs.replace(check.spec, assertions=assertions))


CHECKS = {check.name: _patient(check) for check in PLAN.check}
_PLACES = {probe.id: probe for probe in PROBES}


class Lab:
    """A world that runs."""

    def __init__(self, world: World, password: Path) -> None:
        self.world = world
        self._vault = Vault({IN_THE_PLAN: BoundSecret(source=f"file:{password}", hosts=[HOST])})
        self._memories = {probe: Memory() for probe in EVERYBODY}

    def tools(self, probe: str) -> Tools:
        wiring = self.world.ready.probes[probe]
        routes = Routes.of(wiring.connect_to, [Cidr("127.0.0.0/8")])
        return Tools(
            routes=routes,
            trust=Trust(self.world.ready.ca),
            resolvers=tuple(wiring.resolvers),
            families=_PLACES[probe].families,
            memory=self._memories[probe],
            roots=tuple(PLAN.dns.roots),
            operators=tuple(PLAN.operator),
            named_resolvers=tuple(PLAN.resolver),
            vault=self._vault,
        )

    async def run(
        self, check: str, probes: Sequence[str] = EVERYBODY, *, timeout_s: float | None = None, patience: float = 1.0
    ) -> list[Observation]:
        """One run of every target of a check of the lab's plan by each of the probes; with another timeout than the
        plan's, where one is given, or so many times its own, and so much slower before it counts as slow."""
        found: list[Observation] = []
        wanted = _slow_from(CHECKS[check], PATIENCE_S * patience)
        timeout_s = timeout_s or wanted.timeout * patience
        if timeout_s != wanted.timeout:
            wanted = msgspec.structs.replace(wanted, timeout=Duration(timeout_s), period=Duration(2 * timeout_s))

        async def one(probe: ProbePlace, target: str) -> None:
            vantage = Vantage(probe=probe.id, families=probe.families)
            found.extend(await run_target(wanted, target, vantage, self.tools(probe.id), scheduled_at=0))

        async with trio.open_nursery() as nursery:
            for probe in probes:
                for target in CHECKS[check].targets:
                    nursery.start_soon(one, _PLACES[probe], target)
        return found

    def break_(self, fault: str) -> None:
        assert self.world.do(Order(do="break", fault=fault, actor="test")).error == ""

    def mend(self, fault: str) -> None:
        assert self.world.do(Order(do="mend", fault=fault, actor="test")).error == ""


@asynccontextmanager
async def running_lab(state: Path, collector: str = "127.0.0.1:9", seed: int = 1) -> AsyncIterator[Lab]:
    """Runs the world until the block ends."""
    world = World(
        WorldOrder(
            state=str(state),
            collector=Address(collector),
            seed=seed,
            webhook_secret=SECRET,
            sign_in_password=SIGN_IN_PASSWORD,
        )
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(world.run)
        password = state / "password"
        write_private(password, SIGN_IN_PASSWORD.encode())
        lab_ = Lab(world, password)
        get_ready(PLAN.check, lab_.tools(EVERYBODY[0]))
        yield lab_
        nursery.cancel_scope.cancel()
