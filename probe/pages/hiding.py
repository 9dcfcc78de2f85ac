"""What a person does not see, as far as attributes tell: no style sheet is read. Pure."""

import re

from probe.pages.markup import Attributes
from probe.pages.vocabulary import names

_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_HIDING_CLASSES = names(
    """hidden hide d-none is-hidden u-hidden uk-hidden ng-hide display-none displaynone invisible govuk-hidden pf-u-
    display-none dn none nodisplay no-display w-hidden slds-hide mdl-hidden kc-hidden"""
)
_READER_CLASSES = names(
    """sr-only visually-hidden visuallyhidden screen-reader-only screenreader screen-reader-text offscreen off-screen
    moveoffscreen u-visually-hidden assistive-text a11y-hidden clip"""
)
_SHOWN_AGAIN = re.compile(r"(?:^|\s)[a-z0-9]+(?::|-)(?:block|flex|grid|inline)|d-(?:sm|md|lg|xl)-(?!none)", re.I)
_OFFSCREEN = re.compile(r"(?:left|top|text-indent|margin-left)\s*:\s*-\d{3,}|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$)", re.I)


def hides(name: str, attributes: Attributes) -> bool:
    """The element and all in it is not shown."""
    if not attributes:
        return name == "dialog"
    if "hidden" in attributes and attributes["hidden"].lower() != "until-found":
        return True
    style = attributes.get("style")
    if style and _STYLE.search(style):
        return True
    classes = attributes.get("class")
    if classes and not _HIDING_CLASSES.isdisjoint(classes.lower().split()) and not _SHOWN_AGAIN.search(classes):
        return True
    return "inert" in attributes or (name == "dialog" and "open" not in attributes)


def hides_control(attributes: Attributes) -> bool:
    """A control that is kept from people, though not by `hides`: out of sight, or out of reach of keys and readers.
    Text for screen readers is meant to be read, so this is for controls alone."""
    if attributes.get("aria-hidden", "").lower() == "true":
        return True
    style = attributes.get("style")
    if style and _OFFSCREEN.search(style):
        return True
    classes = attributes.get("class")
    return classes is not None and not _READER_CLASSES.isdisjoint(classes.lower().split())
