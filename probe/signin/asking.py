"""The steps of a plan's own flow that ask something of a server: a request as the plan has it, and a form of the page
that the browser is at; and what their responses are."""

from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import trio

from parallax.clock import NS, to_ns, wall_ns
from parallax.plan.step_rules import method_of
from parallax.plan.step_specs import Request, Step, Submit
from parallax.plan.templates import Gap, parse_template
from probe.fault import Fault
from probe.http.bot_walls import bot_wall
from probe.pages.classify import classify
from probe.pages.form import Button, Form
from probe.pages.page import Page
from probe.pages.pressing import press_to_sign_in
from probe.pages.pressing import shown as buttons_of
from probe.pages.scene import Context, Scene, Word
from probe.pages.submission import submission
from probe.pages.vocabulary import fold
from probe.signin.bounds import host_of
from probe.signin.browser import Browser
from probe.signin.captures import captured, fault_of, meaning
from probe.signin.flow import Flow
from probe.signin.reply import Reply, end, remark
from probe.signin.sending import (
    MAX_AUTOMATIC,
    MAX_CALLBACK,
    action_of,
    follow_link,
    keep_out_of_url,
    note_form,
    page_of,
    shown,
    submit_form,
    wait_as_told,
)
from probe.signin.values import fill_json, fill_text, fill_url, find_value, keep_value, state_of
from probe.signin.walk import take_callback
from probe.tape import Tape

_PLAIN = frozenset({"error", "error_description", "error_uri", "iss", "scope", "state"})
"""Parameters of a callback that are no secret."""

_STOPS: dict[Word, str] = {
    "captcha": "signin_captcha",
    "bot_wall": "http_challenge",
    "locked": "signin_account_locked",
    "throttled": "signin_account_throttled",
}
"""Pages that end a step, whatever it sent."""
_REFUSES: dict[Word, str] = {
    "bad_credentials": "signin_bad_credentials",
    "unknown_identifier": "signin_unknown_identifier",
    "bad_otp": "signin_bad_otp",
}
"""Pages that end a step which sent a form."""

_USUAL = {True: "until-redirect-uri", False: "redirects"}
"""How a browser follows, by whether there is a client."""


async def send_request(planned: Step, flow: Flow, tape: Tape) -> None:
    """The step `request`."""
    request, state = planned.request, state_of(flow)
    assert request is not None
    method, template = method_of(request)
    url = fill_url(flow, template, tape)
    is_user = request.who == "browser"
    browser = flow.user if is_user else flow.backchannel
    headers = {name: fill_text(flow, text, url, tape) for name, text in request.headers.items()}
    body, content_type = _body(request, flow, url, tape)
    if content_type:
        headers = {"Content-Type": content_type, **headers}
    follow = request.follow or (_USUAL[flow.spec.client is not None] if is_user else "no")
    stop_at = flow.redirect_uri if follow == "until-redirect-uri" else None
    reply = await browser.request(
        method.upper(),
        url,
        tape=tape,
        headers=headers,
        body=body,
        follow=follow != "no",
        stop_at=stop_at,
        may_go=partial(_check_body, request, flow, tape) if body else None,
        referer=state.page.url if is_user and state.page is not None else None,
    )
    await _arrive(planned, flow, reply, browser, tape, submitted=False)


async def send_form(planned: Step, flow: Flow, tape: Tape) -> None:
    """The step `submit`."""
    asked, state = planned.submit, state_of(flow)
    assert asked is not None
    page = state.page
    form = find_form(page, asked) if page is not None else None
    if page is None or form is None:
        raise end(tape, Fault("signin_form_not_found", _forms_seen(page, tape)))
    press = _button(form, asked.press)
    if asked.press is not None and press is None:
        labels = [shown(each.label, tape, 60) for each in form.presses[:10]]
        raise end(tape, Fault("signin_form_not_found", {"buttons": labels}))
    note_form(form, press, tape)
    action = action_of(form, press, tape)
    sent = submission(form, {name: fill_text(flow, text, action, tape) for name, text in asked.fill.items()}, press)
    keep_out_of_url(sent, _secrets_in(asked, flow, tape), tape)
    if state.word is not None:
        state.sent.append(state.word)
    may_go = partial(_check_fill, asked, flow, tape) if sent.body else None
    reply = await submit_form(sent, flow.user, page.url, flow.redirect_uri, tape, may_go)
    await _arrive(planned, flow, reply, flow.user, tape, submitted=True)


