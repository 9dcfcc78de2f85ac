"""What failover groups command is carried out: a reader of `events` with a cursor of its own.

At least once, as all readers: the cursor moves once it was written into `inputs` what came of a command, so after a
crash it may be carried out again. The epoch makes that once where it counts: at the records, and at the owner's
automation. What was commanded too long ago is not sent any more, and is written down as expired.

Each group has a task of its own while it is commanded; a later command of the same group breaks the earlier off.
Between commands every action is looked at now and then: whether it could be carried out is a line of the standbys'
readiness.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
import trio

from collector.actions.actor import Actor, Command, Result, Standing
from collector.actions.carrying import TRY_S, Carrying
from collector.actions.command import SignedCommand
from collector.actions.dns_update import DnsUpdate
from collector.events import EventError, FailoverChanged, decode_event
from collector.inputs import ActionInput, encode_input
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.post import LookUp, look_up
from parallax.journal import Journal, JournalBusy, JournalError, JournalFull, Record
from parallax.log import get_log
from parallax.plan.failover_types import Action, Failover
from parallax.plan.types import Plan

MakeActor = Callable[[Action, CollectorConfig, LookUp], Actor]
ACTIONS: dict[str, MakeActor] = {
    "command": SignedCommand,
    "dns-update": lambda action, config, look_up: DnsUpdate(action, config),
}
"""By kind: how it is carried out."""
READER = "actions"
"""The cursor in `events`, and the mark with what is done beyond it."""
LOOK_EVERY_S = 300.0
FIRST_LOOK_S = 2.0
"""After a start or another plan: what serves is known by then, or soon after the next look."""
SAVE_EVERY_S = 10.0
WRITE_S = 30.0
"""How long what came of an action waits for the journal."""
RETRY_S = 1.0
MOST_UNDER_WAY = 100
_log = get_log(__name__)


class ActionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How an action of the plan stands."""

    name: str
    kind: str
    group: str
    state: Literal["ok", "failing", "unknown"] = "unknown"
    last_word: str = "not looked at yet"
    """What came of the last look or command."""
    looked_s_ago: float | None = None


class _Commanded:
    """A command under way."""

    def __init__(self, command: Command, position: int) -> None:
        self.command, self.position = command, position
        self.scope, self.ended = trio.CancelScope(), trio.Event()


