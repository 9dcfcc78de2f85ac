"""Pages that ask for a decision or an action, not for credentials: consent, logout, offers, required actions, second
factors that cannot be given. Pure."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from probe.pages.form import Button, Field, Form
from probe.pages.pressing import denies, press_to_allow, press_to_log_out, press_to_skip, said, says_by_value, shown
from probe.pages.scene import Scene, Word
from probe.pages.view import View
from probe.pages.vocabulary import Vocabulary, fold, fold_name, names
from probe.pages.words import fields, labels, refusals, topics


def _deciding(view: View) -> Iterator[tuple[Form, list[Button]]]:
    """Forms in which nothing is typed and something is pressed."""
    for form in view.visible_forms:
        buttons = shown(form)
        if buttons and not any(field.typed and field.name for field in form.fields):
            yield form, buttons


def consent(view: View) -> Scene | None:
    """Allow by label and value; scopes that are offered unticked are ticked, "remember" boxes are left alone."""
    forms = list(_deciding(view))
    refusable = any(denies(button) for _, buttons in forms for button in buttons) or any(
        labels.DENY.found(fold(link.text)) for link in view.page.links
    )
    for form, buttons in forms:
        press = press_to_allow(buttons)
        if press is None:
            continue
        text = said(press)
        marked = _marked(form)
        about = view.is_about(topics.CONSENT_TEXT)
        if labels.ALLOW.found(text):
            why = about or view.tells(topics.CONSENT_TEXT)
            if why is None and refusable and _for_consent(view, form):
                why = "it may be refused"
        else:
            why = about or ("a hidden field says so" if marked else None)
            if why is None and refusable:
                why = view.tells(topics.CONSENT_TEXT)
            if why is None and refusable and says_by_value(press, labels.ALLOW) and _for_consent(view, form):
                why = "it may be refused"
        if why is None and not marked:
            continue
        return Scene(
            word="consent",
            form=form,
            ticks=_scopes(form),
            press=press,
            alerts=view.alerts,
            evidence=(f"may be allowed: {(why or 'a hidden field says so')[:80]}",),
        )
    return None


def _marked(form: Form) -> bool:
    return any(
        "consent" in field.value.lower() or "consent" in field.name.lower() for field in form.fields if field.hidden
    )


def _for_consent(view: View, form: Form) -> bool:
    """In a language that is not known: accept and decline stand under terms of use, too, so where the page is, where
    its form goes and what its fields are called has to speak of consent."""
    action = urlsplit(form.action[:4096]).path.split("/")[-2:]
    told = (*view.address, *(fold_name(text) for text in action))
    controls: tuple[Field | Button, ...] = (*form.fields, *form.buttons)
    called = (fold_name(f"{each.name} {each.id}") for each in controls)
    return any(fields.GRANTING.found(text) for text in (*told, *called))


def _scopes(form: Form) -> dict[str, tuple[str, ...]]:
    """Boxes that say what is granted, all ticked, where at least one is not."""
    ticks: dict[str, tuple[str, ...]] = {}
    unticked = False
    for field in form.fields:
        if field.type != "checkbox" or field.hidden or field.disabled or not field.name:
            continue
        told = (fold_name(field.name), fold_name(field.value), fold(field.label))
        if any(fields.REMEMBER.found(text) for text in told) or not any(fields.SCOPE.found(text) for text in told):
            continue
        unticked = unticked or not field.checked
        ticks[field.name] = (*ticks.get(field.name, ()), field.value)
    return ticks if unticked else {}


def logout_confirm(view: View) -> Scene | None:
    """At the logout any button (else link) that ends the session; before it only on a page that is about that."""
    if not view.context.leaving and not view.is_about(labels.LOG_OUT):
        return None
    about = view.tells(labels.LOG_OUT)
    for form, buttons in _deciding(view):
        press = press_to_log_out(buttons)
        if press is not None and (about or labels.LOG_OUT.found(said(press))):
            return Scene(
                word="logout_confirm",
                form=form,
                press=press,
                alerts=view.alerts,
                evidence=("asks before it signs out",),
            )
    if view.context.leaving and not any(True for _ in _deciding(view)):
        for link in view.page.links:
            if labels.LOG_OUT.found(fold(link.text)):
                return Scene(word="logout_confirm", follow=link.url, alerts=view.alerts, evidence=("a link signs out",))
    return None


def offer(view: View) -> Scene | None:
    """Something that may be put off: its button, or link, is pressed. "Stay signed in?" is answered with no,
    where that can be sent."""
    forms = list(_deciding(view))
    staying = view.is_about(topics.STAY)
    for form, buttons in forms:
        granting = any(labels.ALLOW.found(said(button)) for button in buttons)
        refusing = any(denies(button) and not labels.SKIP.found(said(button)) for button in buttons)
        if granting and not staying and (refusing or view.is_about(topics.CONSENT_TEXT)):
            continue  # "Not now" beside Allow: a consent has this, too
        press = press_to_skip(buttons)
        if press is None and staying:
            # where "no" needs a script, the only other answer leads on as well
            press = next((button for button in buttons if denies(button)), buttons[0] if len(buttons) == 1 else None)
        if press is not None:
            return Scene(word="offer", form=form, press=press, alerts=view.alerts, evidence=("it may be put off",))
    if view.context.submitted and (view.asking is None or view.asking.role not in ("login", "identify")):
        for link in view.page.links:
            if labels.SKIP.found(fold(link.text)):
                return Scene(word="offer", follow=link.url, alerts=view.alerts, evidence=("a link puts it off",))
    return None


def required_action(view: View) -> Scene | None:
    """Something that the account's owner has to do; nothing is sent."""
    asking = view.asking
    if asking is not None and asking.role in ("login", "identify"):
        return None
    signs: list[tuple[str, str | None]] = []
    if asking is not None and asking.role == "change":
        said_so = view.tells(topics.PASSWORD_CHANGE)
        if view.context.submitted or said_so:
            signs.append(("wants a new password", said_so or "two passwords are asked for"))
    code = asking is not None and asking.role == "code"
    if view.context.submitted or asking is None:
        enrolling = view.tells(topics.QR) if code else view.is_about(topics.ENROL)
        signs.append(("wants a second factor set up", enrolling or (view.is_about(topics.ENROL) if code else None)))
    if not code and (view.context.submitted or any(_deciding(view)) or asking is None):
        signs += [
            ("wants the address confirmed", view.is_about(topics.VERIFY_EMAIL)),
            ("wants terms accepted", view.is_about(topics.TERMS) if any(_deciding(view)) else None),
            ("wants the profile completed", view.is_about(topics.PROFILE)),
            ("wants the password changed", view.is_about(topics.PASSWORD_CHANGE)),
            # a heading says what is wanted; an alert also what for ("to activate your account")
            ("wants the address confirmed", topics.VERIFY_EMAIL.found_in(view.alerts)),
            ("wants the password changed", topics.PASSWORD_CHANGE.found_in(view.alerts)),
            ("wants something done", view.is_about(topics.REQUIRED)),
        ]
    if code and asking is not None and view.password_sent and (named := asking.one("identifier")) and not named.value:
        signs.append(("wants a second factor set up", "a code, and a name for it"))
    for what, said_so in signs:
        if said_so:
            return _wants(view, what, f"it says {said_so[:80]!r}")
    if view.password_sent and not code:
        for what, vocabulary in _AT:
            if at := view.is_at(vocabulary):
                return _wants(view, what, f"its address says {at[:80]!r}")
    return None


