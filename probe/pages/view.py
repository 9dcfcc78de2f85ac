"""A page seen by one flow: what is new in it, what it is about, and the form that matters. Pure."""

from collections.abc import Iterable
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit

import msgspec

from probe.pages.form import Field, Form
from probe.pages.page import Page
from probe.pages.pressing import press_to_sign_in, said, shown
from probe.pages.purposes import Purpose, purposes
from probe.pages.scene import Context, Word
from probe.pages.vocabulary import Vocabulary, fold, fold_name
from probe.pages.words import labels

PASSWORD_WORDS: frozenset[Word] = frozenset({"password", "identifier_password"})
CODE_WORDS: frozenset[Word] = frozenset({"otp", "totp"})
MAX_LINES = 400


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A form that asks for something, and its fields by purpose, in order."""

    form: Form
    role: str
    """login, change, code or identify."""
    fields: dict[str, tuple[Field, ...]]
    seen: bool = True
    """False where a person would see it only after a script."""

    def one(self, purpose: str) -> Field | None:
        """The first field of the purpose."""
        return next(iter(self.fields.get(purpose, ())), None)


class View:
    """One page with the flow's first page and context: facts, each worked out once, when asked for."""

    def __init__(self, page: Page, first: Page | None, context: Context) -> None:
        self.page, self.first, self.context = page, first, context

    @cached_property
    def alerts(self) -> tuple[str, ...]:
        """Alerts that neither the flow's first page had nor the one before; the first page has none."""
        if self.first is None or self.first is self.page:
            return ()
        old = {fold(text) for text in self.first.alerts}
        if self.context.previous is not None and self.context.previous is not self.page:
            old.update(fold(text) for text in self.context.previous.alerts)
        return tuple(text for text in self.page.alerts if fold(text) not in old)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The visible text by line."""
        return tuple(self.page.text.split("\n")[:MAX_LINES])

    @cached_property
    def prose(self) -> tuple[str, ...]:
        """Lines that are no link's, button's or label's: those speak of other ways, and of other fields."""
        other = {link.text for link in self.page.links}
        other.update(self.page.labels)
        other.update(button.label for form in self.page.forms for button in form.buttons)
        return tuple(line for line in self.lines if line not in other)

    @cached_property
    def new_lines(self) -> tuple[str, ...]:
        """Lines that neither the page before nor the first one had."""
        old: set[str] = set()
        for page in (self.context.previous, self.first):
            if page is not None and page is not self.page:
                old.update(page.text.split("\n")[:MAX_LINES])
        return tuple(line for line in self.lines if line not in old) if old else ()

    @cached_property
    def about(self) -> tuple[str, ...]:
        """What the page says of itself: title and headings."""
        return (self.page.title, *self.page.headings)

    @property
    def is_short(self) -> bool:
        """Little text: what it says, it says of itself."""
        return len(self.page.text) < 1500

    def is_about(self, vocabulary: Vocabulary) -> str | None:
        """The title or heading that holds a phrase."""
        return vocabulary.found_in(self.about)

    @cached_property
    def address(self) -> tuple[str, ...]:
        """The words of the page's address: its last path segments and what its query says. They stay as programmers
        wrote them, mostly in English, whatever the page's language."""
        parts = urlsplit(self.page.url[:4096])
        values = [value for _, value in parse_qsl(parts.query[:2048]) if len(value) <= 60 and "/" not in value]
        return tuple(fold_name(text) for text in (*parts.path.split("/")[-2:], *values[:20]))

    def is_at(self, vocabulary: Vocabulary) -> str | None:
        """The word of the page's address that holds a phrase."""
        return next((text.strip() for text in self.address if vocabulary.found(text)), None)

    def tells(self, vocabulary: Vocabulary) -> str | None:
        """The title, heading or line that holds a phrase."""
        return vocabulary.found_in((*self.about, *self.lines))

    @property
    def password_sent(self) -> bool:
        return not PASSWORD_WORDS.isdisjoint(self.context.submitted)

    @cached_property
    def visible_forms(self) -> tuple[Form, ...]:
        """Forms that go somewhere and that a person sees; where none is seen, those that go somewhere."""
        going = tuple(form for form in self.page.forms if form.action and form.method != "dialog")
        return tuple(form for form in going if not form.hidden) or going

    @cached_property
    def asking(self) -> Asking | None:
        """The form that asks for credentials: the one with a password before any other, whatever comes first."""
        found = [one for form in self.visible_forms if (one := self._asks(form, seen=True)) is not None]
        if not found:
            # a form that a script would show: only a password is reason enough to take it
            going = (form for form in self.page.forms if form.action and form.method != "dialog")
            hidden = (self._asks(form, seen=False) for form in going)
            found = [one for one in hidden if one is not None and one.role == "login"]
        return max(found, key=self._weight, default=None)

    def _weight(self, one: Asking) -> int:
        order = ("identify", "change", "code", "login")
        if self.password_sent:
            order = ("identify", "login", "change", "code")
        weight = 100 * order.index(one.role)
        press = press_to_sign_in(one.form)
        if press is not None:
            weight += 20 * bool(labels.SIGN_IN.found(said(press))) + 10 * bool(labels.CONTINUE.found(said(press)))
        name = one.one("identifier")
        if name is not None and "username" in name.autocomplete.split():
            weight += 15
        return weight

    def _asks(self, form: Form, *, seen: bool) -> Asking | None:
        told: dict[int, Purpose] = purposes(form, seen=seen, after_password=self.password_sent)
        fields: dict[str, list[Field]] = {}
        for field in form.fields:
            if told.get(field.order):
                fields.setdefault(told[field.order], []).append(field)
        if "new_password" in fields:
            role = "change"
        elif "password" in fields:
            role = "login"
        elif "otp" in fields and "search" not in fields:
            role = "code"
        elif "identifier" in fields and self._may_identify(form, told):
            role = "identify"
        else:
            return None
        return Asking(form=form, role=role, fields={key: tuple(value) for key, value in fields.items()}, seen=seen)

    @staticmethod
    def _may_identify(form: Form, told: dict[int, Purpose]) -> bool:
        """One name and little else, and a button that leads on: no registration, newsletter or "forgot password"."""
        if sum(purpose != "captcha" for purpose in told.values()) > 2:
            return False
        return press_to_sign_in(form) is not None or not shown(form)


def first_found(vocabulary: Vocabulary, *texts: Iterable[str]) -> str | None:
    """The first text of several rows that holds a phrase."""
    return next((text for row in texts for text in row if vocabulary.found(fold(text))), None)
