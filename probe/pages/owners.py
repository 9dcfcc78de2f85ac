"""Which control belongs to which form: to the one that it names by `form=`, else to the one that was open where it
stands (the standard's form element pointer). Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from probe.pages.addresses import resolve
from probe.pages.controls import SCRIPTED
from probe.pages.form import Button, Field, Form
from probe.pages.markup import Attributes

Made = tuple[Field | Button, int | None, str | None]
"""A control, the index of the form that was open, and what its `form=` names."""


class FormTag(msgspec.Struct, frozen=True):
    """A form's start tag. `order` is its place among the controls."""

    attributes: Attributes
    hidden: bool
    order: int


def owned(
    tags: Sequence[FormTag], controls: Iterable[Made], *, url: str, base: str, charset: str
) -> tuple[tuple[Form, ...], tuple[Field, ...]]:
    """The forms of the page at `url` with what is theirs, and the fields that belong to none."""
    by_id: dict[str, int] = {}
    for index, tag in enumerate(tags):
        names = (tag.attributes.get("id"), tag.attributes.get("name"))
        if names[0]:
            by_id.setdefault(names[0], index)
        for name in (str(index), *names):
            if name:
                by_id.setdefault(SCRIPTED + name, index)
    fields: list[list[Field]] = [[] for _ in tags]
    buttons: list[list[Button]] = [[] for _ in tags]
    loose: list[Field] = []
    for made, pointer, named in controls:
        owner = pointer if named is None else by_id.get(named)
        if isinstance(made, Field):
            (loose if owner is None else fields[owner]).append(made)
        elif owner is not None:
            buttons[owner].append(made)
    forms = [
        _form(tag, tuple(theirs), tuple(presses), url, base, charset)
        for tag, theirs, presses in zip(tags, fields, buttons, strict=True)
    ]
    return tuple(forms), tuple(loose)


def _form(
    tag: FormTag, fields: tuple[Field, ...], buttons: tuple[Button, ...], url: str, base: str, charset: str
) -> Form:
    attributes = tag.attributes
    action = attributes.get("action", "").strip()
    method = attributes.get("method", "").lower()
    encoding = attributes.get("accept-charset", "").split()
    return Form(
        action=(resolve(base, action) if action else resolve(url, "")) or "",
        method=method if method in ("post", "dialog") else "get",
        enctype=attributes.get("enctype", "").lower() or Form.__struct_defaults__[1],
        charset=_encoding(encoding[0]) if encoding else charset,
        id=attributes.get("id", ""),
        name=attributes.get("name", ""),
        fields=fields,
        buttons=buttons,
        hidden=tag.hidden,
        onsubmit=attributes.get("onsubmit", "")[:500],
        order=tag.order,
    )


def _encoding(name: str) -> str:
    try:
        " ".encode(name)
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if name.lower().startswith("utf") else name.lower()
