"""The flow without a user: discovery, keys, and a token that a client gets for itself (client_credentials).

It is the kind `oidc`, and the preset oidc.client_credentials. What an access token is inside is the issuer's own matter
(RFC 6749 section 1.4); where it is a signed token (RFC 9068), its receivers verify it, and so does this.
"""

import msgspec
import trio

from parallax.clock import NS, wall_ns
from parallax.plan.signin_specs import Client as PlannedClient
from parallax.secret import Secret
from probe.fault import Fault
from probe.oidc import jose
from probe.oidc.discovery import MACHINE as NEEDS
from probe.oidc.discovery import Discovery
from probe.oidc.jwks import Jwks
from probe.oidc.token_endpoint import Client, Tokens, client_credentials, read_token_answer
from probe.oidc.tokens import Expectation, Verified, agreement, token_findings, verify_id_token
from probe.signin.admission import ABSTAINS, limits_of
from probe.signin.browser import Browser
from probe.signin.flow import Flow, Preset, Step
from probe.signin.metadata import discover, fetch_jwks, refusal
from probe.signin.reply import end, remark
from probe.tape import Tape
from probe.vault import fill, fill_secrets


class State(msgspec.Struct):
    """What a run has found so far."""

    discovery: Discovery | None = None
    jwks: Jwks | None = None
    tokens: Tokens | None = None


def state_of(flow: Flow) -> State:
    """The run's, made with the first step."""
    if flow.state is None:
        flow.state = State()
    state: State = flow.state
    return state


async def take_discovery(flow: Flow, tape: Tape) -> None:
    """Step `discovery`."""
    state_of(flow).discovery = await discover(str(flow.spec.issuer), flow.backchannel, tape, NEEDS)


async def take_jwks(flow: Flow, tape: Tape) -> None:
    """Step `jwks`."""
    state = state_of(flow)
    assert state.discovery is not None
    state.jwks = await fetch_jwks(state.discovery, flow.backchannel, tape)


async def take_token(flow: Flow, tape: Tape) -> None:
    """Step `token`. Asked for once: a vendor may bill each, and an answer that is lost does not say that none was
    made."""
    state, planned = state_of(flow), flow.spec.client
    assert state.discovery is not None
    assert planned is not None
    spent = flow.tools.signins.buckets.take(limits_of(flow), trio.current_time())
    if spent is not None:
        raise end(tape, Fault("signin_own_budget", {"budget": spent.partition(" ")[0]}, abstain=ABSTAINS))
    url = state.discovery.endpoints["token_endpoint"]
    vault, hidden = flow.tools.vault, flow.tools.hidden
    client = client_of(planned, url, flow)
    extra = {name: fill(text, flow.values, url, vault, hidden) for name, text in flow.spec.parameters.items()}
    scope = [each for each in flow.spec.scope if each != "openid"]  # of a user, and a machine is none
    asked = client_credentials(url, client, scope, extra)
    hide_request(asked.authorization, flow)
    reply = await flow.backchannel.request(
        "POST", url, tape=tape, headers=asked.headers(), body=asked.body.reveal().encode(), follow=False
    )
    headers = {name.lower(): value for name, value in reply.headers.items()}
    found = read_token_answer(reply.status, headers, reply.body, "client_credentials")
    if isinstance(found, Fault):
        # What OAuth says is more telling than a status, and a status than what came with it.
        told = None if "oauth_error" in found.note else refusal(reply, found.reason)
        raise end(tape, told if told is not None and told.reason != found.reason else found)
    hidden.add(found.access_token.reveal())
    tape.note(**found.as_findings())
    state.tokens = found
    missing = [each for each in scope if found.scope is not None and each not in found.scope]
    if missing:
        remark(tape, Fault("oauth_scope_reduced", {"missing": missing}))


def client_of(planned: PlannedClient, url: str, flow: Flow) -> Client:
    """The client as it shows itself at this URL. Raises Withheld where its secret must not go there."""
    secret = None
    if planned.secret is not None and planned.auth != "none":
        secret = Secret(fill_secrets(planned.secret, url, flow.tools.vault, flow.tools.hidden))
    return Client(id=planned.id, secret=secret, auth=planned.auth)


def hide_request(authorization: Secret | None, flow: Flow) -> None:
    """What authenticates a request is hidden as it is sent, too: Basic encodes the secret before it joins it."""
    if authorization is not None:
        flow.tools.hidden.add(authorization.reveal().partition(" ")[2])


async def take_verify(flow: Flow, tape: Tape) -> None:
    """Step `verify`: of the access token, which is a signed one."""
    state, expect = state_of(flow), flow.spec.expect
    assert state.discovery is not None
    assert state.jwks is not None
    assert state.tokens is not None
    token = state.tokens.access_token.reveal()
    read = jose.take_apart(token)
    if not isinstance(read, str):
        tape.note(token=token_findings(read.header, read.claims))
    expected = Expectation(
        issuer=state.discovery.issuer,
        algorithms=tuple(expect.alg) or tuple(jose.ALGORITHMS),
        now=wall_ns() / NS,
        id_token=False,
        fresh=is_fresh(state.tokens, read),
        acr=(expect.acr,) if expect.acr else (),
        amr=tuple(expect.amr),
        claims=expect.claims,
    )
    found = await verify_with_fresh_keys(token, expected, state.discovery, state.jwks, flow.backchannel, tape)
    tape.note(token=found.as_findings())
    fault, findings = agreement(state.discovery, state.jwks, found)
    tape.note(**findings)
    if fault is not None:
        raise end(tape, fault)


async def verify_with_fresh_keys(
    token: str, expected: Expectation, discovery: Discovery, jwks: Jwks, back: Browser, tape: Tape
) -> Verified:
    """Verifies a token. Where it names a key that nobody knows, the keys are fetched once more, as every relying party
    does that keeps them. Raises Ended with what is wrong with it."""
    found = verify_id_token(token, jwks, expected)
    if isinstance(found, Fault) and found.reason == "jwks_kid_unknown":
        fetched = await fetch_jwks(discovery, back, tape)
        tape.note(jwks_fetched_anew=True)
        found = verify_id_token(token, fetched, expected)
    if isinstance(found, Fault):
        raise end(tape, found)
    return found


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
        Step("discovery", take_discovery, part="light", safe=True),
        Step("jwks", take_jwks, part="light", safe=True),
        Step("token", take_token, wanted=lambda flow: flow.spec.client is not None),
        Step("verify", take_verify, wanted=_is_signed),
    )
)
"""Nothing is left at the provider that could be ended: such a token has no session (RFC 6749 section 4.4.3)."""
