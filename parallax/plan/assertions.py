"""What must hold of an http check's keys together: one thing per assertion, a fitting comparison, headers that can be
sent. Pure; the faults' paths start at the check's table."""

from collections.abc import Iterator

from parallax.json_paths import path_complaint
from parallax.loading.convert import Fault, good
from parallax.loading.lines import Path
from parallax.plan.patterns import pattern_complaint
from parallax.plan.repeats import repeat_faults
from parallax.plan.specs import Assertion, HttpSpec, Serving
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
_SUBJECTS = ("status", "header", "json", "body", "size", "duration")
_COMPARISONS = ("equals", "contains", "matches", "present")
_FITTING = {"header": _COMPARISONS, "json": _COMPARISONS, "body": ("equals", "contains", "matches")}
"""The comparisons that go with a subject; status, size and duration are compared by themselves."""


def http_faults(spec: HttpSpec, timeout: Duration) -> Iterator[Fault]:
    """Every fault between the keys of an http check, which may be a draft; so may the timeout."""
    if good(spec.body, spec.method) and spec.body and spec.method in ("GET", "HEAD"):
        yield Fault(("body",), f'a {spec.method} request has no body; take it out, or write method = "POST"')
    if good(spec.max_body) and not 0 < spec.max_body <= LARGEST_BODY:
        yield Fault(("max_body",), f"{spec.max_body} is out of bounds; wants 1B to {LARGEST_BODY}")
    if good(spec.headers):
        yield from _header_faults(spec.headers)
    if good(spec.serving) and spec.serving is not None:
        yield from _serving_faults(spec.serving)
    if good(spec.redirects, spec.redirect_hosts) and spec.redirect_hosts and not spec.redirects:
        yield Fault(("redirect_hosts",), "does nothing without redirects; write redirects = 3, say, or take it out")
    if good(spec.redirect_hosts):
        yield from repeat_faults(("redirect_hosts",), spec.redirect_hosts)
    if good(spec.reuse, spec.redirects) and spec.reuse and spec.redirects:
        yield Fault(("reuse",), "does not go with redirects, each of which is a connection of its own")
    statuses = 0
    for place, assertion in enumerate(spec.assertions if good(spec.assertions) else ()):
        if not good(assertion):
            continue
        path = ("assert", place)
        yield from assertion_faults(assertion, path, timeout)
        statuses += assertion.status is not None
        if assertion.status is not None and statuses > 1:
            yield Fault(path, "a second status; write one assertion with the list of those that pass")
        if (assertion.body, assertion.json, assertion.size) != (None, None, None) and spec.method == "HEAD":
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


def _serving_faults(serving: Serving) -> Iterator[Fault]:
    if not good(serving.header, serving.json):
        return
    if (serving.header is None) == (serving.json is None):
        found = "neither" if serving.header is None else "both"
        yield Fault(("serving",), f"wants one of header, json; it has {found}")
    if serving.json is not None and (complaint := path_complaint(serving.json)):
        yield Fault(("serving", "json"), complaint)


def assertion_faults(assertion: Assertion, path: Path, timeout: Duration) -> Iterator[Fault]:
    """Every fault of one assertion on a response; the timeout may be BAD."""
    subjects = [name for name in _SUBJECTS if getattr(assertion, name) is not None]
    if len(subjects) != 1:
        found = " and ".join(subjects) or "none of them"
        yield Fault(path, f"wants one of {', '.join(_SUBJECTS)}; it has {found}")
        return
    yield from _comparison_faults(assertion, subjects[0], path)
    if assertion.matches is not None and (complaint := pattern_complaint(assertion.matches)):
        yield Fault((*path, "matches"), complaint)
    if assertion.json is not None and (complaint := path_complaint(assertion.json)):
        yield Fault((*path, "json"), complaint)
    if assertion.duration is not None and good(timeout) and assertion.duration >= timeout:
        yield Fault(
            (*path, "duration"), f"{assertion.duration} is not shorter than the timeout, {timeout}: it would never miss"
        )


def _comparison_faults(assertion: Assertion, subject: str, path: Path) -> Iterator[Fault]:
    comparisons = [name for name in _COMPARISONS if getattr(assertion, name) is not None]
    fitting = _FITTING.get(subject, ())
    unfit = [name for name in comparisons if name not in fitting]
    if unfit:
        why = f"goes with {', '.join(fitting)}" if fitting else "is compared by itself"
        yield Fault((*path, unfit[0]), f"does not go with {subject}, which {why}")
    elif len(comparisons) > 1 or (subject == "body" and not comparisons):
        found = " and ".join(comparisons) or "none of them"
        yield Fault(path, f"wants one of {', '.join(fitting)} beside {subject}; it has {found}")
    elif subject != "json" and assertion.equals is not None and not isinstance(assertion.equals, str):
        yield Fault((*path, "equals"), f"wants text in quotes beside {subject}")