_AT = (
    ("wants a new password", topics.PASSWORD_CHANGE),
    ("wants terms accepted", topics.TERMS),
    ("wants the address confirmed", topics.VERIFY_EMAIL),
    ("wants the profile completed", topics.PROFILE),
    ("wants a second factor set up", topics.ENROL),
)


def _wants(view: View, *evidence: str) -> Scene:
    form = view.asking.form if view.asking else None
    return Scene(word="required_action", form=form, alerts=view.alerts, evidence=evidence)


def unknown_form(view: View) -> Scene | None:
    """After the password was taken: a form that nothing is known of. The provider works, and wants something of the
    user; what it is, a person has to see."""
    if not view.password_sent or view.context.status >= 400:
        return None
    for form in view.visible_forms:
        aside = any(labels.LOG_OUT.found(said(each)) or labels.ASIDE.found(said(each)) for each in shown(form))
        asks = any(not field.hidden and field.name and field.type != "search" for field in form.fields)
        if form.method == "post" and not form.hidden and not aside and (asks or shown(form)):
            return _wants(view, "a form that is not known, after the password")
    return None


def with_password(view: View) -> Scene | None:
    """A page that begins with another way (a passkey, a code, a list of ways): the button or link to the password."""
    if view.password_sent:
        return None
    for form in view.visible_forms:
        for button in shown(form):
            if _names_password(said(button)) and not denies(button):
                return Scene(
                    word="factor_choice",
                    form=form,
                    press=button,
                    alerts=view.alerts,
                    evidence=("a password can be chosen",),
                )
    for link in view.page.links:
        if _names_password(fold(link.text)):
            return Scene(
                word="factor_choice",
                follow=link.url,
                alerts=view.alerts,
                evidence=("a password can be chosen",),
            )
    return None


def _names_password(text: str) -> bool:
    aside = labels.ASIDE.found(text) or topics.PASSWORD_CHANGE.found(text) or refusals.UNKNOWN_IDENTIFIER.found(text)
    return bool(fields.PASSWORD.found(text)) and not aside


