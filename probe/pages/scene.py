"""What a page is, in one word, and what to do with it: values only."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from probe.pages.form import Button, Form
from probe.pages.page import Page

Word = Literal[
    "identifier", "password", "identifier_password", "otp", "totp",
    "consent", "logout_confirm", "offer", "factor_choice", "auto_post", "meta_refresh",
    "captcha", "bot_wall", "locked", "throttled",
    "bad_credentials", "unknown_identifier", "bad_otp",
    "required_action", "mfa_required", "needs_browser", "idp_error", "unexpected",
]  # fmt: skip

LEADS_ON: frozenset[Word] = frozenset({
    "identifier", "password", "identifier_password", "otp", "totp",
    "consent", "logout_confirm", "offer", "factor_choice", "auto_post", "meta_refresh",
})  # fmt: skip
"""There is something to send, or (`follow`) to go to. Any other word ends the flow."""

MEANING: Mapping[Word, str] = {
    "identifier": "asks for the user's name alone; the password comes on a later page",
    "password": "asks for the password alone",
    "identifier_password": "asks for name and password",
    "otp": "asks for a code that was sent, or one of no known kind",
    "totp": "asks for a code of an authenticator app",
    "consent": "asks whether the application may have what it wants",
    "logout_confirm": "asks whether to sign out",
    "offer": "offers something that may be put off (stay signed in, a passkey)",
    "factor_choice": "lets choose how to sign in, or among second factors; one way is at hand",
    "auto_post": "a form that a script would send at once",
    "meta_refresh": "leads on by itself, after a delay or at once",
    "captcha": "a captcha stands before the form",
    "bot_wall": "something in front of the service answered: a challenge or a block page",
    "locked": "says that the account is locked or disabled",
    "throttled": "says that there were too many attempts",
    "bad_credentials": "refused name or password",
    "unknown_identifier": "does not know the user's name",
    "bad_otp": "refused the code",
    "required_action": "wants something done first: a new password, a confirmed address, terms, a second factor set up",
    "mfa_required": "wants a second factor for which there are no means",
    "needs_browser": "does nothing without scripts",
    "idp_error": "an error page",
    "unexpected": "none of these",
}


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What the flow knows when a page comes."""

    status: int = 200
    wall: str | None = None
    """The bot wall's name where the response shows one."""
    submitted: tuple[Word, ...] = ()
    """Words of the scenes that were submitted in this flow, in order."""
    previous: Page | None = None
    """The page whose form was submitted last."""
    leaving: bool = False
    """The flow is at its logout."""
    means: frozenset[str] = frozenset()
    """Second factors at hand: `totp`, `otp` (a code by e-mail, or one that never changes), `sms`."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One word for a page, the form that was chosen, and what to do. With a word of LEADS_ON either `form` is to be
    submitted (`submission(scene.form, scene.fill(values), scene.press)`) or `follow` is to be fetched."""

    word: Word
    form: Form | None = None
    fields: dict[str, str] = {}
    """The names of fields by purpose: identifier, password, otp."""
    boxes: tuple[str, ...] = ()
    """Where a code goes into a box for each digit: the names of all, in order."""
    ticks: dict[str, tuple[str, ...]] = {}
    """What is chosen besides: scopes to grant, the second factor."""
    press: Button | None = None
    follow: str | None = None
    """An absolute URL that leads on by GET."""
    delay_s: float = 0.0
    """How long the page itself waits before it goes there."""
    alerts: tuple[str, ...] = ()
    """Only those that neither the flow's first page had nor the one before."""
    evidence: tuple[str, ...] = ()
    """Why this word: short clauses, without anything that was typed."""

    def __repr__(self) -> str:
        return f"Scene({self.word} {self.fields} press={self.press} {self.evidence})"

    @property
    def leads_on(self) -> bool:
        """There is something to do; without it the flow ends here."""
        return self.word in LEADS_ON

    def fill(self, values: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
        """Values by purpose as values by the fields' names; a purpose that the page does not ask for is left out."""
        filled: dict[str, str | tuple[str, ...]] = dict(self.ticks)
        for purpose, value in values.items():
            if purpose == "otp" and self.boxes:
                if len(set(self.boxes)) == 1:
                    filled[self.boxes[0]] = tuple(value)
                else:
                    filled.update(zip(self.boxes, value, strict=False))
            elif purpose in self.fields:
                filled[self.fields[purpose]] = value
        return filled
