"""The receivers of the plan in force, each with a task of its own."""

from urllib.parse import quote

import msgspec
import trio

from collector.alerts.delivery import Delivery, InForce
from collector.alerts.ledger import Ledger
from collector.alerts.names import Names
from collector.alerts.notification import Notification
from collector.alerts.outcomes import FAST_TIMEOUT_S, outcome_of
from collector.alerts.pictures import PICTURED, MakeChart, MakeLink, Pictured, no_chart, no_link
from collector.alerts.receivers import RECEIVERS
from collector.alerts.saving import mark_of, reader_of
from collector.alerts.sender import Sender
from collector.alerts.standing import ReceiverStatus
from collector.alerts.trials import names_to_try, receivers_named
from collector.events import AlertRouted
from collector.plans import Plans
from parallax.clock import wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer, LookUp
from parallax.journal import Journal, JournalBusy, JournalError, JournalFull
from parallax.log import get_log
from parallax.plan.alert_types import Receiver
from parallax.plan.receivers import FETCHING
from parallax.plan.types import Plan

RETRY_S = 1.0
_log = get_log(__name__)


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a test delivery."""

    receiver: str
    delivered: bool
    words: str
    """For people: "answered 204", "timeout: ..."."""
    took_s: float


class _Served(msgspec.Struct, frozen=True):
    """A delivery under way. `ended` is set once its task is over."""

    delivery: Delivery
    scope: trio.CancelScope
    ended: trio.Event


class Alerts:
    """One task runs `run`; the rest may be called from any other."""

    def __init__(
        self,
        events: Journal,
        plans: Plans,
        config: CollectorConfig,
        ledger: Ledger,
        chart_of: MakeChart = no_chart,
        link_of: MakeLink = no_link,
    ) -> None:
        self._events, self._plans, self._config, self._ledger = events, plans, config, ledger
        self._chart_of, self._link_of = chart_of, link_of
        self._names = Names(events, config.resolvers)
        self._served: dict[str, _Served] = {}

    @property
    def status(self) -> list[ReceiverStatus]:
        """Of every receiver of the plan in force, in the plan's order."""
        return [self._status_of(receiver) for receiver in self._plan.receiver]

    @property
    def look_up(self) -> LookUp:
        """Finds what is to be dialled, also while the DNS that is watched is gone."""
        return self._names.find

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Delivers until cancelled, to whom the plan in force names."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ledger.run)
            nursery.start_soon(self._names.run)
            followed = await self._follow(nursery)
            task_status.started()
            while True:
                if followed is None:
                    await trio.sleep(RETRY_S)
                else:
                    await self._plans.wait_in_force_other(followed)
                followed = await self._follow(nursery)

    async def test(self, name: str) -> Tested | None:
        """Sends a message that says nothing but that messages come through; None if the plan has no such receiver.
        A receiver that had said 410 and takes it is told again from now on."""
        receiver = next((each for each in self._plan.receiver if each.name == name), None)
        if receiver is None:
            return None
        at, started = wall_ns(), trio.current_time()
        answer = Answer(failure="timeout", detail=f"no answer within {FAST_TIMEOUT_S:.0f} s")
        with trio.move_on_after(FAST_TIMEOUT_S):
            id_ = f"test-{at}"
            trial = Notification(id=id_, at=at, phase="test", alert=None, key=id_, receiver=name)
            answer = await self._sender(receiver).send(trial)
        delivered = outcome_of(answer).action == "deliver"
        _log.info("receiver tested", receiver=name, came=answer.words)
        if delivered and name in self._served:
            await self._served[name].delivery.enable()
        took_s = round(trio.current_time() - started, 3)
        return Tested(receiver=name, delivered=delivered, words=answer.words, took_s=took_s)

    async def test_all(self, name: str) -> list[Tested]:
        """Sends a test to every receiver behind the name of a route, a group or a receiver, side by side; what came of
        each, in the plan's order. Empty if the plan has nothing of that name."""
        names = receivers_named(self._plan, name)
        came: dict[str, Tested] = {}

        async def try_one(each: str) -> None:
            tested = await self.test(each)
            if tested is not None:
                came[each] = tested

        async with trio.open_nursery() as nursery:
            for each in names:
                nursery.start_soon(try_one, each)
        return [came[each] for each in names if each in came]

    @property
    def names_to_try(self) -> list[str]:
        """What `test_all` takes."""
        return list(names_to_try(self._plan))

    @property
    def _plan(self) -> Plan:
        return self._in_force().plan

    def _in_force(self) -> InForce:
        version = self._plans.state.in_force
        assert version is not None  # the collector does not start without one
        return InForce(version.hash, self._plans.edition(version).plan)

    def _status_of(self, receiver: Receiver) -> ReceiverStatus:
        served = self._served.get(receiver.name)
        if served is not None:
            return served.delivery.status
        return ReceiverStatus(
            name=receiver.name,
            kind=receiver.kind,
            waiting=0,
            delivered=0,
            last_word="is being started",
            state="ok",
        )

    async def _follow(self, nursery: trio.Nursery) -> str | None:
        """Serves whom the plan in force names, and nobody else; its hash, or None where the journal has no room to
        note it and it must be done again."""
        in_force = self._in_force()
        wanted = {receiver.name: receiver for receiver in in_force.plan.receiver}
        stopped = [served for name, served in self._served.items() if wanted.get(name) != served.delivery.receiver]
        for served in stopped:
            served.scope.cancel()
        for served in stopped:
            await served.ended.wait()
            del self._served[served.delivery.receiver.name]
        try:
            await self._register(list(wanted))
        except (JournalFull, JournalBusy) as error:
            _log.error("receivers wait for the disk", why=str(error))
            return None
        except JournalError:
            await trio.sleep_forever()  # the whole program ends by it: see collector.main
        for name, receiver in wanted.items():
            if name not in self._served:
                sender = self._sender(receiver)
                delivery = Delivery(
                    receiver, self._events, sender, self._in_force, write=self._ledger.write_nowait, link=self._link
                )
                served = _Served(delivery, trio.CancelScope(), trio.Event())
                self._served[name] = served
                nursery.start_soon(_serve, served, name=f"receiver {name}")
        return in_force.hash

    def _sender(self, receiver: Receiver) -> Sender:
        look_up = self._names.for_receiver(receiver.fallback)
        sender = RECEIVERS[receiver.kind](receiver, self._config, look_up=look_up)
        if receiver.kind in PICTURED:
            return Pictured(sender, chart_of=self._chart_of)
        return Pictured(sender, link_of=self._link_of) if receiver.kind in FETCHING else sender

    def _link(self, alert: AlertRouted) -> str:
        """The page of what an alert is about; empty where the config does not say what people reach it under."""
        if self._config.page is None or not alert.incident:
            return ""
        return f"{str(self._config.page).rstrip('/')}/incident/{quote(alert.incident, safe='')}"

    async def _register(self, names: list[str]) -> None:
        """Gives every receiver its cursor: a new one begins with what is yet to come; one that left is forgotten, with
        what it was told of. Other readers of the journal stay. Raises JournalFull, JournalBusy, JournalError."""
        mine = {reader_of(name): name for name in names}
        there = self._events.cursors
        for reader, name in mine.items():
            if reader not in there:
                await self._events.commit(reader, self._events.stats.last, {mark_of(name): None})
        left = [reader for reader in there if reader.startswith(reader_of("")) and reader not in mine]
        if left:
            await self._events.append([], {mark_of(reader.removeprefix(reader_of(""))): None for reader in left})
            await self._events.register([reader for reader in self._events.cursors if reader not in left])


async def _serve(served: _Served) -> None:
    try:
        with served.scope:
            await served.delivery.serve()
    finally:
        served.ended.set()
