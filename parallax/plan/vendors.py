"""What vendors document of their limits and prices, and how much of it a check uses. Data and pure functions.

A vendor is known by its preset or by the issuer's host; behind a host of the owner's own, nobody can tell. Only such
limits are here as hold for every subscription of a vendor's: what is said of one tier only would refuse plans that are
right. Every figure has its source beside it.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from parallax.plan.signin_specs import OidcSpec, SigninSpec
from parallax.plan.specs import HttpSpec, Spec

Vendor = Literal["Auth0", "Clerk", "Cognito", "Okta"]
What = Literal[
    "sign-ins", "codes", "mails with codes", "SMS with codes", "requests at the backend API", "requests at userinfo",
    "token requests", "tokens for machines", "M2M tokens", "verifications of M2M tokens",
]  # fmt: skip
"""What limits and prices are about."""
Key = Literal["user", "address", "tenant"]
MINUTE_S, MONTH_S = 60.0, 30 * 86_400.0
"""A month of bills has 30 days here."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """So often, whatever is paid."""

    vendor: Vendor
    what: What
    key: Key
    times: int
    span_s: float
    said: str
    """As the vendor words it: 5/min."""
    source: str
    at_once: int | None = None
    """How many may come together; as many as `times` if left out."""
    instance: str | None = None
    """Of Clerk's instances: only those."""

    @property
    def per_minute(self) -> float:
        return self.times * MINUTE_S / self.span_s


_AUTH0 = "https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy"
_CLERK = "https://clerk.com/docs/guides/how-clerk-works/system-limits"
_OKTA = "https://developer.okta.com/docs/reference/rl2-limits/"