def second_factor(view: View) -> Scene | None:
    """A choice among second factors, or one that cannot be given. Only after something was sent, or where the page is
    about nothing else."""
    if not view.context.submitted:
        return None
    if chosen := factor_choice(view) or _another_way(view):
        return chosen
    for vocabulary, what in (
        (topics.BY_PUSH, "a push notification"),
        (topics.BY_KEY, "a security key or passkey"),
        (topics.BY_PHONE, "a text message or call"),
        (topics.BY_APP, "an authenticator app"),
        (topics.FACTOR, "a second factor"),
    ):
        text = view.tells(vocabulary) if view.is_short else view.is_about(vocabulary)
        if text is not None:
            return Scene(word="mfa_required", alerts=view.alerts, evidence=(f"wants {what}", f"it says {text[:80]!r}"))
    return None


def factor_choice(view: View) -> Scene | None:
    """A button, radio button or link for a factor for which there are means."""
    wanted = [
        (kind, vocabulary)
        for kind, vocabulary in (("totp", topics.BY_APP), ("otp", topics.BY_MAIL), ("sms", topics.BY_PHONE))
        if kind in view.context.means
    ]
    for kind, vocabulary in wanted:
        why = (f"{kind} can be chosen",)
        for form in view.visible_forms:
            for field in form.fields:
                told = (fold(field.label), fold_name(field.value))
                if field.type == "radio" and not field.hidden and any(vocabulary.found(text) for text in told):
                    press = next((button for button in shown(form) if not denies(button)), None)
                    return Scene(
                        word="factor_choice",
                        form=form,
                        ticks={field.name: (field.value,)},
                        press=press,
                        alerts=view.alerts,
                        evidence=why,
                    )
            for button in shown(form):
                if not denies(button) and (vocabulary.found(said(button)) or vocabulary.found(fold_name(button.value))):
                    return Scene(word="factor_choice", form=form, press=button, alerts=view.alerts, evidence=why)
        for link in view.page.links:
            if vocabulary.found(fold(link.text)):
                return Scene(word="factor_choice", follow=link.url, alerts=view.alerts, evidence=why)
    return None


def _another_way(view: View) -> Scene | None:
    """To the list of ways, once, from a page that wants a factor for which there are no means."""
    if not view.context.means or not view.password_sent or "factor_choice" in view.context.submitted:
        return None
    why = ("another way may be among the others",)
    for form in view.visible_forms:
        for button in shown(form):
            if labels.ANOTHER_WAY.found(said(button)):
                return Scene(word="factor_choice", form=form, press=button, alerts=view.alerts, evidence=why)
    for link in view.page.links:
        if labels.ANOTHER_WAY.found(fold(link.text)):
            return Scene(word="factor_choice", follow=link.url, alerts=view.alerts, evidence=why)
    return None


_HANDED_OVER = names("""samlresponse samlrequest relaystate wresult id_token code access_token ticket logout_token""")
"""Fields by which one party hands something to another: SAML, WS-Federation, OAuth's form_post, CAS."""


def auto_post(view: View, *, sure: bool) -> Scene | None:
    """A form with nothing to type that a script would send. `sure`: told by its fields, or by a script in the page;
    else it is enough that the page holds nothing else to do."""
    for form in view.visible_forms:
        if any(
            field.typed or (field.type in ("checkbox", "radio", "select") and not field.hidden) for field in form.fields
        ):
            continue
        hidden = {field.name.lower() for field in form.fields if field.type == "hidden" and field.name}
        buttons = shown(form)
        visible = [button for button in buttons if not button.hidden]
        if (
            len(visible) > 1
            or not hidden
            or any(
                denies(button) or labels.ASIDE.found(said(button)) or labels.LOG_OUT.found(said(button))
                for button in visible
            )
        ):
            continue
        handed = hidden & _HANDED_OVER
        scripts = view.page.scripts
        if sure:
            if handed and view.is_short:
                why = "hands over " + ", ".join(sorted(handed))
            elif scripts.submits_on_load or (scripts.submits and view.is_short and len(view.page.forms) == 1):
                why = "a script sends it at once"
            else:
                continue
        elif view.is_short and len(view.page.forms) == 1 and form.method == "post":
            why = "nothing else to do in it"
        else:
            continue
        press = visible[0] if visible and not (handed or scripts.submits) else None
        return Scene(word="auto_post", form=form, press=press, alerts=view.alerts, evidence=(why,))
    return None


def nowhere(view: View) -> tuple[Word, str] | None:
    """What a page says that leads nowhere: locked, throttled, a test for people."""
    texts = (*view.about, *view.page.alerts, *(view.lines if view.is_short else ()))
    signs: tuple[tuple[Vocabulary, Word], ...] = (
        (refusals.LOCKED, "locked"),
        (refusals.THROTTLED, "throttled"),
        (refusals.HUMAN, "captcha" if view.context.submitted else "bot_wall"),
    )
    for vocabulary, word in signs:
        if text := vocabulary.found_in(texts):
            return word, f"it says {text[:80]!r}"
    return None
