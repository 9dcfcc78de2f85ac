"""A sign-in at Clerk's frontend API, as its own browser code does it: the presets clerk.password and clerk.email_code.

There are no pages: every answer is JSON and says how far the sign-in is. Passwords and codes are sent once.
"""

import trio

from parallax.plan.signin_specs import User
from parallax.secret import Secret
from probe.fault import Fault
from probe.signin.clerk_api import GONE, UNFINISHED, answered, factor, fault_of, offered
from probe.signin.clerk_session import (
    clean,
    end_session,
    has_session,
    is_id,
    is_over,
    is_unclean,
    prove_ended,
    renew,
    status_of,
    take_session_token,
    verify,
)
from probe.signin.clerk_state import ClerkState, ask, ask_backend, new_state, post, site_of, state_of
from probe.signin.codes import by_clock
from probe.signin.flow import Flow, Preset, Step
from probe.signin.letters import mailed_code, texted_code
from probe.signin.metadata import fetch_jwks
from probe.signin.reply import end
from probe.tape import Tape
from probe.vault import fill, fill_secrets

SIGN_INS = "/v1/client/sign_ins"


async def see_environment(flow: Flow, tape: Tape) -> None:
    """Step `environment`: the instance's settings, which every page with a sign-in loads first."""
    state = state_of(flow)
    said = answered(await ask(flow, "/v1/environment", tape), tape)
    display = said.get("display_config")
    if not isinstance(display, dict):
        raise end(tape, Fault("http_json", {"detail": "the answer has no display_config"}))
    state.origin = site_of(display.get("home_url")) or state.origin
    kind = display.get("instance_environment_type")
    known = kind if kind in ("production", "development") else None
    tape.note(instance=known, maintenance=True if said.get("maintenance_mode") is True else None)
    if known is not None and known != flow.spec.instance:
        detail = f'the instance is a {known} one; write instance = "{known}" in the plan'
        raise end(tape, Fault("oauth_invalid_request", {"detail": detail}))


async def see_keys(flow: Flow, tape: Tape) -> None:
    """Step `jwks`: the keys that session tokens are verified with."""
    state = state_of(flow)
    state.jwks = await fetch_jwks(state.discovery, flow.backchannel, tape)


async def see_client(flow: Flow, tape: Tape) -> None:
    """Step `client`: what a page asks next, to know whether somebody is signed in."""
    said = answered(await ask(flow, "/v1/client", tape), tape)
    if "response" not in said:
        raise end(tape, Fault("http_json", {"detail": "the answer has no response"}))


async def take_testing_token(flow: Flow, tape: Tape) -> None:
    """Step `testing_token`: what lets a test past the bot detection, from the backend API."""
    said = answered(await ask_backend(flow, "POST", "/testing_tokens", tape), tape)
    token = said.get("token")
    if not isinstance(token, str) or not token:
        raise end(tape, Fault("http_json", {"detail": "the answer has no token"}))
    tape.hidden.add(token)
    state_of(flow).testing_token = Secret(token)


async def send_password(flow: Flow, tape: Tape) -> None:
    """Step `sign_in` of clerk.password: name and password in one request."""
    user = _user(flow)
    where = f"{state_of(flow).base}{SIGN_INS}"
    password = fill_secrets(user.password or "", where, flow.tools.vault, flow.tools.hidden)
    name = fill(user.name, flow.values, where, flow.tools.vault, flow.tools.hidden)
    await _begin(flow, tape, {"strategy": "password", "identifier": name, "password": password})
    _go_on(flow, tape)


async def send_identifier(flow: Flow, tape: Tape) -> None:
    """Step `sign_in` of clerk.email_code: the name alone."""
    state, user = state_of(flow), _user(flow)
    where = f"{state.base}{SIGN_INS}"
    await _begin(flow, tape, {"identifier": fill(user.name, flow.values, where, flow.tools.vault, flow.tools.hidden)})
    if state.sign_in.get("status") != "needs_first_factor":
        _go_on(flow, tape)
    elif factor(state.sign_in, "first", ("email_code",)) is None:
        raise end(tape, Fault("signin_incomplete", {"factors": offered(state.sign_in, "first")}, side="config"))


async def prepare(flow: Flow, tape: Tape) -> None:
    """Step `prepare`: has the code sent."""
    state = state_of(flow)
    found = factor(state.sign_in, "first", ("email_code",)) or {}
    await _ask_for_code(flow, tape, "first", found, "email_code")


async def send_code(flow: Flow, tape: Tape) -> None:
    """Step `code`."""
    code = await _code(flow, tape, "email_code")
    await _attempt(flow, tape, "first", {"strategy": "email_code", "code": code})
    _go_on(flow, tape)


async def send_second_factor(flow: Flow, tape: Tape) -> None:
    """Step `second_factor`: by the clock where the user has that, else a code."""
    state, user = state_of(flow), _user(flow)
    found = factor(state.sign_in, "second", _means(user))
    assert found is not None
    strategy = str(found["strategy"])
    if strategy == "totp":
        assert user.totp is not None
        code = await by_clock(user.totp, user.name, tape, flow.tools, to=state.base)
        tape.hidden.add(code)
    else:
        await _ask_for_code(flow, tape, "second", found, strategy)
        code = await _code(flow, tape, strategy)
    await _attempt(flow, tape, "second", {"strategy": strategy, "code": code})
    _go_on(flow, tape)


async def begin_by_ticket(flow: Flow, tape: Tape, ticket: str) -> None:
    """A sign-in with a token that the backend API gave for it."""
    await _begin(flow, tape, {"strategy": "ticket", "ticket": ticket})
    _go_on(flow, tape)


