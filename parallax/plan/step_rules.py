"""What the steps of a flow must keep: one kind of work each, values that are set before they are used, secrets nowhere
in a URL. Pure; the steps may be drafts.

The values that a text may have in braces, beside `{secret:NAME}`:

    probe, run, check                   from the start
    user.name, user.address             where the check has a user
    client.id, redirect_uri             where it has a client
    md.NAME                             with an issuer: an endpoint or another text of its metadata, md.token_endpoint
    authorize_url, state, nonce,        with an issuer and a client: one authorization request, made for this run
      pkce.verifier, pkce.challenge
    callback.NAME                       after a step that may end at the redirect URI: what came with it
    anything captured, and what `into`  after the step that sets it
      of totp and webauthn names
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from parallax.json_paths import path_complaint
from parallax.loading.convert import Fault, good
from parallax.loading.lines import Path
from parallax.loading.problems import nearest, quoted, shown
from parallax.plan import letter_rules
from parallax.plan.assertions import assertion_faults
from parallax.plan.patterns import pattern_complaint
from parallax.plan.signin_specs import SigninSpec
from parallax.plan.step_specs import Capture, On, Request, Step, Submit, WebauthnStep
from parallax.plan.templates import NAME, Gap, TemplateError, parse_template
from parallax.redaction import SECRET_HEADERS
from parallax.values import Duration, Url

WORK = ("request", "submit", "oidc", "verify_jwt", "totp", "webauthn", "mail", "sms", "webhook", "pause")
METHODS = ("get", "post", "put", "patch", "delete")
LONGEST_PAUSE = Duration(10)
ANSWER_PARTS = ("id", "client_data", "authenticator_data", "signature", "attestation_object", "user_handle")
"""What a passkey's answer has."""
RESERVED = frozenset({"cleanup", "discovery", "jwks"})
"""Names of steps that Parallax takes by itself."""
_FROM = ("json", "header", "regex", "form", "cookie")
_SECRET_VALUES = frozenset({"pkce.verifier", "callback.code"})
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "cookie"})


class _Known:
    """The values that are set so far, and those that later steps set."""

    def __init__(self, spec: SigninSpec) -> None:
        self.names = {"probe", "run", "check"}
        self.groups: set[str] = set()
        self.secret = set(_SECRET_VALUES)
        self.later: dict[str, str] = {}
        self.unsure = False
        """A step before may set values that cannot be read for its own faults."""
        if spec.user is not None:
            self.names |= {"user.name", "user.address"}
        if spec.client is not None:
            self.names |= {"client.id", "redirect_uri"}
        if spec.issuer is not None:
            self.groups.add("md")
        if spec.issuer is not None and spec.client is not None:
            self.names |= {"authorize_url", "state", "nonce", "pkce.verifier", "pkce.challenge"}

    def has(self, name: str) -> bool:
        return name in self.names or (name.partition(".")[0] in self.groups and "." in name)

    def is_secret(self, name: str) -> bool:
        return name in self.secret or name.startswith("callback.")

    @property
    def listed(self) -> str:
        return quoted(sorted(self.names) + sorted(f"{group}.NAME" for group in self.groups))


def step_faults(spec: SigninSpec, timeout: Duration) -> Iterator[Fault]:
    """Every fault of the steps and of what they need of the check."""
    steps = [step for step in spec.step if good(step)]
    if not good(spec.issuer, spec.client, spec.user):
        return
    known = _Known(spec)
    for step in steps:
        for name in _sets(step):
            known.later.setdefault(name, step.name)
    seen: set[str] = set()
    cleaning = started = False
    for place, step in enumerate(spec.step):
        if not good(step):
            known.unsure = True
            continue
        path: Path = ("step", place)
        yield from _name_faults(step, path, seen)
        yield from _order_faults(step, path, cleaning=cleaning)
        if step.light and started:
            yield Fault((*path, "light"), "comes after a step that is not light, and light ones come first")
        cleaning, started = cleaning or step.cleanup, started or not step.light
        yield from _work_faults(spec, step, path, timeout)
        for inner, text in _texts(step):
            yield from _template_faults(step, (*path, *inner), text, known)
        yield from _capture_faults(step, path)
        for number, on in enumerate(step.on if good(step.on) else ()):
            if good(on):
                yield from _on_faults(on, (*path, "on", number))
        known.names.update(_sets(step))
        known.secret.update(name for name, capture in _captures(step) if capture.secret)
        known.secret.update(_answers(step))
        if _may_be_called_back(spec, step):
            known.groups.add("callback")
    yield from _target_faults(spec, steps)


