"""A session at Clerk: its token, which lives for a minute, its end, and the proof that it is over.

A session's token is asked for again and again, which is what applications depend on: so it is what a silent run asks
for, too.
"""

from parallax.clock import NS, wall_ns
from parallax.secret import Secret
from probe.fault import Fault
from probe.oidc.tokens import Expectation
from probe.signin.clerk_api import GONE, answered, fault_of
from probe.signin.clerk_state import ALGORITHMS, ClerkState, cookies_of, keep_cookies, post, state_of
from probe.signin.flow import Flow
from probe.signin.relying_party import verify_with_fresh_keys
from probe.signin.reply import ENDED, Reply, end
from probe.tape import Tape


async def take_session_token(flow: Flow, tape: Tape) -> None:
    """Step `session_token`: the token that an application shows its own servers."""
    state = state_of(flow)
    if state.session_id is None:
        raise end(tape, Fault("signin_incomplete", {"state": status_of(state)}))
    said = answered(await post(flow, f"/v1/client/sessions/{state.session_id}/tokens", tape), tape)
    take_jwt(state, said.get("jwt"), tape)


def take_jwt(state: ClerkState, token: object, tape: Tape) -> None:
    """Keeps a session's token, hidden. Ends the step where it is none."""
    if not isinstance(token, str) or not token:
        raise end(tape, Fault("token_missing", {"missing": ["jwt"]}))
    tape.hidden.add(token)
    state.jwt = Secret(token)


async def verify(flow: Flow, tape: Tape) -> None:
    """Step `verify`: the token is this instance's, this session's and this user's, and of now."""
    state, expect = state_of(flow), flow.spec.expect
    assert state.jwks is not None
    assert state.jwt is not None
    expected = Expectation(
        issuer=state.base,
        algorithms=tuple(expect.alg) or ALGORITHMS,
        now=wall_ns() / NS,
        id_token=False,
        subject=state.user_id,
        acr=(expect.acr,) if expect.acr else (),
        amr=tuple(expect.amr),
        claims={"sub": None, "iat": None, **expect.claims, "sid": state.session_id},
    )
    found = await verify_with_fresh_keys(
        state.jwt.reveal(), expected, state.discovery, state.jwks, flow.backchannel, tape
    )
    tape.note(token=found.as_findings())


async def renew(flow: Flow, tape: Tape) -> None:
    """Step `silent`: another token of the session that is kept, and whether it is right."""
    await take_session_token(flow, tape)
    await verify(flow, tape)


async def end_session(flow: Flow, tape: Tape) -> None:
    """Step `end`."""
    state = state_of(flow)
    keep_cookies(flow)
    reply = await post(flow, f"/v1/client/sessions/{state.session_id}/end", tape)
    fault = fault_of(reply, tape)
    if fault is not None and fault.reason not in GONE:
        raise end(tape, fault)
    state.live = False


async def prove_ended(flow: Flow, tape: Tape) -> None:
    """Step `session`: its token is asked for once more, with the cookies that were good for it; then the client goes,
    too, so that nothing of the run is left."""
    state = state_of(flow)
    path = f"/v1/client/sessions/{state.session_id}/tokens"
    reply = await post(flow, path, tape, cookies=state.cookies)
    judge_ended(state, reply, tape)
    await forget_client(flow, tape)


def judge_ended(state: ClerkState, reply: Reply, tape: Tape) -> None:
    """Whether a session is over, by the answer to who asked for its token. Ends the step where it is not, or where
    that cannot be told."""
    tape.note(tokens=reply.status)
    fault = fault_of(reply, tape, tell=False)
    if fault is None:
        state.live = True
        raise end(tape, Fault("session_survived_logout", {"by": "tokens"}))
    if reply.status not in (400, 401, 404, 410) or fault.reason in ("http_challenge", "signin_captcha"):
        raise end(tape, fault_of(reply, tape) or fault)


async def clean(flow: Flow, tape: Tape) -> None:
    """Ends what the run began: the client, and all its sessions with it; where that cannot be, the session."""
    state = state_of(flow)
    if may_forget(flow):
        fault = await _end_client(flow, tape)
        if fault is None:
            return
        if not state.live or state.session_id is None:
            raise end(tape, fault)
    await end_session(flow, tape)


def is_unclean(flow: Flow) -> bool:
    """Whether a session or a client may live on."""
    state = state_of(flow)
    return (state.live and state.session_id is not None) or may_forget(flow)


def may_forget(flow: Flow) -> bool:
    """Whether there may be a client, and something that says which."""
    state = state_of(flow)
    said = state.dev_browser is not None or state.cookies is not None or bool(cookies_of(flow))
    return state.has_client and said


def has_session(flow: Flow) -> bool:
    return state_of(flow).session_id is not None


def is_over(flow: Flow) -> bool:
    """Whether Clerk said, at the last step, that the session is over."""
    if not flow.steps.taken or flow.steps.taken[-1].subject.name != "silent":
        return False
    found = flow.steps.taken[-1].evidence.material.get(ENDED)
    return found is not None and found.reason in {*GONE, "token_sub_mismatch"}


async def forget_client(flow: Flow, tape: Tape) -> None:
    """Ends the browser's client with all its sessions."""
    fault = await _end_client(flow, tape)
    if fault is not None:
        raise end(tape, fault)


async def _end_client(flow: Flow, tape: Tape) -> Fault | None:
    """One that is gone already is no fault."""
    state = state_of(flow)
    cookies = None if cookies_of(flow) else state.cookies  # an API may take the cookie away before the client is gone
    reply = await post(flow, "/v1/client", tape, method="DELETE", cookies=cookies)
    fault = fault_of(reply, tape, tell=False)
    if fault is not None and fault.reason not in GONE:
        return fault_of(reply, tape)
    state.has_client = state.live = False
    return None


def status_of(state: ClerkState) -> str:
    status = state.sign_in.get("status")
    return status[:40] if isinstance(status, str) and is_id(status) else "unknown"


def is_id(text: str) -> bool:
    """Whether it may go into a path: what a server says may be anything."""
    return 0 < len(text) <= 200 and text.isascii() and text.replace("_", "").replace("-", "").isalnum()
