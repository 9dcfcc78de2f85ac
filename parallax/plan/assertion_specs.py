"""What a plan may assert of a response: for checks of kind `http`, and for the steps of a flow."""

from typing import Annotated, Literal

import msgspec

from parallax.json_paths import MAX_PATH
from parallax.values import Duration, Size

HeaderName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}", description="a header name: letters, digits, '-' (RFC 9110, 5.1)"
    ),
]
HeaderValue = Annotated[
    str,
    msgspec.Meta(
        pattern=r"(?:[!-~](?:[ -~]{0,4000}[!-~])?)?",
        description="printable ASCII, without a blank at its start or end (RFC 9110, 5.5)",
    ),
]
Status = Annotated[int, msgspec.Meta(ge=100, le=599)]
Statuses = Annotated[list[Status], msgspec.Meta(min_length=1, max_length=100, description="at least one status")]
Pattern = Annotated[str, msgspec.Meta(max_length=1000)]


class Assertion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that must hold of a response: one of `status`, `header`, `json`, `body`, `size`, `duration`, with its
    comparison."""

    status: Status | Statuses | None = None
    """The status, or the list of those that pass."""
    header: HeaderName | None = None
    """The name of a header to look at; with no comparison it must be there."""
    json: Annotated[str, msgspec.Meta(max_length=MAX_PATH)] | None = None
    """A JSONPath (RFC 9535) into the body; with no comparison it must find something, and with one, something that
    fits."""
    body: Literal["text"] | None = None
    """Looks at the body, as text."""
    size: Size | None = None
    """The most octets that the body may have, expanded."""
    duration: Duration | None = None
    """The longest that the whole run against one address may take."""
    equals: str | bool | int | float | None = None
    """The header or body is exactly this text; a value in JSON also this number, true or false."""
    contains: str | None = None
    """The header, body or value has this text in it."""
    matches: Pattern | None = None
    """A regular expression (Python's re.search)."""
    present: bool | None = None
    """The header or value must be there, or must not."""
    otherwise: Literal["fail", "degraded"] = msgspec.field(default="fail", name="else")
    """What a miss means."""
