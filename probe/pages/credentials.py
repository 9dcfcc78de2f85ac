"""Pages that ask for credentials, and pages that refused them. Pure.

A refusal is told by three signs, strongest first: an alert that the flow's first page had not and whose words say so; a
new line of text that does; the same question again. An invisible captcha that may have refused for us is named before a
password is called wrong.
"""

import msgspec

from probe.pages.form import Field, Form
from probe.pages.pressing import press_to_sign_in
from probe.pages.scene import Scene, Word
from probe.pages.view import CODE_WORDS, PASSWORD_WORDS, Asking, View, first_found
from probe.pages.vocabulary import Vocabulary, fold, fold_name
from probe.pages.words import refusals, topics

_AGAIN: dict[Word, Word] = {
    "identifier": "unknown_identifier",
    "password": "bad_credentials",
    "identifier_password": "bad_credentials",
    "otp": "bad_otp",
    "totp": "bad_otp",
}
_QUOTED = 80
"""Characters of a page's text that stand in evidence."""


def asked(view: View) -> Scene | None:
    """The scene of the form that asks for credentials, before anything is said of refusals."""
    asking = view.asking
    if asking is None or asking.role == "change":
        return None
    evidence = [
        "asks for " + " and ".join(purpose for purpose in ("identifier", "password", "otp") if purpose in asking.fields)
    ]
    if not asking.seen:
        evidence.append("the form is hidden until a script shows it")
    evidence += [f"an invisible captcha: {one.vendor}" for one in view.page.captchas[:1]]
    press = press_to_sign_in(asking.form)
    word: Word
    if asking.role == "code":
        kind, why = _kind_of_code(view, asking)
        evidence.append(why)
        if kind not in view.context.means:
            return _scene(view, "mfa_required", asking, (*evidence, f"no means for a code by {_BY[kind]}"))
        word = "totp" if kind == "totp" else "otp"
    elif asking.role == "identify":
        word = "identifier"
    else:
        name = asking.one("identifier")
        if name is not None and name.value and "identifier" in view.context.submitted:
            # the name that was sent before, shown again: it stays as the page has it
            asking = msgspec.structs.replace(
                asking, fields={k: v for k, v in asking.fields.items() if k != "identifier"}
            )
        word = "identifier_password" if "identifier" in asking.fields else "password"
        if ((press.formmethod if press else None) or asking.form.method) == "get":
            return _scene(view, "needs_browser", asking, ("the form would put the password into the URL",))
    return Scene(
        word=word,
        form=asking.form,
        fields=_names(asking),
        boxes=_boxes(asking.fields.get("otp", ())),
        press=press,
        alerts=view.alerts,
        evidence=tuple(evidence),
    )


def refused(view: View, scene: Scene) -> Scene | None:
    """The refusal, where `scene` asks again for what was just sent; None where the flow has moved on."""
    if not view.context.submitted or not _asks_again(view, scene):
        return None
    word, evidence = said_refusal(view)
    if word is None and view.page.captchas:
        word, evidence = "captcha", f"the same form again, and a captcha guards it: {view.page.captchas[0].vendor}"
    if word is None:
        word, evidence = _AGAIN[_last(view)], "the same form again, and nothing says why"
    return Scene(word=word, form=scene.form, fields=scene.fields, alerts=view.alerts, evidence=(evidence,))


def said_refusal(view: View) -> tuple[Word | None, str]:
    """What the new alerts, else the new lines, say of the last submission: a word and the text that says it."""
    last = _last(view)
    for said in (view.alerts, view.new_lines):
        for vocabulary, word in _FIRST:
            if text := first_found(vocabulary, said):
                return word, f"it says {text[:_QUOTED]!r}"
        unknown = first_found(refusals.UNKNOWN_IDENTIFIER, said)
        wrong = first_found(refusals.BAD_CREDENTIALS, said)
        if last in CODE_WORDS:
            if text := unknown or wrong:
                return "bad_otp", f"it says {text[:_QUOTED]!r}"
        elif unknown and (last == "identifier" or not refusals.PASSWORD_TOO.found(fold(unknown))):
            return "unknown_identifier", f"it says {unknown[:_QUOTED]!r}"
        elif wrong or unknown:
            return _AGAIN[last], f"it says {(wrong or unknown or '')[:_QUOTED]!r}"
    return None, ""