def origin_of(spec: SigninSpec) -> str | None:
    """Scheme and host of the first request that says them in so many words: what a flow without an issuer is of."""
    for step in spec.step:
        request = getattr(step, "request", None)
        if isinstance(request, Request):
            for method in METHODS:
                url = getattr(request, method)
                if isinstance(url, str) and (match := re.match(r"https?://[^/?#{}\s]+", url)):
                    return match[0]
    return None


def method_of(request: Request) -> tuple[str, str]:
    """Its method, in small letters, and its URL."""
    return next((method, url) for method in METHODS if (url := getattr(request, method)) is not None)


def _name_faults(step: Step, path: Path, seen: set[str]) -> Iterator[Fault]:
    if step.name in seen:
        yield Fault((*path, "name"), f"{shown(step.name)} is there twice; observations tell steps by their names")
    elif step.name in RESERVED:
        yield Fault((*path, "name"), f"{shown(step.name)} is a step that Parallax takes by itself; write another name")
    seen.add(step.name)


def _order_faults(step: Step, path: Path, *, cleaning: bool) -> Iterator[Fault]:
    if cleaning and not step.cleanup:
        yield Fault(path, f"step {shown(step.name)} comes after a step with cleanup = true; those come last")
    if step.light and step.cleanup:
        yield Fault((*path, "light"), "does not go with cleanup: a light run leaves nothing behind")
    if step.light and step.request is None:
        yield Fault((*path, "light"), "is for requests: a light run signs nobody in")


def _work_faults(spec: SigninSpec, step: Step, path: Path, timeout: Duration) -> Iterator[Fault]:
    work = [name for name in WORK if getattr(step, name) is not None]
    if len(work) != 1:
        found = " and ".join(work) or "none of them"
        yield Fault(path, f"step {shown(step.name)} wants one of {', '.join(WORK)}; it has {found}")
        return
    what = work[0]
    if what not in ("request", "submit"):
        for key in ("assert", "on"):
            if getattr(step, "assertions" if key == "assert" else key) and (what, key) != ("webhook", "assert"):
                yield Fault((*path, key), f"is about a response, and {what} has none of its own; take it out")
    if step.capture and what not in ("request", "submit", *letter_rules.WORK):
        yield Fault((*path, "capture"), f"is out of a response, and {what} has none of its own; take it out")
    if step.attempts not in (None, 1) and good(step.attempts):
        yield from _attempts_faults(step, (*path, "attempts"), what)
    yield from _assert_faults(step, path, timeout)
    if not good(getattr(step, what)):
        return
    if what == "request":
        assert step.request is not None
        yield from _request_faults(step.request, (*path, "request"), spec)
    elif what == "submit":
        assert step.submit is not None
        yield from _submit_faults(step.submit, (*path, "submit"))
    elif what == "pause" and step.pause is not None and step.pause > LONGEST_PAUSE:
        yield Fault((*path, "pause"), f"{step.pause} is out of bounds; wants {LONGEST_PAUSE} at most")
    else:
        yield from _need_faults(spec, step, path, what)


