"""What each field of a form is for, told by what its author said of it. Pure.

Signals in this order: autocomplete, type, name, id, label, placeholder; the first that says something decides. What
autocomplete says of passwords is checked against the form, as pages say `new-password` or `off` to keep browsers from
filling in.
"""

from typing import Literal

from probe.pages.form import Field, Form
from probe.pages.vocabulary import fold, fold_name, names
from probe.pages.words import fields

Purpose = Literal["identifier", "password", "new_password", "otp", "captcha", "search", "other", ""]
"""Empty: nothing was said."""

_AUTOCOMPLETE: dict[str, Purpose] = {
    "username": "identifier",
    "email": "identifier",
    "tel": "identifier",
    "one-time-code": "otp",
    "name": "other",
    "given-name": "other",
    "family-name": "other",
    "organization": "other",
    "street-address": "other",
    "bday": "other",
}
_NOT_TYPED = names(
    """hidden checkbox radio select file color range date datetime-local month time week submit button image reset"""
)


def purposes(form: Form, *, seen: bool = True, after_password: bool = False) -> dict[int, Purpose]:
    """The purpose of every field that is typed into, by its order. `seen`: only those that a person sees.
    `after_password`: the flow has sent its password, so that a masked field is rather a code."""
    fields = [field for field in form.fields if _asks(field, seen)]
    found = {field.order: purpose_of(field, after_password=after_password) for field in fields}
    masked = [order for order, purpose in found.items() if purpose in ("password", "new_password")]
    if len(masked) == 1 and found[masked[0]] == "new_password":
        field = next(field for field in fields if field.order == masked[0])
        if not _says_new(field):
            found[masked[0]] = "password"
    elif len(masked) > 1:
        # two passwords: a new one and its repetition, or the old one first
        for order in masked[1:]:
            found[order] = "new_password"
        if len(masked) == 2:
            found[masked[0]] = "new_password"
    _guess_identifier(fields, found)
    return found


def _asks(field: Field, seen: bool) -> bool:
    if not field.name or field.disabled or field.type in _NOT_TYPED:
        return False
    return not seen or (not field.hidden and not field.readonly)


def purpose_of(field: Field, *, after_password: bool = False) -> Purpose:
    """What one field says of itself."""
    tokens = field.autocomplete.split()
    for token in tokens:
        if token in _AUTOCOMPLETE:
            return _AUTOCOMPLETE[token]
    texts = (fold_name(field.name), fold_name(field.id), fold(field.label), fold(field.placeholder))
    if field.type == "password":
        return _masked(field, tokens, texts, after_password)
    if "current-password" in tokens:
        return "password"
    if "new-password" in tokens and any(fields.NEW_PASSWORD.found(text) for text in texts):
        return "new_password"
    if field.type == "search":
        return "search"
    if field.type == "email":
        return "identifier"
    for text in texts:
        if len(text) > 2 and (purpose := _by_words(text)):
            return purpose
    if field.maxlength is not None and 4 <= field.maxlength <= 8 and field.inputmode == "numeric":
        return "otp"
    return ""


def _by_words(text: str) -> Purpose:
    if fields.CAPTCHA_FIELD.found(text):
        return "captcha"
    if fields.CODE.found(text) and not fields.NOT_A_CODE.found(text):
        return "otp"
    if fields.IDENTIFIER.found(text):
        return "identifier"
    if fields.SEARCH.found(text):
        return "search"
    if fields.OTHER_FIELD.found(text):
        return "other"
    return ""


def _masked(field: Field, tokens: list[str], texts: tuple[str, ...], after_password: bool) -> Purpose:
    if "current-password" in tokens:
        return "password"
    if any(fields.CAPTCHA_FIELD.found(text) for text in texts):
        return "captcha"
    if _says_code(texts) and (after_password or field.inputmode == "numeric"):
        return "otp"
    return "new_password" if "new-password" in tokens or _says_new(field) else "password"


def _says_code(texts: tuple[str, ...]) -> bool:
    """The first text that knows says code and not password."""
    for text in texts:
        code, password = fields.CODE.found(text), fields.PASSWORD.found(text)
        if code and "time" in code:
            return True  # a one-time password is a code
        if code or password:
            return bool(code) and not password
    return False


def _says_new(field: Field) -> bool:
    texts = (fold_name(field.name), fold_name(field.id), fold(field.label), fold(field.placeholder))
    return any(fields.NEW_PASSWORD.found(text) for text in texts)


def _guess_identifier(fields: list[Field], found: dict[int, Purpose]) -> None:
    """Beside a password and without an identifier, the last text field before it that says nothing else is one."""
    known = set(found.values())
    if "password" not in known or "identifier" in known:
        return
    password = next(order for order, purpose in found.items() if purpose == "password")
    before = [field.order for field in fields if field.order < password and found[field.order] == ""]
    if before:
        found[before[-1]] = "identifier"
