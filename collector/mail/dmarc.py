"""Whether a mail passes DMARC (RFC 9989): one of the proofs is of the domain in its From field. Pure, but for the
lookups it is given."""

import re
from collections.abc import Iterator, Sequence

from collector.mail.dkim import Field, LookUp, LookupFailed, parse_tags
from parallax.letters import Proof

MAX_FROM = 2_000
MAX_LABELS = 8
"""Section 4.10: a longer name is cut down after the first query."""
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"\([^()]*\)")
_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,20}")


def check(fields: Sequence[Field], proofs: Sequence[Proof], look_up: LookUp) -> Proof:
    """The result for a mail with these fields and these proofs by DKIM and SPF."""
    domain = from_domain(fields)
    if domain is None:
        return Proof(by="dmarc", result="permerror", why="the From field does not name one address")
    try:
        found = _policy(domain, look_up)
        if found is None:
            return Proof(by="dmarc", result="none", domain=domain, why="no DMARC record at the domain, nor above it")
        for proof in proofs:
            strict = found.get("adkim" if proof.by == "dkim" else "aspf", "r").lower() == "s"
            if proof.result == "pass" and _aligned(domain, proof.domain, look_up, strict=strict):
                return Proof(by="dmarc", result="pass", domain=domain)
    except LookupFailed:
        return Proof(by="dmarc", result="temperror", domain=domain, why="a record could not be asked for")
    if any(proof.result == "temperror" for proof in proofs):
        return Proof(by="dmarc", result="temperror", domain=domain, why="what it rests on could not be asked for")
    why = "neither a signature nor SPF passes for the domain of the From field"
    return Proof(by="dmarc", result="fail", domain=domain, why=why)


def from_domain(fields: Sequence[Field]) -> str | None:
    """The domain of the one address in the one From field; None for anything else."""
    found = [field for name, field in fields if name == b"from"]
    if len(found) != 1 or len(found[0]) > MAX_FROM:
        return None
    text = _COMMENT.sub("", _QUOTED.sub("q", found[0].partition(b":")[2].decode("utf-8", "replace")))
    before, opened, rest = text.partition("<")
    address, closed, after = rest.partition(">")
    if not opened:
        address = text
    elif not closed or "<" in address or "@" in before + after or set("<>") & set(after):
        return None
    domain = address.strip().rpartition("@")[2].rstrip(".").lower()
    return domain if address.count("@") == 1 and _DOMAIN.fullmatch(domain) else None


def _policy(domain: str, look_up: LookUp) -> dict[str, str] | None:
    """The record that holds for a domain (section 4.10.1): its own, else its organizational domain's, else that of the
    public suffix above."""
    own = _record(domain, look_up)
    if own is not None:
        return own
    organization = _organization(domain, look_up)
    above = _record(organization, look_up) if organization != domain else None
    if above is not None:
        return above
    parent = organization.partition(".")[2]
    suffix = _record(parent, look_up) if parent else None
    return suffix if suffix is not None and suffix.get("psd", "u").lower() == "y" else None


def _aligned(domain: str, other: str, look_up: LookUp, *, strict: bool) -> bool:
    """Section 4.4."""
    other = other.lower().rstrip(".")
    if domain == other or strict or not _DOMAIN.fullmatch(other):
        return domain == other
    return _organization(domain, look_up) == _organization(other, look_up)


def _organization(domain: str, look_up: LookUp) -> str:
    """The organizational domain, by the tree walk (section 4.10.2)."""
    shortest = below = domain
    for name in _walk(domain):
        record = _record(name, look_up)
        if record is not None:
            psd = record.get("psd", "u").lower()
            if psd == "n":
                return name
            if psd == "y" and name != domain:
                return below
            shortest = name
        below = name
    return shortest


def _walk(domain: str) -> Iterator[str]:
    yield domain
    labels = domain.split(".")[1:][-(MAX_LABELS - 1) :]
    while labels:
        yield ".".join(labels)
        labels = labels[1:]


def _record(name: str, look_up: LookUp) -> dict[str, str] | None:
    """The one DMARC record of a name (section 4.7)."""
    texts = [text for text in look_up(f"_dmarc.{name}") if re.match(r"v\s*=\s*DMARC1\s*(?:;|$)", text)]
    if len(texts) != 1:
        return None
    try:
        return parse_tags(texts[0])
    except ValueError:
        return None