def _attempts_faults(step: Step, path: Path, what: str) -> Iterator[Fault]:
    """What may lock an account, use up a code or end a session is sent once."""
    once = what if what != "request" else None
    if what == "request" and isinstance(step.request, Request):
        once = next((method for method in METHODS[1:] if getattr(step.request, method) is not None), None)
    if once is not None:
        yield Fault(path, f"goes with get alone: what {once} does may change something, and is never sent twice")
    elif step.cleanup:
        yield Fault(path, "does not go with cleanup, which is tried once more by itself where it was not reached")


def _need_faults(spec: SigninSpec, step: Step, path: Path, what: str) -> Iterator[Fault]:
    """What the check must say beside its steps."""
    if what == "oidc" and (spec.issuer is None or spec.client is None):
        yield Fault((*path, "oidc"), "needs issuer and client beside the steps")
    elif what == "totp" and (spec.user is None or spec.user.totp is None):
        yield Fault((*path, "totp"), "needs user.totp, which has the secret")
    elif what == "totp" and step.totp is not None and not re.fullmatch(NAME, step.totp.into):
        yield Fault((*path, "totp", "into"), f"{shown(step.totp.into)} is no name: letters, digits and '_'")
    elif what == "webauthn" and step.webauthn is not None:
        yield from _webauthn_faults(step.webauthn, (*path, "webauthn"))
    elif what in letter_rules.WORK:
        yield from letter_rules.letter_faults(spec, step, path, what)
        if what == "webhook":
            yield from letter_rules.letter_assert_faults(step, path)
    elif what == "verify_jwt" and step.verify_jwt is not None and spec.issuer is None:
        for key in ("issuer", "jwks"):
            if getattr(step.verify_jwt, key) is None:
                yield Fault((*path, "verify_jwt", key), "is missing, and the check has no issuer that would say it")


def _webauthn_faults(asked: WebauthnStep, path: Path) -> Iterator[Fault]:
    if good(asked.into) and not re.fullmatch(NAME, asked.into):
        yield Fault((*path, "into"), f"{shown(asked.into)} is no name: letters, digits and '_'")
    if not good(asked.origin, asked.rp):
        return
    if asked.origin is not None and not asked.origin.https:
        yield Fault((*path, "origin"), "is http://, and browsers have no passkeys there")
    elif asked.origin is not None and asked.rp is not None and not is_rp_of(asked.rp, asked.origin.endpoint.host):
        host = asked.origin.endpoint.host
        yield Fault((*path, "rp"), f"{shown(asked.rp)} is not {host}, nor a domain that it is in")


def is_rp_of(rp: str, host: str) -> bool:
    """Whether a page at this host may use passkeys of this relying party (Web Authentication section 5.1.3)."""
    return host == rp or (host.endswith(f".{rp}") and "." in rp)


