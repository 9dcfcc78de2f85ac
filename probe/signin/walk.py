"""From the authorization request to the callback: page by page, whatever the pages are.

What a page is, and which form and button are meant on it, probe.pages says; here is what follows. The steps are named
by what was sent: `authorize` is all that happens until the first page, `password` the sending of the password and the
page that came of it. So a page that refuses ends the step whose sending it answers.

Nothing is sent twice: a page that asks again for what it got has refused it.
"""

from functools import partial

from parallax.plan.signin_specs import User
from probe.fault import Fault
from probe.http.bot_walls import bot_wall
from probe.oidc.authorization import Code, Start, read_callback, start
from probe.pages.classify import classify
from probe.pages.page import Page
from probe.pages.scene import Context, Scene, Word
from probe.pages.submission import submission
from probe.signin.bounds import host_of, is_bound, is_issuers
from probe.signin.codes import code_for
from probe.signin.flow import Flow
from probe.signin.oidc_state import state_of
from probe.signin.refused_request import refused_request
from probe.signin.relying_party import filled_parameters
from probe.signin.reply import Reply, end, passed
from probe.signin.responses import refusal, status_fault
from probe.signin.sending import (
    MAX_AUTOMATIC,
    action_of,
    follow_link,
    keep_out_of_url,
    note_form,
    page_of,
    shown,
    submit_form,
    wait_as_told,
)
from probe.tape import Tape
from probe.vault import Withheld, fill

STEPS = ("authorize", "identifier", "password", "otp", "consent")
MAX_PAGES = 25
"""Pages of one sign-in."""
MAX_SAME = 2
"""How often one step is taken: a provider may ask for consent twice, but for a password once."""

_STEP_OF = {
    "identifier": "identifier",
    "password": "password",
    "identifier_password": "password",
    "otp": "otp",
    "totp": "otp",
    "consent": "consent",
}
_LEADS_ON = frozenset({"auto_post", "meta_refresh", "offer", "factor_choice"})
"""What is answered at once, within the step that led to it."""
_FAULT_OF = {
    "captcha": "signin_captcha",
    "bot_wall": "http_challenge",
    "locked": "signin_account_locked",
    "throttled": "signin_account_throttled",
    "bad_credentials": "signin_bad_credentials",
    "unknown_identifier": "signin_unknown_identifier",
    "bad_otp": "signin_bad_otp",
    "required_action": "signin_required_action",
    "mfa_required": "signin_mfa_required",
    "needs_browser": "signin_needs_browser",
    "idp_error": "signin_error_page",
}


class Walk:
    """What the pages of one sign-in share."""

    def __init__(self) -> None:
        self.first: Page | None = None
        self.last: Page | None = None
        self.scene: Scene | None = None
        self.came_from: float | None = None
        """When the step began that led to the page (trio's clock): a code by mail was sent after that."""
        self.sent: list[Word] = []
        """What was sent, as the scenes' words."""


async def sign_in(flow: Flow) -> bool:
    """The stage: takes the steps until the callback has come. False: one failed."""
    walk, state = Walk(), state_of(flow)
    taken = await flow.take("authorize", partial(_open, walk))
    counts: dict[str, int] = {}
    while passed(taken.evidence) and state.code is None:
        scene = walk.scene
        assert scene is not None
        name = _STEP_OF[scene.word]
        counts[name] = counts.get(name, 0) + 1
        if counts[name] > MAX_SAME or sum(counts.values()) > MAX_PAGES:
            taken = await flow.take(name, _loop)
            break
        taken = await flow.take(name, partial(_answer, walk, scene))
    return passed(taken.evidence)


async def _loop(flow: Flow, tape: Tape) -> None:
    raise end(tape, Fault("signin_loop", {"detail": "the same page comes again and again"}))


def begin(flow: Flow, tape: Tape) -> Start:
    """Makes the authorization request of this run. Raises Withheld."""
    spec, state = flow.spec, state_of(flow)
    assert spec.client is not None
    endpoint = state.found.endpoints["authorization_endpoint"]
    extra = filled_parameters(flow, endpoint)
    # A refresh token has to be consented to each time it is asked for (OpenID Connect Core 11).
    prompt = "consent" if "offline_access" in spec.scope and "prompt" not in extra else extra.pop("prompt", None)
    state.begun = begun = start(
        endpoint,
        client_id=spec.client.id,
        redirect_uri=spec.client.redirect_uri,
        scope=spec.scope,
        prompt=prompt,
        extra=extra,
    )
    for secret in (begun.state, begun.nonce, begun.pkce.verifier.reveal() if begun.pkce else ""):
        tape.hidden.add(secret)
    return begun


