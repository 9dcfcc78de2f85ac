"""Letters: the mails, SMS and webhooks that a collector takes and hands to probes; what a check needs of them, and no
more."""

from typing import Literal

import msgspec

MAX_LETTER = 262_144
"""Octets of a mail that are taken."""
MAX_TEXT = 32_768
"""Characters of its text that are kept."""
LONGEST_WAIT_S = 30.0
"""How long one question after mails may wait for them."""


LetterKind = Literal["mail", "sms", "webhook"]
Mechanism = Literal["dkim", "spf", "dmarc"]
"""What proves a mail (RFC 6376, RFC 7208, RFC 9989)."""
MECHANISMS: tuple[Mechanism, ...] = ("dkim", "spf", "dmarc")


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What one mechanism says of a mail, in the words of RFC 8601 section 2.7: pass, fail, none, neutral, softfail,
    policy, temperror, permerror."""

    by: Mechanism
    result: str
    domain: str = ""
    """Of the signature (d=), of the sender (SPF), of the From field (DMARC)."""
    selector: str = ""
    """Of a DKIM signature."""
    why: str = ""
    """What is wrong, in a clause."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One mail, SMS or webhook. `number` rises by one with each that the collector takes."""

    number: int
    to: str
    """The recipient: of a mail as the envelope has it, in lower case; of an SMS its number; of a webhook its name in
    the collector's config."""
    sender: str
    """The sender: of a mail as the envelope has it; of an SMS its number; "" of a webhook."""
    age_s: float
    """How long ago it arrived when the answer was made: no two clocks need to agree."""
    received_at: int = 0
    """When it arrived by the server's clock, ns since the Unix epoch."""
    subject: str = ""
    text: str = ""
    """What is to be read in it: of a mail the plain part, else the HTML one without its tags; of a webhook its JSON."""
    missing: list[str] = []
    """Header fields that a mail should have and this one has not: Date, Message-ID (RFC 5322 section 3.6)."""
    size: int = 0
    """Octets."""
    peer: str = ""
    """The address that delivered it."""
    kind: LetterKind = "mail"
    id: str = ""
    """Of a webhook or SMS, what its sender calls it: the same in each delivery of one."""
    refused: str = ""
    """Of a webhook, why it was turned away: signature, untimely. Nothing of its content is kept then."""
    proofs: list[Proof] | None = None
    """Of a mail; None where nobody has looked (yet)."""

    def __repr__(self) -> str:
        return f"Letter({self.number}, {self.size} octets)"


class Letters(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a question after letters: those to one address, oldest first."""

    letters: list[Letter] = []


def address_of(text: str) -> str | None:
    """A mail address as it is compared: in lower case, without angle brackets; None for what is none."""
    plain = text.strip().removeprefix("<").removesuffix(">").lower()
    local, at, domain = plain.rpartition("@")
    if not (at and local and domain) or len(plain) > 254 or not plain.isascii():
        return None
    return plain if all(character.isprintable() and character not in ' <>,;"' for character in plain) else None


def number_of(text: str) -> str | None:
    """A phone number as it is compared: "+" and digits (ITU-T E.164), or the digits of a short one; None for none."""
    plain = "".join(character for character in text.strip() if character not in " -().\u00a0")
    digits = plain.removeprefix("+")
    return plain if digits.isascii() and digits.isdigit() and 3 <= len(digits) <= 15 else None