def _request_faults(request: Request, path: Path, spec: SigninSpec) -> Iterator[Fault]:
    given = [method for method in METHODS if getattr(request, method) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        yield Fault(path, f"wants one of {', '.join(METHODS)}, with the URL; it has {found}")
        return
    if request.form and request.json is not None:
        yield Fault((*path, "json"), "and form are both bodies; take one out")
    if given[0] == "get" and (request.form or request.json is not None):
        yield Fault((*path, "get"), "has no body; write post, or put the values into the URL")
    if request.follow == "until-redirect-uri" and spec.client is None:
        yield Fault((*path, "follow"), "needs client.redirect_uri, and the check has no client")
    for name in request.headers if good(request.headers) else ():
        if not _HEADER.fullmatch(name):
            yield Fault((*path, "headers", name[:100]), "is no header name; it has letters, digits and '-'")
        elif name.lower() in _OWN_HEADERS:
            yield Fault((*path, "headers", name), "cannot be set: it is set by Parallax")


def _submit_faults(submit: Submit, path: Path) -> Iterator[Fault]:
    form = submit.form
    if not good(form):
        return
    if isinstance(form, int):
        if not 1 <= form <= 50:
            yield Fault((*path, "form"), f"{form} is out of bounds; wants 1 to 50")
    elif form not in ("auto", "password") and not (form.startswith("#") and len(form) > 1):
        yield Fault((*path, "form"), f'{shown(form)} is no form; write "auto", "password", "#its-id", or a number')


def _assert_faults(step: Step, path: Path, timeout: Duration) -> Iterator[Fault]:
    statuses = 0
    for number, assertion in enumerate(step.assertions if good(step.assertions) else ()):
        if not good(assertion):
            continue
        yield from assertion_faults(assertion, (*path, "assert", number), timeout)
        statuses += assertion.status is not None
        if assertion.status is not None and statuses > 1:
            complaint = "a second status; write one assertion with the list of those that pass"
            yield Fault((*path, "assert", number), complaint)


def _captures(step: Step) -> Iterator[tuple[str, Capture]]:
    for name, capture in step.capture.items() if good(step.capture) else ():
        if good(capture):
            yield name, capture


def _capture_faults(step: Step, path: Path) -> Iterator[Fault]:
    letter = letter_rules.captures_from_letter(step)
    for name, capture in _captures(step):
        inner = (*path, "capture", name[:100])
        if not re.fullmatch(NAME, name):
            yield Fault(inner, f"{shown(name)} is no name: letters, digits and '_'")
        elif name in ("probe", "run", "check", "user", "client", "md", "state", "nonce", "pkce", "callback"):
            yield Fault(inner, "is a name that Parallax sets by itself; write another one")
        if not good(*(getattr(capture, key) for key in _FROM)):
            continue
        given = [key for key in _FROM if getattr(capture, key) is not None]
        if len(given) != 1:
            yield Fault(inner, f"wants one of {', '.join(_FROM)}; it has {' and '.join(given) or 'none of them'}")
        elif letter is not None and given[0] not in letter[1]:
            ways = " and ".join(letter[1])
            yield Fault((*inner, given[0]), f"is of a response; out of {letter[0]} values are captured with {ways}")
        elif capture.json is not None and (complaint := path_complaint(capture.json)):
            yield Fault((*inner, "json"), complaint)
        elif capture.regex is not None and (complaint := pattern_complaint(capture.regex)):
            yield Fault((*inner, "regex"), complaint)


def _on_faults(on: On, path: Path) -> Iterator[Fault]:
    if not good(on.status, on.text, on.json, on.equals):
        return
    if on.status is None and on.text is None and on.json is None:
        yield Fault(path, "wants status, text or json: else it would fit every response")
    if on.json is not None and (complaint := path_complaint(on.json)):
        yield Fault((*path, "json"), complaint)
    if on.equals is not None and on.json is None:
        yield Fault((*path, "equals"), "goes with json")


def _sets(step: Step) -> list[str]:
    """The names that later steps have from this one."""
    names = [name for name, _ in _captures(step)]
    return [*names, *_answers(step)]


def _answers(step: Step) -> list[str]:
    """The names of what the probe makes of a secret."""
    names: list[str] = []
    if step.totp is not None and good(step.totp):
        names.append(step.totp.into)
    if step.webauthn is not None and good(step.webauthn) and good(step.webauthn.into):
        names += [step.webauthn.into, *(f"{step.webauthn.into}.{part}" for part in ANSWER_PARTS)]
    return names


def _may_be_called_back(spec: SigninSpec, step: Step) -> bool:
    if spec.client is None:
        return False
    if step.submit is not None:
        return True
    request = step.request
    if request is None or not good(request):
        return False
    return request.follow == "until-redirect-uri" or (request.follow is None and request.who == "browser")


def _texts(step: Step) -> Iterator[tuple[Path, str]]:
    """The texts with gaps, and where they are. URLs first."""
    if isinstance(step.request, Request):
        for method in METHODS:
            if isinstance(url := getattr(step.request, method), str):
                yield ("request", method), url
        for key in ("headers", "form", "json"):
            yield from _inner(("request", key), getattr(step.request, key))
    if isinstance(step.submit, Submit):
        yield from _inner(("submit", "fill"), step.submit.fill)
    for key, inner in (
        ("verify_jwt", "token"),
        ("verify_jwt", "audience"),
        ("webauthn", "challenge"),
        ("webauthn", "user_handle"),
    ):
        value = getattr(step, key)
        if value is not None and good(value) and isinstance(text := getattr(value, inner), str):
            yield (key, inner), text
    yield from letter_rules.letter_texts(step)


def _inner(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _inner((*path, key), each)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _inner((*path, place), each)


def _template_faults(step: Step, path: Path, text: str, known: _Known) -> Iterator[Fault]:
    try:
        pieces = parse_template(text)
    except TemplateError as error:
        yield Fault(path, str(error))
        return
    gaps = [piece for piece in pieces if isinstance(piece, Gap)]
    if path[2] == "request" and path[3] in METHODS:
        yield from _url_faults(path, pieces, known)
    for gap in gaps:
        if gap.secret:
            if path[2] in letter_rules.WORK:
                yield Fault(path, "names a secret, and an address is none")
        elif not known.has(gap.name) and not known.unsure:
            yield Fault(path, _unknown(step, gap.name, known))
    if path[2:4] == ("request", "headers") and str(path[4]).lower() in SECRET_HEADERS and not gaps:
        yield Fault(path, 'carries a secret, and a plan holds none; write "Bearer {name}" or "... {secret:NAME}"')
    if _in_the_clear(step) and any(gap.secret or known.is_secret(gap.name) for gap in gaps):
        yield Fault(path, "is a secret, and the request is http://; a secret is sent over TLS only")


def _unknown(step: Step, name: str, known: _Known) -> str:
    setter, uses = known.later.get(name), f"step {shown(step.name)} uses {{{name}}}"
    if setter == step.name:
        return f"{uses}, which only it sets itself; an earlier step must"
    if setter is not None:
        return f"{uses} before step {shown(setter)} sets it"
    why = ""
    if name.partition(".")[0] in ("md", "authorize_url", "state", "nonce", "pkce"):
        why = "it needs issuer (and client) beside the steps; "
    elif name.startswith("callback."):
        why = "no step before it can end at the redirect URI; "
    hint = nearest(name, known.names)
    return f"{uses}, which nothing sets; {why}{hint}known there are {known.listed}"


def _url_faults(path: Path, pieces: Iterable[str | Gap], known: _Known) -> Iterator[Fault]:
    pieces = list(pieces)
    for piece in pieces:
        if isinstance(piece, Gap) and (piece.secret or known.is_secret(piece.name)):
            what = f"secret:{piece.name}" if piece.secret else piece.name
            yield Fault(
                path,
                f"puts the secret {{{what}}} into a URL, which servers write into their logs; send it in form, json or "
                "headers, or say secret = false where it is captured and is none",
            )
            return
    if pieces and isinstance(pieces[0], str):
        plain = "".join(piece if isinstance(piece, str) else "x" for piece in pieces)
        host = re.match(r"[a-z]+://([^/?#]*)", pieces[0])
        if host is not None and host[0] == pieces[0] and len(pieces) > 1:
            yield Fault(path, "has a value in its host; a plan says in so many words which hosts it goes to")
            return
        try:
            Url.parse(plain)
        except ValueError as error:
            yield Fault(path, str(error))
    elif not pieces:
        yield Fault(path, "is empty; write a URL")


def _in_the_clear(step: Step) -> bool:
    request = step.request
    if not isinstance(request, Request):
        return False
    return any(str(getattr(request, method) or "").startswith("http://") for method in METHODS)


def _target_faults(spec: SigninSpec, steps: list[Step]) -> Iterator[Fault]:
    if spec.issuer is None and origin_of(spec) is None:
        yield Fault(("step",), "none of them says a host, and the check has no issuer: whose sign-in is it?")
    elif steps and all(step.light or step.cleanup for step in steps):
        yield Fault(("step",), "all of them are light or cleanup: there is no flow between")
