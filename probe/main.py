"""The probe program: its whole wiring."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import msgspec
import trio

import parallax
from parallax.clock import NS, wall_ns
from parallax.config import CollectorAddress, ProbeConfig
from parallax.dialling.tls import check_ca_file
from parallax.exposition import Point
from parallax.garbage import sparing_collections
from parallax.health_point import health_point
from parallax.journal import Journal, Limits, open_journal
from parallax.observation import Observation
from parallax.plan.types import Check
from parallax.secret import SecretError, read_secret
from parallax.state import StartError, lock_state_folder
from parallax.values import Address
from probe.asks import AskClient
from probe.client import CollectorClient, dial_address, open_client
from probe.egress import egress_addresses
from probe.extra_runs import told
from probe.force import Force
from probe.health import Health
from probe.lacking import Lacking, watch_lacks
from probe.mailbox import CollectorMailbox
from probe.metrics import serve_metrics
from probe.pager import SelfPager
from probe.plans import PlanClient, PlanInForce
from probe.report import CHECK, EVERY_S, Figures, read_rss, report
from probe.resolvers import asker
from probe.runner import Begun, Runner, Span
from probe.runs import get_ready, run_target
from probe.schedule import Grid, Pair, Schedule
from probe.shipping import Shipper
from probe.signin.memory import session_key
from probe.spool import Envelope, Spool
from probe.stages import outliving
from probe.statistics import Counters
from probe.uplink import dialler
from probe.waiting import Waiting, Waits
from probe.work import jobs_of

YOUNG = 10_000
"""Objects that a search for cycles waits for. A dead connection may hang in one, and each holds tens of kilobytes."""
FINISH_S = 1.0
"""How long the end of the process may take to put the open batch on disk and ship what there is."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What a started probe tells whoever started it."""

    stream: str
    state: Path
    metrics: Address | None = None
    """Where `GET /metrics` is served, if it is."""


