"""The end of a session at a provider of OpenID Connect, and the proof of it: revocation (RFC 7009), RP-Initiated Logout
1.0 in the user's browser, and then a question that only a living session would answer.

The proof is prompt=none (OpenID Connect Core 3.1.2.1): a session that is over gives `login_required`, one that lives a
code. Some providers say that they know it and answer 500; then the access token at userinfo has to do. It alone is a
weak proof: a signed access token may hold until it expires, whatever was logged out.
"""

from urllib.parse import urlsplit

from probe.fault import Fault
from probe.oidc import token_endpoint
from probe.oidc.authorization import Code, Start, read_callback, start, with_query
from probe.oidc.reading import json_object
from probe.oidc.token_endpoint import MAX_OCTETS
from probe.oidc.userinfo import is_refused
from probe.signin.browser import Browser
from probe.signin.flow import Flow
from probe.signin.oidc_state import state_of
from probe.signin.provider import has_userinfo, userinfo_reply
from probe.signin.relying_party import client_at, over_tls
from probe.signin.reply import Reply, end, remark
from probe.signin.responses import refusal, status_fault
from probe.signin.walk import confirm_logout, sign_in_page
from probe.tape import Tape

GONE = frozenset({"login_required", "interaction_required", "account_selection_required", "consent_required"})
"""What a provider answers to prompt=none where nobody is signed in; some say so in the words of a neighbour."""


def is_unclean(flow: Flow) -> bool:
    """Whether a session or tokens may live on that the provider lets one end."""
    state = state_of(flow)
    if state.discovery is None:
        return False
    offered = _offered(flow)
    return ("end_session_endpoint" in offered and state.signed_in) or (
        "revocation_endpoint" in offered and bool(state.live)
    )


def _offered(flow: Flow) -> set[str]:
    return {"revocation_endpoint", "end_session_endpoint"} & state_of(flow).found.endpoints.keys()


def can_be_proven(flow: Flow) -> bool:
    """Whether there is something to ask that only a living session gives."""
    endpoints = state_of(flow).found.endpoints
    return "end_session_endpoint" in endpoints or ("revocation_endpoint" in endpoints and has_userinfo(flow))


async def log_out(flow: Flow, tape: Tape) -> None:
    """Revokes the tokens, then ends the browser's session. Both are tried, whatever comes of one."""
    state = state_of(flow)
    endpoints = state.found.endpoints
    if not _offered(flow):
        state.live.clear()
        state.signed_in = False
        remark(tape, Fault("session_no_logout"))
        return
    fault: Fault | None = None
    if "revocation_endpoint" in endpoints:
        fault = await _revoke(flow, tape)
    if "end_session_endpoint" in endpoints and state.signed_in:
        fault = await _end_session(flow, tape) or fault
    if fault is not None:
        raise end(tape, fault)


async def _revoke(flow: Flow, tape: Tape) -> Fault | None:
    """Ends the refresh token first, as that may end the access token with it."""
    state = state_of(flow)
    url = state.found.endpoints["revocation_endpoint"]
    over_tls(url, tape)
    is_public = flow.spec.client is None or flow.spec.client.auth == "none"
    answers: dict[str, int] = {}
    for hint in ("refresh_token", "access_token"):
        token = state.live.get(hint)
        if token is None:
            continue
        asked = token_endpoint.revocation(url, client_at(flow, url), token, hint)
        reply = await flow.backchannel.request(
            "POST", url, tape=tape, headers=asked.headers(), body=asked.body.reveal().encode(), follow=False
        )
        answers[hint] = reply.status
        tape.note(revocation=answers)
        fault = refusal(reply) or (status_fault(reply) if reply.status >= 500 else None)
        if fault is not None:
            return fault
        if reply.status != 200 and not _is_refused(reply, public=is_public):
            return Fault("session_logout_failed", {"status": reply.status, "by": "revocation"})
        state.live.pop(hint)  # revoked, or not to be revoked by this client
    state.live.pop("access_token", None)
    return None


