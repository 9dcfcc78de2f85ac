"""Steps that wait for a letter: a mail, an SMS or a webhook that the collector takes."""

from typing import Annotated

import msgspec

from parallax.hook_config import HookName
from parallax.json_paths import MAX_PATH
from parallax.letters import Mechanism
from parallax.plan.templates import Template
from parallax.values import Duration


class MailStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Waits for a mail, at the collector's own mail server. What is captured with `regex` is looked for in its subject
    and text."""

    to: Template | None = None
    """The address; the user's if left out."""
    within: Duration = Duration(60)
    """How long it may take to arrive."""
    late: Duration | None = None
    """A mail that takes longer than this is late: degraded, not failed."""
    authenticated: list[Mechanism] = []
    """What must prove the mail: "dkim" (a signature of it is right), "spf" (its domain lets the host that delivered it
    send), "dmarc" (one of both is of the domain in its From field). The collector needs `resolvers` in its [mail]."""


class SmsStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Waits for an SMS, which its provider brings to a hook of the collector's. What is captured with `regex` is looked
    for in its text."""

    to: Template
    """The number, with "+" and the country's code."""
    within: Duration = Duration(60)
    """How long it may take to arrive."""
    late: Duration | None = None
    """An SMS that takes longer than this is late: degraded, not failed."""


class Where(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a webhook must have in it to be the one that is waited for."""

    json: Annotated[str, msgspec.Meta(max_length=MAX_PATH)]
    """A JSONPath (RFC 9535) into its body."""
    equals: Template | bool | int | float | None = None
    """One of the values there is this; anything if left out."""


class WebhookStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Waits for a webhook that a provider sends to a hook of the collector's. `assert` looks at its body, with `json`
    and `body`; values are captured with `json` and `regex`."""

    hook: HookName
    """The hook, as the collector's config has it."""
    where: Annotated[list[Where], msgspec.Meta(max_length=10, description="10 conditions at most")] = []
    """Which webhook it is, as all those of the provider arrive there: `{ json = "$.type", equals = "user.created" }`,
    say."""
    within: Duration = Duration(60)
    """How long it may take to arrive."""
    late: Duration | None = None
    """A webhook that takes longer than this is late: degraded, not failed."""