class Actions:
    """One task runs `run`."""

    def __init__(
        self,
        events: Journal,
        inputs: Journal,
        plan: Callable[[], Plan],
        config: CollectorConfig,
        epoch_of: Callable[[str], tuple[str, int]],
        *,
        look_up: LookUp = look_up,
        kinds: Mapping[str, MakeActor] = ACTIONS,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        """`plan` is the one in force; `epoch_of` a group's serving member ("" while nobody can tell) and its epoch;
        `look_up` finds what is to be dialled, also while the DNS that is watched is gone."""
        self._events, self._inputs, self._plan, self._config = events, inputs, plan, config
        self._epoch_of, self._look_up, self._kinds, self._wall = epoch_of, look_up, kinds, wall
        self._actors: dict[str, tuple[Action, Actor]] = {}
        self._under_way: dict[str, _Commanded] = {}
        """By group, the newest."""
        self._pending: set[int] = set()
        self._read = self._committed = 0
        self._done: set[int] = set()
        self._saved_at = float("-inf")
        self._room = trio.Event()
        self._last: dict[tuple[str, str], tuple[ActionInput, float]] = {}
        self.lost = 0
        """Outcomes that could not be written down, since the start of the process."""

    @property
    def status(self) -> list[ActionStatus]:
        """Of each action of each group, in the plan's order."""
        plan = self._plan()
        kinds = {action.name: action.kind for action in plan.action}
        return [
            self._status_of(group.name, name, kinds[name])
            for group in plan.failover
            for name in group.actions
            if name in kinds
        ]

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carries out until cancelled."""
        try:
            await self._take_up()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._look_now_and_then)
                task_status.started()
                while True:
                    for record in await self._events.read(self._read):
                        await self._take(record, nursery)
                        self._read = record.position
                    await self._save_now_and_then()
                    await self._events.wait_beyond(self._read)
        except* JournalError:
            await trio.sleep_forever()  # the whole program ends by it: see collector.main

    async def _take_up(self) -> None:
        """Goes on where it was; a collector that never had any begins with what is yet to come."""
        while READER not in self._events.cursors:
            try:
                await self._events.commit(READER, self._events.stats.last, {READER: None})
            except (JournalFull, JournalBusy) as error:
                _log.error("actions wait for the disk", why=str(error))
                await trio.sleep(RETRY_S)
        self._read = self._committed = self._events.cursor(READER)
        raw = self._events.mark(READER)
        try:
            self._done = set(msgspec.json.decode(raw, type=list[int])) if raw else set()
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._done = set()  # the epoch sees to it that what is carried out again changes nothing

    async def _take(self, record: Record, nursery: trio.Nursery) -> None:
        word = record.kind.rpartition(".")[2]
        if word not in ("command", "withdrawn") or record.position in self._done:
            return
        try:
            event = decode_event(record)
        except EventError as error:
            _log.error("an event is passed over", position=record.position, why=str(error))
            return
        data = event.data
        if not isinstance(data, FailoverChanged):
            return
        before = self._under_way.get(data.group)
        if before is not None:
            before.scope.cancel()
            await before.ended.wait()
        if word == "command":
            while len(self._pending) >= MOST_UNDER_WAY:
                await self._room.wait()
            commanded = _Commanded(Command(id=event.id, at=event.at, data=data), record.position)
            self._under_way[data.group] = commanded
            self._pending.add(record.position)
            nursery.start_soon(self._carry_out, commanded, name=f"action of {data.group}")

    async def _carry_out(self, commanded: _Commanded) -> None:
        command = commanded.command
        carrying = Carrying(command, [(name, self._actor(name)) for name in command.data.actions], self._wall)
        try:
            with commanded.scope:
                await carrying.run(self._write)
        finally:
            commanded.ended.set()
        if commanded.scope.cancelled_caught:
            await self._write(carrying.broken_off())
        if self._under_way.get(command.data.group) is commanded:
            del self._under_way[command.data.group]
        self._pending.discard(commanded.position)
        self._done.add(commanded.position)
        self._room.set()
        self._room = trio.Event()
        await self._save()

    def _actor(self, name: str) -> Actor | None:
        """The action of this name by the plan in force."""
        action = next((each for each in self._plan().action if each.name == name), None)
        if action is None or action.kind not in self._kinds:
            return None
        known = self._actors.get(name)
        if known is None or known[0] != action:
            known = self._actors[name] = (action, self._kinds[action.kind](action, self._config, self._look_up))
        return known[1]

    async def _look_now_and_then(self) -> None:
        looked: dict[str, tuple[Failover, list[Action], float]] = {}
        prepared: set[int] = set()
        await trio.sleep(FIRST_LOOK_S)
        while True:
            plan, now = self._plan(), trio.current_time()
            due = []
            for group in plan.failover:
                actions = [action for action in plan.action if action.name in group.actions]
                before = looked.get(group.name)
                if actions and (before is None or before[:2] != (group, actions) or now - before[2] >= LOOK_EVERY_S):
                    looked[group.name] = group, actions, now
                    due.append(group)
            for name in looked.keys() - {group.name for group in plan.failover}:
                del looked[name]
            for name in self._actors.keys() - {action.name for action in plan.action}:
                del self._actors[name]
            async with trio.open_nursery() as nursery:
                for group in due:
                    nursery.start_soon(self._look, group, prepared)
            await trio.sleep(RETRY_S)

    async def _look(self, group: Failover, prepared: set[int]) -> None:
        """Every action of a group; passed over while the group is commanded."""
        for name in group.actions:
            actor = self._actor(name)
            if actor is None or group.name in self._under_way:
                continue
            started = trio.current_time()
            standing = self._standing(group)
            result = Result(outcome="unreachable", text=f"no answer within {TRY_S:.0f} s")
            with trio.move_on_after(TRY_S):
                try:
                    problem = "" if id(actor) in prepared else await actor.prepare()
                    prepared.add(id(actor))
                    if problem:
                        _log.error("action cannot be carried out", action=name, why=problem)
                    result = await actor.look(group.name, standing)
                except Exception as error:  # as for a command
                    _log.exception("a look met a bug", group=group.name, action=name)
                    result = Result(outcome="unreachable", text=f"{type(error).__name__}; the log has more")
            took_ns = round((trio.current_time() - started) * NS)
            await self._write(
                ActionInput(
                    at=self._wall(),
                    group=group.name,
                    action=name,
                    outcome=result.outcome,
                    member=standing.target,
                    before=result.before,
                    text=result.text,
                    took_ns=took_ns,
                )
            )

    def _standing(self, group: Failover) -> Standing:
        serving, epoch = self._epoch_of(group.name)
        serving = serving or group.primary
        others = [member.name for member in group.members if member.name != serving]
        target = group.primary if group.primary in others else others[0]
        return Standing(serving=serving, target=target, epoch=epoch)

    async def _write(self, came: ActionInput) -> None:
        """Into `inputs`. What finds no room in time is counted and logged."""
        self._last[came.group, came.action] = came, trio.current_time()
        why = "the journal is slow"
        with trio.move_on_after(WRITE_S):
            while True:
                try:
                    await self._inputs.append([encode_input(came, at_ns=came.at)])
                except (JournalBusy, JournalFull) as error:
                    why = str(error)
                    await trio.sleep(RETRY_S)
                else:
                    return
        self.lost += 1
        _log.error("what came of an action is not noted", group=came.group, action=came.action, why=why)

    async def _save_now_and_then(self) -> None:
        upto = min(self._pending, default=self._read + 1) - 1
        if upto > self._committed and trio.current_time() - self._saved_at >= SAVE_EVERY_S:
            await self._save()

    async def _save(self) -> None:
        """Commits how far all is done, and what is done beyond."""
        upto = min(min(self._pending, default=self._read + 1) - 1, self._read)
        self._done = {position for position in self._done if position > upto}
        try:
            await self._events.commit(
                READER, max(upto, self._committed), {READER: msgspec.json.encode(sorted(self._done))}
            )
        except (JournalFull, JournalBusy) as error:  # carried out again after a restart, at worst
            _log.error("what was carried out is not noted", why=str(error))
            return
        self._committed, self._saved_at = max(upto, self._committed), trio.current_time()

    def _status_of(self, group: str, name: str, kind: str) -> ActionStatus:
        found = self._last.get((group, name))
        if found is None:
            return ActionStatus(name=name, kind=kind, group=group)
        came, at = found
        return ActionStatus(
            name=name,
            kind=kind,
            group=group,
            state="ok" if came.outcome in ("applied", "dry_run", "reachable") else "failing",
            last_word=f"{came.outcome.replace('_', ' ')}: {came.text}",
            looked_s_ago=round(trio.current_time() - at, 1),
        )
