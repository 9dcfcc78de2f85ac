"""`python -m lab.probes`: the lab's probes, all in one process and one event loop, each with its own config, state
folder and wall clock. A process apart from world and collector, so that neither disturbs the timings.

Orders come as lab.control says. The first is `ProbesOrder`; after `ProbesReady` come `Order`s for the faults that are
carried out here. The end of stdin ends the probes in order.
"""

import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import msgspec
import trio

from lab.control import ProbeSeat, ProbesOrder, ProbesReady
from lab.faults import FAULTS
from lab.identity import HOST
from lab.in_force import InForce, reply_to
from lab.stdio import Orders, of_line, open_stdin, open_stdout, to_line
from lab.truth import Truth
from parallax import log
from parallax.clock import NS, HostClock, use_host_clock
from parallax.config import BoundSecret, CollectorAddress, ProbeConfig, ProbeLimits
from parallax.journal import JournalError
from parallax.plan.types import ConnectTo
from parallax.state import StartError
from parallax.values import Cidr, Size, Url
from probe.main import main as probe

IN_THE_PLAN = "LAB_SIGN_IN_PASSWORD"
"""What the plan calls the password that its users sign in with."""
CLOCK_WRONG = "clock-wrong"
WRONG_CLOCK = "nrt1"
"""The probe whose clock the fault is about; the first one where there is none of that name."""
AHEAD_NS = 90 * NS
SAVED_PLAN = "plan.json"
LIMITS = ProbeLimits(spool_size=Size(32_000_000), ballast=Size(1_000_000))
"""Eight of them share a disk."""


def in_force_by(clocks: Mapping[str, HostClock], truth: Truth) -> InForce:
    """The faults that are carried out in this process: the one of a clock."""
    clock = clocks.get(WRONG_CLOCK) or next(iter(clocks.values()))

    def carry_out(faults: Collection[str]) -> None:
        clock.ahead_ns = AHEAD_NS if CLOCK_WRONG in faults else 0

    return InForce([name for name, fault in FAULTS.items() if fault.where == "probes"], truth, carry_out)


def config_of(name: str, seat: ProbeSeat, order: ProbesOrder) -> ProbeConfig:
    """A probe's config: it reaches the world by its own relays, and its collector by one of them."""
    return ProbeConfig(
        id=name,
        state=str(Path(order.state) / name),
        collector=[
            CollectorAddress(url=Url(order.collector), token=f"file:{seat.token}", address=seat.wiring.collector)
        ],
        allow=[Cidr("127.0.0.0/8"), Cidr("::1/128")],
        resolvers=list(seat.wiring.resolvers),
        ca=order.ca,
        connect_to=[ConnectTo(source=source, to=to) for source, to in seat.wiring.connect_to],
        secrets={IN_THE_PLAN: BoundSecret(source=f"file:{order.sign_in_password}", hosts=[HOST])},
        limits=LIMITS,
    )


async def run(order: ProbesOrder, orders: Orders, answers: trio.abc.SendStream) -> None:
    """The probes, until `orders` end. Raises StartError and JournalError for what cannot start, in a group."""
    clocks = {name: HostClock() for name in order.probes}
    try:
        truth = Truth(Path(order.truth))
    except OSError as error:
        raise StartError(f"{order.truth} cannot be written: {error.strerror}; set another --state") from None
    with closing(truth):
        in_force = in_force_by(clocks, truth)
        try:
            await _run_all(order, orders, answers, clocks, in_force)
        finally:
            in_force.end()


async def _run_all(
    order: ProbesOrder,
    orders: Orders,
    answers: trio.abc.SendStream,
    clocks: Mapping[str, HostClock],
    in_force: InForce,
) -> None:

    async def host(name: str, task_status: trio.TaskStatus[None]) -> None:
        use_host_clock(clocks[name])
        # With a plan from before it would measure before its collector has vouched for its clock, and abstain at first
        # where the kernel's clock is not disciplined, as in most containers.
        (Path(order.state) / name / SAVED_PLAN).unlink(missing_ok=True)
        async with trio.open_nursery() as inner:
            await inner.start(probe, config_of(name, order.probes[name], order))
            task_status.started()

    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as starting:
            for name in order.probes:
                starting.start_soon(nursery.start, host, name)
        await answers.send_all(to_line(ProbesReady(probes=list(order.probes))))
        async for line in orders:
            await answers.send_all(to_line(reply_to(line, in_force.take)))
        nursery.cancel_scope.cancel()


async def main() -> list[str]:
    """What could not start, a line each."""
    orders, answers = open_stdin(), open_stdout()
    problems: list[str] = []
    async for line in orders:
        try:
            order = of_line(line, ProbesOrder)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return [f"the order is not understood: {error}"]
        try:
            await run(order, orders, answers)
        except* trio.BrokenResourceError:
            pass  # nobody reads the answers: the parent is gone
        except* (StartError, JournalError) as group:
            problems += [str(leaf) for leaf in _leaves(group)]
        break
    return problems


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


if __name__ == "__main__":
    log.set_up("warning", as_json="json" in sys.argv[1:])
    said = trio.run(main)
    sys.stderr.writelines(f"{line}\n" for line in said)
    sys.exit(2 if said else 0)