async def main(
    config: ProbeConfig,
    *,
    ask_nobody: bool = False,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Runs a probe until cancelled, then ends in order: no new runs, the open batch to disk, one last sending. With
    `ask_nobody` it looks whether port 53 is intercepted, where checks need that: for probes in the real world.

    Raises StartError and JournalError, one line each, for what it cannot start with.
    """
    _check_trust(config)
    with sparing_collections(YOUNG), lock_state_folder(Path(config.state)) as state:
        async with open_journal(state / "spool.db", _limits(config)) as journal, AsyncExitStack() as stack:
            clients = {collector.url: await _open_client(stack, collector) for collector in config.collector}
            await journal.register(list(clients))
            force, counters, waiting = Force(config), Counters(), Waiting()
            stack.callback(force.close)
            force.mailbox = CollectorMailbox(list(clients.values()))
            health = Health(dialler(lambda: force.routes), ask=asker(force.tools))
            spool = Spool(journal, config.id, partial(_envelope, config, force, health), counters)
            shippers = [
                Shipper(name, client, journal, spool, health.offsets, counters) for name, client in clients.items()
            ]

            async def deliver(observations: list[Observation], span: Span) -> None:
                for observation in await health.settle(observations, span):
                    waiting.note(observation)
                    spool.put_nowait(observation)

            def keep(observations: list[Observation]) -> None:
                for observation in observations:
                    spool.put_nowait(observation)

            def wait_on(observation: Observation) -> None:
                if health.vouches_for(observation):
                    spool.put_nowait(observation)

            async def run(check: Check, target: str, scheduled_at: int, why: str = "") -> list[Observation]:
                begun = Begun.now()

                def first(observations: list[Observation]) -> None:
                    nursery.start_soon(deliver, observations, begun.until_now())

                tools = msgspec.structs.replace(
                    force.tools(),
                    on_cancelled=keep,
                    on_first=first,
                    waits=Waits(waiting.after_s, wait_on),
                    asked=bool(why),
                )
                found = await run_target(check, target, force.vantage, tools, scheduled_at=scheduled_at)
                return told(found, why) if why else found

            def apply(plan: PlanInForce) -> None:
                force.apply(plan)
                get_ready(plan.checks, force.tools())
                health.use_controls(force.controls)
                lacking.use(plan)
                runner.assign(jobs_of(plan, config.id, run))
                specs = {session_key(check, target): check.spec for check in plan.checks for target in check.targets}
                nursery.start_soon(force.signins.end_orphans, specs)

            runner = Runner(deliver, counters)
            lacking = watch_lacks(config, force, runner, ask_nobody=ask_nobody)
            plans = PlanClient(state / "plan.json", list(clients.items()), apply, health.vouch)

            async def finish() -> None:
                spool.close()
                await spool.wait_closed()
                for shipper in shippers:
                    await shipper.wait_shipped()

            bringing_home = [spool.serve, *(shipper.serve for shipper in shippers)]
            async with outliving(bringing_home, finish, at_most_s=FINISH_S), trio.open_nursery() as nursery:
                nursery.start_soon(health.serve)
                plans.load_saved()
                nursery.start_soon(plans.serve)
                nursery.start_soon(runner.serve)
                nursery.start_soon(lacking.serve)
                for name, client in clients.items():
                    nursery.start_soon(AskClient(name, client, runner.heed).serve)
                nursery.start_soon(force.signins.end_all_at_last)
                if config.pager is not None:
                    watch = SelfPager(config, config.pager, state, shippers, health.uplinks)
                    nursery.start_soon(watch.serve)
                figures = partial(_figures, force, health, journal, shippers, runner, plans, lacking)
                nursery.start_soon(_report, config, spool, figures)
                served = None
                if config.metrics is not None:
                    served = await nursery.start(serve_metrics, config.metrics, partial(_sample, config, figures))
                task_status.started(Running(stream=spool.stream, state=state, metrics=served))


async def _report(config: ProbeConfig, spool: Spool, figures: Callable[[float], Figures]) -> None:
    """Puts the probe's own figures among its observations, on a grid like any check's."""
    schedule = Schedule()
    schedule.replace([(Pair(CHECK, config.id), Grid.of(CHECK, config.id, EVERY_S))], wall_ns())
    while True:
        since = trio.current_time()
        await trio.sleep(max(0.0, ((schedule.next_at() or 0) - wall_ns()) / NS))
        for due in schedule.take(wall_ns()):
            spool.put_nowait(report(config.id, figures(since), scheduled_at=due.scheduled_at, started_at=wall_ns()))


def _sample(config: ProbeConfig, figures: Callable[[float], Figures]) -> Iterator[Point]:
    """What `GET /metrics` shows: the report as it would be now."""
    at = wall_ns()
    said = report(config.id, figures(trio.current_time() - EVERY_S), scheduled_at=at, started_at=at)
    yield health_point(config.id, said.findings, at)


def _figures(
    force: Force,
    health: Health,
    journal: Journal,
    shippers: Sequence[Shipper],
    runner: Runner,
    plans: PlanClient,
    lacking: Lacking,
    since: float,
) -> Figures:
    """The probe's own figures; `since`, by trio's clock, is where its lag is looked at from."""
    return Figures(
        counters=runner.counters,
        not_asked=force.not_asked,
        running=runner.running,
        spool=journal.stats,
        shipping={shipper.name: shipper.state for shipper in shippers},
        lag_s=health.beat.worst_since(since),
        rss=read_rss(),
        offset_s=health.offsets.offset_s(trio.current_time()),
        clock=health.clock_sync,
        uplinks={str(family): uplink.up for family, uplink in health.uplinks.items()},
        plan=force.plan,
        plan_words=plans.words,
        agent=parallax.__version__,
        lacks=lacking.words,
    )


def _envelope(config: ProbeConfig, force: Force, health: Health) -> Envelope:
    towards = [*force.controls, *(dial_address(collector) for collector in config.collector)]
    return Envelope(
        plan=force.plan,
        agent=parallax.__version__,
        egress=egress_addresses(towards),
        clock_sync_age_s=health.clock_sync.age_s,
    )


async def _open_client(stack: AsyncExitStack, config: CollectorAddress) -> CollectorClient:
    token = partial(read_secret, config.token)
    try:
        token()
    except SecretError as error:
        raise StartError(f"the token for {config.url}: {error}") from None
    try:
        return await stack.enter_async_context(open_client(config, token))
    except SecretError as error:
        raise StartError(f"the client certificate for {config.url}: {error}") from None
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"the CA file {config.ca} for {config.url} cannot be used: {error}") from None


def _limits(config: ProbeConfig) -> Limits:
    return Limits(
        max_bytes=config.limits.spool_size,
        max_age_s=config.limits.spool_age,
        ballast_bytes=config.limits.ballast,
        keep_read=False,
    )


def _check_trust(config: ProbeConfig) -> None:
    if config.ca is not None:
        try:
            check_ca_file(config.ca)
        except (OSError, ssl.SSLError) as error:
            raise StartError(f"the CA file {config.ca} cannot be used: {error}") from None
