"""The secrets that this host's owner put at the probe's disposal, each bound to the hosts that it may be sent to.

A plan names a secret, and says by its URLs where it would go; whether it goes there is decided here, by the probe's own
config. A secret is read anew at each use, so that a rotated one holds at once, and goes to nobody but over TLS.
"""

from collections.abc import Mapping

import msgspec

from parallax.config import BoundSecret
from parallax.plan.templates import Gap, parse_secrets, parse_template
from parallax.secret import Secret, SecretError, read_secret
from parallax.values import Url
from probe.hidden import Hidden


class Withheld(Exception):
    """A text cannot be made, or must not go where the plan would send it. `word` is the attempt's failure, and the
    message, which has nothing of a secret, says what to do."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word


class Vault(msgspec.Struct, frozen=True):
    """The secrets by name."""

    bindings: Mapping[str, BoundSecret] = {}
    given: Mapping[str, Secret] = {}
    """Secrets that a person typed in, by name: they are nowhere to be read from, and bound like any other."""

    def reveal(self, name: str, url: str, hidden: Hidden) -> str:
        """The secret, to be sent to this URL and hidden everywhere else. Raises Withheld."""
        self.check(name, url)
        return self.known(name, hidden)

    def check(self, name: str, url: str) -> None:
        """Raises Withheld where the secret, or what is made of it, must not be sent to this URL."""
        bound, target = self._bound(name), Url(url)
        host = target.endpoint.host
        if not target.https:
            raise Withheld("secret_withheld", f"{name} is not sent to {host} without TLS")
        if not any(_fits(host, pattern) for pattern in bound.hosts):
            raise Withheld(
                "secret_withheld",
                f"{name} may not be sent to {host}; if it should, add the host to [secrets.{name}] hosts in this "
                "probe's config",
            )

    def allows(self, name: str, url: str) -> bool:
        """Whether this secret may be sent to this URL."""
        try:
            self.check(name, url)
        except Withheld:
            return False
        return True

    def known(self, name: str, hidden: Hidden) -> str:
        """The secret, for use on this host only (the seed of a one-time password, say). Raises Withheld."""
        bound = self._bound(name)
        try:
            text = (self.given.get(name) or read_secret(bound.source)).reveal()
        except SecretError as error:
            raise Withheld("secret_missing", f"{name}: {error}") from None
        hidden.add(text, for_all=True)
        return text

    def _bound(self, name: str) -> BoundSecret:
        bound = self.bindings.get(name)
        if bound is None:
            raise Withheld(
                "secret_missing", f"this probe's config has no [secrets.{name}]; add it, with from and hosts"
            )
        return bound


Values = Mapping[str, "str | Secret"]
"""What a run knows by name: `probe`, `run`, `user.name`, and what it captured; secret ones as Secret."""


def fill_secrets(text: str, url: str, vault: Vault, hidden: Hidden) -> str:
    """A text whose only gaps are secrets, to be sent to this URL. Raises Withheld."""
    return "".join(p if isinstance(p, str) else vault.reveal(p.name, url, hidden) for p in parse_secrets(text))


def fill(text: str, values: Values, url: str, vault: Vault, hidden: Hidden) -> str:
    """A template's text, to be sent to this URL. Raises Withheld; TemplateError only for what no plan lets through."""
    return "".join(
        piece if isinstance(piece, str) else _of(piece, values, url, vault, hidden) for piece in parse_template(text)
    )


def _of(gap: Gap, values: Values, url: str, vault: Vault, hidden: Hidden) -> str:
    if gap.secret:
        return vault.reveal(gap.name, url, hidden)
    value = values.get(gap.name)
    if value is None:
        raise Withheld("value_missing", f"nothing has set {{{gap.name}}} by now")
    return value.reveal() if isinstance(value, Secret) else value


def _fits(host: str, pattern: str) -> bool:
    host, pattern = host.lower().strip("[]"), pattern.strip("[]")
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
