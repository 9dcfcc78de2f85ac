"""Whom a domain's CAA records let issue certificates for it, against who issued this one (RFC 8659). Pure.

CAs look at CAA when they issue, not browsers when they connect. So records that forbid the issuer of a certificate in
use hurt nobody yet: either the next renewal will be refused, or somebody got a certificate who should not have.
"""

import re
from collections.abc import Sequence

import msgspec

MOST_RECORDS = 20
MAX_TEXT = 200

_RECORD = re.compile(r'(\d{1,3}) ([0-9A-Za-z-]{1,50}) "((?:[^"\\]|\\.)*)"')
_KNOWN_TAGS = frozenset({"issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail", "issuevmc"})
_CRITICAL = 128


class Property(msgspec.Struct, frozen=True):
    """One CAA record (section 4.1)."""

    critical: bool
    tag: str
    value: str


def read_property(text: str) -> Property | None:
    """A record's data in presentation form: 0 issue "ca.example"; None where it is no such thing."""
    match = _RECORD.fullmatch(text)
    if match is None or int(match[1]) > 255:
        return None
    return Property(bool(int(match[1]) & _CRITICAL), match[2].lower(), match[3].replace("\\", ""))


def climb(name: str) -> list[str]:
    """The names whose records count, in the order of looking: the name itself, then its parents but the root
    (section 3). The first with any record decides."""
    labels = name.lower().rstrip(".").split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]


def covering(names: Sequence[str], wanted: str) -> tuple[str, bool]:
    """The name that the certificate for `wanted` was issued for, and whether as a wildcard."""
    wanted = wanted.lower().rstrip(".")
    held = {name.lower().rstrip(".") for name in names}
    _, _, above = wanted.partition(".")
    return (above, True) if wanted not in held and f"*.{above}" in held else (wanted, False)


def allows(records: Sequence[str], issuers: Sequence[str] | None, *, wildcard: bool) -> bool | None:
    """Whether the relevant record set lets an issuer with any of these issuer domain names issue (section 4.2, 4.3).
    None where that cannot be told: the issuer's names are not known, and the records forbid some issuers only."""
    found = [each for each in map(read_property, records) if each is not None]
    if any(each.critical and each.tag not in _KNOWN_TAGS for each in found):
        return False
    issue = [each for each in found if each.tag == "issue"]
    wild = [each for each in found if each.tag == "issuewild"]
    deciding = wild if wildcard and wild else issue
    if not deciding:
        return True
    allowed = {each.value.partition(";")[0].strip().lower() for each in deciding} - {""}
    if not allowed:
        return False
    return None if issuers is None else not allowed.isdisjoint(issuers)
