"""What must hold of an http check's keys together: one thing per assertion, a fitting comparison, headers that can be
sent. Pure; the faults' paths start at the check's table."""

from collections.abc import Iterator

from parallax.loading.convert import Fault, good
from parallax.loading.lines import Path
from parallax.plan.patterns import pattern_complaint
from parallax.plan.specs import Assertion, HttpSpec
from parallax.plan.templates import Gap, parse_secrets
from parallax.redaction import SECRET_HEADERS
from parallax.values import Duration, Size

LARGEST_BODY = Size(16_000_000)
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_OURS = {
    "host": "comes from the URL; connect_to dials elsewhere with it",
    "content-length": "is set by Parallax",
    "transfer-encoding": "is set by Parallax",
    "connection": "is set by Parallax",
    "accept-encoding": "is set by Parallax, which decodes only what it can bound",
}
_SUBJECTS = ("status", "header", "body", "duration")
_COMPARISONS = ("equals", "contains", "matches")


def http_faults(spec: HttpSpec, timeout: Duration) -> Iterator[Fault]:
    """Every fault between the keys of an http check, which may be a draft; so may the timeout."""
    if good(spec.body, spec.method) and spec.body and spec.method in ("GET", "HEAD"):
        yield Fault(("body",), f'a {spec.method} request has no body; take it out, or write method = "POST"')
    if good(spec.max_body) and not 0 < spec.max_body <= LARGEST_BODY:
        yield Fault(("max_body",), f"{spec.max_body} is out of bounds; wants 1B to {LARGEST_BODY}")
    if good(spec.headers):
        yield from _header_faults(spec.headers)
    statuses = 0
    for place, assertion in enumerate(spec.assertions if good(spec.assertions) else ()):
        if not good(assertion):
            continue
        path = ("assert", place)
        yield from _assertion_faults(assertion, path, timeout)
        statuses += assertion.status is not None
        if assertion.status is not None and statuses > 1:
            yield Fault(path, "a second status; write one assertion with the list of those that pass")
        if assertion.body is not None and spec.method == "HEAD":
            yield Fault(path, 'the response to HEAD has no body; write method = "GET"')


def _header_faults(headers: dict[str, str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for name, value in headers.items():
        lower, path = name.lower(), ("headers", name[:100])
        if not name or len(name) > 200 or not set(name) <= _TOKEN:
            yield Fault(path, "is no header name; it has letters, digits and '-' (RFC 9110, 5.1)")
        elif lower in _OURS:
            yield Fault(path, f"cannot be set: it {_OURS[lower]}")
        elif lower in SECRET_HEADERS and not any(isinstance(piece, Gap) for piece in parse_secrets(value)):
            yield Fault(
                path, 'carries a secret, and a plan holds none; write it as "secret:NAME" or "... {secret:NAME}"'
            )
        elif lower in seen:
            yield Fault(path, "is there twice; header names have no case")
        seen.add(lower)


def _assertion_faults(assertion: Assertion, path: Path, timeout: Duration) -> Iterator[Fault]:
    subjects = [name for name in _SUBJECTS if getattr(assertion, name) is not None]
    comparisons = [name for name in _COMPARISONS if getattr(assertion, name) is not None]
    if len(subjects) != 1:
        found = " and ".join(subjects) or "none of them"
        yield Fault(path, f"wants one of status, header, body, duration; it has {found}")
        return
    subject = subjects[0]
    if subject in ("status", "duration") and comparisons:
        yield Fault((*path, comparisons[0]), f"does not go with {subject}, which is compared by itself")
    elif len(comparisons) > 1 or (subject == "body" and not comparisons):
        found = " and ".join(comparisons) or "none of them"
        yield Fault(path, f"wants one of equals, contains, matches beside {subject}; it has {found}")
    if assertion.matches is not None and (complaint := pattern_complaint(assertion.matches)):
        yield Fault((*path, "matches"), complaint)
    if assertion.duration is not None and good(timeout) and assertion.duration >= timeout:
        yield Fault(
            (*path, "duration"), f"{assertion.duration} is not shorter than the timeout, {timeout}: it would never miss"
        )
