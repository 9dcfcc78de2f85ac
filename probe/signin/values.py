"""The values that the steps of a plan's own flow hand on to one another, and where those that are secret may go.

A plan is not the probe's owner: it must not be able to send a session's token or a mailed code to a host of its own. So
a secret value goes, over TLS, to the host that it came from; to those hosts that the probe's config binds this check's
secrets to; and, where it came from the issuer's own host, to the endpoints that the issuer publishes. Nowhere else.
What the plan says is no secret goes nowhere else either, once the flow has a secret of the owner's in it, as a plan
could say so of a token; it may come from, and go to, its host in the clear.
"""

from typing import Any
from urllib.parse import quote

import msgspec

from parallax.plan.templates import Gap, parse_template, secrets_of
from parallax.values import Url
from probe.oidc.authorization import Start
from probe.pages.page import Page
from probe.pages.scene import Word
from probe.signin.bounds import host_of, is_bound, is_issuers
from probe.signin.flow import Flow
from probe.signin.oidc_state import OidcState
from probe.signin.reply import Reply
from probe.signin.walk import begin
from probe.tape import Tape
from probe.vault import Withheld, fill

MAX_VALUE = 65_536
"""Characters of one value."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value that a step set. `host` is where it came from; only a secret one is bound to it."""

    text: str
    host: str
    secret: bool = True

    def __repr__(self) -> str:
        return f"Value({len(self.text)} characters, {self.host})"


class StepsState(OidcState):
    """What the steps share, beside what the preset oidc.password would know."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Value] = {}
        self.reply: Reply | None = None
        """The last response of any step."""
        self.page: Page | None = None
        """Where the user's browser is; None where it is at no page."""
        self.first: Page | None = None
        self.word: Word | None = None
        """What the page is."""
        self.sent: list[Word] = []
        """What was sent, as the words of the pages that asked for it."""
        self.began = False
        """A step was tried that may have left something at the provider."""
        self.done: set[str] = set()
        """The steps that came through."""


def state_of(flow: Flow) -> StepsState:
    """The flow's."""
    assert isinstance(flow.state, StepsState)
    return flow.state


def find_value(flow: Flow, name: str, tape: Tape) -> Value | None:
    """The value of this name, if it is set by now. Raises Withheld."""
    state, spec = state_of(flow), flow.spec
    if name in state.values:
        return state.values[name]
    plain = flow.values.get(name)
    if name == "user.address" and spec.user is not None:
        text = spec.user.address or spec.user.name
        plain = fill(text, flow.values, flow.steps.target, flow.tools.vault, flow.tools.hidden)
    elif spec.client is not None and name in ("client.id", "redirect_uri"):
        plain = spec.client.id if name == "client.id" else str(spec.client.redirect_uri)
    elif name.startswith("md."):
        plain = _metadata(state, name.removeprefix("md."))
    elif name in _STARTED:
        begun = state.begun or (begin(flow, tape) if state.discovery is not None else None)
        if begun is None:
            return None
        host = host_of(begun.url)
        return Value(text=_STARTED[name](begun), host=host, secret=name == "pkce.verifier")
    return Value(text=str(plain), host="", secret=False) if plain is not None else None


_STARTED: dict[str, Any] = {
    "authorize_url": lambda begun: begun.url,
    "state": lambda begun: begun.state,
    "nonce": lambda begun: begun.nonce,
    "pkce.verifier": lambda begun: _pkce(begun).verifier.reveal(),
    "pkce.challenge": lambda begun: _pkce(begun).challenge,
}


def _pkce(begun: Start) -> Any:
    assert begun.pkce is not None, "begin always makes one"
    return begun.pkce


def _metadata(state: StepsState, name: str) -> str | None:
    if state.discovery is None:
        return None
    found = state.discovery.endpoints.get(name) or state.discovery.metadata.get(name)
    return found if isinstance(found, str) else None


