"""Templates to HTML, the one importer of Jinja2, and the answer that a page is.

A part of a page that may change while it is open is a *section*: `{% call live("risks") %}...{% endcall %}` in the
template. It becomes an element with `data-live`, and the answer carries the inner HTML of each, so that
`collector.web.live` can send those that changed. A section's hash leaves out what the browser counts by itself
(`data-ago`, `data-for`, `data-left`).
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from collector.web import failover, failover_orders, words
from collector.web.guard import HEADERS
from collector.web.overview import headline
from collector.web.packing import packed
from collector.web.retries import MET_WORDS, factor, share
from parallax.spans import lasting, lasting_exactly, measured

TEMPLATES = Path(__file__).with_name("templates")
_LINE_ENDS = re.compile(r"\s*\n\s*")
_JOINT = re.compile(r"(?<=[.:/@])(?=[^.:/@])")
_COUNTED = re.compile(r"(<time[^>]* data-(?:ago|for|left)[^>]*>)[^<]*")


class Page(HTMLResponse):
    """A rendered page. `sections`: the inner HTML of its live parts, in the page's order."""

    def __init__(self, html: str, sections: Mapping[str, str], request: Request, status: int) -> None:
        body, headers = packed(html.encode(), request)
        super().__init__(body, status_code=status, headers={**HEADERS, "Cache-Control": "no-store", **headers})
        self.sections = sections


class Renderer:
    """Renders the templates of the collector, and of an extension's folder, which comes second."""

    def __init__(self, static: Callable[[str], str], more: Path | None = None) -> None:
        """`static` gives the URL of a static file."""
        folders = [TEMPLATES] if more is None else [more, TEMPLATES]
        # read now: a later version's that is put in their place would want values that this one does not give
        texts = {file.name: file.read_text() for folder in folders for file in folder.glob("*.html")}
        self._jinja = Environment(
            loader=DictLoader(texts),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._jinja.globals.update(
            static=static,
            live=_live,
            words=words,
            failover=failover,
            orders=failover_orders,
            headline=headline,
            share=share,
            factor=factor,
            met_words=MET_WORDS,
        )
        self._jinja.filters.update(
            when=_when, ago=_ago, left=_left, lasting=_lasting, state=_state, measured=measured, breakable=_breakable,
            addresses=_addresses,
        )  # fmt: skip

    def render(self, request: Request, template: str, values: Mapping[str, Any], *, status: int = 200) -> Page:
        """The page. Raises jinja2.UndefinedError where a value is missing, which is a bug."""
        sections: dict[str, str] = {}
        html = self._jinja.get_template(template).render(**values, _sections=sections)
        return Page(html, sections, request, status)


def section_hash(html: str) -> str:
    """Six characters that tell one content of a section from another."""
    return _hash(_COUNTED.sub(r"\1", html))


@pass_context
def _live(context: Context, id: str, tag: str = "div", kind: str = "", role: str = "", *, caller: Any) -> Markup:  # noqa: A002
    """A section; `tag` is its element, `kind` its classes, `role` its ARIA role."""
    inner = _LINE_ENDS.sub("\n", str(caller())).strip()
    context["_sections"][id] = inner
    more = Markup(' class="{}"').format(kind) if kind else Markup()
    if role:
        more += Markup(' role="{}"').format(role)
    opening = Markup('<{} data-live="{}" data-hash="{}"{}>').format(tag, id, section_hash(inner), more)
    return opening + Markup(inner) + Markup("</{}>").format(tag)  # noqa: S704  (the template's own, escaped output)


@pass_context
def _when(context: Context, at: int | None, words_if_none: str = "never") -> Markup | str:
    """A moment as a clock shows it."""
    if at is None:
        return words_if_none
    return Markup('<time datetime="{}">{}</time>').format(words.iso(at), words.clock_time(at, context["now"]))


@pass_context
def _ago(context: Context, at: int | None, words_if_none: str = "never") -> Markup | str:
    """A moment as its distance from now; the browser keeps it true."""
    if at is None:
        return words_if_none
    exact, shown = words.iso(at), words.relative(at, context["now"])
    return Markup('<time datetime="{}" data-ago>{}</time>').format(exact, shown)


@pass_context
def _left(context: Context, at: int) -> Markup:
    """How long it is to a moment that is to come, to the second; the browser counts it down."""
    shown = lasting_exactly(at - context["now"])
    return Markup('<time datetime="{}" data-left>{}</time>').format(words.iso(at), shown)


@pass_context
def _lasting(context: Context, since: int, until: int | None = None) -> Markup | str:
    """How long something has lasted; the browser keeps it true while there is no end."""
    if until is not None:
        return lasting(until - since)
    return Markup('<time datetime="{}" data-for>{}</time>').format(words.iso(since), lasting(context["now"] - since))


def _state(state: str) -> Markup:
    """A state as its word, with the class of its tone."""
    look = words.look(state)
    return Markup('<span class="st {}">{}</span>').format(look.tone, look.word)


def _breakable(text: str) -> Markup:
    """A word_of_several, which may be broken after each part of it."""
    return Markup("_<wbr>").join(escape(part) for part in text.split("_"))


def _addresses(text: str) -> Markup:
    """Text with names and addresses in it: each stays whole where a line has room for it, else breaks at its joints."""
    return Markup(" ").join(
        Markup('<span class="address">{}</span>').format(Markup("<wbr>").join(map(escape, parts)))
        if len(parts := _JOINT.split(word)) > 1
        else escape(word)
        for word in text.split(" ")
    )


def _hash(text: str) -> str:
    return urlsafe_b64encode(hashlib.blake2b(text.encode(), digest_size=6).digest())[:6].decode()
