"""A sender of alerts, for virtual time: `answer` is the hook, and says what comes of each try."""

from collections.abc import Awaitable, Callable

import msgspec
import trio

from collector.alerts.message import Message
from collector.alerts.outcomes import Answer

TAKEN = Answer(status=204)


class Tried(msgspec.Struct, frozen=True):
    """A try: when it began, and what was to be sent."""

    at: float
    message: Message

    @property
    def id(self) -> str:
        return self.message.id


async def takes(message: Message) -> Answer:
    await trio.lowlevel.checkpoint()
    return TAKEN


def answers(*results: Answer, then: Answer = TAKEN) -> Callable[[Message], Awaitable[Answer]]:
    """These answers one after the other, then always the last."""
    left = list(results)

    async def answer(message: Message) -> Answer:
        await trio.lowlevel.checkpoint()
        return left.pop(0) if left else then

    return answer


class FakeSender:
    """`tried` is every try; `taken` are the ids of what was delivered."""

    def __init__(self, answer: Callable[[Message], Awaitable[Answer]] = takes, problem: str = "") -> None:
        self.answer, self.problem = answer, problem
        self.tried: list[Tried] = []
        self.taken: list[str] = []

    async def prepare(self) -> str:
        await trio.lowlevel.checkpoint()
        return self.problem

    async def send(self, message: Message) -> Answer:
        self.tried.append(Tried(trio.current_time(), message))
        answer = await self.answer(message)
        if answer.status is not None and 200 <= answer.status < 300:
            self.taken.append(message.id)
        return answer
