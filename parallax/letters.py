"""Mails as a collector's mail server hands them to probes: what a check needs of them, and no more."""

import msgspec

MAX_LETTER = 262_144
"""Octets of a mail that are taken."""
MAX_TEXT = 32_768
"""Characters of its text that are kept."""
LONGEST_WAIT_S = 30.0
"""How long one question after mails may wait for them."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. `number` rises by one with each that the server takes."""

    number: int
    to: str
    """The recipient, as the envelope has it, in lower case."""
    sender: str
    """The sender, as the envelope has it."""
    age_s: float
    """How long ago it arrived when the answer was made: no two clocks need to agree."""
    received_at: int = 0
    """When it arrived by the server's clock, ns since the Unix epoch."""
    subject: str = ""
    text: str = ""
    """What is to be read in it: the plain part, else the HTML one without its tags."""
    missing: list[str] = []
    """Header fields that a mail should have and this one has not: Date, Message-ID (RFC 5322 section 3.6)."""
    size: int = 0
    """Octets."""
    peer: str = ""
    """The address that delivered it."""

    def __repr__(self) -> str:
        return f"Letter({self.number}, {self.size} octets)"


class Letters(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a question after mails: those to one address, oldest first."""

    letters: list[Letter] = []


def address_of(text: str) -> str | None:
    """A mail address as it is compared: in lower case, without angle brackets; None for what is none."""
    plain = text.strip().removeprefix("<").removesuffix(">").lower()
    local, at, domain = plain.rpartition("@")
    if not (at and local and domain) or len(plain) > 254 or not plain.isascii():
        return None
    return plain if all(character.isprintable() and character not in ' <>,;"' for character in plain) else None
