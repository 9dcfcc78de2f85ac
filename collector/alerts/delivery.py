"""Delivers to one receiver: in order, one alert at a time, each until the receiver has it or it is too old.

Every receiver has its own task, cursor and connection, so one that is dead slows neither the others nor detection. It
reads the journal as it goes and holds a bounded number of alerts in memory. The cursor, and with it what the receiver
was told of, is committed after each delivery: a crash before it says the same alert again, under the same id.

One alert must not hold up all others: where a receiver refuses the alert itself (400, 413, 415, 422), the one behind
it is tried after a quarter of an hour. If that one is taken, the first is given up; if not, the receiver refuses
whatever comes (a wrong key, say), and both wait on.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
import trio

from collector.alerts.ahead import Ahead
from collector.alerts.notification import Notification
from collector.alerts.outcomes import (
    CLOSEST_S,
    FAST_EVERY_S,
    FAST_UNTIL_S,
    GIVE_UP_S,
    Answer,
    Outcome,
    outcome_of,
    pause_s,
    timeout_s,
)
from collector.alerts.routing import Choice, Waiting, alert_key, choose, is_over, known_after, takes
from collector.alerts.sender import Sender
from collector.events import AlertRouted, IncidentChanged, Told
from collector.inputs import FactInput
from parallax.clock import NS, wall_ns
from parallax.journal import Journal, JournalError, JournalFull
from parallax.log import get_log
from parallax.plan.alert_types import Receiver
from parallax.plan.types import Plan

SAVE_EVERY_S = 10.0
LAST_COMMIT_S = 0.3
"""How long the end waits for the cursor to be on disk; without it, an alert is said again."""
_log = get_log(__name__)

ReceiverState = Literal["ok", "failing", "disabled", "not_built"]


WriteFact = Callable[[FactInput], Awaitable[None]]
"""Takes down what happened. Never raises but for cancellation."""


async def forget_fact(fact: FactInput) -> None:
    """Where nobody keeps a timeline."""


class InForce(msgspec.Struct, frozen=True):
    """The plan in force, and what tells it from others."""

    hash: str
    plan: Plan


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept with the cursor. `disabled` is the hash of the plan under which the receiver said 410."""

    known: dict[str, bool] = {}
    disabled: str | None = None


class ReceiverStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a receiver stands."""

    name: str
    kind: str
    waiting: int
    """Alerts that it has not taken yet."""
    delivered: int
    """Since the start of the process."""
    last_word: str
    """What became of the last attempt."""
    given_up: int = 0
    """Since the start of the process: too old, refused one by one, or the receiver is disabled."""
    state: ReceiverState = "ok"
    failing_s: float | None = None
    """How long no attempt has succeeded, where the last one failed."""


def reader_of(name: str) -> str:
    """The name of a receiver's cursor in `events`."""
    return f"receiver {name}"


def mark_of(name: str) -> str:
    """The name of the mark that goes with it."""
    return f"alerts {name}"


