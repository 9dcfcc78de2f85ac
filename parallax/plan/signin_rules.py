"""What the keys of a `signin` check must keep among each other. Pure; the spec may be a draft."""

from collections.abc import Iterator
from typing import Any

from parallax.loading.convert import Fault, good
from parallax.loading.lines import Path
from parallax.loading.problems import nearest, quoted, shown
from parallax.plan import clerk_rules
from parallax.plan.letter_rules import late_faults, number_faults
from parallax.plan.oidc_rules import expect_faults, issuer_faults
from parallax.plan.signin_specs import PRESETS, Client, Every, SigninSpec, Totp, User
from parallax.plan.step_rules import step_faults
from parallax.plan.templates import TemplateError, gaps_of
from parallax.values import Duration

STEPS: dict[str, tuple[str, ...]] = {
    "oidc.password": (
        "discovery", "jwks", "authorize", "identifier", "password", "otp", "consent",
        "token", "verify", "userinfo", "refresh", "silent", "logout", "session",
    ),
    "oidc.client_credentials": ("discovery", "jwks", "token", "verify"),
    **clerk_rules.STEPS,
}  # fmt: skip
"""The steps of each preset, in order; a test holds them against the probe's."""
NEEDED = frozenset({"discovery", "jwks", "authorize", "identifier", "password", "token"}) | clerk_rules.NEEDED
"""Without these there is no sign-in to check."""
VALUES = ("probe", "run", "check", "user.name")
"""What the texts of a preset may name in braces."""
_OURS = (
    "client_id", "code_challenge", "code_challenge_method", "id_token_hint", "nonce", "redirect_uri", "request",
    "response_type", "scope", "state",
)  # fmt: skip


def signin_faults(spec: SigninSpec, timeout: Duration) -> Iterator[Fault]:
    """Every fault between the keys of a signin check."""
    use = spec.use if good(spec.use) else None
    if use is None:
        if good(spec.use) and good(spec.step) and not spec.step:
            yield Fault(("use",), f"is missing; write a preset ({quoted(PRESETS)}), or [[check.step]] tables")
        elif good(spec.step):
            yield from step_faults(spec, timeout)
            if good(spec.leave_out) and spec.leave_out:
                yield Fault(("leave_out",), "is about the steps of a preset; take out the [[check.step]] instead")
        yield from _shared_faults(spec)
        return
    if good(spec.step) and spec.step:
        yield Fault(("step",), f"does not go with use, which has steps of its own ({use}); take one out")
    if use.startswith("oidc."):
        yield from _oidc_faults(spec, use)
    else:
        yield from clerk_rules.clerk_faults(spec, use)
    yield from _left_out_faults(spec, use)
    yield from _shared_faults(spec)


def _oidc_faults(spec: SigninSpec, use: str) -> Iterator[Fault]:
    if good(spec.issuer):
        if spec.issuer is None:
            yield Fault(("issuer",), f"is missing; {use} signs in at an issuer of OpenID Connect")
        elif not spec.issuer.https:
            yield Fault(("issuer",), "is http, and passwords and tokens are sent over TLS only; write https://")
        else:
            yield from issuer_faults(spec.issuer)
    for key in ("frontend_api", "secret_key"):
        if good(getattr(spec, key)) and getattr(spec, key) is not None:
            yield Fault((key,), f"is a key of the presets for Clerk, and this is {use}; take it out")
    if good(spec.client):
        if spec.client is None:
            yield Fault(("client",), "is missing; write the OAuth client that the check is, at least its id")
        else:
            yield from _client_faults(spec.client, machine=use == "oidc.client_credentials")
    if not good(spec.user):
        return
    if use == "oidc.password":
        if spec.user is None:
            yield Fault(("user",), 'is missing; write who signs in, like { name = "synthetic-{probe}", ... }')
        elif good(spec.user.password) and spec.user.password is None:
            yield Fault(("user", "password"), f'is missing, and {use} signs in with one; write "secret:NAME"')
        if good(spec.scope) and "openid" not in spec.scope:
            yield Fault(("scope",), "lacks openid, without which there is no id_token; add it")
    elif spec.user is not None:
        yield Fault(("user",), f"is for who signs in, and {use} signs nobody in; take it out")


