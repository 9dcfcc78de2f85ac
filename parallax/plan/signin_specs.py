"""What the checks of sign-in may say in a plan: OpenID Connect metadata and machine tokens (`oidc`), and whole flows
(`signin`): a preset, or steps of the plan's own."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from parallax.plan.step_specs import Step
from parallax.plan.templates import SecretReference, Template
from parallax.values import Duration, Rate, Url

Preset = Literal[
    "oidc.password", "oidc.client_credentials", "clerk.password", "clerk.email_code", "clerk.session_token"
]
PRESETS: tuple[Preset, ...] = (
    "oidc.password",
    "oidc.client_credentials",
    "clerk.password",
    "clerk.email_code",
    "clerk.session_token",
)
Words = Annotated[list[str], msgspec.Meta(max_length=50)]


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The OAuth client that the check is, as it is registered with the provider (RFC 6749 section 2)."""

    id: Annotated[str, msgspec.Meta(max_length=500)]
    """The client identifier."""
    auth: Literal["none", "basic", "post"] = "none"
    """How it authenticates at the token endpoint: not at all (a public client with PKCE), client_secret_basic, or
    client_secret_post."""
    secret: SecretReference | None = None
    """The client secret, where it has one."""
    redirect_uri: Url = Url("https://probe.invalid/cb")
    """Where the provider sends the browser back to. Nothing needs to listen there: the redirect is caught."""


class Totp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time-based one-time password (RFC 6238)."""

    secret: SecretReference
    """The shared secret."""
    encoding: Literal["base32", "hex", "raw"] = "base32"
    """How the secret is written."""
    digits: Annotated[int, msgspec.Meta(ge=6, le=10)] = 6
    """How long a code is."""
    period: Duration = Duration(30)
    """How long a code holds."""
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha1"
    """The hash."""


class Mail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mail with a one-time code, as it arrives at the collector's own mail server ([mail] in its config)."""

    within: Duration = Duration(60)
    """How long it may take to arrive."""
    code: Annotated[str, msgspec.Meta(max_length=200)] = r"\b(\d{6})\b"
    """A regular expression whose first group is the code."""
    late: Duration | None = None
    """A mail that takes longer than this is late: degraded, not failed."""


class Sms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The SMS with a one-time code, as its provider brings it to a hook of the collector's ([[hook]] in its config)."""

    to: Template
    """The number that it is sent to, with its country: "+15005550006". Each probe needs its own."""
    within: Duration = Duration(60)
    """How long it may take to arrive."""
    code: Annotated[str, msgspec.Meta(max_length=200)] = r"\b(\d{6})\b"
    """A regular expression whose first group is the code."""
    late: Duration | None = None
    """An SMS that takes longer than this is late: degraded, not failed."""


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signs in: an account of its own for each probe, made for this and for nothing else."""

    name: Template
    """What is typed as the user name: a template, so that each probe has its own ("synthetic-{probe}")."""
    password: SecretReference | None = None
    """The password."""
    totp: Totp | None = None
    """The second factor, if it has one."""
    mail: Mail | None = None
    """Where codes by mail are read; `name` or `address` is then an address of the collector's mail server."""
    sms: Sms | None = None
    """Where codes by SMS are read."""
    address: Template | None = None
    """The user's mail address, where that is not its name."""
    code: Template | None = None
    """A code that always holds, as the test users of some vendors have."""
    owner: str = ""
    """Who looks after the account."""
    rotate_by: date | None = None
    """When the password is due to be changed: a risk from two weeks before."""


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the id_token must be, beyond what OpenID Connect demands of every one."""

    alg: Words = []
    """Signature algorithms that may have signed it; any asymmetric one that the provider advertises if left out."""
    amr: Words = []
    """Authentication methods that it must list (RFC 8176)."""
    acr: str | None = None
    """The authentication context class that it must have."""
    claims: dict[str, Any] = {}
    """Claims that it must have, with these values."""


class Every(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the dearer parts run. The light part, which signs nobody in, runs every `period`."""

    silent: Duration | None = None
    """A session is kept and renewed so often without the user (prompt=none, or its refresh token); never if left
    out."""
    full: Duration = Duration(300)
    """The whole flow."""


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a probe may do what is limited: a run that would go beyond is left out, and says so."""

    per_user: Rate | None = Rate("4/min")
    """Sign-ins of one user."""
    per_address: Rate | None = None
    """Sign-ins from one probe's address."""
    per_tenant: Rate | None = None
    """Sign-ins at this provider, of all checks and all probes together: each probe keeps to its share."""


class OidcSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a provider of OpenID Connect publishes (discovery, keys), whether it agrees with itself, and tokens for
    machines (client_credentials)."""

    issuer: Url
    """The issuer, as its tokens have it."""
    client: Client | None = None
    """A client that gets a token by the client_credentials grant (RFC 6749 section 4.4), if that is to be checked."""
    scope: Words = []
    """The scope that the token is asked for."""
    parameters: dict[str, Template] = {}
    """Further parameters of the token request: audience, resource."""
    every: Duration = Duration(300)
    """How often a token is asked for; the rest runs every `period`."""
    expect: Expect = Expect()
    """What the token must be, where it is a JWT."""
    budget: Budget = Budget(per_user=None)
    """How often a probe may do what is limited."""


class SigninSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole sign-in, step by step. Every step that is reached is an observation of its own."""

    use: Preset | None = None
    """A preset, which is a list of steps made for a kind of provider; or write `step` tables of your own."""
    issuer: Url | None = None
    """The issuer of OpenID Connect."""
    frontend_api: Url | None = None
    """Clerk's frontend API: https://clerk.example.com."""
    instance: Literal["production", "development"] = "production"
    """What a Clerk instance is."""
    secret_key: SecretReference | None = None
    """The key of Clerk's backend API, for clerk.session_token."""
    backend_api: Url = Url("https://api.clerk.com/v1")
    """Clerk's backend API."""
    client: Client | None = None
    """The OAuth client that the check is."""
    user: User | None = None
    """Who signs in."""
    scope: Words = msgspec.field(default_factory=lambda: ["openid"])
    """The scope that is asked for."""
    parameters: dict[str, Template] = {}
    """Further parameters of the authorization request: audience, organization, ui_locales."""
    expect: Expect = Expect()
    """What the id_token must be."""
    step: Annotated[list[Step], msgspec.Meta(max_length=40)] = []
    """Steps of the plan's own, instead of a preset: `[[check.step]]` tables."""
    leave_out: Words = []
    """Steps of the preset that are left out: refresh, userinfo, ..."""
    every: Every = Every()
    """How often the dearer parts run."""
    budget: Budget = Budget()
    """How often a probe may do what is limited."""
