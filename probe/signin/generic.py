"""Flows of a plan's own: the steps of `[[check.step]]` as a preset, on the machinery that the presets have.

With an issuer, discovery and keys come first, in every run. What a step's response means is decided in this order: what
the plan says of it (`on`), a bot wall or a limit, what the page says (a captcha, a locked account; after a form was
sent, a refusal), then status and assertions. What may change something is never sent twice.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import trio

from parallax.clock import NS, wall_ns
from parallax.dialling.errors import EXPECTED
from parallax.plan.signin_specs import SigninSpec
from parallax.plan.step_specs import Step as Planned
from probe.fault import Fault
from probe.oidc import jose
from probe.oidc.jwks import read_jwks
from probe.oidc.tokens import Expectation, verify_id_token
from probe.signin import leaving, provider
from probe.signin.asking import find_form, send_form, send_request
from probe.signin.awaiting import awaited_texts, is_awaited, wait_for_letter
from probe.signin.codes import by_clock
from probe.signin.flow import Flow, Preset, Step
from probe.signin.passkeys import answer_challenge
from probe.signin.relying_party import verify_with_fresh_keys
from probe.signin.reply import Ended, end
from probe.signin.responses import unless_ok
from probe.signin.values import StepsState, gaps_set, keep_value, kept_text, state_of
from probe.tape import Tape
from probe.vault import Withheld

_Gather = Callable[[Flow, Tape], Awaitable[None]]


def preset_of(spec: SigninSpec) -> Preset:
    """The plan's own steps."""
    steps = [*_BEFORE] if spec.issuer is not None else []
    steps += [_step(planned) for planned in sorted(spec.step, key=lambda step: not step.light)]
    return Preset(
        steps=tuple(steps), new_state=lambda spec: StepsState(), signs_in=True, unclean=_is_unclean, clean=_clean
    )


_BEFORE = (
    Step("discovery", provider.find_provider, part="light", attempts=2),
    Step("jwks", provider.find_keys, part="light", attempts=2),
)


def _step(planned: Planned) -> Step:
    request = planned.request
    light_get = planned.light and request is not None and request.get is not None and request.who == "backchannel"
    return Step(
        planned.name,
        partial(_take, planned),
        part="light" if planned.light else "full",
        attempts=planned.attempts or (2 if light_get else 1),
        wanted=partial(_is_wanted, planned),
    )


async def _take(planned: Planned, flow: Flow, tape: Tape) -> None:
    state = state_of(flow)
    state.began = state.began or not (planned.light or planned.cleanup)
    await _work(planned)(flow, tape)
    state.done.add(planned.name)


def _work(planned: Planned) -> _Gather:
    if planned.request is not None:
        return partial(send_request, planned)
    if planned.submit is not None:
        return partial(send_form, planned)
    if planned.oidc is not None:
        return partial(_take_oidc, planned.oidc)
    if planned.verify_jwt is not None:
        return partial(_verify, planned)
    if planned.totp is not None:
        return partial(_make_code, planned)
    if planned.webauthn is not None:
        return partial(answer_challenge, planned)
    if is_awaited(planned):
        return partial(wait_for_letter, planned)
    return partial(_pause, planned)


def _is_wanted(planned: Planned, flow: Flow) -> bool:
    """An optional step is left out where there is nothing for it to do."""
    return not planned.optional or _has_work(planned, flow)


def _has_work(planned: Planned, flow: Flow) -> bool:
    if planned.submit is not None:
        page = state_of(flow).page
        return page is not None and find_form(page, planned.submit) is not None
    if planned.oidc is not None:
        return _lacking(planned.oidc, flow) is None
    try:
        return gaps_set(flow, list(_texts(planned)), Tape(hidden=flow.tools.hidden))
    except Withheld:
        return True  # the step itself will tell


def _texts(planned: Planned) -> list[str]:
    found: list[str] = []

    def add(value: object) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                add(inner)

    request = planned.request
    if request is not None:
        for value in (request.get, request.post, request.put, request.patch, request.delete):
            add(value)
        for body in (request.headers, request.form, request.json):
            add(body)
    if planned.verify_jwt is not None:
        add(planned.verify_jwt.token)
    if planned.webauthn is not None:
        add(planned.webauthn.challenge)
        add(planned.webauthn.user_handle)
    found += awaited_texts(planned)
    return found


_OIDC: dict[str, _Gather] = {
    "token": provider.exchange_code,
    "verify": provider.verify,
    "userinfo": provider.ask_userinfo,
    "refresh": provider.refresh,
    "logout": leaving.log_out,
    "session": leaving.prove_ended,
}


