"""The step `webauthn`: a passkey of this host's owner answers a challenge, as a browser would let it.

A plan says which page asks; whether the passkey is used there is decided by the probe's own config, as with any secret:
its hosts must have the page's. The page must be of the relying party, too (Web Authentication section 5.1.3), or a
plan could have answers made for another's sign-in.
"""

from parallax.plan.step_rules import is_rp_of
from parallax.plan.step_specs import Step
from parallax.values import Url
from probe.signin.flow import Flow
from probe.signin.values import keep_value, kept_text, state_of
from probe.tape import Tape
from probe.vault import Withheld


async def answer_challenge(planned: Step, flow: Flow, tape: Tape) -> None:
    """The step. Raises Withheld."""
    from probe.webauthn import PasskeyError, answer_create, answer_get, read_passkey

    asked = planned.webauthn
    assert asked is not None
    page = _page(asked.origin, flow)
    origin, host = f"https://{page.endpoint.host}", page.endpoint.host
    if page.endpoint.port != 443:
        origin += f":{page.endpoint.port}"
    rp = asked.rp or host
    if not is_rp_of(rp, host):
        raise Withheld("secret_withheld", f"a page of {host} may not use passkeys of {rp[:100]}")
    name = asked.passkey.removeprefix("secret:")
    flow.tools.vault.check(name, page)
    try:
        passkey = read_passkey(flow.tools.vault.known(name, flow.tools.hidden))
    except PasskeyError as error:
        raise Withheld("secret_missing", f"{name}: {error}") from None
    challenge = kept_text(flow, asked.challenge, tape)
    handle = kept_text(flow, asked.user_handle, tape) if asked.user_handle is not None else ""
    try:
        if asked.register:
            answer = answer_create(passkey, rp=rp, origin=origin, challenge=challenge, verified=asked.verified)
        else:
            answer = answer_get(
                passkey, rp=rp, origin=origin, challenge=challenge, verified=asked.verified, user_handle=handle
            )
    except PasskeyError as error:
        raise Withheld("value_missing", str(error)) from None
    tape.note(webauthn={"rp": rp, "origin": origin, "register": asked.register, "verified": asked.verified})
    keep_value(flow, asked.into, answer.json, host, tape)
    for part, text in answer.parts.items():
        keep_value(flow, f"{asked.into}.{part}", text, host, tape)


def _page(given: Url | None, flow: Flow) -> Url:
    reply = state_of(flow).reply
    if given is None and reply is None:
        raise Withheld("value_missing", "no step before has had a response; say origin")
    page = given or Url(reply.url if reply is not None else "")
    if not page.https:
        raise Withheld("secret_withheld", "the page came without TLS, and browsers have no passkeys there")
    return page
