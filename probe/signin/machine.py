"""The flow without a user: discovery, keys, and a token that a client gets for itself (client_credentials).

It is the kind `oidc`, and the preset oidc.client_credentials. What an access token is inside is the issuer's own matter
(RFC 6749 section 1.4); where it is a signed token (RFC 9068), its receivers verify it, and so does this.
"""

from functools import partial

from parallax.clock import NS, wall_ns
from probe.fault import Fault
from probe.oidc import jose
from probe.oidc.discovery import MACHINE as NEEDS
from probe.oidc.token_endpoint import Tokens, client_credentials
from probe.oidc.tokens import Expectation, agreement, token_findings
from probe.signin.admission import spend
from probe.signin.flow import Flow, Preset, Step
from probe.signin.oidc_state import OidcState, state_of
from probe.signin.provider import find_keys, find_provider
from probe.signin.relying_party import ask_for_tokens, client_at, filled_parameters, verify_with_fresh_keys
from probe.signin.reply import end, remark
from probe.tape import Tape


async def take_token(flow: Flow, tape: Tape) -> None:
    """Step `token`. Asked for once: a vendor may bill each, and an answer that is lost does not say that none was
    made."""
    state = state_of(flow)
    spent = spend(flow)
    if spent is not None:
        raise end(tape, spent)
    url = state.found.endpoints["token_endpoint"]
    scope = [each for each in flow.spec.scope if each != "openid"]  # of a user, and a machine is none
    asked = client_credentials(url, client_at(flow, url), scope, filled_parameters(flow, url))
    found = await ask_for_tokens(flow, asked, "client_credentials", tape)
    state.take_tokens(found, tape)
    missing = [each for each in scope if found.scope is not None and each not in found.scope]
    if missing:
        remark(tape, Fault("oauth_scope_reduced", {"missing": missing}))


async def take_verify(flow: Flow, tape: Tape) -> None:
    """Step `verify`: of the access token, which is a signed one."""
    state, expect = state_of(flow), flow.spec.expect
    assert state.jwks is not None
    assert state.tokens is not None
    token = state.tokens.access_token.reveal()
    read = jose.take_apart(token)
    if not isinstance(read, str):
        tape.note(token=token_findings(read.header, read.claims))
    expected = Expectation(
        issuer=state.found.issuer,
        algorithms=tuple(expect.alg) or tuple(jose.ALGORITHMS),
        now=wall_ns() / NS,
        id_token=False,
        fresh=is_fresh(state.tokens, read),
        acr=(expect.acr,) if expect.acr else (),
        amr=tuple(expect.amr),
        claims=expect.claims,
    )
    found = await verify_with_fresh_keys(token, expected, state.found, state.jwks, flow.backchannel, tape)
    tape.note(token=found.as_findings())
    fault, findings = agreement(state.found, state.jwks, found)
    tape.note(**findings)
    if fault is not None:
        raise end(tape, fault)


def is_fresh(tokens: Tokens, read: jose.Compact | str) -> bool:
    """Whether the token was made just now: it lives as long as the answer says. A server may also give one again."""
    if isinstance(read, str) or tokens.expires_in is None:
        return False
    issued, expires = read.claims.get("iat"), read.claims.get("exp")
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        return False
    return abs(expires - issued - tokens.expires_in) <= 1


def _is_signed(flow: Flow) -> bool:
    tokens = state_of(flow).tokens
    return tokens is not None and jose.looks_signed(tokens.access_token.reveal())


MACHINE = Preset(
    steps=(
        Step("discovery", partial(find_provider, needs=NEEDS), part="light", attempts=2),
        Step("jwks", find_keys, part="light", attempts=2),
        Step("token", take_token, wanted=lambda flow: flow.spec.client is not None),
        Step("verify", take_verify, wanted=_is_signed),
    ),
    new_state=lambda spec: OidcState(),
)
"""Nothing is left at the provider that could be ended: such a token has no session (RFC 6749 section 4.4.3)."""
