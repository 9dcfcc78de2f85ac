"""Config of webhooks that the collector takes, and what its keys must keep among each other."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from parallax.json_paths import MAX_PATH, path_complaint
from parallax.loading.convert import Fault
from parallax.loading.problems import shown
from parallax.secret import SecretError, check_reference
from parallax.values import Url

HookName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"[a-z][a-z0-9_-]{0,39}", description="a name: a small letter, then small letters, digits, '_', '-'"
    ),
]
_Path = Annotated[str, msgspec.Meta(max_length=MAX_PATH)]


class SmsFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an SMS is in the JSON of a webhook: JSONPaths (RFC 9535)."""

    sender: _Path = msgspec.field(default="$.from", name="from")
    """The number that it came from."""
    to: _Path = "$.to"
    """The number that it was sent to."""
    body: _Path = "$.body"
    """Its text."""


class Hook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook of a provider's that the collector takes at POST /v1/hooks/NAME, for the steps `webhook` and `sms` of
    sign-ins. What has no signature that fits is refused and not kept. The path is on the collector's own listener: for
    a provider outside, let a proxy lead this path, and no other, to it."""

    name: HookName
    """What steps and the path call it."""
    takes: Literal["webhook", "sms"] = "webhook"
    """What comes: events of the provider, or SMS."""
    signature: Literal["standard", "twilio", "bearer"] = "standard"
    """How a message is proven: by Standard Webhooks (headers webhook-* or svix-*), by X-Twilio-Signature over the URL
    and the form, or by the key itself in `Authorization: Bearer KEY`."""
    keys: Annotated[list[str], msgspec.Meta(min_length=1, max_length=3, description="one to three keys")]
    """Where the key is: file:PATH, env:NAME or credential:NAME (systemd); several while one is changed for another.
    For "standard" it is whsec_..., for "twilio" the account's auth token."""
    url: Url | None = None
    """The URL that the provider posts to, as it has it: "twilio" signs it."""
    types: Annotated[list[str], msgspec.Meta(max_length=50, description="50 types at most")] = []
    """The types of events that are kept (`type` in the body); all if left out. Write those that checks wait for, where
    the provider sends those of all users."""
    fields: SmsFields = SmsFields()
    """Where an SMS is in JSON; "twilio" has a form of its own."""


def hook_faults(hooks: list[Hook], path: tuple[str | int, ...] = ("hook",)) -> Iterator[Fault]:
    """What is wrong with the hooks together."""
    seen: set[str] = set()
    for place, hook in enumerate(hooks):
        here = (*path, place)
        if hook.name in seen:
            yield Fault((*here, "name"), f"{shown(hook.name)} is there already")
        seen.add(hook.name)
        for number, reference in enumerate(hook.keys):
            try:
                check_reference(reference)
            except SecretError as error:
                yield Fault((*here, "keys", number), str(error))
        if hook.signature == "twilio" and hook.url is None:
            yield Fault((*here, "url"), 'is missing: signature = "twilio" is over the URL that Twilio posts to')
        if hook.signature == "twilio" and hook.takes != "sms":
            yield Fault((*here, "takes"), 'wants "sms" beside signature = "twilio"')
        if hook.signature != "twilio" and hook.url is not None:
            yield Fault((*here, "url"), 'goes with signature = "twilio"; take it out')
        if hook.types and hook.takes != "webhook":
            yield Fault((*here, "types"), "are of webhooks, and an SMS has none; take them out")
        if hook.fields != SmsFields() and (hook.takes != "sms" or hook.signature == "twilio"):
            yield Fault((*here, "fields"), 'are of an SMS in JSON: takes = "sms", and not signature = "twilio"')
        for key in ("sender", "to", "body") if hook.fields != SmsFields() else ():
            if complaint := path_complaint(getattr(hook.fields, key)):
                yield Fault((*here, "fields", "from" if key == "sender" else key), complaint)
