"""A page as a value, and how text becomes one. Pure, bounded, never raises.

Bounds: 1 MB of HTML, 10,000 tags and attributes, 50 forms, 500 fields, 200 buttons, 100 links, 50 alerts, 20,000
characters of text. `clipped` says that one was met.
"""

import msgspec

from probe.pages.builder import Builder
from probe.pages.facts import Captcha, Link, MetaRefresh, Scripts
from probe.pages.form import Field, Form
from probe.pages.markup import read_tokens

MAX_HTML = 1_000_000
"""Characters of a page that are read."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What a person would see of a page, and what a browser would do with it. Texts have their blanks collapsed."""

    url: str
    """Where it was read from."""
    base: str
    """What its relative URLs start from."""
    title: str = ""
    headings: tuple[str, ...] = ()
    text: str = ""
    """What is visible, a line for each block, labels and buttons included; up to 20,000 characters."""
    noscript: str = ""
    """What is said to those without scripts. Its forms and fields count as the page's own, as no script runs here."""
    alerts: tuple[str, ...] = ()
    """Visible texts that are marked as an alert: by role, aria-live, or a class or id with such a word."""
    hidden_alerts: tuple[str, ...] = ()
    forms: tuple[Form, ...] = ()
    labels: tuple[str, ...] = ()
    """What the labels of fields say, also those whose field is missing."""
    loose: tuple[Field, ...] = ()
    """Fields that belong to no form: only a script could send them."""
    links: tuple[Link, ...] = ()
    meta_refresh: MetaRefresh | None = None
    captchas: tuple[Captcha, ...] = ()
    scripts: Scripts = Scripts()
    clipped: bool = False
    size: int = 0
    """Characters of HTML."""

    def __repr__(self) -> str:
        return f"Page({self.title!r} {list(self.forms)})"


def read_page(text: str, url: str, charset: str = "utf-8") -> Page:
    """The page at `url`, which `charset` (a Python codec) was read with: forms answer in it."""
    builder = Builder(url, "utf-8" if charset.startswith("utf-16") else charset)
    builder.read(read_tokens(text[:MAX_HTML]))
    visible, noscript = builder.texts()
    alerts, hidden_alerts = builder.alert_texts()
    forms, loose = builder.forms_and_loose()
    return Page(
        url=url,
        base=builder.base,
        title=builder.title,
        headings=builder.heading_texts(),
        text=visible,
        noscript=noscript,
        alerts=alerts,
        hidden_alerts=hidden_alerts,
        forms=forms,
        labels=builder.label_texts(),
        loose=loose,
        links=builder.link_values(),
        meta_refresh=builder.meta_refresh(),
        captchas=tuple(builder.captchas),
        scripts=builder.script_facts(),
        clipped=builder.clipped or len(text) > MAX_HTML,
        size=len(text),
    )
