"""Controls as they come in a page: inputs, buttons, selects and text areas, with what labels them. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from probe.pages.addresses import resolve
from probe.pages.form import INPUT_TYPES, Button, Field, Option
from probe.pages.hiding import hides_control
from probe.pages.markup import Attributes, unescape

MAX_FIELDS = 500
MAX_BUTTONS = 200
MAX_OPTIONS = 1000
MAX_LABEL = 200
_BUTTON_TYPES = frozenset({"submit", "image", "button", "reset"})


_SUBMITS = re.compile(r"\b(?:requestSubmit|submit)\s*\(", re.I)
SCRIPTED = "script "
"""Before what a script calls a form; no id has a blank."""
_NAMED = re.compile(r"[\"']([\w.:-]{1,100})[\"']|\bforms\s*\[\s*(\d{1,2})\s*\]")
_CLICKABLE = frozenset({"a", "div", "span", "li", "td", "tr", "p", "img"})


def _submits(name: str, attributes: Attributes) -> bool:
    """No button, but does what a submit button does when it is clicked."""
    if name not in _CLICKABLE or not ("onclick" in attributes or "href" in attributes):
        return False
    script = f"{attributes.get('href', '')[:500]} {attributes.get('onclick', '')[:500]}"
    leads = attributes.get("href", "#").strip().lower()
    return leads.startswith(("#", "javascript:")) and _SUBMITS.search(script) is not None


def _as_button(attributes: Attributes, *, inside: bool) -> Attributes:
    """The element as a button of the form that it stands in, else of the one that its script names: by id, name or
    number."""
    kept: Attributes = {name: attributes[name] for name in attributes if name in ("id", "title", "aria-label")}
    script = f"{attributes.get('href', '')[:500]} {attributes.get('onclick', '')[:500]}"
    if not inside and (named := _NAMED.search(script)):
        kept["form"] = SCRIPTED + (named.group(1) or named.group(2))
    return {**kept, "type": "submit"}


class Closing(Protocol):
    """What is told where the element ends."""

    on_close: Callable[[int], None] | None


class _Made:
    """A control, and what is known of it only later: its texts."""

    __slots__ = ("attributes", "end", "form", "kind", "label", "options", "order", "shown", "start", "text")

    def __init__(self, kind: str, attributes: Attributes, form: int | None, shown: bool, order: int) -> None:
        self.kind, self.attributes, self.form, self.shown, self.order = kind, attributes, form, shown, order
        self.start = self.end = 0
        self.label: int | None = None
        self.text = ""
        self.options: list[tuple[Attributes, bool, int, int]] = []


class ControlMaker:
    """Notes controls and labels while the page is read; makes values of them at the end."""

    def __init__(self, text_of_range: Callable[[int, int], str]) -> None:
        self.clipped = False
        self.count = 0
        self._text_of = text_of_range
        self._made: list[_Made] = []
        self._numbers = {True: 0, False: 0}
        self._labels: list[tuple[str, int, int]] = []
        self._label: int | None = None
        self._select: _Made | None = None
        self._textarea: _Made | None = None
        self._disabled_sets = 0
        self._disabled_group = False
        self._option_count = 0

    def in_textarea(self, text: str) -> bool:
        """Takes the text of a text area, which is no text of the page."""
        if self._textarea is None:
            return False
        self._textarea.text += text
        return True

    def start(
        self, name: str, attributes: Attributes, element: Closing, form: int | None, shown: bool, here: int
    ) -> bool:
        """Whether the tag is a control's, or one that bears on controls."""
        if name == "input":
            self._new(name, attributes, form, shown)
        elif name == "button" or _submits(name, attributes):
            if name != "button":
                attributes = _as_button(attributes, inside=form is not None)
            made = self._new("button", attributes, form, shown)
            if made is not None:
                made.start = made.end = here

                def ended(end: int) -> None:
                    made.end = end

                element.on_close = ended
        elif name == "select":
            self._select = self._new(name, attributes, form, shown)
            self._disabled_group = False

            def closed(end: int) -> None:
                self._select = None

            element.on_close = closed
        elif name == "textarea":
            self._textarea = self._new(name, attributes, form, shown)

            def done(end: int) -> None:
                self._textarea = None

            element.on_close = done
        elif name == "option":
            self._option(attributes, element, here)
        elif name == "optgroup":
            self._disabled_group = "disabled" in attributes
        elif name == "label":
            self._start_label(attributes, element, here)
        elif name == "fieldset":
            if "disabled" in attributes:
                self._disabled_sets += 1

                def enabled(end: int) -> None:
                    self._disabled_sets -= 1

                element.on_close = enabled
        else:
            return False
        return True

    def _new(self, kind: str, attributes: Attributes, form: int | None, shown: bool) -> _Made | None:
        button = kind == "button" or (kind == "input" and attributes.get("type", "").lower() in _BUTTON_TYPES)
        if self._numbers[button] >= (MAX_BUTTONS if button else MAX_FIELDS):
            self.clipped = True
            return None
        self._numbers[button] += 1
        if self._disabled_sets:
            attributes = {**attributes, "disabled": ""}
        made = _Made("button" if button else kind, attributes, form, shown, self.count)
        made.label = self._label
        self.count += 1
        self._made.append(made)
        return made

    def _option(self, attributes: Attributes, element: Closing, here: int) -> None:
        select = self._select
        if select is None:
            return
        if self._option_count >= MAX_OPTIONS:
            self.clipped = True
            return
        self._option_count += 1
        disabled = self._disabled_group or "disabled" in attributes
        element.on_close = lambda end: select.options.append((attributes, disabled, here, end))

    def _start_label(self, attributes: Attributes, element: Closing, here: int) -> None:
        if len(self._labels) >= MAX_FIELDS:
            return
        index = len(self._labels)
        names = attributes.get("for", "")
        self._labels.append((names, here, here))
        self._label = None if names else index

        def ended(end: int) -> None:
            self._labels[index] = names, here, end
            self._label = None

        element.on_close = ended

    # what came of it

    def made(
        self, ranges: Mapping[str, tuple[int, int]], base: str
    ) -> Iterator[tuple[Field | Button, int | None, str | None]]:
        """Each control, the form that was open around it, and the id of the form that it names itself, in order."""
        by_id: dict[str, str] = {}
        for names, start, end in self._labels:
            if names and names not in by_id:
                by_id[names] = self._text_of(start, end)
        first_in_label: set[int] = set()
        for made in self._made:
            attributes = made.attributes
            label = by_id.get(attributes.get("id", ""), "")
            if not label and made.label is not None and attributes.get("type", "").lower() != "hidden":
                if made.label not in first_in_label:
                    _, start, end = self._labels[made.label]
                    label = self._text_of(start, end)
                first_in_label.add(made.label)
            if not label:
                label = attributes.get("aria-label", "").strip() or self._referenced(attributes, ranges)
            own = self._button(made, label, base) if made.kind == "button" else self._field(made, label)
            yield own, made.form, attributes.get("form")

    def label_texts(self) -> list[str]:
        """What the labels say, also those whose control is missing."""
        return [text for _, start, end in self._labels if (text := self._text_of(start, end))]

    def _referenced(self, attributes: Attributes, ranges: Mapping[str, tuple[int, int]]) -> str:
        names = attributes.get("aria-labelledby", "").split()[:5]
        return " ".join(self._text_of(*ranges[name]) for name in names if name in ranges)

    def _button(self, made: _Made, label: str, base: str) -> Button:
        attributes = made.attributes
        kind = attributes.get("type", "").lower()
        if kind not in _BUTTON_TYPES:
            kind = "submit"
        value = attributes.get("value", "")
        text = self._text_of(made.start, made.end) if made.end else ""
        if not text and not made.end and kind != "image":
            text = value  # an input shows its value
        action = attributes.get("formaction")
        method = attributes.get("formmethod", "").lower()
        return Button(
            name=attributes.get("name", ""),
            value=value,
            label=(text or label or attributes.get("alt", "") or attributes.get("title", "") or value)[
                :MAX_LABEL
            ].strip(),
            type=kind,
            id=attributes.get("id", ""),
            formaction=None if not action or not action.strip() else resolve(base, action) or "",
            formmethod=(method if method in ("post", "dialog") else "get") if method else None,
            formenctype=attributes.get("formenctype", "").lower() or None,
            form=attributes.get("form", ""),
            hidden=not made.shown or hides_control(attributes),
            disabled="disabled" in attributes,
            order=made.order,
        )

    def _field(self, made: _Made, label: str) -> Field:
        attributes = made.attributes
        kind = made.kind
        if kind == "input" and (kind := attributes.get("type", "").lower().strip()) not in INPUT_TYPES:
            kind = "text"
        value = attributes.get("value", "")
        if made.kind == "textarea":
            value = unescape(made.text)
        elif not value and kind in ("checkbox", "radio") and "value" not in attributes:
            value = "on"
        length = attributes.get("maxlength", "")
        return Field(
            name=attributes.get("name", ""),
            type=kind,
            value=value,
            id=attributes.get("id", ""),
            label=(label or attributes.get("title", ""))[:MAX_LABEL].strip(),
            placeholder=attributes.get("placeholder", "")[:MAX_LABEL],
            autocomplete=attributes.get("autocomplete", "").lower()[:MAX_LABEL],
            inputmode=attributes.get("inputmode", "").lower()[:20],
            maxlength=int(length) if length.isascii() and length.isdigit() and len(length) < 7 else None,
            hidden=kind == "hidden" or not made.shown or hides_control(attributes),
            checked="checked" in attributes,
            disabled="disabled" in attributes,
            readonly="readonly" in attributes,
            required="required" in attributes or attributes.get("aria-required", "").lower() == "true",
            multiple="multiple" in attributes,
            options=tuple(
                Option(
                    value=own.get("value", text := self._text_of(start, end)),
                    label=own.get("label", "") or text,
                    selected="selected" in own,
                    disabled=disabled,
                )
                for own, disabled, start, end in made.options
            ),
            order=made.order,
        )
