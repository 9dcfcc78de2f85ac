"""A sender of alerts, for virtual time: `answer` is the hook, and says what comes of each try."""

from collections.abc import Awaitable, Callable

import msgspec
import trio

from collector.alerts.notification import Notification
from parallax.dialling.post import Answer

TAKEN = Answer(status=204)


class Tried(msgspec.Struct, frozen=True):
    """A try: when it began, and what was to be sent."""

    at: float
    notification: Notification

    @property
    def id(self) -> str:
        return self.notification.id


async def takes(notification: Notification) -> Answer:
    await trio.lowlevel.checkpoint()
    return TAKEN


def answers(*results: Answer, then: Answer = TAKEN) -> Callable[[Notification], Awaitable[Answer]]:
    """These answers one after the other, then always the last."""
    left = list(results)

    async def answer(notification: Notification) -> Answer:
        await trio.lowlevel.checkpoint()
        return left.pop(0) if left else then

    return answer


class FakeSender:
    """`tried` is every try; `taken` are the ids of what was delivered."""

    again_s = 0.0

    def __init__(self, answer: Callable[[Notification], Awaitable[Answer]] = takes, problem: str = "") -> None:
        self.answer, self.problem = answer, problem
        self.tried: list[Tried] = []
        self.taken: list[str] = []

    async def prepare(self) -> str:
        await trio.lowlevel.checkpoint()
        return self.problem

    async def send(self, notification: Notification) -> Answer:
        self.tried.append(Tried(trio.current_time(), notification))
        answer = await self.answer(notification)
        if answer.status is not None and 200 <= answer.status < 300:
            self.taken.append(notification.id)
        return answer