async def _take_oidc(what: str, flow: Flow, tape: Tape) -> None:
    lacking = _lacking(what, flow)
    if lacking is not None:
        raise Withheld("value_missing", lacking)
    await _OIDC[what](flow, tape)


def _lacking(what: str, flow: Flow) -> str | None:
    """What a step of the preset would need that no step has brought."""
    state = state_of(flow)
    if state.discovery is None or state.jwks is None:
        return "the issuer's metadata or keys are not there"
    endpoints = state.discovery.endpoints
    if what == "token":
        return None if state.code is not None and state.begun is not None else "no step has brought a code"
    if what == "verify":
        has = state.tokens is not None and state.tokens.id_token is not None
        return None if has else "no step has brought an id_token"
    if what == "userinfo" and ("access_token" not in state.live or "userinfo_endpoint" not in endpoints):
        return "there is no access token, or no userinfo endpoint"
    if what == "logout" and not leaving.is_unclean(flow):
        return "nobody is signed in"
    if what == "refresh" and "refresh_token" not in state.live:
        return "no step has brought a refresh token"
    return None


async def _verify(planned: Planned, flow: Flow, tape: Tape) -> None:
    """The step `verify_jwt`."""
    asked, state, expect = planned.verify_jwt, state_of(flow), flow.spec.expect
    assert asked is not None
    token = kept_text(flow, asked.token, tape)
    tape.hidden.add(token)
    read = jose.take_apart(token)
    has_nonce = not isinstance(read, str) and "nonce" in read.claims and state.begun is not None
    expected = Expectation(
        issuer=str(asked.issuer or flow.spec.issuer),
        audience=kept_text(flow, asked.audience, tape) if asked.audience is not None else None,
        algorithms=tuple(expect.alg) or tuple(jose.ALGORITHMS),
        now=wall_ns() / NS,
        id_token=False,
        nonce=state.begun.nonce if has_nonce and state.begun else None,
        acr=(expect.acr,) if expect.acr else (),
        amr=tuple(expect.amr),
        claims=expect.claims,
    )
    if asked.jwks is None:
        if state.discovery is None or state.jwks is None:
            raise Withheld("value_missing", "the issuer's keys are not there")
        found = await verify_with_fresh_keys(token, expected, state.discovery, state.jwks, flow.backchannel, tape)
        tape.note(token=found.as_findings())
        return
    reply = await flow.backchannel.request("GET", asked.jwks, tape=tape, follow=False)
    fault = unless_ok(reply, "jwks_http")
    if fault is not None:
        raise end(tape, fault)
    keys = read_jwks(reply.body, {name.lower(): value for name, value in reply.headers.items()})
    if isinstance(keys, Fault):
        raise end(tape, keys)
    verified = verify_id_token(token, keys, expected)
    if isinstance(verified, Fault):
        raise end(tape, verified)
    tape.note(token=verified.as_findings())


async def _make_code(planned: Planned, flow: Flow, tape: Tape) -> None:
    """The step `totp`. The code goes where the seed may go."""
    user = flow.spec.user
    assert planned.totp is not None
    assert user is not None
    assert user.totp is not None
    code = await by_clock(user.totp, user.name, tape, flow.tools)
    keep_value(flow, planned.totp.into, code, "", tape)


async def _pause(planned: Planned, flow: Flow, tape: Tape) -> None:
    assert planned.pause is not None
    tape.enter("pause")
    await trio.sleep(planned.pause)
    tape.leave()


def _is_unclean(flow: Flow) -> bool:
    """The plan's own cleaning has not come through; or it has none, and there is a session."""
    if not any(planned.cleanup for planned in flow.spec.step):
        return leaving.is_unclean(flow)
    return state_of(flow).began and bool(_left_to_clean(flow))


def _left_to_clean(flow: Flow) -> list[Planned]:
    """Those cleanup steps that did not come through and have something to end: the values that they name were set."""
    return [
        planned
        for planned in flow.spec.step
        if planned.cleanup and planned.name not in state_of(flow).done and _has_work(planned, flow)
    ]


async def _clean(flow: Flow, tape: Tape) -> None:
    """Takes what is left of the plan's cleaning, each step whatever came of the one before; without any, logs out."""
    if not any(planned.cleanup for planned in flow.spec.step):
        await leaving.log_out(flow, tape)
    broken: BaseException | None = None
    for planned in _left_to_clean(flow):
        try:
            await _take(planned, flow, tape)
        except Ended:  # the first is on the tape, and is the verdict
            continue
        except EXPECTED as error:
            broken = broken or error
    if broken is not None:
        raise broken
