"""The steps of a sign-in that no page is in: discovery, keys, tokens, userinfo.

The rules are probe.oidc's; here is what is asked for, of whom, and in which order. Captured tokens go to the endpoints
of the issuer's own discovery document, and over TLS only.
"""

import msgspec

from parallax.clock import NS, wall_ns
from parallax.plan.signin_specs import SigninSpec
from parallax.secret import Secret
from probe.fault import Fault
from probe.oidc import token_endpoint
from probe.oidc.discovery import SIGN_IN
from probe.oidc.reading import shown
from probe.oidc.token_endpoint import Tokens
from probe.oidc.tokens import Expectation, Verified
from probe.oidc.userinfo import read_userinfo
from probe.signin.flow import Flow
from probe.signin.metadata import discover, fetch_jwks
from probe.signin.oidc_state import OidcState, state_of
from probe.signin.relying_party import ask_for_tokens, client_at, over_tls, verify_with_fresh_keys
from probe.signin.reply import Reply, end
from probe.signin.responses import refusal, status_fault
from probe.tape import Tape


async def find_provider(flow: Flow, tape: Tape, *, needs: tuple[str, ...] = SIGN_IN) -> None:
    """The discovery document, which must have what this flow needs."""
    state_of(flow).discovery = await discover(str(flow.spec.issuer), flow.backchannel, tape, needs)


async def find_keys(flow: Flow, tape: Tape) -> None:
    """The key set."""
    state = state_of(flow)
    state.jwks = await fetch_jwks(state.found, flow.backchannel, tape)


async def exchange_code(flow: Flow, tape: Tape) -> None:
    """The code for tokens. Once, whatever comes of it."""
    state = state_of(flow)
    assert state.code is not None
    assert state.begun is not None
    url = state.found.endpoints["token_endpoint"]
    asked = token_endpoint.exchange_code(url, client_at(flow, url), state.code, state.begun)
    tokens = await ask_for_tokens(flow, asked, "authorization_code", tape)
    state.take_tokens(tokens, tape)
    if tokens.id_token is None:
        raise end(tape, Fault("token_missing", {"missing": ["id_token"]}))


async def verify(flow: Flow, tape: Tape) -> None:
    """The id_token, with all that OpenID Connect and the plan want of it."""
    state = state_of(flow)
    assert state.tokens is not None
    assert state.tokens.id_token is not None
    state.verified = await _verified(flow, state.tokens.id_token, expected_of(flow.spec, state, id_token=True), tape)


async def ask_userinfo(flow: Flow, tape: Tape) -> None:
    """Who signed in, as the userinfo endpoint has it."""
    state = state_of(flow)
    reply = await userinfo_reply(flow, tape)
    fault = refusal(reply) or (status_fault(reply) if reply.status >= 500 else None)
    if fault is not None:
        raise end(tape, fault)
    headers = {name.lower(): value for name, value in reply.headers.items()}
    subject = state.verified.subject if state.verified else None
    signed = (state.jwks, expected_of(flow.spec, state, id_token=False)) if state.jwks else None
    claims = read_userinfo(reply.status, headers, reply.body, subject, signed)
    if not isinstance(claims, dict):
        raise end(tape, claims)
    tape.note(claims=sorted(shown(str(name), 60) for name in claims)[:50])


async def userinfo_reply(flow: Flow, tape: Tape) -> Reply:
    """What the userinfo endpoint says to the access token."""
    state = state_of(flow)
    url = state.found.endpoints["userinfo_endpoint"]
    over_tls(url, tape)
    bearer = {"Authorization": f"Bearer {state.live['access_token'].reveal()}", "Accept": "application/json"}
    return await flow.backchannel.request("GET", url, tape=tape, headers=bearer, follow=False)


async def refresh(flow: Flow, tape: Tape) -> None:
    """New tokens for the refresh token. Once: what is used twice may end the whole session."""
    state = state_of(flow)
    url = state.found.endpoints["token_endpoint"]
    asked = token_endpoint.refresh(url, client_at(flow, url), state.live["refresh_token"])
    old = state.verified.subject if state.verified else None
    state.refresh_in_doubt = True
    tokens = await ask_for_tokens(flow, asked, "refresh_token", tape)
    state.refresh_in_doubt = False
    state.take_tokens(tokens, tape)  # where no new refresh token came, the old one goes on (RFC 6749 section 6)
    tape.note(rotated=tokens.refresh_token is not None)
    await verify_renewed(flow, tokens, None, tape, subject=old)


async def verify_renewed(
    flow: Flow, tokens: Tokens, nonce: str | None, tape: Tape, *, subject: str | None = None
) -> None:
    """The id_token of a renewed session, if there is one: a refresh need not bring one (OpenID Connect Core 12.2). It
    is of the same user."""
    state = state_of(flow)
    if tokens.id_token is None:
        return
    if subject is None and state.verified is not None:
        subject = state.verified.subject
    expected = expected_of(flow.spec, state, id_token=True, renewed_for=subject or "")
    await _verified(flow, tokens.id_token, msgspec.structs.replace(expected, nonce=nonce), tape)


def has_userinfo(flow: Flow) -> bool:
    return "userinfo_endpoint" in state_of(flow).found.endpoints


def has_refresh_token(flow: Flow) -> bool:
    return "refresh_token" in state_of(flow).live


def expected_of(spec: SigninSpec, state: OidcState, *, id_token: bool, renewed_for: str | None = None) -> Expectation:
    """What the plan and the run make of a token. A renewed one has no nonce of this run's, and the same subject."""
    discovery, expect, tokens = state.found, spec.expect, state.tokens
    advertised = discovery.algorithms
    allowed = tuple(alg for alg in expect.alg if alg in advertised) if expect.alg else advertised
    first = id_token and renewed_for is None
    return Expectation(
        issuer=discovery.issuer,
        audience=spec.client.id if id_token and spec.client else None,
        algorithms=allowed or tuple(expect.alg),
        now=wall_ns() / NS,
        id_token=id_token,
        nonce=state.begun.nonce if first and state.begun else None,
        access_token=tokens.access_token.reveal() if id_token and tokens else None,
        code=state.code.code.reveal() if first and state.code else None,
        subject=renewed_for or None,
        acr=(expect.acr,) if first and expect.acr else (),
        amr=tuple(expect.amr) if first else (),
        claims=expect.claims if first or not id_token else {},
    )


async def _verified(flow: Flow, token: Secret, expected: Expectation, tape: Tape) -> Verified:
    state = state_of(flow)
    assert state.jwks is not None
    found = await verify_with_fresh_keys(token.reveal(), expected, state.found, state.jwks, flow.backchannel, tape)
    tape.note(token=found.as_findings())
    return found
