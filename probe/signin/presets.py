"""The presets: for each kind of provider the steps of a sign-in, in order."""

from probe.signin import leaving, oidc_state, provider, renewal
from probe.signin.clerk import EMAIL_CODE as CLERK_EMAIL_CODE
from probe.signin.clerk import PASSWORD as CLERK_PASSWORD
from probe.signin.clerk_backend import SESSION_TOKEN as CLERK_SESSION_TOKEN
from probe.signin.flow import Preset, Stage, Step
from probe.signin.machine import MACHINE
from probe.signin.walk import STEPS, sign_in

PASSWORD = Preset(
    steps=(
        Step("discovery", provider.find_provider, part="light", attempts=2),
        Step("jwks", provider.find_keys, part="light", attempts=2),
        Stage(STEPS, sign_in),
        Step("token", provider.exchange_code),
        Step("verify", provider.verify),
        Step("userinfo", provider.ask_userinfo, wanted=provider.has_userinfo),
        Step("refresh", provider.refresh, wanted=provider.has_refresh_token),
        Step("silent", renewal.renew, part="silent", wanted=renewal.can_renew),
        Step("logout", leaving.log_out),
        Step("session", leaving.prove_ended, wanted=leaving.can_be_proven),
    ),
    new_state=lambda spec: oidc_state.OidcState(),
    signs_in=True,
    keeps=True,
    secrets=oidc_state.secrets_in,
    is_over=renewal.is_over,
    unclean=leaving.is_unclean,
    clean=leaving.log_out,
)

PRESETS: dict[str, Preset] = {
    "oidc.password": PASSWORD,
    "oidc.client_credentials": MACHINE,
    "clerk.password": CLERK_PASSWORD,
    "clerk.email_code": CLERK_EMAIL_CODE,
    "clerk.session_token": CLERK_SESSION_TOKEN,
}
