"""What a browser sends for a form (HTML standard, sections 4.10.21.3 to 4.10.21.8). Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from urllib.parse import quote_plus

import msgspec

from probe.pages.form import TICK_TYPES, Button, Field, Form

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
PLAIN = "text/plain"

Fill = Mapping[str, str | Sequence[str]]
"""Values by the name of the field. Several go to the fields of one name in order (the boxes of a
split code); with check boxes, radio buttons and selects they say which are chosen."""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """The request of a form. `content_type` is None with GET, `body` then empty. What may hold a password shows in no
    repr: neither the body nor the query."""

    method: str
    url: str
    body: bytes = b""
    content_type: str | None = None

    def __repr__(self) -> str:
        return f"Submission({self.method} {self.url.partition('?')[0]}, {len(self.body)} octets)"


def submission(form: Form, fill: Fill, press: Button | None = None) -> Submission:
    """The request that follows when the fields are filled and the button is pressed (None: without one, as a script or
    the enter key does). Every field keeps what the page gave it, hidden ones above all; only the pressed button sends
    its name. Raises ValueError where `fill` names what the form has not, or the form goes to no http URL
    or opens a dialog: `form.missing`, `form.action` and `form.method` tell before."""
    if missing := form.missing(fill):
        raise ValueError(f"the form has no field {', '.join(map(repr, missing))}")
    action, method, enctype = form.action, form.method, form.enctype
    if press is not None:
        action = press.formaction if press.formaction is not None else action
        method = press.formmethod or method
        enctype = press.formenctype or enctype
    if not action:
        raise ValueError("the form goes to no http URL")
    if method == "dialog":
        raise ValueError("the form sends nothing: its method is dialog")
    pairs = _entries(form, fill, press)
    if method == "get":
        return Submission(method="GET", url=f"{action.partition('?')[0]}?{_urlencoded(pairs, form.charset)}")
    if enctype == MULTIPART:
        body, boundary = _multipart(pairs, form)
        return Submission(method="POST", url=action, body=body, content_type=f"{MULTIPART}; boundary={boundary}")
    if enctype == PLAIN:
        text = "".join(f"{name}={value}\r\n" for name, value in pairs)
        return Submission(method="POST", url=action, body=text.encode(form.charset, "replace"), content_type=PLAIN)
    encoded = _urlencoded(pairs, form.charset).encode("ascii")
    return Submission(method="POST", url=action, body=encoded, content_type=URLENCODED)


def _entries(form: Form, fill: Fill, press: Button | None) -> list[tuple[str, str]]:
    """Names and values of the successful controls, in the order of the page, line breaks as CRLF."""
    controls: list[Field | Button] = [*form.fields]
    if press is not None:
        controls.append(press)
    controls.sort(key=lambda control: control.order)
    values = _spread(form, fill)
    pairs: list[tuple[str, str]] = []
    for control in controls:
        if isinstance(control, Button):
            if control.type == "image":
                prefix = f"{control.name}." if control.name else ""
                pairs += [(f"{prefix}x", "1"), (f"{prefix}y", "1")]
            elif control.name:
                pairs.append((control.name, control.value))
        elif control.name and not control.disabled:
            if control.name == "_charset_" and control.type == "hidden":
                pairs.append((control.name, form.charset))
            elif control.type == "select":
                pairs += [(control.name, value) for value in _chosen(control, fill.get(control.name))]
            elif control.type in TICK_TYPES:
                wanted = fill.get(control.name)
                if control.checked if wanted is None else control.value in _several(wanted):
                    pairs.append((control.name, control.value))
            else:
                pairs.append((control.name, values.get(control.order, control.value)))
    return [(_crlf(name), _crlf(value)) for name, value in pairs]


def _spread(form: Form, fill: Fill) -> dict[int, str]:
    """The values for what is typed into, by the field's order. A single value goes to the first field of the name that
    a person sees, so that a hidden twin keeps its own."""
    values: dict[int, str] = {}
    for name, wanted in fill.items():
        own = [
            field
            for field in form.fields
            if field.name == name and field.type != "select" and field.type not in TICK_TYPES and not field.disabled
        ]
        seen = [field for field in own if not field.hidden] or own
        values.update((field.order, value) for field, value in zip(seen, _several(wanted), strict=False))
    return values


def _several(wanted: str | Sequence[str]) -> Sequence[str]:
    return (wanted,) if isinstance(wanted, str) else wanted


def _chosen(select: Field, wanted: str | Sequence[str] | None) -> list[str]:
    if wanted is not None:
        names = _several(wanted)
        by_value = [option.value for option in select.options if option.value in names]
        return by_value or [option.value for option in select.options if option.label in names]
    selected = [option.value for option in select.options if option.selected and not option.disabled]
    if select.multiple:
        return selected
    if selected:
        return selected[-1:]
    if any(option.selected for option in select.options):
        return []  # what is shown as chosen is disabled, and a person chose nothing else
    return [option.value for option in select.options if not option.disabled][:1]


def _crlf(text: str) -> str:
    if "\n" not in text and "\r" not in text:
        return text
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def _urlencoded(pairs: list[tuple[str, str]], charset: str) -> str:
    """URL standard, section 5.2. What the encoding lacks goes as a character reference, as browsers do."""

    def put(text: str) -> str:
        encoded = text.encode(charset, "xmlcharrefreplace" if charset != "utf-8" else "replace")
        return quote_plus(encoded, safe="*-._").replace("~", "%7E")

    return "&".join(f"{put(name)}={put(value)}" for name, value in pairs)


def _multipart(pairs: list[tuple[str, str]], form: Form) -> tuple[bytes, str]:
    """RFC 7578, with names escaped as the HTML standard says. The boundary is made from the content, so that the same
    form gives the same octets; no content can hold it by chance."""
    files = {field.name for field in form.fields if field.type == "file"}
    parts: list[bytes] = []
    for name, value in pairs:
        escaped = name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
        head = f'Content-Disposition: form-data; name="{escaped}"'
        if name in files:
            head += '; filename=""\r\nContent-Type: application/octet-stream'
        parts.append(f"{head}\r\n\r\n{value}\r\n".encode(form.charset, "xmlcharrefreplace"))
    boundary = "----form" + hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]
    mark = boundary.encode()
    return b"".join(b"--" + mark + b"\r\n" + part for part in parts) + b"--" + mark + b"--\r\n", boundary
