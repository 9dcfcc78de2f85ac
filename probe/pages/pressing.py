"""Which button of a form a person would press. Pure: by label and value, never by place alone where words tell."""

from collections.abc import Sequence

from probe.pages.form import Button, Form
from probe.pages.vocabulary import Vocabulary, fold, fold_name
from probe.pages.words import fields, labels


def said(button: Button) -> str:
    """What a person reads on it, folded; where it says nothing (a picture), its value and name."""
    label = fold(button.label)
    return label if len(label) > 2 else fold_name(f"{button.value} {button.name} {button.id}")


def says(button: Button, vocabulary: Vocabulary) -> bool:
    """Its label, or its value, says one of the words."""
    return bool(vocabulary.found(said(button))) or says_by_value(button, vocabulary)


def says_by_value(button: Button, vocabulary: Vocabulary) -> bool:
    """Its value says one of the words: a programmer's, whatever language the page is in."""
    return bool(button.value and vocabulary.found(fold_name(button.value)))


def shown(form: Form) -> list[Button]:
    """The buttons that could be pressed: visible ones that submit; else hidden ones (shown by a script); enabled before
    disabled, as scripts enable them while one types."""
    presses = [button for button in form.presses if button.formaction != "" and button.formmethod != "dialog"]
    visible = [button for button in presses if not button.hidden] or presses
    return [button for button in visible if not button.disabled] or visible


def press_to_sign_in(form: Form) -> Button | None:
    """The button that sends an identifier, a password or a code. None where none submits, or all lead elsewhere (the
    form is then sent as by the enter key). "Sign in with X", "Cancel" and "Forgot password?" are never it."""
    best: tuple[int, Button] | None = None
    for button in shown(form):
        text = said(button)
        if labels.ASIDE.found(text) or labels.DENY.found(text) or labels.SKIP.found(text):
            continue
        if labels.OTHER_WAY.found(text) and not fields.PASSWORD.found(text):
            continue
        rank = 3 if labels.SIGN_IN.found(text) else 2 if labels.CONTINUE.found(text) else 1
        if fields.PASSWORD.found(fold_name(button.value)):
            rank += 2  # one form for several ways, told apart by the button's value
        elif _other_way_by_value(button):
            rank = 0
        if best is None or rank > best[0]:
            best = rank, button
    return best[1] if best and best[0] > 0 else None


def _other_way_by_value(button: Button) -> bool:
    told = fold_name(f"{button.name} {button.value}")
    return button.name.lower() in ("provider", "idp", "connection") or bool(labels.OTHER_WAY.found(told))


def press_to_allow(buttons: Sequence[Button]) -> Button | None:
    """The button that grants: its words allow and do not deny. Else the one that leads on and does not deny."""
    granting = [
        button
        for button in buttons
        if not denies(button) and not labels.LOG_OUT.found(said(button)) and not labels.ASIDE.found(said(button))
    ]
    for vocabulary in (labels.ALLOW, labels.CONTINUE):
        for button in granting:
            if vocabulary.found(said(button)):
                return button
    for button in granting:
        if says(button, labels.ALLOW):
            return button
    return None


def press_to_log_out(buttons: Sequence[Button]) -> Button | None:
    """The button that ends the session: says so and does not deny ("No, stay signed in")."""
    leaving = [button for button in buttons if not denies(button)]
    for vocabulary in (labels.LOG_OUT, labels.ALLOW, labels.CONTINUE):
        for button in leaving:
            if vocabulary.found(said(button)):
                return button
    return leaving[0] if len(leaving) == 1 and len(buttons) > 1 else None


def press_to_skip(buttons: Sequence[Button]) -> Button | None:
    """The button that puts an offer off: "Not now"."""
    return next((button for button in buttons if labels.SKIP.found(said(button))), None)


def denies(button: Button) -> bool:
    """It says no: by its label, or by its value where the label says nothing of it."""
    text = said(button)
    if labels.DENY.found(text):
        return True
    if labels.ALLOW.found(text) or labels.LOG_OUT.found(text):
        return False
    return bool(button.value and labels.DENY.found(fold_name(button.value)))
