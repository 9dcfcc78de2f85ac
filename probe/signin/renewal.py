"""The silent part: a session that is kept is renewed without its user, as applications do it all day.

By the refresh token where there is one (RFC 6749 section 6), else by prompt=none in the browser that signed in (OpenID
Connect Core 3.1.2.1). A refresh token is sent once: where no answer came it may be used up, and using it again may end
the session for good (RFC 9700 section 4.14.2); from then on prompt=none has to do.
"""

from probe.fault import Fault
from probe.oidc import token_endpoint
from probe.oidc.authorization import Code, read_callback
from probe.signin.flow import Flow
from probe.signin.leaving import silent_reply
from probe.signin.oidc_state import OidcState, state_of
from probe.signin.provider import refresh, verify_renewed
from probe.signin.relying_party import ask_for_tokens, client_at
from probe.signin.reply import ENDED, Reply, end, remark
from probe.signin.responses import refusal, status_fault
from probe.signin.walk import sign_in_page
from probe.tape import Tape

_OVER = frozenset(
    {
        "oauth_login_required",
        "oauth_interaction_required",
        "oauth_consent_required",
        "oauth_invalid_grant",
        "oauth_access_denied",
        "token_sub_mismatch",
    }
)


def can_renew(flow: Flow) -> bool:
    """Whether there is a session to renew."""
    state = state_of(flow)
    return state.signed_in or bool(state.live)


def is_over(flow: Flow) -> bool:
    """Whether the provider said, at the last step, that the session is over."""
    if not flow.steps.taken or flow.steps.taken[-1].subject.name != "silent":
        return False
    found = flow.steps.taken[-1].evidence.material.get(ENDED)
    return found is not None and found.reason in _OVER


async def renew(flow: Flow, tape: Tape) -> None:
    """New tokens for the kept session."""
    state = state_of(flow)
    if "refresh_token" in state.live and not state.refresh_in_doubt:
        tape.note(by="refresh token")
        await refresh(flow, tape)
        return
    tape.note(by="prompt=none")
    reply, begun = await silent_reply(flow, flow.user, tape)
    if reply.callback is None:
        fault = _without_callback(state, reply)
        if fault.soft:
            remark(tape, fault)
            return
        raise end(tape, fault)
    found = state.found
    code = read_callback(reply.callback, begun, issuer=found.issuer, iss_parameter=found.capabilities.iss_parameter)
    if not isinstance(code, Code):
        raise end(tape, code)
    tape.hidden.add(code.code.reveal())
    state.renewed_silently = True
    url = found.endpoints["token_endpoint"]
    asked = token_endpoint.exchange_code(url, client_at(flow, url), code, begun)
    tokens = await ask_for_tokens(flow, asked, "authorization_code", tape)
    state.take_tokens(tokens, tape)
    await verify_renewed(flow, tokens, begun.nonce, tape)


def _without_callback(state: OidcState, reply: Reply) -> Fault:
    """A page instead of an answer. Some providers advertise prompt=none and answer 500 to it, always: where it never
    worked, that is what they are like."""
    fault = refusal(reply)
    if fault is not None:
        return fault
    if sign_in_page(reply):
        return Fault("oauth_login_required", {"detail": "the sign-in page came instead of an answer"})
    if not state.renewed_silently:
        return Fault("session_no_silent", {"status": reply.status})
    return status_fault(reply) or Fault("signin_unexpected_page")