_FIRST: tuple[tuple[Vocabulary, Word], ...] = (
    (refusals.LOCKED, "locked"),
    (refusals.THROTTLED, "throttled"),
    (refusals.HUMAN, "captcha"),
    (refusals.OLD_PASSWORD, "required_action"),
    (refusals.EXPIRED, "idp_error"),
)
"""Asked in this order, before right and wrong: one sentence may say several."""


def _last(view: View) -> Word:
    """The last question that was answered."""
    return next((word for word in reversed(view.context.submitted) if word in _AGAIN), "identifier_password")


def _asks_again(view: View, scene: Scene) -> bool:
    """Never may a password or a code go twice, so any second question for one counts. A name may be asked for again by
    another page (a first page finds the organization, its own page asks once more): there the form decides."""
    last = _last(view)
    if scene.word in PASSWORD_WORDS or (scene.word == "identifier" and view.password_sent):
        return view.password_sent
    if scene.word not in _AGAIN and scene.word != "mfa_required":
        return False
    if (scene.word == "identifier") != (last == "identifier") or (last == "identifier" and scene.word != "identifier"):
        return False
    if last not in CODE_WORDS and last != "identifier":
        return False
    return _same_fields(view, scene) or said_refusal(view)[0] is not None


def _same_fields(view: View, scene: Scene) -> bool:
    """The page before had a form with the same visible fields."""
    previous = view.context.previous
    if previous is None or scene.form is None:
        return previous is None
    own = _signature(scene.form)
    return any(_signature(form) == own for form in previous.forms)


def _signature(form: Form) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((field.name, field.type) for field in form.fields if field.typed))


_BY = {"totp": "an authenticator app", "otp": "e-mail", "sms": "text message or call"}


def _kind_of_code(view: View, asking: Asking) -> tuple[str, str]:
    """totp, otp or sms, and what told: the field first, then what the page is about, then its text. Where several or
    none are named, the one for which there are means."""
    fields = asking.fields["otp"]
    own = [text for field in fields[:1] for text in (fold_name(field.name), fold_name(field.id), fold(field.label))]
    for texts, where in (
        (own, "its field"),
        ([fold(text) for text in view.about], "its heading"),
        ([fold(text) for text in view.prose], "its text"),
    ):
        kinds = [
            kind
            for kind, vocabulary in (("totp", topics.BY_APP), ("otp", topics.BY_MAIL), ("sms", topics.BY_PHONE))
            if any(vocabulary.found(text) for text in texts)
        ]
        if len(kinds) == 1:
            return kinds[0], f"{where} speaks of {_BY[kinds[0]]}"
        if kinds:
            chosen = next((kind for kind in kinds if kind in view.context.means), kinds[0])
            return chosen, f"{where} speaks of {' and '.join(_BY[kind] for kind in kinds)}"
    chosen = next((kind for kind in ("totp", "otp", "sms") if kind in view.context.means), "otp")
    return chosen, "it does not say where the code comes from"


def _boxes(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """A box for each digit, where there are at least four of them."""
    single = [field.name for field in fields if field.maxlength == 1]
    return tuple(single) if len(single) >= 4 else ()


def _names(asking: Asking) -> dict[str, str]:
    return {
        purpose: asking.fields[purpose][0].name
        for purpose in ("identifier", "password", "otp")
        if purpose in asking.fields
    }


def _scene(view: View, word: Word, asking: Asking, evidence: tuple[str, ...]) -> Scene:
    return Scene(word=word, form=asking.form, fields=_names(asking), alerts=view.alerts, evidence=evidence)
