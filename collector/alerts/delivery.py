"""Delivers to one receiver: each alert until the receiver has it or it is too old; in order for one key, a few keys
side by side.

Every receiver has its own task, cursor and connections, so one that is dead slows neither the others nor detection. It
reads the journal as it goes and holds a bounded number of alerts in memory (see `ahead`); what the receiver took is
kept behind the deliveries (see `saving`).

Pages go first, and places are kept for them, so that no backlog holds one up. A receiver that fails again and again is
tried once at a time, for all that waits (see `breaker`); the first success brings all of it at once.

One alert must not hold up others: where a receiver refuses the alert itself (400, 413, 415, 422) and takes another one
meanwhile, the first is given up after a quarter of an hour. One that refuses whatever comes (a wrong key, say) costs no
alert.
"""

import math
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
import trio

from collector.alerts.ahead import Ahead
from collector.alerts.breaker import LONGEST_FAST_WAIT_S, Breaker
from collector.alerts.knowing import MOST_KNOWN, Told, Waiting, choose, is_over, known_after
from collector.alerts.ledger import Write, forget
from collector.alerts.notification import Notification
from collector.alerts.outcomes import FAST_UNTIL_S, GIVE_UP_S, Outcome, outcome_of, pause_s, timeout_s
from collector.alerts.saving import Memory, Saving, reader_of, remembered
from collector.alerts.sender import Sender
from collector.alerts.standing import ReceiverStatus, Standing
from collector.events import AlertRouted
from collector.events.alert import Lane
from collector.inputs import DeliveryInput, FactInput
from collector.routing.watchdog import WATCHDOG
from parallax.clock import NS, wall_ns
from parallax.dialling.post import Answer
from parallax.journal import Journal, JournalError
from parallax.log import get_log
from parallax.plan.alert_types import Receiver
from parallax.plan.types import Plan

LATE_BEAT_NS = 60 * NS
"""A heartbeat that is older says nothing of now."""
END_AGAIN_S = 300.0
"""How long an end is said again to who wants it so."""
_TEXT = 200
_log = get_log(__name__)


class InForce(msgspec.Struct, frozen=True):
    """The plan in force, and what tells it from others."""

    hash: str
    plan: Plan