def find_form(page: Page, asked: Submit) -> Form | None:
    """The form that the plan means, if the page has it with all the fields that are filled in."""
    if isinstance(asked.form, int):
        forms = list(page.forms[asked.form - 1 : asked.form])
    elif asked.form == "password":
        forms = [form for form in page.forms if any(field.type == "password" for field in form.fields)]
    elif asked.form.startswith("#"):
        forms = [form for form in page.forms if form.id == asked.form[1:]]
    else:
        forms = [form for form in page.forms if not form.hidden] or list(page.forms)
        if not asked.fill and len(forms) > 1:  # nothing tells which: a search form comes first on many pages
            forms = [form for form in forms if asked.press and _button(form, asked.press)]
    fitting = [form for form in forms if form.method != "dialog" and form.action and not form.missing(asked.fill)]
    return fitting[0] if fitting else None


def _button(form: Form, label: str | None) -> Button | None:
    """The button with this label; without one that which leads on, if it can be told."""
    if label is None:
        return press_to_sign_in(form)
    wanted = fold(label)
    return next((each for each in buttons_of(form) if wanted in (fold(each.label), fold(each.value))), None)


async def _arrive(planned: Step, flow: Flow, reply: Reply, browser: Browser, tape: Tape, *, submitted: bool) -> None:
    """From a response to what it means: pages that lead on by themselves are followed, as a browser would."""
    state, is_user = state_of(flow), browser is flow.user
    scene: Scene | None = None
    for _ in range(MAX_AUTOMATIC):
        scene = None
        state.reply = reply
        if reply.callback is not None:
            state.page, state.word = None, None
            _take_callback(flow, reply, tape)
            break
        if is_user and "html" in reply.headers.get("content-type", ""):
            scene = _look(flow, reply, tape)
        leads_on = scene is not None and scene.word in ("auto_post", "meta_refresh")
        if scene is None or not leads_on or meaning(planned.on, reply, state.page) is not None:
            break
        reply = await _lead_on(scene, flow, reply, tape)
    else:
        raise end(tape, Fault("signin_loop", {"detail": "the pages lead on by themselves without end"}))
    _judge(planned, flow, reply, scene, tape, submitted=submitted)
    _capture(planned, flow, reply, browser, tape)


def _look(flow: Flow, reply: Reply, tape: Tape) -> Scene:
    """The browser is at a page now."""
    state = state_of(flow)
    page = page_of(reply)
    context = Context(
        status=reply.status, wall=bot_wall(reply.answer), submitted=tuple(state.sent), previous=state.page
    )
    scene = classify(page, state.first, context)
    tape.note(
        title=shown(page.title, tape),
        page=scene.word,
        alerts=[text for each in scene.alerts[:5] if (text := shown(each, tape))] or None,
    )
    state.first, state.page, state.word = state.first or page, page, scene.word
    return scene


async def _lead_on(scene: Scene, flow: Flow, reply: Reply, tape: Tape) -> Reply:
    """A form that a script would send at once, or a refresh."""
    await wait_as_told(scene, tape)
    if scene.form is None:
        return await follow_link(scene.follow or "", flow.user, reply.url, flow.redirect_uri, tape)
    action_of(scene.form, scene.press, tape)
    sent = submission(scene.form, {}, scene.press)
    return await submit_form(sent, flow.user, reply.url, flow.redirect_uri, tape)


