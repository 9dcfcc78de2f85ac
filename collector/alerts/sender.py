"""What a receiver of any kind is to its delivery."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from collector.alerts.notification import Notification
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer
from parallax.plan.alert_types import Receiver
from parallax.values import Address


class Sender(Protocol):
    """How a receiver is reached. Several sends may be under way at once, of different keys. Never raises but for
    cancellation; the caller owns the timeouts."""

    @property
    def again_s(self) -> float:
        """How often the receiver wants an open alert once more, and its end for 5 min; 0: never."""

    async def prepare(self) -> str:
        """Gets ready; what a person must mend before anything can be delivered, or ""."""

    async def send(self, notification: Notification) -> Answer:
        """Delivers once. The same notification, tried again, has the same id."""


class MakeSender(Protocol):
    """What the registry has of each kind. `look_up` turns a host and port into addresses to dial, in order, also when
    the DNS that is watched is gone; it raises OSError where the name was never found."""

    def __call__(
        self, receiver: Receiver, config: CollectorConfig, *, look_up: Callable[[str, int], Awaitable[list[Address]]]
    ) -> Sender: ...