async def _open(walk: Walk, flow: Flow, tape: Tape) -> None:
    """Asks for a code, and follows to the first page."""
    begun = begin(flow, tape)
    reply = await flow.user.request("GET", begun.url, tape=tape, stop_at=begun.redirect_uri)
    await _arrive(walk, flow, reply, tape)


async def _answer(walk: Walk, scene: Scene, flow: Flow, tape: Tape) -> None:
    """Sends what the page asks for, once, and follows to the next."""
    reply = await _send(walk, scene, flow, tape)
    await _arrive(walk, flow, reply, tape)


async def _send(walk: Walk, scene: Scene, flow: Flow, tape: Tape) -> Reply:
    """What a person would do on the page."""
    assert walk.last is not None
    stop_at, page = flow.redirect_uri, walk.last
    walk.sent.append(scene.word)
    await wait_as_told(scene, tape)
    if scene.follow is not None:
        return await follow_link(scene.follow, flow.user, page.url, stop_at, tape)
    form, press = scene.form, scene.press
    if form is None:
        raise end(tape, Fault("signin_form_not_found"))
    if scene.word != "auto_post":
        note_form(form, press, tape)
    values = await _values(walk, scene, flow, action_of(form, press, tape), tape)
    sent = submission(form, scene.fill(values), press)
    keep_out_of_url(sent, values.keys() & {"password", "otp"}, tape)
    if "password" in values:
        state_of(flow).signed_in = True  # from here on, whether or not an answer comes
    may_go = partial(_may_have_password, flow) if "password" in values else None
    return await submit_form(sent, flow.user, page.url, stop_at, tape, may_go)


async def _values(walk: Walk, scene: Scene, flow: Flow, action: str, tape: Tape) -> dict[str, str]:
    """What is filled in, by purpose. A secret is revealed for the address that the form goes to. Raises Withheld."""
    user, tools = flow.spec.user, flow.tools
    assert user is not None
    values: dict[str, str] = {}
    if "identifier" in scene.fields:
        values["identifier"] = fill(user.name, flow.values, action, tools.vault, tools.hidden)
    if "password" in scene.fields and user.password is not None:
        values["password"] = fill(user.password, flow.values, action, tools.vault, tools.hidden)
    if "otp" in scene.fields:
        if user.mail is not None or user.sms is not None:
            _check_sent(flow, action)
        since = _last_began(flow)
        values["otp"] = await code_for(user, scene, tape, tools, to=action, values=flow.values, since=since)
        tape.hidden.add(values["otp"])
    return values


def _check_sent(flow: Flow, url: str) -> None:
    """A code by mail or SMS is bound to no host by the probe's config. It goes to the issuer's own hosts, and to those
    that a secret of this check may be sent to: a page that a redirect leads to could have had it sent. Raises
    Withheld."""
    if is_bound(flow, url) or is_issuers(state_of(flow).found, url):
        return
    raise Withheld(
        "secret_withheld",
        f"a code by mail or SMS does not go to {host_of(url)}; if it should, add the host to the hosts of a secret of "
        "this check, in this probe's config",
    )


def _last_began(flow: Flow) -> float | None:
    """When the step before this one began: what it sent is what the mail is an answer to."""
    return flow.steps.taken[-1].tape.started if flow.steps.taken else None


def _may_have_password(flow: Flow, url: str) -> None:
    """Raises Withheld where the password must not go to this URL."""
    user = flow.spec.user
    if user is not None and user.password is not None:
        fill(user.password, flow.values, url, flow.tools.vault, flow.tools.hidden)


async def _arrive(walk: Walk, flow: Flow, reply: Reply, tape: Tape) -> None:
    """From a response to the next page that needs an answer, or the callback: what leads on by itself is followed."""
    for _ in range(MAX_AUTOMATIC):
        if reply.callback is not None:
            take_callback(flow, reply.callback, tape)
            return
        page = page_of(reply)
        scene = classify(page, walk.first, _context(walk, flow, reply))
        tape.note(
            title=shown(page.title, tape),
            page=scene.word,
            captcha=next((each.vendor for each in page.captchas if each.visible), None),
            alerts=[text for each in scene.alerts[:5] if (text := shown(each, tape))] or None,
        )
        if scene.evidence:
            tape.note(evidence=[text for each in scene.evidence[:5] if (text := shown(each, tape, 120))])
        walk.first, walk.last = walk.first or page, page
        if scene.word not in _LEADS_ON or refusal(reply) is not None:
            _judge_page(walk, flow, scene, reply, tape)
            walk.scene, walk.came_from = scene, tape.started
            return
        reply = await _send(walk, scene, flow, tape)
    raise end(tape, Fault("signin_loop", {"detail": "the pages lead on by themselves without end"}))


