"""A receiver that takes alerts by one HTTP POST: the kinds are pure functions from words to a post, and share the way.

Where the URL is itself the secret (anybody who has it can post), the plan has no `url`: `key` says where it is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from collector.alerts.notification import Notification
from collector.alerts.wording import Words, words_of
from parallax.clock import wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer, Heard, LookUp, Poster, look_up
from parallax.plan.alert_types import Receiver
from parallax.secret import SecretError, read_secret
from parallax.values import Url

_MOST_POSTERS = 4


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: `path` replaces the URL's own path where there is one."""

    headers: Mapping[str, str]
    body: bytes
    path: str | None = None
    method: Literal["POST", "GET"] = "POST"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind needs to know beside the words. `secret` is what `key` leads to; "" without one, and where it is the
    URL."""

    receiver: Receiver
    url: Url
    secret: str
    now_ns: int
    page: str = ""
    """What people reach the page under; "" where the config does not say."""


Render = Callable[[Notification, Words, Way], Sequence[Post]]
"""The posts of a notification, of which one is sent: the next is tried where the receiver does not like the one before
(a picture that it does not take)."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind of receiver is told."""

    render: Render
    url: str = ""
    """Where it delivers to unless the plan says otherwise."""
    secret_url: bool = False
    """The URL is the secret that `key` leads to, unless the plan has one."""
    heard: Heard | None = None
    """Where the status does not say it all."""
    again_s: float = 0.0


class Posted:
    """One receiver. Several sends may be under way at once."""

    def __init__(
        self,
        kind: Kind,
        receiver: Receiver,
        config: CollectorConfig,
        *,
        look_up: LookUp = look_up,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        self._kind, self._receiver, self._config = kind, receiver, config
        self._look_up, self._wall = look_up, wall
        self._posters: dict[Url, Poster] = {}
        self._secret: str | None = None

    @property
    def again_s(self) -> float:
        return self._kind.again_s

    async def prepare(self) -> str:
        """Reads the secret and gets the way ready. What a person must mend, or ""."""
        url = self._read()
        if not isinstance(url, Url):
            return url
        await self._poster(url).prepare()
        return ""

    async def send(self, notification: Notification) -> Answer:
        """Delivers once; what came of it. Never raises but for cancellation; the caller owns the timeout."""
        url = self._read()
        if not isinstance(url, Url):
            return Answer(failure="secret", detail=url)
        words = words_of(notification, self._receiver.templates)
        page = str(self._config.page or "").rstrip("/")
        token = "" if self._receiver.url is None and self._kind.secret_url else self._secret or ""
        way = Way(receiver=self._receiver, url=url, secret=token, now_ns=self._wall(), page=page)
        answer = Answer(failure="bug", detail="the kind has nothing to send")
        for post in self._kind.render(notification, words, way):
            target = url if post.path is None else _with_path(url, post.path)
            headers = post.headers
            answer = await self._poster(target).post(
                post.body,
                lambda: headers,  # noqa: B023
                heard=self._kind.heard,
                method=post.method,
            )
            if answer.status not in (400, 405, 413, 415, 422):
                break
        if answer.status is None or not 200 <= answer.status < 300:
            self._secret = None  # it may have been mended by the next try
        return answer

    def _poster(self, url: Url) -> Poster:
        if url not in self._posters:
            if len(self._posters) >= _MOST_POSTERS:
                self._posters.clear()
            address = self._receiver.address
            self._posters[url] = Poster(url, address, self._config, look_up=self._look_up, wall=self._wall)
        return self._posters[url]

    def _read(self) -> Url | str:
        """Reads the secret where it is not known; the URL, or what is wrong."""
        key = self._receiver.key
        if key and self._secret is None:
            name = key.removeprefix("secret:")
            reference = self._config.secrets.get(name)
            if reference is None:
                return f'the collector\'s config has no {name} under [secrets]; add {name} = "file:PATH"'
            try:
                self._secret = read_secret(reference).reveal()
            except SecretError as error:
                return f"{name}: {error}"
        if self._receiver.url is not None:
            return self._receiver.url
        if not self._kind.secret_url:
            return Url(self._kind.url)
        try:
            return Url.parse(self._secret or "")
        except ValueError:  # whose message would quote the secret
            self._secret = None
            return f"{key.removeprefix('secret:')} is no URL; it is the whole URL to post to, https://..."


def _with_path(url: Url, path: str) -> Url:
    scheme, _, rest = str(url).partition("://")
    return Url(f"{scheme}://{rest.partition('/')[0].partition('?')[0]}{path}")


def json_post(content: object, headers: Mapping[str, str] = {}, path: str | None = None) -> Post:
    """A post of JSON."""
    return Post(headers={"content-type": "application/json", **headers}, body=msgspec.json.encode(content), path=path)


def bearer(secret: str) -> dict[str, str]:
    """The header for a token, none without one (RFC 6750 section 2.1)."""
    return {"authorization": f"Bearer {secret}"} if secret else {}
