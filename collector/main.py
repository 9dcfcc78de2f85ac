"""The collector: probes' batches in, the plan out. The whole wiring."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import trio

from collector.actions import Actions
from collector.alerts import Alerts
from collector.alerts.chart_links import open_links
from collector.alerts.ledger import Ledger
from collector.alerts.pictures import Pictures, no_link
from collector.app import make_app
from collector.asking import Asking
from collector.clients import Clients, make_authority
from collector.commands import Commands, FailoverCommands, IncidentCommands, MoveCommands, SilenceCommands
from collector.detector import Detector
from collector.engine import Apart, Here
from collector.fleet import Fleet
from collector.history import History, open_history
from collector.inbox import Inbox
from collector.ingest import Ingest, stored_marks
from collector.peers import Peers
from collector.plans import Plans
from collector.precedence import Precedence
from collector.retries import policies_with
from collector.series import Series
from collector.series.gauges import board_points, collector_points
from collector.serve import Listener, open_listener, serve
from collector.services import Services
from collector.status import collector_status
from collector.tokens import Tokens
from collector.web import Extension, View
from collector.web.charts import Charts
from parallax.clock import wall_ns
from parallax.config import CollectorConfig
from parallax.exposition import Point
from parallax.garbage import sparing_collections
from parallax.journal import Journal, JournalError, Limits, open_journal
from parallax.log import get_log
from parallax.plan.types import Retry
from parallax.state import StartError, lock_state_folder, write_private
from parallax.values import Address

_log = get_log(__name__)


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A collector that serves. `token` is an owner's token that ends with this process."""

    url: str
    address: Address
    state: Path
    token: str
    stores: "Stores"
    detector: Detector
    alerts: Alerts
    actions: Actions
    mail: Inbox | None = None

    @property
    def inputs(self) -> Journal:
        return self.stores.inputs


class Stores(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept on disk."""

    inputs: Journal
    events: Journal
    history: History


async def main(
    config: CollectorConfig,
    extension: Extension | None = None,
    *,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Runs the collector until it is cancelled; ends within 2 s then. Raises StartError where it cannot start, and
    where its journal takes no more, which only a restart mends."""
    with (
        sparing_collections(100_000),
        lock_state_folder(Path(config.state)) as state,
        _listening(config, state) as listener,
    ):
        try:
            async with (
                open_journal(state / "inputs.db", _limits(config)) as inputs,
                open_journal(state / "events.db", _events_limits(config)) as events,
                open_history(state / "history", config.limits) as history,
            ):
                stores = Stores(inputs=inputs, events=events, history=history)
                await run(config, state, listener, stores, extension, task_status=task_status)
        except JournalError as error:
            raise StartError(str(error)) from None


async def run(
    config: CollectorConfig,
    state: Path,
    listener: Listener,
    stores: Stores,
    extension: Extension | None = None,
    *,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
) -> None:
    """The collector around what `main` opened."""
    started_at = wall_ns()
    inputs, events, history = stores.inputs, stores.events, stores.history
    fleet, tokens, stop = Fleet(stored_marks(inputs)), Tokens(state), trio.Event()
    plans = Plans(Path(config.plan), inputs, fleet)
    await plans.open()
    if plans.state.in_force is None:
        raise StartError(_no_plan(config, plans.problems))
    ingest = Ingest(inputs, fleet, plans.report)
    precedence = Precedence(lambda: ingest.pressing)
    asking = Asking()
    engine = Apart() if config.detection == "apart" else Here(make_way=precedence.make_way)
    detector = Detector(inputs, events, engine, heed=asking.publish)
    pictures, links = Pictures(history), open_links(config, state)
    alerts = Alerts(
        events, plans, config, Ledger(inputs), pictures.chart_of, links.link_of if links is not None else no_link
    )
    commands = Commands(inputs, detector.board, detector.wait_changed)
    actions = Actions(events, inputs, lambda: plans.plan, config, detector.serving, look_up=alerts.look_up)
    if detector.blind_after is not None:
        plans.write_again(detector.blind_after)
    inbox = Inbox(config, listener.certificate)
    peers = Peers(config, inputs, lambda: detector.charge)

    def detection_behind() -> int:
        return max(inputs.stats.last - detector.position, 0)

    def sample(at: int) -> Iterator[Point]:
        yield from board_points(detector.board(), at)
        yield from collector_points(status(), series.status, alerts.status, detection_behind(), at)

    series = Series(config, inputs, events, history, make_way=precedence.behind(detection_behind), sample=sample)
    status = partial(
        collector_status,
        plans=plans,
        fleet=fleet,
        inputs=inputs,
        events=events,
        room=ingest.room,
        tokens=tokens,
        started_at=started_at,
        alerts=alerts,
        actions=actions,
        history=history,
        detector=detector,
        inbox=inbox,
        series=series,
        peers=peers,
    )
    view = View(
        board=detector.board,
        wait_changed=detector.wait_changed,
        history=history,
        tokens=tokens,
        stop=stop,
        listen=listener.address,
        open=listener.address.parsed_ip.is_loopback,
        hosts=tuple(config.hosts),
        extension=extension,
        receivers=lambda: alerts.status,
        policies=lambda: _policies(plans),
    )
    app = make_app(
        Services(
            tokens=tokens,
            ingest=ingest,
            plans=plans,
            fleet=fleet,
            status=status,
            view=view,
            alerts=alerts,
            stop=stop,
            moves=MoveCommands(commands, detector.board),
            incidents=IncidentCommands(commands, detector.incidents),
            silences=SilenceCommands(commands, detector.silences),
            failover=FailoverCommands(commands, detector.board, lambda: plans.plan),
            asking=asking,
            inbox=inbox,
            sample=sample,
            series=series,
            charts=Charts(links, pictures.draw) if links is not None else None,
            peer_word=detector.peer_word,
            clients=Clients(state) if _asks_for_certificates(config) else None,
        )
    )
    with _owner_file(config, state, listener, tokens) as token, inbox.listening():
        failed: list[JournalError] = []
        async with trio.open_nursery() as nursery:

            async def watch(journal: Journal) -> None:
                failed.append(await journal.wait_failed())
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch, inputs)
            nursery.start_soon(watch, events)
            await nursery.start(plans.run)
            await nursery.start(peers.run)  # before detection, which must know that it may not page alone
            await nursery.start(detector.run)
            await nursery.start(alerts.run)
            await nursery.start(actions.run)
            await nursery.start(
                partial(history.run, inputs, events, precedence.make_way, probes=lambda: plans.plan.probe)
            )
            await nursery.start(series.run)
            await nursery.start(inbox.run)
            await nursery.start(partial(serve, app, listener, stop, let_go=ingest.let_go))
            _log.info("collector is up", url=listener.url, state=str(state), plan=config.plan)
            if not tokens.probes():
                _log.warning('no probe has a token; make one with "parallax collector token add PROBE"')
            task_status.started(
                Running(
                    url=listener.url,
                    address=listener.address,
                    state=state,
                    token=token,
                    stores=stores,
                    detector=detector,
                    alerts=alerts,
                    actions=actions,
                    mail=inbox if config.mail else None,
                )
            )
        if failed:  # raised here, past the nursery, so that it comes alone
            raise failed[0]


