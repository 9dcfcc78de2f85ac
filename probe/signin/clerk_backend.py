"""A session at Clerk that its backend API makes, with no bot detection in between: the preset clerk.session_token.

The backend makes sessions for development instances only. For a production instance it gives a sign-in token, good for
one sign-in at the frontend API, and from there on it is the same: the session's token, and its revocation.
"""

from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from probe.fault import Fault
from probe.oidc.reading import shown
from probe.signin.clerk import LIGHT, begin_by_ticket
from probe.signin.clerk_api import GONE, MAX_OCTETS, answered, fault_of
from probe.signin.clerk_session import (
    forget_client,
    has_session,
    is_over,
    is_unclean,
    judge_ended,
    may_forget,
    take_jwt,
    verify,
)
from probe.signin.clerk_state import ask_backend, new_state, state_of
from probe.signin.flow import Flow, Preset, Step
from probe.signin.reply import end
from probe.tape import Tape

TICKET_S = 60
"""How long a sign-in token holds that is used at once."""


async def find_user(flow: Flow, tape: Tape) -> None:
    """Step `identifier`: whose session is to be made. The plan says an address or a name; sessions are made by id."""
    state, name = state_of(flow), flow.user_name
    if name.startswith("user_"):
        state.user_id = name
        return
    asked = {"email_address" if "@" in name else "username": name, "limit": "2"}
    reply = await ask_backend(flow, "GET", f"/users?{urlencode(asked)}", tape)
    fault = backend_fault(reply, tape)
    if fault is not None:
        raise end(tape, fault)
    found = _list_of(reply.body)
    if found is None:
        raise end(tape, Fault("http_json", {"detail": "the answer is no list of users"}))
    if len(found) != 1 or not isinstance(found[0].get("id"), str):
        raise end(tape, Fault("signin_unknown_identifier", {"users": len(found)}))
    state.user_id = found[0]["id"]


async def make_session(flow: Flow, tape: Tape) -> None:
    """Step `sign_in`."""
    state = state_of(flow)
    if flow.spec.instance == "production":
        asked = {"user_id": state.user_id, "expires_in_seconds": TICKET_S}
        said = _made(await ask_backend(flow, "POST", "/sign_in_tokens", tape, asked), tape)
        ticket = said.get("token")
        if not isinstance(ticket, str) or not ticket:
            raise end(tape, Fault("http_json", {"detail": "the answer has no token"}))
        tape.hidden.add(ticket)
        await begin_by_ticket(flow, tape, ticket)
        return
    state.live = True
    said = _made(await ask_backend(flow, "POST", "/sessions", tape, {"user_id": state.user_id}), tape)
    session = said.get("id")
    if not isinstance(session, str) or not session:
        raise end(tape, Fault("http_json", {"detail": "the answer has no id"}))
    state.session_id = session
    if said.get("status") not in ("active", "pending"):
        raise end(tape, Fault("signin_incomplete", {"state": shown(str(said.get("status")), 40)}))


async def take_session_token(flow: Flow, tape: Tape) -> None:
    """Step `session_token`."""
    state = state_of(flow)
    said = _answered(await ask_backend(flow, "POST", _path(flow, "tokens"), tape), tape)
    take_jwt(state, said.get("jwt"), tape)


async def renew(flow: Flow, tape: Tape) -> None:
    """Step `silent`."""
    await take_session_token(flow, tape)
    await verify(flow, tape)


async def revoke(flow: Flow, tape: Tape) -> None:
    """Step `end`."""
    state = state_of(flow)
    fault = backend_fault(await ask_backend(flow, "POST", _path(flow, "revoke"), tape), tape)
    if fault is not None and fault.reason not in GONE:
        raise end(tape, fault)
    state.live = False


async def prove_ended(flow: Flow, tape: Tape) -> None:
    """Step `session`: a token is asked for once more."""
    state = state_of(flow)
    reply = await ask_backend(flow, "POST", _path(flow, "tokens"), tape)
    judge_ended(state, reply, tape)
    if may_forget(flow):
        await forget_client(flow, tape)


async def clean(flow: Flow, tape: Tape) -> None:
    """Ends the client that a sign-in token was used in, with its session; else revokes the session."""
    state = state_of(flow)
    if may_forget(flow):
        await forget_client(flow, tape)
    if state.live and state.session_id is not None:
        await revoke(flow, tape)


def backend_fault(reply: Any, tape: Tape) -> Fault | None:
    """As at the frontend API; but it is the key that a 401 is about, not a session."""
    fault = fault_of(reply, tape)
    if fault is not None and reply.status == 401 and fault.reason in (*GONE, "http_status", "signin_error_page"):
        return Fault("oauth_invalid_client")
    return fault


def _answered(reply: Any, tape: Tape) -> dict[str, Any]:
    fault = backend_fault(reply, tape)
    if fault is not None:
        raise end(tape, fault)
    return answered(reply, tape)


def _made(reply: Any, tape: Tape) -> dict[str, Any]:
    """What was made for a user: where the API knows no such thing, that is the user."""
    fault = backend_fault(reply, tape)
    if fault is not None and reply.status == 404 and fault.reason in GONE:
        raise end(tape, Fault("signin_unknown_identifier"))
    return _answered(reply, tape)


def _path(flow: Flow, what: str) -> str:
    return f"/sessions/{quote(state_of(flow).session_id or '', safe='')}/{what}"


def _list_of(body: bytes) -> list[dict[str, Any]] | None:
    if len(body) > MAX_OCTETS:
        return None
    try:
        return msgspec.json.decode(body, type=list[dict[str, Any]])
    except (ValueError, RecursionError):
        return None


SESSION_TOKEN = Preset(
    steps=(
        *(step for step in LIGHT if step.name in ("environment", "jwks")),
        Step("identifier", find_user),
        Step("sign_in", make_session),
        Step("session_token", take_session_token),
        Step("verify", verify),
        Step("silent", renew, part="silent", wanted=has_session),
        Step("end", revoke, wanted=has_session),
        Step("session", prove_ended, wanted=has_session),
    ),
    new_state=new_state,
    signs_in=True,
    keeps=True,
    is_over=is_over,
    unclean=is_unclean,
    clean=clean,
)