def _context(walk: Walk, flow: Flow, reply: Reply) -> Context:
    return Context(
        status=reply.status,
        wall=bot_wall(reply.answer),
        submitted=tuple(walk.sent),
        previous=walk.last,
        means=_means(flow.spec.user),
    )


def _means(user: User | None) -> frozenset[str]:
    """The second factors that the plan gives, in the words of probe.pages."""
    if user is None:
        return frozenset()
    given = {
        "totp": user.totp is not None,
        "otp": user.code is not None or user.mail is not None,
        "sms": user.code is not None or user.sms is not None,
    }
    return frozenset(name for name, means in given.items() if means)


def _judge_page(walk: Walk, flow: Flow, scene: Scene, reply: Reply, tape: Tape) -> None:
    """Ends the step where the page refuses, or wants what the check has not. What the page says is more telling than
    its status, but for a limit, and for an error of the server's own."""
    said = _FAULT_OF.get(scene.word)
    fault: Fault | None = refusal(reply)
    if fault is None and scene.word in ("idp_error", "unexpected") and walk.last is not None:
        fault = refused_request(walk.last, reply.body)
    if fault is None and said is not None:
        fault = (status_fault(reply) if said in _VAGUE else None) or Fault(said)
    if fault is None and scene.word not in _STEP_OF:
        fault = status_fault(reply) or Fault("signin_unexpected_page")
    fault = fault or _lacking(flow, scene)
    if fault is None:
        return
    if said in _NOT_SIGNED_IN:
        state_of(flow).signed_in = False
    raise end(tape, fault)


_VAGUE = frozenset({"signin_error_page", "signin_needs_browser"})
"""What a page of a server that fails, or forbids, may look like, too."""
_NOT_SIGNED_IN = frozenset(
    {
        "signin_bad_credentials",
        "signin_unknown_identifier",
        "signin_captcha",
        "signin_account_locked",
        "signin_account_throttled",
    }
)
"""After these there is no session to end."""


def _lacking(flow: Flow, scene: Scene) -> Fault | None:
    """What the page asks for and the plan does not give."""
    name, user = _STEP_OF[scene.word], flow.spec.user
    if name == "consent" and "consent" in flow.left_out:
        return Fault("signin_consent_required")
    if name == "otp" and ("otp" in flow.left_out or not _means(user)):
        return Fault("signin_mfa_required", {"detail": "a one-time code is asked for"})
    if name == "password" and (user is None or user.password is None):
        return Fault("signin_unexpected_page", {"detail": "a password is asked for, and user.password is not given"})
    return None


def take_callback(flow: Flow, answer: str, tape: Tape) -> None:
    """Reads what the provider sent back with."""
    state = state_of(flow)
    assert state.begun is not None
    found = state.found
    code = read_callback(answer, state.begun, issuer=found.issuer, iss_parameter=found.capabilities.iss_parameter)
    if not isinstance(code, Code):
        raise end(tape, code)
    tape.hidden.add(code.code.reveal())
    tape.note(page="callback")
    state.code = code
    state.signed_in = True


async def confirm_logout(flow: Flow, reply: Reply, tape: Tape) -> Reply:
    """Does what a logout's pages want done, three times at most."""
    walk = Walk()
    for _ in range(3):
        if reply.callback is not None or not _is_page(reply):
            return reply
        page = walk.last = page_of(reply)
        walk.first = walk.first or page
        scene = classify(page, walk.first, Context(status=reply.status, leaving=True))
        # what is left of the other words is of no matter here: a page that says goodbye asks for nothing
        tape.note(title=shown(page.title, tape), page=scene.word if scene.leads_on or reply.status >= 400 else None)
        if scene.word not in ("logout_confirm", "auto_post", "meta_refresh"):
            return reply
        reply = await _send(walk, scene, flow, tape)
    return reply


def sign_in_page(reply: Reply) -> bool:
    """Whether the page asks to sign in."""
    if not _is_page(reply):
        return False
    return classify(page_of(reply), None, Context()).word in ("identifier", "password", "identifier_password")


def _is_page(reply: Reply) -> bool:
    return reply.callback is None and "html" in reply.headers.get("content-type", "")
