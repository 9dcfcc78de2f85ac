"""What a page is, in one word, and what to do with it. Pure; knows no provider.

The rules are asked in a fixed order, and the first that knows decides. Captchas: only a visible widget, or a field that
a person would have to fill, stops the flow before it sends anything; a badge, a hidden field or the script alone lets
it go on, as many operators load them everywhere. If the same form then comes again and nothing says why, the captcha is
named rather than the password.
"""

from probe.pages import demands
from probe.pages.credentials import asked, refused, said_refusal
from probe.pages.page import Page
from probe.pages.scene import Context, Scene, Word
from probe.pages.view import View
from probe.pages.vocabulary import fold
from probe.pages.words import fields, labels, refusals

MAX_WAIT_S = 60.0
"""A refresh that comes later than this does not lead on: the page renews itself."""
SPARSE = 300
"""Characters of text under which a page with scripts is taken to be drawn by them."""


def classify(page: Page, first: Page | None, context: Context) -> Scene:
    """The scene of `page`; `first` is the flow's first page (None: this is it)."""
    view = View(page, first, context)
    if context.wall is not None:
        return _end(view, "bot_wall", f"the response is a wall of {context.wall}")
    if context.status == 429:
        return _end(view, "throttled", "status 429")
    if context.status >= 500:
        return _end(view, "idp_error", f"status {context.status}")
    if context.leaving and (scene := demands.logout_confirm(view)):
        return scene
    if scene := demands.auto_post(view, sure=True):
        return scene
    scene = asked(view)
    if scene is not None:
        if refusal := refused(view, scene):
            return refusal
        if captcha := _captcha(view):
            return captcha
        if blocked := _moved_on_blocked(view):
            return blocked
        if (demand := demands.required_action(view)) is not None:
            return demands.offer(view) or demand
        if scene.word == "mfa_required":
            return demands.with_password(view) or demands.factor_choice(view) or scene
        return scene
    for rule in (
        demands.offer,
        _refused_elsewhere,
        demands.required_action,
        _captcha,
        demands.consent,
        demands.logout_confirm,
        _refresh,
        demands.with_password,
        demands.second_factor,
        _needs_browser_form,
        _last_auto_post,
    ):
        found = rule(view)
        if found is not None:
            return found
    if said := demands.nowhere(view):
        return _end(view, *said)
    return (
        _needs_browser(view)
        or _error(view)
        or demands.unknown_form(view)
        or _end(view, "unexpected", "nothing in it is known")
    )


def _end(view: View, word: Word, *evidence: str) -> Scene:
    return Scene(word=word, alerts=view.alerts, evidence=evidence)


def _captcha(view: View) -> Scene | None:
    visible = next((one for one in view.page.captchas if one.visible), None)
    if visible is not None:
        return _end(view, "captcha", f"a visible widget: {visible.vendor}")
    if view.asking is not None and "captcha" in view.asking.fields:
        return _end(view, "captcha", "a field asks for what an image shows")
    return None


def _moved_on_blocked(view: View) -> Scene | None:
    """An alert of a page that asks for something new: only that it is locked counts, the form shows what comes next."""
    text = refusals.LOCKED.found_in(view.alerts)
    return _end(view, "locked", f"it says {text[:80]!r}") if text and view.context.submitted else None


def _refused_elsewhere(view: View) -> Scene | None:
    """A page without the form that says why it refuses."""
    if not view.context.submitted or not view.alerts:
        return None
    word, evidence = said_refusal(view)
    if word is None or (word != "locked" and demands.consent(view) is not None):
        return None
    # without the form, "invalid" may be said of anything: it has to be said of what was sent
    wrong = word in ("bad_credentials", "unknown_identifier", "bad_otp")
    told = view.context.status in (200, 401, 403, 422) and any(one.found(fold(evidence)) for one in _SENT)
    if wrong and not told:
        return None
    return _end(view, word, evidence)


_SENT = (
    fields.IDENTIFIER,
    fields.PASSWORD,
    fields.CODE,
    labels.SIGN_IN,
    refusals.PASSWORD_TOO,
    refusals.UNKNOWN_IDENTIFIER,
)


def _refresh(view: View) -> Scene | None:
    refresh, page = view.page.meta_refresh, view.page
    if refresh is not None and refresh.delay_s <= MAX_WAIT_S and refresh.url != page.url:
        if refresh.noscript and refusals.NEEDS_SCRIPTS.found(fold(refresh.url + " " + page.noscript)):
            return _end(view, "needs_browser", "leads browsers without scripts to a page of their own")
        return Scene(
            word="meta_refresh",
            follow=refresh.url,
            delay_s=refresh.delay_s,
            alerts=view.alerts,
            evidence=("the page leads on by itself",),
        )
    location = page.scripts.location
    if location is not None and location != page.url and len(page.text) < SPARSE and not page.forms:
        return Scene(word="meta_refresh", follow=location, alerts=view.alerts, evidence=("a script leads on",))
    return None


def _needs_browser_form(view: View) -> Scene | None:
    """A form for a password that only a script could send."""
    page = view.page
    nameless = any(field.type == "password" and not field.name for form in page.forms for field in form.fields)
    nowhere = any(field.type == "password" for form in page.forms if not form.action for field in form.fields)
    loose = any(field.typed and field.type in ("password", "email", "text", "tel") for field in page.loose)
    if nameless or nowhere or (loose and not page.forms) or any(field.type == "password" for field in page.loose):
        return _end(view, "needs_browser", "only a script could send its form")
    return None


def _last_auto_post(view: View) -> Scene | None:
    return demands.auto_post(view, sure=False)


def _needs_browser(view: View) -> Scene | None:
    page = view.page
    if view.context.status >= 400:
        return None
    if page.scripts.count or page.noscript:
        said = refusals.NEEDS_SCRIPTS.found(fold(page.noscript)) or refusals.NEEDS_SCRIPTS.found_in(
            (*view.about, *view.lines[:20])
        )
        if said and (len(page.text) < 4 * SPARSE or not page.forms):
            return _end(view, "needs_browser", "says that it needs scripts")
        if len(page.text) < SPARSE and page.scripts.count and not view.is_about(refusals.ERROR_PAGE):
            return _end(view, "needs_browser", "scripts, and hardly any text")
    if page.scripts.frames and len(page.text) < SPARSE:
        return _end(view, "needs_browser", "what it shows is in a frame")
    return None


def _error(view: View) -> Scene | None:
    if view.context.status >= 400:
        return _end(view, "idp_error", f"status {view.context.status}", *(text[:80] for text in view.about[:1] if text))
    texts = (*view.about, *view.page.alerts, *(view.lines[:20] if view.is_short else ()))
    if text := refusals.ERROR_PAGE.found_in(texts):
        return _end(view, "idp_error", f"it says {text[:80]!r}")
    return None