async def _begin(flow: Flow, tape: Tape, fields: dict[str, str]) -> None:
    """A sign-in is made, in a client that is made first: so a session that is made and never heard of, as its answer
    is lost, can be ended with the client. An API that does not make one makes it with the sign-in."""
    state = state_of(flow)
    state.has_client = True
    fault = fault_of(await post(flow, "/v1/client", tape, method="PUT"), tape)
    if fault is not None and fault.reason not in {"signin_error_page", "http_status", *GONE}:
        raise end(tape, fault)
    _take_sign_in(state, answered(await post(flow, SIGN_INS, tape, fields), tape), tape)


async def _ask_for_code(flow: Flow, tape: Tape, which: str, found: dict[str, object], strategy: str) -> None:
    state = state_of(flow)
    ids = {name: found.get(name) for name in ("email_address_id", "phone_number_id")}
    fields = {"strategy": strategy, **{name: value for name, value in ids.items() if isinstance(value, str)}}
    state.code_asked_at = trio.current_time()
    path = f"{SIGN_INS}/{state.sign_in['id']}/prepare_{which}_factor"
    _take_sign_in(state, answered(await post(flow, path, tape, fields), tape), tape)


async def _attempt(flow: Flow, tape: Tape, which: str, fields: dict[str, str]) -> None:
    state = state_of(flow)
    path = f"{SIGN_INS}/{state.sign_in['id']}/attempt_{which}_factor"
    _take_sign_in(state, answered(await post(flow, path, tape, fields), tape), tape)


async def _code(flow: Flow, tape: Tape, strategy: str) -> str:
    """The code that was asked for: one that always holds, else what arrives by the strategy's way."""
    user, state, tools = _user(flow), state_of(flow), flow.tools
    if user.code is not None:
        return fill(user.code, flow.values, state.base, tools.vault, tools.hidden)
    if strategy == "phone_code" and user.sms is not None:
        return await texted_code(user.sms, tape, tools, flow.values, state.code_asked_at)
    return await mailed_code(user, tape, tools, flow.values, state.code_asked_at)


def _take_sign_in(state: ClerkState, said: dict[str, object], tape: Tape) -> None:
    found = said.get("response")
    if not isinstance(found, dict) or not isinstance(found.get("id"), str) or not is_id(found["id"]):
        raise end(tape, Fault("http_json", {"detail": "the answer has no sign-in"}))
    state.sign_in = found
    tape.note(state=status_of(state))
    session = found.get("created_session_id")
    if status_of(state) == "complete" and isinstance(session, str) and is_id(session):
        state.session_id, state.live = session, True
        state.user_id = state.user_id or _user_of(said.get("client"), session)


def _go_on(flow: Flow, tape: Tape) -> None:
    """Ends the step where the sign-in is neither complete nor to be completed by a step that follows."""
    state, status = state_of(flow), status_of(state_of(flow))
    if status == "complete" and state.session_id is not None:
        return
    user = flow.spec.user
    second = status in ("needs_second_factor", "needs_client_trust") and "second_factor" not in flow.left_out
    if second and user is not None and factor(state.sign_in, "second", _means(user)) is not None:
        return
    fault = UNFINISHED.get(status, Fault("signin_incomplete"))
    note = {"state": status, "factors": offered(state.sign_in, "second") or None}
    raise end(tape, Fault(fault.reason, {k: v for k, v in note.items() if v is not None}, fault.side))


def _needs_second(flow: Flow) -> bool:
    return status_of(state_of(flow)) in ("needs_second_factor", "needs_client_trust")


def _means(user: User) -> tuple[str, ...]:
    """The second factors that the check can give, the best first."""
    known = {
        "totp": user.totp is not None,
        "email_code": user.code is not None or user.mail is not None,
        "phone_code": user.code is not None or user.sms is not None,
    }
    return tuple(name for name, can in known.items() if can)


def _user_of(client: object, session: str) -> str | None:
    """Whose the session is, as the client has it."""
    sessions = client.get("sessions") if isinstance(client, dict) else None
    for each in sessions if isinstance(sessions, list) else []:
        if not isinstance(each, dict) or each.get("id") != session:
            continue
        for key, name in (("user", "id"), ("public_user_data", "user_id")):
            whose = each.get(key)
            found = whose.get(name) if isinstance(whose, dict) else None
            if isinstance(found, str) and found:
                return found
    return None


def _user(flow: Flow) -> User:
    assert flow.spec.user is not None
    return flow.spec.user


LIGHT = (
    Step("environment", see_environment, part="light", attempts=2),
    Step("jwks", see_keys, part="light", attempts=2),
    Step("client", see_client, part="light", attempts=2),
    Step("testing_token", take_testing_token, wanted=lambda flow: flow.spec.secret_key is not None),
)
AFTER = (
    Step("second_factor", send_second_factor, wanted=_needs_second),
    Step("session_token", take_session_token),
    Step("verify", verify),
    Step("silent", renew, part="silent", wanted=has_session),
    Step("end", end_session, wanted=has_session),
    Step("session", prove_ended, wanted=has_session),
)


PASSWORD = Preset(
    steps=(*LIGHT, Step("sign_in", send_password), *AFTER),
    new_state=new_state,
    signs_in=True,
    keeps=True,
    is_over=is_over,
    unclean=is_unclean,
    clean=clean,
)
EMAIL_CODE = Preset(
    steps=(
        *LIGHT,
        Step("sign_in", send_identifier),
        Step("prepare", prepare),
        Step("code", send_code),
        *AFTER,
    ),
    new_state=new_state,
    signs_in=True,
    keeps=True,
    is_over=is_over,
    unclean=is_unclean,
    clean=clean,
)
