"""A webhook: one POST, signed by Standard Webhooks."""

from collections.abc import Callable
from typing import Literal

from collector.alerts.message import rendered
from collector.alerts.notification import Notification
from parallax import standard_webhooks
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer, LookUp, Poster, look_up
from parallax.plan.alert_types import Receiver
from parallax.secret import SecretError, read_secret
from parallax.standard_webhooks import Signer


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
        self._wall, self._templates = wall, receiver.templates
        self._poster = Poster(receiver.url, receiver.address, config, look_up=look_up, wall=wall)
        self._secret = WebhookKey(receiver.key, config.secrets, before=receiver.key_before, scheme=receiver.sign)

    async def prepare(self) -> str:
        """Reads the key and gets the way ready. What a person must mend, or ""."""
        await self._poster.prepare()
        return self._secret.read()

    async def send(self, notification: Notification) -> Answer:
        """Delivers once; what came of it. Never raises but for cancellation; the caller owns the timeout."""
        message = rendered(notification, self._templates)
        return await post_signed(self._poster, self._secret, message.id, message.body, self._wall)


class WebhookKey:
    """A key as the collector's config leads to it; `reference` is the plan's secret:NAME, `before` that of the key
    before it, which is signed with as well while it is rotated. `signers` is empty until they are read."""

    def __init__(
        self, reference: str, secrets: dict[str, str], *, before: str = "", scheme: Literal["v1", "v1a"] = "v1"
    ) -> None:
        self._secrets, self._scheme = secrets, scheme
        self._names = [each.removeprefix("secret:") for each in (reference, before) if each]
        self.signers: list[Signer] = []

    def read(self) -> str:
        """Reads them anew; what is wrong, or ""."""
        self.signers = []
        signers = []
        for name in self._names:
            reference = self._secrets.get(name)
            if reference is None:
                return f'the collector\'s config has no {name} under [secrets]; add {name} = "file:PATH"'
            try:
                signers.append(standard_webhooks.signer(self._scheme, read_secret(reference).reveal()))
            except standard_webhooks.NoKey as error:
                return f"{name} {error}"
            except SecretError as error:
                return f"{name}: {error}"
        self.signers = signers
        return ""


async def post_signed(poster: Poster, secret: WebhookKey, id: str, body: bytes, wall: Callable[[], int]) -> Answer:  # noqa: A002
    """Sends a signed message once. The key is read anew after whatever did not go well: somebody may have mended it."""
    if not secret.signers and (problem := secret.read()):
        return Answer(failure="secret", detail=problem)
    signers = secret.signers  # as another send may forget them meanwhile

    def headers() -> dict[str, str]:
        return {"content-type": "application/json", **standard_webhooks.signed(signers, id, wall() // NS, body)}

    answer = await poster.post(body, headers)
    if answer.status is None or not 200 <= answer.status < 300:
        secret.signers = []
    return answer
