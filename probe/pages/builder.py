"""Tags to the parts of a page: which control belongs to which form, which text labels what, what is hidden. Pure.

What an element says is a range of the page's text (pieces), which control is whose is told at the end (owners).
"""

import re
from collections.abc import Callable, Iterable

from probe.pages import captchas as captcha_marks
from probe.pages.addresses import resolve
from probe.pages.controls import ControlMaker
from probe.pages.facts import Captcha, Link, MetaRefresh, Scripts
from probe.pages.form import Field, Form
from probe.pages.hiding import hides
from probe.pages.markup import Attributes, Token, unescape
from probe.pages.owners import FormTag, owned
from probe.pages.pieces import MAX_TEXT, Pieces, collapsed
from probe.pages.scripts import ScriptReader
from probe.pages.vocabulary import names

MAX_FORMS = 50
MAX_HEADINGS = 12
MAX_LINKS = 100
MAX_ALERTS = 50
MAX_ALERT = 300
MAX_DEPTH = 250

VOID = names("area base br col embed hr img input link meta param source track wbr")
BLOCKS = names(
    """address article aside blockquote body button center dd details dialog dir div dl dt fieldset figure footer
    form h1 h2 h3 h4 h5 h6 header hr html label legend li main menu nav ol option p pre section select summary
    table tbody td textarea tfoot th thead tr ul br"""
)
CLOSES_SAME = names("p li option optgroup tr td th dd dt")
"""Elements that end where the next of their kind begins."""
_CLOSES_P = BLOCKS - names("br button label option select textarea")
_INERT = frozenset({"template", "svg", "math", "datalist"})
_ALERTING = re.compile(r"error|alert|danger|invalid|flash|warn|fail|notice|feedback|problem|toast|errmsg")
_NO_ALERTS = names("html body form main head input button select option textarea a svg i img label")
_URL_IN_REFRESH = re.compile(r"^\s*([0-9.]{0,10})[\s;,]*(?:url\s*=\s*)?[\"']?\s*([^\"']*)", re.I)


class _Open:
    """An element that is still open."""

    __slots__ = ("alert", "hiding", "inert", "name", "on_close")

    def __init__(self, name: str) -> None:
        self.name = name
        self.hiding = self.inert = False
        self.alert: int | None = None
        self.on_close: Callable[[int], None] | None = None