class Delivery:
    """One task runs `serve`."""

    def __init__(
        self,
        receiver: Receiver,
        events: Journal,
        sender: Sender,
        in_force: Callable[[], InForce],
        *,
        wall: Callable[[], int] = wall_ns,
        write_fact: WriteFact = forget_fact,
    ) -> None:
        self.receiver = receiver
        self._events, self._sender, self._in_force, self._wall = events, sender, in_force, wall
        self._write_fact = write_fact
        self._reader, self._mark = reader_of(receiver.name), mark_of(receiver.name)
        self._memory = _remembered(events.mark(self._mark))
        self._committed = events.cursor(self._reader)
        self._ahead = Ahead(events, self._committed)
        self._committed_at = float("-inf")
        self._head, self._first_at, self._tried_at = "", 0.0, 0.0
        self._failing_since: float | None = None
        self._word, self._last = "", "nothing was sent yet"
        self._delivered = self._given_up = 0

    async def serve(self) -> None:
        """Delivers until cancelled."""
        try:
            if problem := await self._sender.prepare():
                self._last, self._failing_since = problem, trio.current_time()
                _log.error("receiver cannot be told", receiver=self.receiver.name, why=problem)
            while True:
                await self._ahead.read_on()
                choice = self._next()
                if choice.waiting is None:
                    await self._save_now_and_then()
                    await self._ahead.wait_more()
                elif self.disabled:
                    await self._give_up(choice.waiting, "the receiver is disabled")
                else:
                    await self._deliver(choice, choice.waiting)
        except JournalError:
            await trio.sleep_forever()  # the whole program ends by it: see collector.main

    @property
    def disabled(self) -> bool:
        """Whether the receiver said that it wants nothing more, under the plan in force."""
        return self._memory.disabled == self._in_force().hash

    async def enable(self) -> None:
        """Takes the receiver in again: somebody has just reached it."""
        if self._memory.disabled is not None:
            self._memory = msgspec.structs.replace(self._memory, disabled=None)
            self._last = "enabled again"
            await self._commit()

    @property
    def status(self) -> ReceiverStatus:
        plan, known = self._in_force().plan, self._memory.known
        waiting = sum(
            alert_key(each.event) in known or takes(self.receiver, each.event, plan) for each in self._ahead.waiting
        )
        failing_s = None if self._failing_since is None else round(trio.current_time() - self._failing_since, 1)
        return ReceiverStatus(
            name=self.receiver.name,
            kind=self.receiver.kind,
            waiting=waiting,
            delivered=self._delivered,
            last_word=self._last,
            given_up=self._given_up,
            state="disabled" if self.disabled else "ok" if failing_s is None else "failing",
            failing_s=failing_s,
        )

    def _next(self) -> Choice:
        """What to send next, after passing over what is not for this receiver."""
        choice = choose(self._ahead.waiting, self._memory.known, self.receiver, self._in_force().plan)
        self._ahead.leave_behind(choice.number)
        self._memory = msgspec.structs.replace(self._memory, known=dict(choice.known))
        return choice

    async def _deliver(self, choice: Choice, first: Waiting) -> None:
        """One try, and the pause that follows it."""
        now = trio.current_time()
        if self._head != first.event.id:
            self._head, self._first_at = first.event.id, now
        since_s = now - self._first_at
        outcome = await self._try(first, timeout_s(since_s), missed=choice.missed)
        if outcome.action == "deliver":
            await self._finish(first, told=True)
        elif outcome.action == "disable":
            self._memory = msgspec.structs.replace(self._memory, disabled=self._in_force().hash)
            await self._give_up(first, "the receiver is gone (410)")
        elif self._wall() - first.event.at > GIVE_UP_S * NS:
            await self._give_up(first, "it is too old")
            await self._pause(CLOSEST_S)
        elif outcome.action == "refuse" and since_s >= FAST_UNTIL_S and await self._takes_another(first):
            pass
        else:
            pause = pause_s(outcome, trio.current_time() - self._first_at)
            await self._pause(pause, heed_news=outcome.action != "wait")

    async def _takes_another(self, first: Waiting) -> bool:
        """Whether the receiver took the alert behind the first, which is given up then."""
        known = known_after(self._memory.known, first.event, told=False)
        choice = choose(self._ahead.waiting[1:], known, self.receiver, self._in_force().plan)
        if choice.waiting is None:
            return False
        outcome = await self._try(choice.waiting, timeout_s(FAST_UNTIL_S), missed=choice.missed)
        if outcome.action != "deliver":
            return False
        self._lose(first, "the receiver refuses it, and takes others")
        self._ahead.leave_behind(1 + choice.number)
        self._memory = msgspec.structs.replace(self._memory, known=dict(choice.known))
        await self._finish(choice.waiting, told=True)
        return True

    async def _try(self, waiting: Waiting, limit_s: float, *, missed: bool) -> Outcome:
        answer = Answer(failure="timeout", detail=f"no answer within {limit_s:.0f} s")
        try:
            notification = self._notification(waiting, missed=missed)
            with trio.move_on_after(limit_s):
                answer = await self._sender.send(notification)
        except Exception as error:  # the alerts' one place: what one receiver brings out must not end the collector
            _log.exception("an alert met a bug", receiver=self.receiver.name, id=waiting.event.id)
            answer = Answer(failure="bug", detail=f"{type(error).__name__}; the log has more")
        self._tried_at = trio.current_time()
        outcome = outcome_of(answer)
        self._note(answer, outcome, waiting)
        return outcome

    def _notification(self, waiting: Waiting, *, missed: bool) -> Notification:
        event, key = waiting.event, alert_key(waiting.event)
        assert not isinstance(event.data, AlertRouted)
        told = Told(id=event.id, at=event.at, data=event.data)
        phase: Literal["resolve", "trigger"] = "resolve" if is_over(event) else "trigger"
        return Notification(
            id=event.id,
            at=event.at,
            phase=phase,
            alert=AlertRouted(key=key, about=event.type, phase=phase, tier="page", severity="critical", of=(told,)),
            key=key,
            receiver=self.receiver.name,
            components={component.name: component for component in self._in_force().plan.component},
            missed=missed,
        )

    def _note(self, answer: Answer, outcome: Outcome, waiting: Waiting) -> None:
        """Keeps and logs what came of a try; the same trouble is logged once."""
        event, name = waiting.event, self.receiver.name
        if outcome.action == "deliver":
            self._delivered += 1
            self._last = f"{event.type} delivered: {answer.words}"
            if self._word:
                _log.info("receiver takes alerts again", receiver=name)
            _log.info("alert delivered", receiver=name, type=event.type, id=event.id)
            self._word, self._failing_since = "", None
            return
        self._last = f"{event.type} not delivered: {answer.words}"
        if outcome.word != self._word:
            log = _log.warning if outcome.action in ("retry", "wait") else _log.error
            log("alert not delivered", receiver=name, type=event.type, id=event.id, why=answer.words)
        if self._failing_since is None:
            self._failing_since = self._tried_at
        self._word = outcome.word

    def _lose(self, waiting: Waiting, why: str) -> None:
        self._given_up += 1
        self._last = f"{waiting.event.type} given up: {why}"
        _log.error("alert given up", receiver=self.receiver.name, type=waiting.event.type, id=waiting.event.id, why=why)

    async def _give_up(self, waiting: Waiting, why: str) -> None:
        self._lose(waiting, why)
        await self._finish(waiting, told=False)

    async def _finish(self, waiting: Waiting, *, told: bool) -> None:
        """Goes on behind the first of those that wait. That a receiver was first told of an incident is a fact."""
        first = told and not self._memory.known.get(alert_key(waiting.event)) and not is_over(waiting.event)
        known = known_after(self._memory.known, waiting.event, told=told)
        self._memory = msgspec.structs.replace(self._memory, known=dict(known))
        self._ahead.leave_behind(1)
        await self._commit()
        if first and isinstance(waiting.event.data, IncidentChanged):
            id_ = waiting.event.data.incident.id
            await self._write_fact(FactInput(at=self._wall(), what="paged", incident=id_, text=self.receiver.name))

    async def _pause(self, seconds: float, *, heed_news: bool = False) -> None:
        """Waits, reading on meanwhile. What is new and for this receiver ends the wait early where news are heeded, but
        not so that a dead receiver is dialled more often than in the fast lane."""
        with trio.move_on_after(seconds) as scope:
            while self._ahead.has_room:
                await self._ahead.wait_more()
                found, plan = await self._ahead.read_on(), self._in_force().plan
                if heed_news and any(takes(self.receiver, each.event, plan) for each in found):
                    scope.deadline = min(scope.deadline, max(self._tried_at + FAST_EVERY_S, trio.current_time()))
            await trio.sleep_forever()

    async def _save_now_and_then(self) -> None:
        """What is passed over is committed at times, so that the journal need not keep it for this reader."""
        if self._ahead.done > self._committed and trio.current_time() - self._committed_at >= SAVE_EVERY_S:
            await self._commit()

    async def _commit(self) -> None:
        position, marks = self._ahead.done, {self._mark: msgspec.json.encode(self._memory)}
        try:
            try:
                await self._events.commit(self._reader, position, marks)
            except trio.Cancelled:
                with trio.move_on_after(LAST_COMMIT_S, shield=True):  # the disk may hang
                    await self._events.commit(self._reader, position, marks)
                raise
        except JournalFull as error:  # said again after a restart, at worst
            _log.error("what was delivered is not noted", receiver=self.receiver.name, why=str(error))
            return
        self._committed, self._committed_at = position, trio.current_time()


def _remembered(raw: bytes | None) -> Memory:
    try:
        return msgspec.json.decode(raw, type=Memory) if raw is not None else Memory()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        _log.error("what a receiver was told of is not known any more: a mark does not decode")
        return Memory()
