"""What the keys of a `signin` check by a preset for Clerk must keep among each other. Pure; the spec may be a draft."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from parallax.loading.convert import Fault, good
from parallax.plan.signin_specs import SigninSpec, User

_BEFORE = ("environment", "jwks", "client", "testing_token", "sign_in")
_AFTER = ("second_factor", "session_token", "verify", "silent", "end", "session")
STEPS: dict[str, tuple[str, ...]] = {
    "clerk.password": (*_BEFORE, *_AFTER),
    "clerk.email_code": (*_BEFORE, "prepare", "code", *_AFTER),
    "clerk.session_token": (
        "environment", "jwks", "identifier", "sign_in", "session_token", "verify", "silent", "end", "session",
    ),
}  # fmt: skip
"""The steps of each preset, in order."""
NEEDED = frozenset({"jwks", "identifier", "sign_in", "prepare", "code", "session_token"})
"""Without these there is no sign-in to check."""
UNUSED: dict[str, tuple[str, ...]] = {
    "clerk.email_code": ("password",),
    "clerk.session_token": ("password", "totp", "code", "mail", "sms"),
}
"""Keys of the user that a preset sends nothing of."""


def clerk_faults(spec: SigninSpec, use: str) -> Iterator[Fault]:
    """Every fault between the keys of a check by one of Clerk's presets."""
    for key in ("frontend_api", "backend_api"):
        yield from _url_faults(spec, key)
    for key in ("issuer", "client", "parameters"):
        if good(getattr(spec, key)) and getattr(spec, key):
            way = "write frontend_api instead" if key == "issuer" else "take it out"
            yield Fault((key,), f"is a key of the presets oidc.*, and this is {use}; {way}")
    if good(spec.scope) and spec.scope != ["openid"]:
        yield Fault(("scope",), f"is a key of the presets oidc.*, and this is {use}; take it out")
    yield from _key_faults(spec, use)
    if not good(spec.user):
        return
    if spec.user is None:
        example = '{ name = "synthetic-{probe}@example.com", ... }'
        yield Fault(("user",), f"is missing; write who signs in, like {example}")
    elif isinstance(spec.user, User):
        yield from _user_faults(spec.user, use)


def _url_faults(spec: SigninSpec, key: str) -> Iterator[Fault]:
    url = getattr(spec, key)
    if not good(url):
        return
    if url is None:
        example = "https://clerk.example.com"
        yield Fault((key,), f"is missing; write the frontend API of the instance, like {example}")
    elif not url.https:
        yield Fault((key,), "is http, and passwords and tokens are sent over TLS only; write https://")
    elif urlsplit(url).query:
        yield Fault((key,), "has a query (?...), which is set by Parallax; take it out")


def _key_faults(spec: SigninSpec, use: str) -> Iterator[Fault]:
    if not good(spec.secret_key):
        return
    if spec.secret_key is None:
        if use == "clerk.session_token":
            yield Fault(("secret_key",), f'is missing, and {use} asks the backend API with it; write "secret:NAME"')
    elif use == "clerk.email_code" and good(spec.instance) and spec.instance == "production":
        complaint = "is for a testing token, and in production Clerk takes none where codes are sent; take it out"
        yield Fault(("secret_key",), complaint)


def _user_faults(user: User, use: str) -> Iterator[Fault]:
    if use == "clerk.password" and good(user.password) and user.password is None:
        yield Fault(("user", "password"), f'is missing, and {use} signs in with one; write "secret:NAME"')
    if use == "clerk.email_code" and good(user.code, user.mail) and user.code is None and user.mail is None:
        complaint = (
            'has neither code nor mail; write where the code comes from: code = "424242" of a test user, or mail'
        )
        yield Fault(("user",), complaint)
    if use == "clerk.email_code" and good(user.sms) and user.sms is not None:
        yield Fault(("user", "sms"), f"is of no use to {use}, whose code comes by mail; take it out")
    for key in UNUSED.get(use, ()):
        if good(getattr(user, key)) and getattr(user, key) is not None:
            yield Fault(("user", key), f"is of no use to {use}, which sends none; take it out")
