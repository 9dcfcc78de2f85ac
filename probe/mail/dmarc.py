"""The DMARC policy that holds for a domain, found by the tree walk (RFC 9989 section 4.10). Pure."""

from collections.abc import Iterator

import msgspec

from probe.dns.names import upwards
from probe.mail.record import Asking, Found, Question, State, tempfail
from probe.mail.tags import parse_tags

MAX_QUERIES = 8
_POLICIES = ("none", "quarantine", "reject")
_CHOICES = {
    "p": _POLICIES,
    "sp": _POLICIES,
    "np": _POLICIES,
    "adkim": ("r", "s"),
    "aspf": ("r", "s"),
    "psd": ("y", "n", "u"),
    "t": ("y", "n"),
}
_HISTORIC = ("pct", "rf", "ri")


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One DMARC record that can be used."""

    at: str
    """The domain that it is for."""
    tags: dict[str, str]


def check_dmarc(domain: str) -> Asking:
    """The record at the domain, else the one of its organizational domain."""
    policies: list[Policy] = []
    for number, at in enumerate(_walk(domain)):
        found = yield Question(f"_dmarc.{at}", "TXT")
        if found.status == "failed":
            return tempfail(found, f"_dmarc.{at}", "TXT")
        if found.status == "elsewhere":
            if number == 0 or not (policies or "." not in at):  # a top-level domain has none, but for a few
                return State(word="elsewhere", facts={"aliases": list(found.aliases)})
            break
        got = _read(at, found)
        if isinstance(got, Policy):
            policies.append(got)
            if number == 0 or got.tags.get("psd") in ("y", "n"):
                break
        elif got is not None and number == 0:
            return got  # what is above may hold in its place; the owner wants to know all the same
    if not policies:
        return State(word="missing", why=f"no DMARC record at _dmarc.{domain}, nor above it")
    last = policies[-1]
    if last.tags.get("psd") == "y" and len(policies) > 1:
        last = policies[-2]  # the organizational domain is the one below the public suffix
    return _holds(domain, last)


def _walk(domain: str) -> Iterator[str]:
    """The domain, then what is above it; a long one is cut down to seven labels after the first query."""
    yield domain
    above = [name for name in upwards(domain) if name not in (domain, ".")]
    yield from above[-(MAX_QUERIES - 1) :]


def _read(at: str, found: Found) -> Policy | State | None:
    """The one DMARC record of a name; None without, a State where it can't be used."""
    texts = [text for text in found.values if text.lstrip()[:8].upper().startswith("V=DMARC1")]
    if not texts:
        near = next((text for text in found.values if "dmarc" in text.lower()), None)
        return (
            State(word="invalid", problem="version", why="v=DMARC1 is not its first tag", facts={"text": near[:255]})
            if near
            else None
        )
    if len(texts) > 1:
        return State(word="invalid", problem="multiple", why=f"{len(texts)} records at _dmarc.{at}: none counts")
    facts: dict[str, object] = {"text": texts[0][:255]}
    try:
        tags = parse_tags(texts[0])
    except ValueError as error:
        return State(word="invalid", problem="syntax", why=str(error), facts=facts)
    if tags.get("v") != "DMARC1" or next(iter(tags)) != "v":
        return State(
            word="invalid", problem="version", why="v=DMARC1 is not its first tag, in these letters", facts=facts
        )
    for name, allowed in _CHOICES.items():
        if name in tags and tags[name].lower() not in allowed:
            why = f"{name}={tags[name][:20]} is none of {', '.join(allowed)}"
            return State(word="invalid", problem="policy" if name in ("p", "sp", "np") else "tag", why=why, facts=facts)
    if "p" not in tags and "rua" not in tags:
        return State(word="invalid", problem="policy", why="it has neither p= nor rua=", facts=facts)
    return Policy(at=at, tags=tags)


def _holds(domain: str, policy: Policy) -> State:
    tags = policy.tags
    said = tags.get("p", "none") if policy.at == domain else tags.get("sp", tags.get("p", "none"))
    text = "; ".join(f"{name}={value}" for name, value in tags.items())[:255]
    facts: dict[str, object] = {"policy": said.lower(), "text": text}
    if policy.at != domain:
        facts["inherited"] = policy.at
    if historic := [name for name in _HISTORIC if name in tags]:
        facts["historic"] = historic
    if tags.get("t", "n").lower() == "y":
        facts["testing"] = True
    return State(word="ok", facts=facts)
