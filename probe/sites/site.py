"""Which anycast site or edge answered, as a value, and how it goes into an observation. Pure.

A name is read only where something says whose it is: the server's name, the operator's own suffix in the text, the
header that only this operator sends. Three letters alone say nothing: many a code that looks like an airport is none.
What no rule knows stays as it came, and is still good for telling two sites apart.
"""

from typing import Literal

import msgspec

from probe.tape import Tape

MAX_NAME = 64
MAX_RAW = 255

Confidence = Literal["high", "medium"]


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is the site as its operator writes it where `known`, else the server's own text (or hex)."""

    name: str
    known: bool = False
    operator: str = ""
    """Whose naming it is."""
    iata: str = ""
    """The airport (IATA) that the name stands for, where the operator's rule says that it does; upper case."""
    confidence: Confidence | None = None
    """How sure the rule is: high where the operator documents it or it is part of the operator's own domain name."""


def note_site(tape: Tape, site: Site | None, nsid: bytes | None = None) -> None:
    """Writes onto the tape which site answered, and what is known of it. An answer without a site leaves an earlier
    one of the same attempt."""
    if nsid:
        tape.note(nsid=nsid.hex())
    if site is None:
        return
    tape.site = site.name
    tape.note(
        site_known=site.known,
        site_operator=site.operator or None,
        site_iata=site.iata or None,
        site_confidence=site.confidence,
    )