class Builder:
    """Takes the tokens of one page, once, and is then asked for its parts."""

    def __init__(self, url: str, charset: str) -> None:
        self.url, self.base, self.charset = url, resolve(url, "") or url, charset
        self.title = ""
        self.captchas: list[Captcha] = []
        self.clipped = False
        self._base_known = False
        self._pieces = Pieces()
        self._stack: list[_Open] = []
        self._open: dict[str, int] = {}
        self._hidden = self._inert = self._in_noscript = 0
        self._in_title = self._raw = False
        self._controls = ControlMaker(self._range)
        self._forms: list[FormTag] = []
        self._form: int | None = None
        self._ranges: dict[str, tuple[int, int]] = {}
        self._headings: list[tuple[int, int]] = []
        self._alerts: list[tuple[int, int, bool]] = []
        self._links: list[tuple[str, int, int]] = []
        self._refresh: MetaRefresh | None = None
        self._scripts = ScriptReader()

    # reading

    def read(self, tokens: Iterable[Token]) -> None:
        for kind, value, attributes in tokens:
            if kind == "text":
                self._text(value)
            elif kind == "start":
                self._start(value, attributes or {})
            elif value:
                self._end(value)
            else:
                self.clipped = True
        while self._stack:
            self._close()

    def _text(self, text: str) -> None:
        if self._raw:
            if self._stack and self._stack[-1].name == "script":
                self._scripts.text(text)
        elif self._in_title:
            if not self.title:
                self.title = collapsed(unescape(text[:2000]))[:300]
        elif not self._inert:
            if text.isspace():
                text = " "
            if self._controls.in_textarea(text):
                return
            text = unescape(text[: MAX_TEXT * 2])
            self._pieces.add(text, not self._hidden, self._in_noscript)

    def _start(self, name: str, attributes: Attributes) -> None:
        stack = self._stack
        if stack:
            top = stack[-1].name
            if (top == name and name in CLOSES_SAME) or (top == "p" and name in _CLOSES_P):
                self._close()
            elif name in ("td", "th", "tr") and top in ("td", "th"):
                self._close()
                if name == "tr" and self._stack and self._stack[-1].name == "tr":
                    self._close()
        block = name in BLOCKS
        if block:
            self._break()
        hiding = hides(name, attributes)
        shown = not self._hidden and not hiding
        if attributes and not self._inert and (widget := captcha_marks.widget(name, attributes, shown=shown)):
            self._captcha(widget)
        element = _Open(name)
        element.hiding = hiding
        element.inert = name in _INERT
        self._special(name, attributes, element, shown)
        if name in VOID:
            return
        if len(stack) >= MAX_DEPTH:
            self.clipped = True
            if name in ("script", "style", "title", "textarea"):
                self._close()  # their text must not become the page's
            else:
                if element.on_close is not None:
                    element.on_close(len(self._pieces.parts))
                return
        if attributes and not self._inert:
            self._watch(name, attributes, element, shown)
        stack.append(element)
        self._open[name] = self._open.get(name, 0) + 1
        self._hidden += hiding
        self._inert += element.inert
        self._in_noscript += name == "noscript"

    def _end(self, name: str) -> None:
        if name == "form":
            self._form = None
        if name in ("p", "br"):
            self._break()
        if not self._open.get(name):
            return
        while self._close() != name:
            pass

    def _close(self) -> str:
        element = self._stack.pop()
        name = element.name
        self._open[name] -= 1
        self._hidden -= element.hiding
        self._inert -= element.inert
        self._in_noscript -= name == "noscript"
        self._raw = self._in_title = False
        here = len(self._pieces.parts)
        if element.on_close is not None:
            element.on_close(here)
        if element.alert is not None and len(self._alerts) < 4 * MAX_ALERTS:
            self._alerts.append((element.alert, here, self._hidden > 0 or element.hiding))
        if name in BLOCKS:
            self._break()
        return name

    def _break(self) -> None:
        self._pieces.add_break(self._in_noscript)

    def _watch(self, name: str, attributes: Attributes, element: _Open, shown: bool) -> None:
        """Ranges that are asked for later: by id, and alerts."""
        here = len(self._pieces.parts)
        identity = attributes.get("id", "")
        if identity and identity not in self._ranges:
            closing = element.on_close

            def on_close(end: int) -> None:
                self._ranges.setdefault(identity, (here, end))
                if closing is not None:
                    closing(end)

            element.on_close = on_close
        if name in _NO_ALERTS:
            return
        role = attributes.get("role", "").lower()
        live = attributes.get("aria-live", "").lower()
        marks = f"{attributes.get('class', '')} {identity}".lower()
        if role in ("alert", "alertdialog", "status") or live in ("assertive", "polite") or _ALERTING.search(marks):
            element.alert = here

    def _special(self, name: str, attributes: Attributes, element: _Open, shown: bool) -> None:
        """What a start tag means beyond its text."""
        here = len(self._pieces.parts)
        if name == "script":
            self._raw = True
            self._script_tag(attributes)
        elif name in ("style", "xmp", "iframe", "noembed", "noframes"):
            self._raw = True
            if name == "iframe":
                self._frame(attributes, shown)
        elif name == "title":
            self._in_title = True
        elif self._inert:
            return
        elif name == "form":
            self._form_tag(attributes, shown)
        elif self._controls.start(name, attributes, element, self._form, shown, here):
            pass
        elif name in ("h1", "h2", "h3"):
            if shown and len(self._headings) < MAX_HEADINGS:
                self._headings.append((here, here))
                place = len(self._headings) - 1
                element.on_close = lambda end: self._headings.__setitem__(place, (here, end))
        elif name == "a":
            self._anchor(attributes, element, shown)
        elif name == "base":
            if not self._base_known and "href" in attributes:
                self._base_known = True
                self.base = resolve(self.url, attributes["href"]) or self.base
        elif name == "meta":
            self._meta(attributes)
        elif name == "body":
            self._scripts.on_load = attributes.get("onload", "")
        elif name == "frame":
            self._frame(attributes, shown)

    def _anchor(self, attributes: Attributes, element: _Open, shown: bool) -> None:
        if not shown or len(self._links) >= MAX_LINKS or attributes.get("href", "#").lstrip().startswith("#"):
            return  # a place in the page ("Skip to content") leads nowhere
        here, url = len(self._pieces.parts), resolve(self.base, attributes["href"])
        if url is not None:
            element.on_close = lambda end: self._links.append((url, here, end))

    def _form_tag(self, attributes: Attributes, shown: bool) -> None:
        if self._form is not None:
            return  # a form in a form is ignored
        if len(self._forms) >= MAX_FORMS:
            self.clipped = True
            return
        self._form = len(self._forms)
        self._forms.append(FormTag(attributes, not shown, self._controls.count))

    def _script_tag(self, attributes: Attributes) -> None:
        source = attributes.get("src", "")
        self._scripts.tag(source, self.base)
        if source and (vendor := captcha_marks.source_vendor(source)):
            self._captcha(Captcha(vendor=vendor, visible=False))

    def _frame(self, attributes: Attributes, shown: bool) -> None:
        source = attributes.get("src", "")
        if not source:
            return
        if vendor := captcha_marks.source_vendor(source):
            self._captcha(Captcha(vendor=vendor, visible=shown and "size=invisible" not in source))
        elif shown:
            self._scripts.frame(source, self.base)

    def _captcha(self, captcha: Captcha) -> None:
        if captcha not in self.captchas and len(self.captchas) < 20:
            self.captchas.append(captcha)

    def _meta(self, attributes: Attributes) -> None:
        if attributes.get("http-equiv", "").lower() != "refresh" or self._refresh is not None:
            return
        found = _URL_IN_REFRESH.match(attributes.get("content", "")[:9000])
        if found is None or not (found.group(1) or found.group(2)):
            return
        try:
            delay = float(found.group(1) or 0)
        except ValueError:
            delay = 0.0
        url = resolve(self.base, found.group(2)) if found.group(2).strip() else resolve(self.url, "")
        if url is not None:
            self._refresh = MetaRefresh(url=url, delay_s=delay, noscript=self._in_noscript > 0)

    # what came of it

    def texts(self) -> tuple[str, str]:
        """What is visible, and what is said to those without scripts: a line for each block."""
        found = self._pieces.lines()
        self.clipped = self.clipped or self._pieces.clipped
        return found

    def label_texts(self) -> tuple[str, ...]:
        return tuple(self._controls.label_texts())

    def heading_texts(self) -> tuple[str, ...]:
        return tuple(text for start, end in self._headings if (text := self._range(start, end)))

    def alert_texts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Visible and hidden ones; of one within another only the inner, which closes first."""
        found: tuple[dict[str, None], dict[str, None]] = {}, {}
        taken: list[int] = []
        for start, end, hidden in self._alerts:
            if any(start <= place < end for place in taken[-8:]):
                continue
            read = self._range if hidden else self._pieces.shown_text
            text = read(start, end, MAX_ALERT)
            if text:
                taken.append(start)
                if len(found[hidden]) < MAX_ALERTS:
                    found[hidden][text] = None
        return tuple(found[False]), tuple(found[True])

    def link_values(self) -> tuple[Link, ...]:
        return tuple(Link(url=url, text=self._range(start, end, 100)) for url, start, end in self._links)

    def meta_refresh(self) -> MetaRefresh | None:
        return self._refresh

    def script_facts(self) -> Scripts:
        return self._scripts.facts(self.base)

    def forms_and_loose(self) -> tuple[tuple[Form, ...], tuple[Field, ...]]:
        """The forms with what is theirs, and the fields that belong to none."""
        self.clipped = self.clipped or self._controls.clipped
        controls = self._controls.made(self._ranges, self.base)
        return owned(self._forms, controls, url=self.url, base=self.base, charset=self.charset)

    def _range(self, start: int, end: int, limit: int = MAX_ALERT) -> str:
        return self._pieces.text(start, end, limit)
