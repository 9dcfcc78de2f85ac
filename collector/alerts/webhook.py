"""A webhook: one POST, signed by Standard Webhooks."""

from collections.abc import Callable

from collector.alerts import standard_webhooks
from collector.alerts.message import rendered
from collector.alerts.notification import Notification
from collector.alerts.outcomes import Answer
from collector.alerts.post import LookUp, Poster, look_up
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.plan.alert_types import Receiver
from parallax.secret import Secret, SecretError, read_secret


class Webhook:
    """One receiver of the kind webhook."""

    again_s = 0.0

    def __init__(
        self,
        receiver: Receiver,
        config: CollectorConfig,
        *,
        look_up: LookUp = look_up,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        assert receiver.url is not None  # the plan's loader has seen to it
        self._wall = wall
        self._poster = Poster(receiver.url, receiver.address, config, look_up=look_up, wall=wall)
        self._secret = WebhookKey(receiver.key, config.secrets)

    async def prepare(self) -> str:
        """Reads the key and gets the way ready. What a person must mend, or ""."""
        await self._poster.prepare()
        return self._secret.read()

    async def send(self, notification: Notification) -> Answer:
        """Delivers once; what came of it. Never raises but for cancellation; the caller owns the timeout."""
        message = rendered(notification)
        return await post_signed(self._poster, self._secret, message.id, message.body, self._wall)


class WebhookKey:
    """A key as the collector's config leads to it; `reference` is the plan's secret:NAME. `key` is None until it is
    read."""

    def __init__(self, reference: str, secrets: dict[str, str]) -> None:
        self._name = reference.removeprefix("secret:")
        self._reference = secrets.get(self._name)
        self.key: bytes | None = None

    def read(self) -> str:
        """Reads it anew; what is wrong with it, or ""."""
        self.key = None
        if self._reference is None:
            return f'the collector\'s config has no {self._name} under [secrets]; add {self._name} = "file:PATH"'
        try:
            secret: Secret = read_secret(self._reference)
            self.key = standard_webhooks.key_of(secret.reveal())
        except standard_webhooks.NoKey as error:
            return f"{self._name} {error}"
        except SecretError as error:
            return f"{self._name}: {error}"
        return ""


async def post_signed(poster: Poster, secret: WebhookKey, id: str, body: bytes, wall: Callable[[], int]) -> Answer:  # noqa: A002
    """Sends a signed message once. The key is read anew after whatever did not go well: somebody may have mended it."""
    if secret.key is None and (problem := secret.read()):
        return Answer(failure="secret", detail=problem)
    key = secret.key
    assert key is not None

    def headers() -> dict[str, str]:
        return {"content-type": "application/json", **standard_webhooks.headers(key, id, wall() // NS, body)}

    answer = await poster.post(body, headers)
    if answer.status is None or not 200 <= answer.status < 300:
        secret.key = None
    return answer
