"""The steps of a flow of the plan's own: `[[check.step]]` tables of a check of kind `signin`.

Each is one of `request`, `submit`, `oidc`, `verify_jwt`, `totp`, `webauthn`, `mail`, `sms`, `webhook` and `pause`, and
an observation of its own, under its name. What may stand in braces, and where, parallax.plan.step_rules says.
"""

from typing import Annotated, Any, Literal

import msgspec

from parallax.json_paths import MAX_PATH
from parallax.plan.assertion_specs import Assertion, HeaderName, Pattern, Status
from parallax.plan.letter_specs import MailStep, SmsStep, WebhookStep
from parallax.plan.templates import SecretReference, Template
from parallax.values import Duration, Url

StepName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"[a-z][a-z0-9_-]{0,39}", description="a name: a small letter, then small letters, digits, '_', '-'"
    ),
]
_VALUES = Annotated[str, msgspec.Meta(max_length=16_384)]
Refusal = Literal[
    "account_locked", "account_throttled", "bad_credentials", "bad_otp", "captcha", "consent_required", "error_page",
    "incomplete", "mfa_required", "needs_browser", "quota", "required_action", "unexpected_page", "unknown_identifier",
]  # fmt: skip
"""What a response may say, as a reason without its `signin_`."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HTTP request: its method and URL as one key, `get = "https://..."`."""

    get: Template | None = None
    """The URL of a GET request; or write `post`, `put`, `patch`, `delete`."""
    post: Template | None = None
    """The URL of a POST request."""
    put: Template | None = None
    """The URL of a PUT request."""
    patch: Template | None = None
    """The URL of a PATCH request."""
    delete: Template | None = None
    """The URL of a DELETE request."""
    who: Literal["browser", "backchannel"] = msgspec.field(default="browser", name="as")
    """Who asks: the user's browser, or the relying party, which has cookies of its own."""
    headers: dict[str, Template] = {}
    """Request headers beside the usual."""
    form: dict[str, _VALUES] = {}
    """A body of form fields (application/x-www-form-urlencoded)."""
    json: dict[str, Any] | None = None
    """A body of JSON; every text in it may have values in braces."""
    follow: Literal["no", "redirects", "until-redirect-uri"] | None = None
    """Which redirects are followed: none, all, or all until one leads to the client's redirect URI. If left out, the
    browser follows until there, and the backchannel follows none."""


class Submit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A form of the page that the browser is at, filled in and sent with all that the page put into it."""

    form: str | int = "auto"
    """Which form: "auto" (the one that has the fields of `fill`, else the only one), "password" (the one that asks for
    a password), "#its-id", or its number on the page, from 1."""
    fill: dict[str, _VALUES] = {}
    """Values by the names of the form's fields."""
    press: str | None = None
    """The label of the button; if left out, the one that a person would press to go on."""


class VerifyJwt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed token: its signature, and what it says (RFC 7519)."""

    token: Template
    """The token."""
    issuer: Url | None = None
    """What its `iss` must be; the check's issuer if left out."""
    audience: Template | None = None
    """What must be in its `aud`; not looked at if left out."""
    jwks: Url | None = None
    """Where the keys are; those of the check's issuer if left out."""


class TotpStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Makes a one-time password by `user.totp`."""

    into: str = "otp"
    """The name that later steps have it under."""


class WebauthnStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers a passkey's challenge as a browser with an authenticator does (W3C Web Authentication). The answer is
    there for later steps: as JSON under `into`, and in parts as `into.id`, `into.client_data`,
    `into.authenticator_data`, `into.signature`, `into.user_handle`, and `into.attestation_object` of a
    registration."""

    passkey: SecretReference
    """The passkey, as `parallax passkey new` makes it."""
    challenge: Template
    """The challenge, base64url, as an earlier step captured it."""
    register: bool = False
    """It makes the passkey known to the provider, instead of signing in with it."""
    origin: Url | None = None
    """Scheme and host of the page that asks; that of the response before if left out."""
    rp: Annotated[str, msgspec.Meta(max_length=253)] | None = None
    """The relying party's id: the origin's host, or a parent domain of it; the host if left out."""
    user_handle: Template | None = None
    """The user's handle, base64url, where the provider wants it back."""
    verified: bool = True
    """Whether it says that it has verified the user, as with a fingerprint."""
    into: str = "passkey"
    """The name that later steps have the answer under."""


class Capture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value out of the step's response, for later steps: one of `json`, `header`, `regex`, `form`, `cookie`."""

    json: Annotated[str, msgspec.Meta(max_length=MAX_PATH)] | None = None
    """A JSONPath (RFC 9535) into the body; the first value that it finds."""
    header: HeaderName | None = None
    """The response header with this name."""
    regex: Pattern | None = None
    """A regular expression on the body as text; its first group, or all that it matches."""
    form: str | None = None
    """The value that a field with this name has on the page, hidden ones too."""
    cookie: str | None = None
    """The value of the cookie with this name that would be sent to where the response came from."""
    secret: bool = True
    """Whether it must show nowhere, and go into no URL. Say false of what is none."""


class On(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a response means: one or more of `status`, `text`, `json`, all of which must hold, and the reason."""

    status: Status | None = None
    """The response has this status."""
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500, description="some text")] | None = None
    """The visible text of the page, or the body where it is no page, has this in it, whatever the case."""
    json: Annotated[str, msgspec.Meta(max_length=MAX_PATH)] | None = None
    """A JSONPath (RFC 9535) that finds something in the body."""
    equals: str | bool | int | float | None = None
    """What `json` finds is this."""
    reason: Refusal = msgspec.field(name="is")
    """What it then is: a reason's word without `signin_`."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step: one of `request`, `submit`, `oidc`, `verify_jwt`, `totp`, `webauthn`, `mail`, `sms`, `webhook`,
    `pause`, and what to make of it."""

    name: StepName
    """What observations call it."""
    request: Request | None = None
    """One HTTP request."""
    submit: Submit | None = None
    """A form of the page that the browser is at."""
    oidc: Literal["token", "verify", "userinfo", "refresh", "logout", "session"] | None = None
    """A step of the preset oidc.password, as it is."""
    verify_jwt: VerifyJwt | None = None
    """A signed token."""
    totp: TotpStep | None = None
    """A one-time password by the clock."""
    webauthn: WebauthnStep | None = None
    """A passkey's answer to a challenge."""
    mail: MailStep | None = None
    """A mail that must arrive."""
    sms: SmsStep | None = None
    """An SMS that must arrive."""
    webhook: WebhookStep | None = None
    """A webhook that the provider must send."""
    pause: Duration | None = None
    """Waits so long, 10s at most."""
    attempts: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None
    """How many are made at most, each an observation of its own: the flow goes on with the first that passes, and the
    first attempt stays what users meet. For `get` only: what may change something is never sent twice. If left out, 2
    for a light one of the backchannel, else 1."""
    optional: bool = False
    """It is left out where there is nothing for it to do: no such form on the page, or a value that it names was not
    set. If there is, it counts as any step."""
    light: bool = False
    """It is taken in every run, before anybody signs in; the others in whole runs only (`every.full`)."""
    cleanup: bool = False
    """It ends what the run began. It is taken in its place, and also when the run was cancelled, or ended before it."""
    capture: dict[str, Capture] = {}
    """Values for later steps, by the name that they have there."""
    assertions: list[Assertion] = msgspec.field(default_factory=list, name="assert")
    """What must hold of the response; without a status among them, the status must be below 400."""
    on: list[On] = []
    """What certain responses mean; the first that fits ends the step."""
