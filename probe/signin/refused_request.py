"""A page that refuses the authorization request itself. Pure.

Where the client or its redirect URI is not known, a provider must not send the browser back, so it tells whoever looks
at the page (RFC 6749 section 4.1.2.1). That is the fault of who made the request, not of the provider. The code stands
in the page's address, in JSON, in the text, or only words do.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from parallax.redaction import excerpt
from probe.fault import Fault
from probe.oidc.oauth_errors import CODES, oauth_error
from probe.oidc.reading import json_object
from probe.pages.page import Page
from probe.pages.view import first_found
from probe.pages.words import refusals

MAX_JSON = 65_536
"""Octets of an answer that is read as JSON."""
MAX_TEXT = 1000
"""Characters of a line in which a code is looked for."""
_CODE = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")


def refused_request(page: Page, body: bytes) -> Fault | None:
    """What an error page says of the request; None where it says nothing of it, as of an error of its own."""
    answer = json_object(body, MAX_JSON)
    if isinstance(answer, dict):
        texts = tuple(value for value in answer.values() if isinstance(value, str))
        return _by_code(answer) or _by_words(texts) or _by_text(texts)
    query = dict(parse_qsl(urlsplit(page.url).query[:8192]))
    texts = (page.title, *page.headings, *page.alerts, *page.text.split("\n")[:100])
    return _by_code(query) or _by_words(texts) or _by_text(texts)


def _by_code(answer: Mapping[str, Any]) -> Fault | None:
    return oauth_error(answer) if str(answer.get("error")) in CODES else None


def _by_text(texts: tuple[str, ...]) -> Fault | None:
    found = ((text, code) for text in texts for code in _CODE.findall(text[:MAX_TEXT]) if code in CODES)
    return next((oauth_error({"error": code, "error_description": text}) for text, code in found), None)


def _by_words(texts: tuple[str, ...]) -> Fault | None:
    for vocabulary, reason in (
        (refusals.WRONG_REDIRECT, "oauth_redirect_uri_mismatch"),
        (refusals.UNKNOWN_CLIENT, "oauth_invalid_client"),
    ):
        if text := first_found(vocabulary, texts):
            return Fault(reason, {"oauth_error_description": excerpt(text, 200)})
    return None