LIMITS: tuple[Limit, ...] = (
    # By user ID in all of Auth0's tables, free to enterprise.
    Limit(
        vendor="Auth0", what="requests at userinfo", key="user", times=5, span_s=60, said="5/min", at_once=10,
        source=f"{_AUTH0}/rate-limit-configurations",
    ),
    # From one address to one account of a database connection; beyond it, ten a minute go through.
    Limit(vendor="Auth0", what="sign-ins", key="user", times=20, span_s=60, said="20/min", source=_AUTH0),
    Limit(vendor="Clerk", what="sign-ins", key="address", times=5, span_s=10, said="5/10s", source=_CLERK),
    Limit(vendor="Clerk", what="codes", key="address", times=3, span_s=10, said="3/10s", source=_CLERK),
    Limit(
        vendor="Clerk", what="requests at the backend API", key="tenant", times=1000, span_s=10, said="1000/10s",
        source=_CLERK, instance="production",
    ),
    Limit(
        vendor="Clerk", what="requests at the backend API", key="tenant", times=100, span_s=10, said="100/10s",
        source=_CLERK, instance="development",
    ),
    # Test addresses (+clerk_test) take none.
    Limit(
        vendor="Clerk", what="mails with codes", key="tenant", times=100, span_s=MONTH_S, said="100 a month",
        source="https://clerk.com/docs/guides/development/testing/test-emails-and-phones", instance="development",
    ),
    # Of numbers abroad: those in the United States take none; and others that begin with +1 do (`abroad`).
    Limit(
        vendor="Clerk", what="SMS with codes", key="tenant", times=20, span_s=MONTH_S, said="20 a month",
        source="https://clerk.com/docs/guides/development/testing/test-emails-and-phones", instance="development",
    ),
    Limit(vendor="Okta", what="token requests", key="user", times=4, span_s=1, said="4/s", source=_OKTA),
)  # fmt: skip


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one costs, in US dollars, beyond what a month has free."""

    vendor: Vendor
    what: What
    dollars: float
    free: int = 0
    source: str


PRICES: tuple[Price, ...] = (
    Price(
        vendor="Clerk", what="M2M tokens", dollars=0.001, free=2_500,
        source="https://clerk.com/changelog/2026-02-24-m2m-jwt-tokens",
    ),
    Price(
        vendor="Clerk", what="verifications of M2M tokens", dollars=0.000_01,
        source="https://clerk.com/changelog/2026-02-24-m2m-jwt-tokens",
    ),
    # The first of several steps of the price; a client costs more, by the month.
    Price(
        vendor="Cognito", what="tokens for machines", dollars=0.002_25,
        source="https://aws.amazon.com/cognito/pricing/",
    ),
)  # fmt: skip

_NOT_US = frozenset((
    # Canada
    204, 226, 236, 249, 250, 257, 263, 289, 306, 343, 354, 365, 367, 368, 382, 403, 416, 418, 428, 431, 437, 438, 450,
    468, 474, 506, 514, 519, 548, 579, 581, 584, 587, 604, 613, 639, 647, 672, 683, 705, 709, 742, 753, 778, 780, 782,
    807, 819, 825, 867, 873, 879, 902, 905, 942,
    # Bermuda and the Caribbean, but for the territories of the United States
    242, 246, 264, 268, 284, 345, 441, 473, 649, 658, 664, 721, 758, 767, 784, 809, 829, 849, 868, 869, 876,
))  # fmt: skip
"""Area codes of +1 that are not the United States' (nanpa.com). One that is newer is taken as theirs: a plan that is
right must not be refused."""

_HOSTS: tuple[tuple[str, Vendor], ...] = (
    (".auth0.com", "Auth0"),
    (".clerk.accounts.dev", "Clerk"),
    (".okta.com", "Okta"),
    (".oktapreview.com", "Okta"),
    (".okta-emea.com", "Okta"),
)


def vendor_of(spec: Spec, target: str) -> Vendor | None:
    """Whose service a check uses, as far as the plan tells."""
    if isinstance(spec, SigninSpec) and (spec.use or "").startswith("clerk."):
        return "Clerk"
    try:
        host = urlsplit(target).hostname or ""
    except ValueError:
        return None
    if isinstance(spec, HttpSpec):
        return "Clerk" if host == "api.clerk.com" else None
    if not isinstance(spec, SigninSpec | OidcSpec):
        return None
    if host.startswith("cognito-idp.") and host.endswith(".amazonaws.com"):
        return "Cognito"
    return next((vendor for suffix, vendor in _HOSTS if host.endswith(suffix)), None)


def abroad(number: str) -> bool:
    """Whether a telephone number ("+1 416 ...") is of another country than the United States, as far as it tells."""
    if not number.startswith("+1"):
        return True
    return int("0" + "".join(filter(str.isdecimal, number))[1:4]) in _NOT_US


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """How much of something one probe uses of a check: so many every so many seconds."""

    what: What
    times: int
    every_s: float


def uses_of(spec: Spec, target: str, period_s: float) -> list[Use]:
    """What one probe uses by a check at one target."""
    if isinstance(spec, HttpSpec):
        return _http_uses(spec, target, period_s)
    if isinstance(spec, OidcSpec):
        return [Use(what="tokens for machines", times=1, every_s=max(period_s, spec.every))] if spec.client else []
    if not isinstance(spec, SigninSpec) or spec.use is None:
        return []
    parts = [(_whole_uses(spec), max(period_s, spec.every.full))]
    if spec.every.silent is not None:
        parts.append((_silent_uses(spec), max(period_s, spec.every.silent)))
    return [
        Use(what=what, times=times, every_s=every_s) for uses, every_s in parts for what, times in uses.items() if times
    ]


def _http_uses(spec: HttpSpec, target: str, period_s: float) -> list[Use]:
    if spec.method != "POST":
        return []
    path = urlsplit(target).path.rstrip("/")
    if path.endswith("/m2m_tokens"):
        return [Use(what="M2M tokens", times=1, every_s=period_s)]
    if path.endswith("/m2m_tokens/verify"):
        return [Use(what="verifications of M2M tokens", times=1, every_s=period_s)]
    return []


def _whole_uses(spec: SigninSpec) -> Mapping[What, int]:
    """Of one whole run, at most."""
    left_out, user = spec.leave_out, spec.user
    if spec.use == "oidc.client_credentials":
        return {"tokens for machines": 1}
    if spec.use == "oidc.password":
        asked = ("userinfo" not in left_out) + ("session" not in left_out)
        refreshes = "offline_access" in spec.scope and "refresh" not in left_out
        return {"sign-ins": 1, "requests at userinfo": asked, "token requests": 1 + refreshes}
    if spec.use == "clerk.session_token":
        by_id = user is not None and user.name.startswith("user_")
        ticket = spec.instance == "production"
        return {"sign-ins": int(ticket), "requests at the backend API": 5 - by_id}
    has_second = user is not None and bool(user.totp or user.code or user.mail or user.sms)
    second = has_second and spec.use == "clerk.password"
    code = spec.use == "clerk.email_code"
    mails = user is not None and user.code is None and user.mail is not None
    texts = user is not None and user.sms is not None and abroad(user.sms.to)
    return {
        "sign-ins": 1, "codes": int(second or code), "mails with codes": int(mails), "SMS with codes": int(texts),
        "requests at the backend API": int(spec.secret_key is not None),
    }  # fmt: skip


def _silent_uses(spec: SigninSpec) -> Mapping[What, int]:
    if spec.use == "oidc.password":
        return {"token requests": 1}
    return {"requests at the backend API": 1} if spec.use == "clerk.session_token" else {}
