"""Takes secrets out of what leaves this program: URLs, header values, excerpts of pages, messages of libraries. Pure.

Error pages leak tokens, redirects carry codes, libraries quote what they could not parse. So text that came from a
target is masked by shape before it goes into an observation or a log: better to hide a harmless string of hex than to
show one token. Names and structure stay, as they tell what it was.
"""

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit, urlunsplit

MASK = "***"

SECRET_HEADERS = frozenset(
    {
        "authorization",
        "authentication-info",
        "cookie",
        "cookie2",
        "proxy-authorization",
        "proxy-authentication-info",
        "set-cookie",
        "set-cookie2",
        "x-amz-security-token",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-xsrf-token",
        "clerk-db-jwt",
        "dpop",
    }
)
"""Headers whose values never leave, in lower case."""

SECRET_QUERY_KEYS = frozenset(
    {
        "access_token",
        "api_key",
        "apikey",
        "client_secret",
        "id_token",
        "id_token_hint",
        "passwd",
        "password",
        "refresh_token",
        "secret",
        "sig",
        "signature",
        "token",
        "x-amz-security-token",
        "x-amz-signature",
    }
)
"""Keys of a URL's query whose values are secrets, in lower case."""

_TELLING = (
    r"(?:access|refresh|id)[_-]?token(?:_hint)?|token|secret|password|passwd|pwd|nonce|session(?:[_-]?id)?|sid|otp"
    r"|api[_-]?key|authorization|assertion|samlresponse|samlrequest|signature|sig|csrf|cookie|credential|jwt"
)
_VALUE = r"""("[^"]*"?|'[^']*'?|[^\s&;,"'<>}]+)"""
_PATTERNS = (
    (re.compile(r"\b(https?://)[^\s/@\"'<>]{1,200}@", re.I), rf"\1{MASK}@"),
    (re.compile(r"(https?://[^\s?#\"'<>]{1,500})[?#][^\s\"'<>]+", re.I), rf"\1?{MASK}"),
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){1,4}"), MASK),  # JWS and JWE: base64url of '{"'
    (re.compile(r"\b(bearer|basic|dpop|negotiate)\s+[\w+/=.~:-]{4,}", re.I), rf"\1 {MASK}"),
    (re.compile(r"-----BEGIN [A-Z ]{3,40}-----.*?(?:-----END [A-Z ]{3,40}-----|\Z)", re.S), MASK),
    (re.compile(r"\b((?:(?:set-)?cookie2?|(?:proxy-)?authorization):\s*)[^\r\n]+", re.I), rf"\1{MASK}"),
    (re.compile(rf"""(["']?\b(?:[a-z_]{{1,20}}[_-])?(?:{_TELLING})["']?\s*[=:]\s*){_VALUE}""", re.I), rf"\1{MASK}"),
    # A code with a digit in it may be one to sign in with; one of letters only is an error's name.
    (re.compile(r"""(\bcode["']?\s*[=:]\s*["']?)(?=[\w-]*\d)[\w-]{4,}""", re.I), rf"\1{MASK}"),
    (re.compile(r"\b[0-9a-f]{24,}\b", re.I), MASK),
    # Constants (TLSV1_ALERT_PROTOCOL_VERSION) are words, and are spared.
    (
        re.compile(
            r"(?<![\w+/-])(?![A-Z0-9]{1,14}(?:_[A-Z0-9]{1,14})+\b)(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[\w+-]{24,}={0,2}"
        ),
        MASK,
    ),
)


def secret_query_key(url: str) -> str | None:
    """The first key in a URL's query that holds a secret; None if there is none, or no URL."""
    try:
        query = urlsplit(url).query
    except ValueError:
        return None
    pairs = (pair.partition("=") for pair in query.split("&"))
    return next((key for key, _, value in pairs if value and unquote(key).lower() in SECRET_QUERY_KEYS), None)


@lru_cache(1024)
def redact_url(url: str) -> str:
    """A URL with its userinfo, query values and fragment masked; names of query keys stay. Any text is taken."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    _, at, host = parts.netloc.rpartition("@")
    pairs = (pair.partition("=") for pair in parts.query.split("&"))
    query = "&".join(f"{key}={MASK}" if equals else MASK for key, equals, _ in pairs)
    return urlunsplit(
        (
            parts.scheme,
            f"{MASK}@{host}" if at else host,
            redact_text(parts.path),
            query if parts.query else "",
            MASK if parts.fragment else "",
        )
    )


def redact_header(name: str, value: str) -> str:
    """A header's value as it may leave: secret ones masked whole, URLs and everything else by shape."""
    name = name.lower()
    if name in SECRET_HEADERS:
        return MASK
    if name in ("location", "content-location", "referer"):
        return redact_url(value)
    return redact_text(value)


def redact_text(text: str) -> str:
    """Text with everything masked that looks like a secret: tokens, keys, long hex and base64, values of telling names,
    what follows the path of a URL. The cost grows linearly for texts of some kilobytes; cut longer ones first."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def excerpt(text: str, limit: int = 200) -> str:
    """The beginning of a text on one line, redacted, at most `limit` characters. Redacted before it is cut, so that
    no secret is cut to a shape that nothing recognises. What does not print (escapes of a terminal, marks that turn
    the direction of writing) is shown as U+FFFD."""
    line = redact_text(" ".join(text[: limit * 10].split()))
    if not line.isprintable():
        line = "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"
