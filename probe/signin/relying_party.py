"""What every flow does as a relying party, over the backchannel: it shows which client it is, asks for tokens, and
verifies them. A token goes over TLS only."""

from parallax.secret import Secret
from probe.fault import Fault
from probe.oidc.discovery import Discovery
from probe.oidc.jwks import Jwks
from probe.oidc.token_endpoint import Client, Grant, TokenRequest, Tokens, read_token_answer
from probe.oidc.tokens import Expectation, Verified, verify_id_token
from probe.signin.browser import Browser
from probe.signin.flow import Flow
from probe.signin.metadata import fetch_jwks
from probe.signin.reply import end
from probe.signin.responses import refusal, status_fault
from probe.tape import Tape
from probe.vault import fill, fill_secrets


def client_at(flow: Flow, url: str) -> Client:
    """The client as it shows itself at this URL. Raises Withheld where its secret must not go there."""
    planned = flow.spec.client
    assert planned is not None
    secret = None
    if planned.secret is not None and planned.auth != "none":
        secret = Secret(fill_secrets(planned.secret, url, flow.tools.vault, flow.tools.hidden))
    return Client(id=planned.id, secret=secret, auth=planned.auth)


def filled_parameters(flow: Flow, url: str) -> dict[str, str]:
    """The plan's own parameters, filled in. Raises Withheld."""
    tools = flow.tools
    return {
        name: fill(text, flow.values, url, tools.vault, tools.hidden) for name, text in flow.spec.parameters.items()
    }


def over_tls(url: str, tape: Tape) -> None:
    """Ends the step where a token would go over the wire in the clear."""
    if not url.startswith("https:"):
        raise end(tape, Fault("secret_withheld", {"detail": "a token is not sent without TLS"}))


async def ask_for_tokens(flow: Flow, asked: TokenRequest, grant: Grant, tape: Tape) -> Tokens:
    """Sends a token request, and reads what comes. Ends the step where there are no tokens."""
    over_tls(asked.url, tape)
    if asked.authorization is not None:  # Basic encodes the secret before it joins it: hidden as it is sent, too
        tape.hidden.add(asked.authorization.reveal().partition(" ")[2])
    reply = await flow.backchannel.request(
        "POST", asked.url, tape=tape, headers=asked.headers(), body=asked.body.reveal().encode(), follow=False
    )
    fault = refusal(reply)
    if fault is not None:
        raise end(tape, fault)
    tokens = read_token_answer(
        reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.body, grant
    )
    if not isinstance(tokens, Tokens):
        said = "oauth_error" in tokens.note  # what OAuth says is more telling than its status
        raise end(tape, tokens if said else status_fault(reply) or tokens)
    tape.note(**tokens.as_findings())
    return tokens


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