def fill_url(flow: Flow, text: str, tape: Tape) -> str:
    """A request's URL. A value that it begins with is a URL itself; any other is encoded as a part of one. Raises
    Withheld, also where a value makes it none."""
    pieces: list[str] = []
    parts: list[Gap] = []
    for place, piece in enumerate(parse_template(text)):
        if isinstance(piece, str):
            pieces.append(piece)
            continue
        value = _needed(flow, piece, tape)
        if value.secret:
            raise Withheld("secret_withheld", f"{piece.name} is a secret, and goes into no URL")
        pieces.append(value.text if place == 0 else quote(value.text, safe=""))
        parts += [piece] if place else []
    try:
        url = Url.parse("".join(pieces).partition("#")[0])
        for gap in parts:
            _sendable(flow, gap, url, tape)
        return url
    except ValueError:
        raise Withheld("value_missing", f"{text[:100]} makes no URL with the values that were set") from None


def fill_text(flow: Flow, text: str, url: str, tape: Tape) -> str:
    """A text, to be sent to this URL. Raises Withheld."""
    return "".join(
        piece if isinstance(piece, str) else _sendable(flow, piece, url, tape) for piece in parse_template(text)
    )


def fill_json(flow: Flow, value: Any, url: str, tape: Tape) -> Any:
    """JSON with every text in it filled. Raises Withheld."""
    if isinstance(value, str):
        return fill_text(flow, value, url, tape)
    if isinstance(value, dict):
        return {key: fill_json(flow, inner, url, tape) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill_json(flow, inner, url, tape) for inner in value]
    return value


def kept_text(flow: Flow, text: str, tape: Tape) -> str:
    """A text that stays on this host: a token to be verified, say. Raises Withheld."""
    vault, hidden = flow.tools.vault, flow.tools.hidden
    return "".join(
        piece
        if isinstance(piece, str)
        else vault.known(piece.name, hidden)
        if piece.secret
        else _needed(flow, piece, tape).text
        for piece in parse_template(text)
    )


def gaps_set(flow: Flow, texts: list[str], tape: Tape) -> bool:
    """Whether all values that these texts name are set. Raises Withheld."""
    gaps = (piece for text in texts for piece in parse_template(text) if isinstance(piece, Gap) and not piece.secret)
    return all(find_value(flow, gap.name, tape) is not None for gap in gaps)


def keep_value(flow: Flow, name: str, text: str, host: str, tape: Tape, *, secret: bool = True) -> None:
    """From now on later steps have it; a secret one is hidden."""
    text = text[:MAX_VALUE]
    if secret:
        tape.hidden.add(text)
    state_of(flow).values[name] = Value(text=text, host=host, secret=secret)


def may_go(flow: Flow, value: Value, url: str) -> bool:
    """Whether a secret value may be sent to this URL. See above."""
    if not url.startswith("https:"):
        return False
    if (value.host and value.host == host_of(url)) or is_bound(flow, url):
        return True
    found = state_of(flow).discovery
    return found is not None and value.host == host_of(found.issuer) and is_issuers(found, url)


def _plain_may_go(flow: Flow, value: Value, url: str) -> bool:
    return value.host == host_of(url) or not any(secrets_of(flow.spec)) or may_go(flow, value, url)


def _sendable(flow: Flow, gap: Gap, url: str, tape: Tape) -> str:
    if gap.secret:
        return flow.tools.vault.reveal(gap.name, url, flow.tools.hidden)
    value = _needed(flow, gap, tape)
    captured = gap.name in state_of(flow).values
    if not (may_go(flow, value, url) if value.secret else not captured or _plain_may_go(flow, value, url)):
        host = host_of(url)
        raise Withheld(
            "secret_withheld",
            f"{{{gap.name}}} came from {value.host or 'this host'} and is not sent to {host}; if it should, add the "
            "host to the hosts of a secret of this check, in this probe's config",
        )
    return value.text


def _needed(flow: Flow, gap: Gap, tape: Tape) -> Value:
    value = find_value(flow, gap.name, tape)
    if value is None:
        raise Withheld("value_missing", f"nothing has set {{{gap.name}}} by now")
    return value