def _is_refused(reply: Reply, *, public: bool) -> bool:
    """Whether the provider does not do this, for this client or kind of token (RFC 7009 section 2.2.1). Many let no
    public client revoke, whatever they advertise, and some then do not say why; the status is in the findings, and the
    proof follows anyway."""
    if public and reply.status in (401, 403):
        return True
    said = json_object(reply.body, MAX_OCTETS)
    return reply.status in (400, 401, 403) and not isinstance(said, str) and said.get("error") in _NOT_DONE


_NOT_DONE = frozenset({"invalid_client", "unauthorized_client", "unsupported_token_type", "invalid_request"})


async def _end_session(flow: Flow, tape: Tape) -> Fault | None:
    state = state_of(flow)
    url = state.found.endpoints["end_session_endpoint"]
    over_tls(url, tape)
    query = {"client_id": flow.spec.client.id if flow.spec.client else ""}
    if state.id_token is not None:
        query["id_token_hint"] = state.id_token.reveal()
    reply = await flow.user.request("GET", with_query(url, query), tape=tape)
    reply = await confirm_logout(flow, reply, tape)
    # What the endpoint says counts. Where it sends the browser afterwards may be a page that nobody made, or that only
    # those who are signed in may see; whether the session is over is asked next.
    elsewhere = not _same_page(reply.url, url)
    fault = refusal(reply) if elsewhere and reply.status < 500 else status_fault(reply)
    if fault is None and reply.status >= 400 and not elsewhere:
        fault = Fault("session_logout_failed", {"status": reply.status})
    if fault is None:
        state.signed_in = False
    return fault


def _same_page(url: str, other: str) -> bool:
    return urlsplit(url)[:3] == urlsplit(other)[:3]


async def prove_ended(flow: Flow, tape: Tape) -> None:
    """Asks for what only a living session gives."""
    state = state_of(flow)
    endpoints = state.found.endpoints
    silent = None
    if "end_session_endpoint" in endpoints and "authorization_endpoint" in endpoints:
        silent = await ask_silently(flow, flow.user, tape)
        tape.note(prompt_none=silent)
        if silent == "code":
            state.signed_in = True
            raise end(tape, Fault("session_survived_logout", {"by": "prompt=none"}))
    if state.tokens is None or "userinfo_endpoint" not in endpoints:
        return
    state.live["access_token"] = state.tokens.access_token
    try:
        reply = await userinfo_reply(flow, tape)
    finally:
        state.live.pop("access_token", None)
    tape.note(userinfo=reply.status)
    fault = refusal(reply)
    if fault is not None and silent is None:
        raise end(tape, fault)
    if reply.status == 200 and silent not in GONE | {"sign-in page"}:
        raise end(tape, Fault("session_survived_logout", {"by": "userinfo"}))
    if not is_refused(reply.status) and reply.status != 200 and silent is None and (fault := status_fault(reply)):
        raise end(tape, fault)


async def ask_silently(flow: Flow, browser: Browser, tape: Tape) -> str:
    """What prompt=none brings: "code", the OAuth error, "sign-in page", or the status of something else."""
    reply, begun = await silent_reply(flow, browser, tape)
    if reply.callback is None:
        return "sign-in page" if sign_in_page(reply) else f"status {reply.status}"
    issuer = state_of(flow).found.issuer
    found = read_callback(reply.callback, begun, issuer=issuer)
    if isinstance(found, Code):
        tape.hidden.add(found.code.reveal())
        return "code"
    return str(found.note.get("oauth_error", found.reason))


async def silent_reply(flow: Flow, browser: Browser, tape: Tape) -> tuple[Reply, Start]:
    """The authorization request that may show no page, and what it was."""
    state, spec = state_of(flow), flow.spec
    assert spec.client is not None
    scope = [each for each in spec.scope if each != "offline_access"]  # that one asks for consent, which is a page
    begun = start(
        state.found.endpoints["authorization_endpoint"],
        client_id=spec.client.id,
        redirect_uri=spec.client.redirect_uri,
        scope=scope,
        prompt="none",
        id_token_hint=None,
    )
    tape.hidden.add(begun.state)
    tape.hidden.add(begun.nonce)
    return await browser.request("GET", begun.url, tape=tape, stop_at=begun.redirect_uri), begun