@contextmanager
def _listening(config: CollectorConfig, state: Path) -> Iterator[Listener]:
    listener = open_listener(
        config.listen, config.tls, make_authority(state) if _asks_for_certificates(config) else None
    )
    try:
        yield listener
    finally:
        listener.close()


def _asks_for_certificates(config: CollectorConfig) -> bool:
    return config.tls is not None and config.tls.client_certificates


@contextmanager
def _owner_file(config: CollectorConfig, state: Path, listener: Listener, tokens: Tokens) -> Iterator[str]:
    """Leaves the way to this collector where commands of the same user on this host find it."""
    path = state / "owner.json"
    token = tokens.add_own("owner", "local")
    way = {"url": listener.url, "token": token, "certificate": config.tls.certificate if config.tls else None}
    try:
        write_private(path, msgspec.json.encode(way))
    except OSError as error:  # a full disk: probes are served all the same
        _log.error("commands on this host will not find this collector", path=str(path), error=error.strerror)
    try:
        yield token
    finally:
        path.unlink(missing_ok=True)


def _limits(config: CollectorConfig) -> Limits:
    return Limits(
        max_bytes=config.limits.inputs_size,
        max_age_s=config.limits.inputs_age,
        ballast_bytes=config.limits.ballast,
        refuse_when_full=True,  # probes keep what is refused; what was acknowledged has no other copy
    )


def _events_limits(config: CollectorConfig) -> Limits:
    return Limits(
        max_bytes=config.limits.events_size,
        max_age_s=config.limits.events_age,
        ballast_bytes=min(config.limits.ballast, config.limits.events_size // 4),
        refuse_when_full=True,
    )


def _no_plan(config: CollectorConfig, problems: list[str]) -> str:
    if not problems:
        return "the plan cannot be written to the journal: the disk is full; free some room on it"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f'the plan is refused: {problems[0]}{more}; see "parallax plan check {config.plan}"'


def _policies(plans: Plans) -> tuple[Retry, ...]:
    """How clients retry, by the plan in force."""
    in_force = plans.state.in_force
    return policies_with(plans.edition(in_force).plan.retry if in_force else ())
