"""Webhooks that providers send: POST /v1/hooks/NAME. The proof comes first; without it nothing of a body is read as
anything, and nothing of it is kept.

Only who has the key can put something into the box. That somebody without it tried is kept for the steps that wait, as
a webhook whose signature does not fit tells of a key that was changed on one side: one such note a second and hook.
"""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import trio

from collector.messages import twilio
from collector.messages.box import Box
from parallax import standard_webhooks
from parallax.clock import NS, wall_ns
from parallax.hook_config import Hook
from parallax.json_paths import found_at
from parallax.letters import MAX_LETTER, MAX_TEXT, Letter, number_of
from parallax.log import get_log
from parallax.secret import Secret, SecretError, read_secret

RATE, BURST = 20.0, 100.0
"""Messages of one peer to one hook, a second and at once."""
MAX_PEERS = 1_000
NOTED_S = 1.0
KEYS_S = 10.0
"""How soon after they were read last, the keys are read again for a signature that does not fit."""
_STANDARD = (standard_webhooks.ID, standard_webhooks.TIMESTAMP, standard_webhooks.SIGNATURE)
_SVIX = ("svix-id", "svix-timestamp", "svix-signature")
_log = get_log(__name__)


class HookStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One hook right now: messages taken, and those that were not, by cause; what is wrong with its keys, or ""."""

    name: str
    takes: str
    taken: int
    lost: dict[str, int]
    problem: str = ""


class Taken(msgspec.Struct, frozen=True):
    """What the sender is told: 200 for what was taken (or is not wanted, which no repeat would change), 400, 401, 404,
    413, 429; and in a sentence why."""

    status: int
    why: str = ""


class _Refused(Exception):
    def __init__(self, status: int, cause: str, why: str) -> None:
        super().__init__(why)
        self.status, self.cause, self.why = status, cause, why


class Hooks:
    """All hooks of a config. `limit_of` comes before a body is read, `take` after."""

    def __init__(self, hooks: Sequence[Hook], box: Box, *, wall: Callable[[], int] = wall_ns) -> None:
        self._doors = {hook.name: _Door(hook, box, wall) for hook in hooks}

    async def read_keys(self) -> None:
        """So that one that cannot be had is told at the start, not with the first message."""
        for door in self._doors.values():
            await door.read_keys()

    def of(self, takes: str) -> list[str]:
        """The names of those that take this."""
        return [name for name, door in self._doors.items() if door.hook.takes == takes]

    @property
    def status(self) -> list[HookStatus]:
        return [door.status for door in self._doors.values()]

    def refuse_early(self, name: str, peer: str) -> Taken | None:
        """Why a message is not even read; None where it is."""
        door = self._doors.get(name)
        if door is None:
            return Taken(404, "there is no such hook")
        return None if door.has_room(peer) else Taken(429, "too many messages")

    async def take(self, name: str, headers: Mapping[str, str], body: bytes, peer: str) -> Taken:
        """Takes one message; header names in lower case."""
        return await self._doors[name].take(headers, body, peer)

    def too_large(self, name: str) -> Taken:
        """The answer to a body beyond MAX_LETTER."""
        self._doors[name].lost["too_large"] += 1
        return Taken(413, f"a message is at most {MAX_LETTER} octets")


class _Door:
    def __init__(self, hook: Hook, box: Box, wall: Callable[[], int]) -> None:
        self.hook, self._box, self._wall = hook, box, wall
        self._keys: list[Any] = []
        self._keys_at = -KEYS_S
        self._problem = ""
        self._noted_at = -NOTED_S
        self._buckets: dict[str, tuple[float, float]] = {}
        self._taken = 0
        self.lost = dict.fromkeys(
            ("signature", "untimely", "malformed", "unwanted", "repeated", "too_large", "too_many"), 0
        )

    @property
    def status(self) -> HookStatus:
        hook = self.hook
        return HookStatus(
            name=hook.name, takes=hook.takes, taken=self._taken, lost=dict(self.lost), problem=self._problem
        )

    def has_room(self, peer: str) -> bool:
        """Whether the peer may send one more now."""
        now = trio.current_time()
        tokens, at = self._buckets.pop(peer, (BURST, now))
        tokens = min(BURST, tokens + (now - at) * RATE)
        if len(self._buckets) >= MAX_PEERS:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[peer] = (max(0.0, tokens - 1), now)
        if tokens < 1:
            self.lost["too_many"] += 1
            return False
        return True

    async def take(self, headers: Mapping[str, str], body: bytes, peer: str) -> Taken:
        try:
            letter = await self._read(headers, body, peer)
        except _Refused as refused:
            self.lost[refused.cause] += 1
            if refused.cause in ("signature", "untimely"):
                self._note(refused.cause, peer)
            return Taken(refused.status, refused.why)
        if letter.kind == "sms" and letter.id and self._box.has("sms", letter.id):
            self.lost["repeated"] += 1  # there may be no time in its proof, so it could be anybody's repeat
            return Taken(200)
        self._taken += 1
        self._box.put_nowait(letter)
        return Taken(200)

    def _note(self, cause: str, peer: str) -> None:
        now = trio.current_time()
        if self.hook.takes == "webhook" and now - self._noted_at >= NOTED_S:
            self._noted_at = now
            self._box.forget_refused(self.hook.name)  # one is enough, and none of them may be in the way of letters
            self._box.put_nowait(
                Letter(number=0, kind="webhook", to=self.hook.name, sender="", age_s=0.0, peer=peer, refused=cause)
            )

    async def _read(self, headers: Mapping[str, str], body: bytes, peer: str) -> Letter:
        """The message, proven. Raises _Refused."""
        if trio.current_time() - self._keys_at >= KEYS_S and not self._keys:
            await self.read_keys()
        try:
            id_, form = self._prove(headers, body)
        except _Refused as refused:
            if refused.cause != "signature" or trio.current_time() - self._keys_at < KEYS_S:
                raise
            await self.read_keys()  # the key may have been changed on this host
            id_, form = self._prove(headers, body)
        letter = Letter(number=0, kind=self.hook.takes, to="", sender="", age_s=0.0, id=id_, size=len(body), peer=peer)
        if form is not None:
            return self._sms(letter, form.get("From"), form.get("To"), form.get("Body"))
        value = _json(body)
        if self.hook.takes == "sms":
            fields = self.hook.fields
            return self._sms(letter, *(_text_at(path, value) for path in (fields.sender, fields.to, fields.body)))
        if self.hook.types and (not isinstance(value, dict) or value.get("type") not in self.hook.types):
            raise _Refused(200, "unwanted", "")
        return msgspec.structs.replace(letter, to=self.hook.name, text=body.decode("utf-8"))

    def _sms(self, letter: Letter, sender: str | None, to: str | None, text: str | None) -> Letter:
        number = number_of(to or "")
        if number is None or text is None:
            raise _Refused(400, "malformed", "there is no SMS in it: sender, number and text")
        return msgspec.structs.replace(letter, sender=(sender or "")[:40], to=number, text=text[:MAX_TEXT])

    def _prove(self, headers: Mapping[str, str], body: bytes) -> tuple[str, dict[str, str] | None]:
        """The id of a message that is genuine, and its fields where it is a form. Raises _Refused."""
        if self.hook.signature == "standard":
            return self._prove_standard(headers, body), None
        if self.hook.signature == "twilio":
            return self._prove_twilio(headers, body)
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise _Refused(401, "malformed", "the header Authorization has no bearer token")
        if not any(hmac.compare_digest(key.encode(), given.strip().encode("utf-8", "replace")) for key in self._keys):
            raise _Refused(401, "signature", "the key is another")
        return "", None

    def _prove_standard(self, headers: Mapping[str, str], body: bytes) -> str:
        given = {
            name: headers[source]
            for name, *sources in zip(_STANDARD, _STANDARD, _SVIX, strict=True)
            for source in sources
            if source in headers
        }
        refused = _Refused(401, "signature", "no signature fits the body and the key")
        for key in self._keys:
            try:
                return standard_webhooks.verify(key, given, body, self._wall() / NS)[:200]
            except standard_webhooks.Malformed as error:
                raise _Refused(400, "malformed", str(error)) from None
            except standard_webhooks.Untimely as error:
                # Who has no key must not be able to tell of a clock.
                refused = _Refused(401, "untimely", str(error)) if _genuine(key, given, body) else refused
            except standard_webhooks.BadSignature:
                continue
        raise refused

    def _prove_twilio(self, headers: Mapping[str, str], body: bytes) -> tuple[str, dict[str, str]]:
        signature = headers.get("x-twilio-signature")
        if not signature:
            raise _Refused(400, "malformed", "the header X-Twilio-Signature is missing")
        try:
            form = twilio.read_form(body)
        except ValueError:
            raise _Refused(400, "malformed", "the body is no form") from None
        if not any(twilio.fits(key, str(self.hook.url), form, signature) for key in self._keys):
            raise _Refused(401, "signature", "the signature does not fit the form and the URL in the config")
        return form.get("MessageSid", "")[:200], form

    async def read_keys(self) -> None:
        """Anew."""
        self._keys_at = trio.current_time()
        keys, problem = await trio.to_thread.run_sync(_read_keys, self.hook)
        if problem and problem != self._problem:
            _log.error("a hook's key cannot be used", hook=self.hook.name, problem=problem)
        self._keys, self._problem = keys, problem


def _genuine(key: bytes, given: Mapping[str, str], body: bytes) -> bool:
    """Whether it would be, at its own time."""
    with suppress(standard_webhooks.WebhookError):
        return bool(standard_webhooks.verify(key, given, body, int(given[standard_webhooks.TIMESTAMP])))
    return False


def _read_keys(hook: Hook) -> tuple[list[Any], str]:
    """The keys that can be read, and what is wrong with the others."""
    keys: list[Any] = []
    problem = ""
    for reference in hook.keys:
        try:
            text: Secret = read_secret(reference)
            keys.append(standard_webhooks.key_of(text.reveal()) if hook.signature == "standard" else text.reveal())
        except SecretError as error:
            problem = str(error)
        except standard_webhooks.NoKey as error:
            problem = f"{reference} {error}"
    return keys, problem


def _json(body: bytes) -> Any:
    """Raises _Refused."""
    with suppress(ValueError, RecursionError):
        if len(body) <= MAX_TEXT:
            return json.loads(body.decode("utf-8"))
    raise _Refused(400, "malformed", f"the body is no JSON of at most {MAX_TEXT} octets")


def _text_at(path: str, value: Any) -> str | None:
    with suppress(RecursionError):
        found = found_at(path, value)
        if found and isinstance(found[0], str | int):
            return str(found[0]).encode("utf-8", "replace").decode("utf-8")  # half an emoji is no text
    return None
