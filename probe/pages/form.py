"""A form as a browser holds it: where it goes, its fields, its buttons. Values only; what is sent of them is in
submission.py.

The values of fields and buttons may be one-time tokens, codes or assertions, so they show in no repr.
"""

from collections.abc import Collection

import msgspec

TEXT_TYPES = frozenset({"text", "email", "tel", "number", "url", "search", "password", "textarea"})
"""Types that a person types into."""
INPUT_TYPES = TEXT_TYPES | {
    "hidden", "checkbox", "radio", "file", "color", "range", "date", "datetime-local", "month", "time", "week",
}  # fmt: skip
"""Types of an input that is no button; any other is text."""
TICK_TYPES = frozenset({"checkbox", "radio"})


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One choice of a `<select>`."""

    value: str
    label: str
    selected: bool = False
    disabled: bool = False


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One control that carries a value. `type` is in lower case: an input's type, or `select`, `textarea`; `order` is
    its place among all controls of the page. `hidden`: a person does not see it, whether by type or by style."""

    name: str
    type: str = "text"
    value: str = ""
    id: str = ""
    label: str = ""
    """From `<label>`, aria-label, aria-labelledby or title, in this order."""
    placeholder: str = ""
    autocomplete: str = ""
    inputmode: str = ""
    maxlength: int | None = None
    hidden: bool = False
    checked: bool = False
    disabled: bool = False
    readonly: bool = False
    required: bool = False
    multiple: bool = False
    options: tuple[Option, ...] = ()
    order: int = 0

    def __repr__(self) -> str:
        seen = " hidden" if self.hidden else ""
        return f"Field({self.name!r} {self.type}{seen})"

    @property
    def typed(self) -> bool:
        """A person could type into it."""
        return self.type in TEXT_TYPES and not self.hidden and not self.disabled and not self.readonly


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """One button. `type`: submit, image, button (does nothing without a script) or reset. `label` is its text, or
    value, aria-label or title. The `form...` keys stand above the form's own where given."""

    name: str = ""
    value: str = ""
    label: str = ""
    type: str = "submit"
    id: str = ""
    formaction: str | None = None
    """Absolute; an empty string where it is no http URL."""
    formmethod: str | None = None
    formenctype: str | None = None
    form: str = ""
    """The id of the form that the button names itself, if it does."""
    hidden: bool = False
    disabled: bool = False
    order: int = 0

    def __repr__(self) -> str:
        return f"Button({self.label!r} {self.type})"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form with all that is its own, also what stands elsewhere in the page and names it. `action` is absolute, an
    empty string where it is no http URL."""

    action: str
    method: str = "get"
    """get, post or dialog."""
    enctype: str = "application/x-www-form-urlencoded"
    charset: str = "utf-8"
    """What is sent is encoded so."""
    id: str = ""
    name: str = ""
    fields: tuple[Field, ...] = ()
    buttons: tuple[Button, ...] = ()
    hidden: bool = False
    onsubmit: str = ""
    order: int = 0

    def __repr__(self) -> str:
        return f"Form({self.method} {[*self.fields, *self.buttons]})"

    @property
    def presses(self) -> tuple[Button, ...]:
        """The buttons that submit, in order."""
        return tuple(button for button in self.buttons if button.type in ("submit", "image"))

    def missing(self, names: Collection[str]) -> list[str]:
        """Those of the names that no field of the form has."""
        own = {field.name for field in self.fields}
        return [name for name in names if name not in own]