class _Progress(msgspec.Struct):
    """The tries of one alert; trio's clock."""

    due_at: float
    first_at: float | None = None
    tries: int = 0
    picky: bool = False
    """It may be this alert alone that the receiver does not like."""


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
        write: Write = forget,
        link: Callable[[AlertRouted], str] = lambda alert: "",
    ) -> None:
        """`write` keeps what comes of it; `link` is where people read on about an alert."""
        self.receiver = receiver
        self._sender, self._in_force, self._wall = sender, in_force, wall
        self._write, self._link = write, link
        memory = remembered(events, receiver.name)
        self._known, self._disabled = memory.keys, memory.disabled
        self._ahead = Ahead(events, receiver.name, events.cursor(reader_of(receiver.name)), memory.done)
        self._saving = Saving(events, receiver.name, lambda: self._ahead.done, self._memory)
        self._standing = Standing(receiver)
        self._progress: dict[int, _Progress] = {}
        self._under_way: dict[str, Lane] = {}
        self._breaker = Breaker()
        self._turned = trio.Event()
        self._taken_at = float("-inf")

    async def serve(self) -> None:
        """Delivers until cancelled."""
        try:
            if problem := await self._sender.prepare():
                self._standing.note_unready(problem)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_reading)
                nursery.start_soon(self._saving.keep)
                if self._sender.again_s > 0:
                    nursery.start_soon(self._keep_telling)
                while True:
                    turned = self._turned
                    with trio.move_on_at(self._start(nursery)):
                        await turned.wait()
        except* JournalError:
            await trio.sleep_forever()  # the whole program ends by it: see collector.main

    @property
    def disabled(self) -> bool:
        """Whether the receiver said that it wants nothing more, under the plan in force."""
        return self._disabled == self._in_force().hash

    async def enable(self) -> None:
        """Takes the receiver in again: somebody has just reached it."""
        if self._disabled is not None:
            self._disabled = None
            self._standing.note_enabled()
            self._note_change()
            await self._saving.commit()

    @property
    def status(self) -> ReceiverStatus:
        return self._standing.status(waiting=self._ahead.number, disabled=self.disabled)

    def _memory(self) -> Memory:
        return Memory(disabled=self._disabled, keys=self._known, done=self._ahead.done_beyond)

    def _note_change(self) -> None:
        """There may be something else to start, and something to commit."""
        turned, self._turned = self._turned, trio.Event()
        turned.set()
        self._saving.note_change()

    async def _keep_reading(self) -> None:
        while True:
            while self._ahead.has_more:
                if await self._ahead.read_on():
                    self._note_change()
            turned = self._turned
            if self._ahead.has_room:
                await self._ahead.wait_more()
                continue
            async with trio.open_nursery() as nursery:  # more of the fast lane, or room for the rest
                if self._ahead.may_scout:
                    nursery.start_soon(_first_of, self._ahead.wait_more, nursery.cancel_scope)
                nursery.start_soon(_first_of, turned.wait, nursery.cancel_scope)

    def _start(self, nursery: trio.Nursery) -> float:
        """Starts what is due and has a place; the moment (trio's) at which there is more to start."""
        now, later = trio.current_time(), math.inf
        heads = self._heads(now)
        if self.disabled:
            for waiting, _, _ in heads:
                self._give_up(waiting, "the receiver is disabled")
            return now if self._heads(now) else math.inf
        for waiting, lane, missed in heads:
            due_at = max(self._progress[waiting.position].due_at, self._breaker.earliest(lane))
            if due_at > now:
                later = min(later, due_at)
                continue
            slow = sum(each == "slow" for each in self._under_way.values())
            if self._breaker.has_place(lane, len(self._under_way), slow):
                self._under_way[waiting.alert.key] = lane
                nursery.start_soon(self._deliver, waiting, lane, missed)
        return later

    def _heads(self, now: float) -> list[tuple[Waiting, Lane, bool]]:
        """The next alert of each key that has none under way, with its lane and whether its start was missed: pages
        first, then those that were tried least and wait longest. Others are left out on the way."""
        found: list[tuple[Waiting, Lane, bool]] = []
        for key, queue in list(self._ahead.by_key.items()):
            if key in self._under_way:
                continue
            if key == WATCHDOG:
                self._pass_over(queue)
                if key not in self._ahead.by_key:
                    continue
            choice = choose(queue, self._known.get(key))
            lane: Lane = "fast" if any(each.alert.lane == "fast" for each in queue) else "slow"
            for each in queue[: choice.number]:
                self._leave(each, sent=False)
            if choice.waiting is not None:
                self._progress.setdefault(choice.waiting.position, _Progress(now))
                found.append((choice.waiting, lane, choice.missed))
        if len(found) > 1:
            found.sort(key=lambda each: (each[1] == "slow", self._progress[each[0].position].tries, each[0].position))
        return found

    def _pass_over(self, beats: list[Waiting]) -> None:
        """Heartbeats that are too old to be a sign of life, or that a later one replaces."""
        stale = self._wall() - LATE_BEAT_NS
        for each in [each for each in beats if each.at < stale or each is not beats[-1]]:
            self._leave(each, sent=False)

    async def _deliver(self, waiting: Waiting, lane: Lane, missed: bool) -> None:
        """One try, and what follows from it."""
        progress = self._progress[waiting.position]
        began = trio.current_time()
        if progress.first_at is None:
            progress.first_at = began
        limit_s = timeout_s(began - progress.first_at, lane)
        outcome, words = await self._try(waiting, limit_s, missed=missed, first=progress.tries == 0)
        del self._under_way[waiting.alert.key]
        now = trio.current_time()
        since_s = now - progress.first_at
        progress.tries += 1
        progress.picky = outcome.action == "refuse"
        if outcome.action == "deliver":
            self._finish(waiting, words, progress.tries)
        elif outcome.action == "disable":
            self._disabled = self._in_force().hash
            self._give_up(waiting, "the receiver is gone (410)")
        else:
            self._count_failure(outcome, now)
            if self._wall() - waiting.at > GIVE_UP_S * NS:
                self._give_up(waiting, "it is too old")
            elif progress.picky and since_s >= FAST_UNTIL_S and self._taken_at >= progress.first_at:
                self._give_up(waiting, "the receiver refuses it, and takes others")
            else:
                pause = pause_s(outcome, since_s, lane)
                if lane == "fast" and outcome.action == "wait":
                    pause = min(pause, LONGEST_FAST_WAIT_S)
                progress.due_at = now + pause
                if self._breaker.is_open:
                    self._stand_for_others(outcome, now)
        self._note_change()

    def _count_failure(self, outcome: Outcome, now: float) -> None:
        """One that asks for time is alive, and gets it."""
        if outcome.action == "wait":
            self._breaker.asked(now, outcome.wait_s)
        else:
            self._breaker.failed(now)

    def _stand_for_others(self, outcome: Outcome, now: float) -> None:
        """A try while the breaker is open is one of all that was due."""
        for waiting, lane, _ in self._heads(now):
            progress = self._progress[waiting.position]
            if progress.due_at <= now:
                if progress.first_at is None:
                    progress.first_at = now
                progress.due_at = now + pause_s(outcome, now - progress.first_at, lane)

    async def _try(self, waiting: Waiting, limit_s: float, *, missed: bool, first: bool) -> tuple[Outcome, str]:
        answer = Answer(failure="timeout", detail=f"no answer within {limit_s:.0f} s")
        try:
            notification = self._notification(waiting, missed=missed)
            with trio.move_on_after(limit_s):
                answer = await self._sender.send(notification)
        except Exception as error:  # the alerts' one place: what one receiver brings out must not end the collector
            _log.exception("an alert met a bug", receiver=self.receiver.name, id=waiting.id)
            answer = Answer(failure="bug", detail=f"{type(error).__name__}; the log has more")
        outcome = outcome_of(answer)
        self._standing.note_try(waiting, outcome, answer.words)
        if first and outcome.action != "deliver":
            self._write_down(waiting, "retried", answer.words, 1)
        return outcome, answer.words

    def _notification(self, waiting: Waiting, *, missed: bool) -> Notification:
        alert = waiting.alert
        return Notification(
            id=waiting.id,
            at=waiting.at,
            phase=alert.phase,
            alert=alert,
            key=alert.key,
            receiver=self.receiver.name,
            components={component.name: component for component in self._in_force().plan.component},
            missed=missed,
            link=self._link(alert),
        )

    def _finish(self, waiting: Waiting, words: str, tries: int) -> None:
        """The receiver has it. That a receiver was first told of an incident is a fact."""
        alert, now = waiting.alert, trio.current_time()
        before = self._known.get(alert.key)
        first = (before is None or not before.told) and not is_over(alert) and alert.phase != "notice"
        self._breaker.succeeded(now)
        self._taken_at = now
        for progress in self._progress.values():
            if not progress.picky:
                progress.due_at = min(progress.due_at, now)
        self._leave(waiting, sent=True)
        self._write_down(waiting, "sent", words, tries)
        if first and alert.incident:
            self._write(FactInput(at=self._wall(), what="paged", incident=alert.incident, text=self.receiver.name))

    def _give_up(self, waiting: Waiting, why: str) -> None:
        self._standing.note_given_up(waiting, why)
        progress = self._progress.get(waiting.position)
        self._write_down(waiting, "given_up", why, progress.tries if progress else 0)
        self._leave(waiting, sent=False)

    def _leave(self, waiting: Waiting, *, sent: bool) -> None:
        """It is done."""
        key = waiting.alert.key
        keep_end = self._sender.again_s > 0
        after = known_after(self._known.pop(key, None), waiting, sent=sent, keep_end=keep_end)
        if after is not None:
            self._known[key] = after  # at the end of the order
            while len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]
        self._progress.pop(waiting.position, None)
        self._ahead.leave(waiting)
        self._saving.note_change()

    def _write_down(
        self, waiting: Waiting, outcome: Literal["sent", "retried", "given_up"], words: str, tries: int
    ) -> None:
        self._write(
            DeliveryInput(
                at=self._wall(),
                alert=waiting.id,
                key=waiting.alert.key,
                receiver=self.receiver.name,
                outcome=outcome,
                tries=tries,
                text=words[:_TEXT],
                incident=waiting.alert.incident or "",
            )
        )

    async def _keep_telling(self) -> None:
        """Says again what is open, and for a while what has ended, to a receiver that forgets."""
        while True:
            await trio.sleep(self._sender.again_s)
            for key, told in list(self._known.items()):
                if told.ended_at and self._wall() - told.ended_at > END_AGAIN_S * NS:
                    if self._known.get(key) is told:
                        del self._known[key]
                elif told.told and key not in self._under_way and not self._breaker.is_open:
                    await self._tell_again(told)

    async def _tell_again(self, told: Told) -> None:
        waiting = await self._ahead.read_again(told.position)
        if waiting is None:
            return
        outcome, _ = await self._try(waiting, timeout_s(0.0, "fast"), missed=False, first=False)
        if outcome.action == "deliver":
            self._breaker.succeeded(trio.current_time())
        else:
            self._count_failure(outcome, trio.current_time())


async def _first_of(wait: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
    await wait()
    scope.cancel()