def _client_faults(client: Client, *, machine: bool) -> Iterator[Fault]:
    if not good(client.auth, client.secret):
        return
    if client.auth == "none" and machine:
        yield Fault(("client", "auth"), 'a public client gets no token for itself; write auth = "basic" or "post"')
    elif client.auth == "none" and client.secret is not None:
        yield Fault(("client", "auth"), 'is "none", which sends no secret, and there is one; write "basic" or "post"')
    elif client.auth != "none" and client.secret is None:
        yield Fault(("client", "secret"), f'is missing, and auth = "{client.auth}" sends it; write "secret:NAME"')


def _left_out_faults(spec: SigninSpec, use: str) -> Iterator[Fault]:
    steps = STEPS.get(use)
    if steps is None or not good(spec.leave_out):
        return
    for place, name in enumerate(spec.leave_out):
        if not good(name):
            continue
        if name not in steps:
            hint = nearest(name, steps)
            complaint = f"{shown(name)} is no step of {use}; {hint}the steps are {quoted(steps)}"
            yield Fault(("leave_out", place), complaint)
        elif name in NEEDED:
            yield Fault(("leave_out", place), f"{shown(name)} cannot be left out: what follows needs it")


def _shared_faults(spec: SigninSpec) -> Iterator[Fault]:
    for name in spec.parameters if good(spec.parameters) else ():
        if name in _OURS:
            yield Fault(("parameters", name), "is set by Parallax, from other keys of the check; take it out")
    if isinstance(spec.user, User):
        yield from _user_faults(spec.user)
    for path, text in _templates(spec):
        yield from _template_faults(path, text)
    if good(spec.every) and isinstance(spec.every, Every):
        yield from _every_faults(spec.every)
    if good(spec.expect):
        yield from expect_faults(spec.expect)


def _user_faults(user: User) -> Iterator[Fault]:
    factors = [name for name in ("code", "mail", "sms") if good(getattr(user, name)) and getattr(user, name)]
    for second in factors[1:]:
        yield Fault(("user", second), f"and {factors[0]} both say where the code comes from; take one out")
    for name in ("mail", "sms"):
        if good(letter := getattr(user, name)) and letter is not None:
            yield from late_faults(letter.within, letter.late, ("user", name))
    if good(user.sms) and user.sms is not None:
        yield from number_faults(user.sms.to, ("user", "sms", "to"))
    if good(user.totp) and isinstance(user.totp, Totp) and good(user.totp.period) and not 10 <= user.totp.period <= 300:
        yield Fault(("user", "totp", "period"), f"{user.totp.period} is out of bounds; wants 10s to 5m")


def _every_faults(every: Every) -> Iterator[Fault]:
    if good(every.full, every.silent) and every.silent is not None and every.silent >= every.full:
        yield Fault(
            ("every", "silent"),
            f"{every.silent} is no shorter than full ({every.full}), so it would never run; write a shorter one",
        )


def _templates(spec: SigninSpec) -> Iterator[tuple[Path, str]]:
    if isinstance(spec.user, User):
        for name in ("name", "address", "code"):
            yield ("user", name), getattr(spec.user, name)
        if good(spec.user.sms) and spec.user.sms is not None:
            yield ("user", "sms", "to"), spec.user.sms.to
    if good(spec.parameters):
        yield from ((("parameters", name), text) for name, text in spec.parameters.items())


def _template_faults(path: Path, text: Any) -> Iterator[Fault]:
    if not good(text) or not isinstance(text, str):
        return
    try:
        gaps = list(gaps_of(text))
    except TemplateError as error:
        yield Fault(path, str(error))
        return
    for gap in gaps:
        if gap.secret and path[0] == "parameters":
            yield Fault(path, "names a secret, and parameters go into a URL, which servers write into their logs")
        elif not gap.secret and gap.name not in VALUES:
            yield Fault(path, f"names {{{gap.name}}}, which nothing sets; a text here may have {quoted(VALUES)}")
