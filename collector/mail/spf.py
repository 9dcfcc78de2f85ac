"""Whether a domain lets a host send for it (RFC 7208), by pyspf: its one importer. Blocking, for a worker thread.

The library asks by a function of its module, which is ours for good; each thread says whom that asks.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from collector.mail.dkim import LookupFailed
from parallax.letters import Proof

Ask = Callable[[str, str], Sequence[Any]]
"""Name and type to records: texts of TXT, addresses of A and AAAA, (preference, host) of MX, names of PTR. Raises
LookupFailed."""
MAX_RECORD = 2_000
"""Octets of one record: ten times what a resolver takes over UDP is not an SPF record (section 3.4)."""
_TYPES = frozenset({"TXT", "A", "AAAA", "MX", "PTR"})
_asking = threading.local()


def check(ip: str, helo: str, sender: str, ask: Ask) -> Proof:
    """The result for a mail from this address, with the domain of the sender in the envelope, or of HELO where that is
    empty (a bounce)."""
    import spf  # type: ignore[import-untyped]

    spf.DNSLookup = _look_up
    domain = sender.rpartition("@")[2] or helo
    _asking.ask = ask
    try:
        result, why = spf.check2(ip, sender, helo or "unknown", querytime=0)
    # pyspf lets some malformed records and names out as what they broke in it; section 2.6.7 has a word for them.
    except (spf.TempError, spf.PermError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        result, why = "permerror", "the record cannot be read"
    finally:
        del _asking.ask
    return Proof(
        by="spf", result=str(result), domain=domain.lower()[:253], why="" if result == "pass" else _plain(str(why))
    )


def _look_up(name: str, qtype: str, strict: bool = True, timeout: float = 0) -> list[Any]:
    import spf

    if qtype not in _TYPES:
        return []
    try:
        records = _asking.ask(str(name).rstrip("."), qtype)
    except LookupFailed as error:
        raise spf.TempError(f"DNS: {error}") from None
    if qtype != "TXT":
        return [((name, qtype), record) for record in records]
    if any(len(record) > MAX_RECORD and record.lower().startswith("v=spf1") for record in records):
        raise spf.PermError("the record is too long")
    return [((name, qtype), (record.encode("ascii", "replace"),)) for record in records if len(record) <= MAX_RECORD]


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:200]