def _take_callback(flow: Flow, reply: Reply, tape: Tape) -> None:
    """What came with the redirect URI, for later steps. Of a request that this run made, state and issuer are checked
    first."""
    state, callback = state_of(flow), reply.callback or ""
    if state.begun is not None and state.discovery is not None:
        take_callback(flow, callback, tape)
    tape.note(page="callback")
    parts = urlsplit(callback)
    try:
        pairs = parse_qsl(f"{parts.query}&{parts.fragment}", max_num_fields=MAX_CALLBACK)
    except ValueError:
        raise end(tape, Fault("oauth_callback_malformed", {"found": "not to be read"})) from None
    for name, text in pairs:
        secret = name not in _PLAIN
        keep_value(flow, f"callback.{name[:60]}", text, host_of(reply.url), tape, secret=secret)


def _judge(planned: Step, flow: Flow, reply: Reply, scene: Scene | None, tape: Tape, *, submitted: bool) -> None:
    """Ends the step where the response is none that it may go on from."""
    said = meaning(planned.on, reply, state_of(flow).page if scene is not None else None)
    if said is not None:
        raise end(tape, said)
    found = fault_of(planned.assertions, reply.answer, to_ns(trio.current_time() - tape.started))
    if found is not None and found[0].reason in ("http_challenge", "http_throttled", "http_server_error"):
        raise end(tape, found[0])
    if scene is not None:
        word = _STOPS.get(scene.word) or (_REFUSES.get(scene.word) if submitted else None)
        if word is not None:
            raise end(tape, Fault(word))
    if found is None:
        return
    fault, soft = found
    if not soft:
        raise end(tape, fault)
    remark(tape, fault)


def _capture(planned: Step, flow: Flow, reply: Reply, browser: Browser, tape: Tape) -> None:
    page = state_of(flow).page if browser is flow.user else None
    missing = []
    for name, capture in planned.capture.items():
        text = captured(capture, reply, page, browser.jar, wall_ns() / NS)
        if text is None:
            missing.append(name)
        else:
            keep_value(flow, name, text, host_of(reply.url), tape, secret=capture.secret)
    if missing:
        raise end(tape, Fault("capture_missing", {"missing": missing[:20]}))


def _body(request: Request, flow: Flow, url: str, tape: Tape) -> tuple[bytes, str]:
    """The body and its type, filled for this URL. Raises Withheld."""
    if request.json is not None:
        return msgspec.json.encode(fill_json(flow, request.json, url, tape)), "application/json"
    if request.form:
        filled = {name: fill_text(flow, text, url, tape) for name, text in request.form.items()}
        return urlencode(filled).encode(), "application/x-www-form-urlencoded"
    return b"", ""


def _check_body(request: Request, flow: Flow, tape: Tape, url: str) -> None:
    """Raises Withheld where the body must not go to this URL."""
    _body(request, flow, url, tape)


def _check_fill(asked: Submit, flow: Flow, tape: Tape, url: str) -> None:
    """Raises Withheld where what is filled in must not go to this URL."""
    for text in asked.fill.values():
        fill_text(flow, text, url, tape)


def _secrets_in(asked: Submit, flow: Flow, tape: Tape) -> list[str]:
    """The names of the secrets that are filled in."""
    gaps = (piece for text in asked.fill.values() for piece in parse_template(text) if isinstance(piece, Gap))
    return [gap.name for gap in gaps if gap.secret or ((value := find_value(flow, gap.name, tape)) and value.secret)]


def _forms_seen(page: Page | None, tape: Tape) -> dict[str, object]:
    """What there was instead of the form, for whoever wrote the plan."""
    if page is None:
        return {"detail": "the browser is at no page: a step before this must open one"}
    seen = [
        [shown(field.name, tape, 60) or "" for field in form.fields[:20] if not field.hidden] for form in page.forms
    ]
    return {"forms": seen[:10]}
