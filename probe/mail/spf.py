"""What a domain's SPF comes to, by the limits that receivers keep (RFC 7208 section 4.6.4). Pure.

A receiver ends at the first mechanism that matches its sender; here the whole record counts, as some sender meets the
worst of it. Macros stand for what only a message has: such a term is counted, and its name not asked for.
"""

from collections.abc import Generator

import msgspec

from probe.mail.record import Asking, Found, Question, State, elsewhere, tempfail
from probe.mail.spf_record import LOOKUP_MECHANISMS, Malformed, SpfRecord, is_spf, parse_spf

MAX_LOOKUPS = 10
MAX_VOIDS = 2
MAX_MX = 10
MAX_QUESTIONS = 60
LARGE = 450
"""Octets of a record that still fits a UDP answer beside its name (section 3.4)."""


class _Ended(Exception):
    """A receiver gives up here."""

    def __init__(self, state: State) -> None:
        super().__init__(state.why)
        self.state = state


class _Counts:
    def __init__(self) -> None:
        self.lookups = self.voids = self.questions = 0
        self.includes: list[str] = []
        self.open_to_all: str | None = None

    def facts(self) -> dict[str, object]:
        facts: dict[str, object] = {"lookups": self.lookups, "includes": self.includes[:MAX_LOOKUPS]}
        return facts | ({"voids": self.voids} if self.voids else {})


def check_spf(domain: str, *, follow: bool = True) -> Asking:
    """The record at the domain; with `follow`, what it includes as well (for views that can look beyond a zone)."""
    found = yield Question(domain, "TXT")
    if found.status == "failed":
        return tempfail(found, domain, "TXT")
    if found.status == "elsewhere":
        return elsewhere(found)
    texts = _records(found)
    if not texts:
        return State(word="missing", why="no TXT record at the domain begins with v=spf1")
    text, counts = texts[0], _Counts()
    facts: dict[str, object] = {"text": text[:255]}
    try:
        record = _one(domain, texts)
        end = yield from _walk(domain, record, counts, (domain,), follow)
    except _Ended as ended:
        return msgspec.structs.replace(ended.state, facts=facts | counts.facts() | ended.state.facts)
    facts |= counts.facts() | ({"size": len(text)} if len(text) > LARGE else {})
    if counts.open_to_all is not None:
        return State(word="weak", problem="open", why=f"{counts.open_to_all} lets everybody send", facts=facts)
    if end == "?":
        return State(word="weak", problem="neutral", why="it ends in ?all, which says nothing of others", facts=facts)
    if end is None and follow:
        return State(word="weak", problem="neutral", why="it has no all at its end: others are neutral", facts=facts)
    return State(word="ok", facts=facts)


def _records(found: Found) -> list[str]:
    return [text for text in found.values if is_spf(text)]


def _one(domain: str, texts: list[str]) -> SpfRecord:
    """The only record of a domain, read. Raises _Ended."""
    if len(texts) > 1:
        raise _Ended(
            _permerror("multiple", f"{domain} has {len(texts)} records that begin with v=spf1; one is allowed")
        )
    try:
        return parse_spf(texts[0])
    except Malformed as error:
        raise _Ended(_permerror("syntax", f"{domain}: {error}")) from None


def _permerror(problem: str, why: str) -> State:
    return State(word="permerror", problem=problem, why=why)


def _walk(
    domain: str, record: SpfRecord, counts: _Counts, path: tuple[str, ...], follow: bool
) -> Generator[Question, Found, str | None]:
    """Counts a record's terms, and those of the records in it. Returns how it ends: the qualifier of its `all`."""
    for term in record.terms:
        if term.everybody and term.qualifier == "+":
            counts.open_to_all = counts.open_to_all or f"{'+all' if term.name == 'all' else term.name} of {domain}"
        if term.name in LOOKUP_MECHANISMS:
            _count_lookup(counts)
            if follow and not term.macros:
                at = term.domain or domain
                if term.name == "include":
                    yield from _included(at, counts, path, "include")
                else:
                    yield from _addresses(term.name, at, counts)
    if record.redirect is None:
        return record.end
    _count_lookup(counts)
    if not follow:
        return "-"  # it is the other record that says
    if record.redirect.domain is None:
        return "-"
    return (yield from _included(record.redirect.domain, counts, path, "redirect"))


def _count_lookup(counts: _Counts) -> None:
    counts.lookups += 1
    if counts.lookups > MAX_LOOKUPS:
        raise _Ended(_permerror("lookups", f"more than {MAX_LOOKUPS} terms need a lookup"))


def _included(domain: str, counts: _Counts, path: tuple[str, ...], how: str) -> Generator[Question, Found, str | None]:
    if domain in path:
        raise _Ended(_permerror("loop", f"{' > '.join((*path, domain))} is a circle"))
    counts.includes.append(domain)
    found = yield from _ask(domain, "TXT", counts)
    texts = _records(found)
    if not texts:
        raise _Ended(_permerror("include", f"{how} of {domain}, which has no SPF record"))
    return (yield from _walk(domain, _one(domain, texts), counts, (*path, domain), True))


def _addresses(mechanism: str, domain: str, counts: _Counts) -> Generator[Question, Found, None]:
    """What a, mx and exists look up; ptr asks for the sender's address, which only a message has."""
    if mechanism == "mx":
        found = yield from _ask(domain, "MX", counts)
        if len(found.values) > MAX_MX:
            raise _Ended(_permerror("mx", f"mx of {domain} has {len(found.values)} hosts; {MAX_MX} are allowed"))
    elif mechanism == "exists":
        yield from _ask(domain, "A", counts)
    elif mechanism == "a":
        found = yield from _ask(domain, "A", counts, void=False)
        if found.absent:  # it may have IPv6 addresses only
            yield from _ask(domain, "AAAA", counts)


def _ask(domain: str, rdtype: str, counts: _Counts, *, void: bool = True) -> Generator[Question, Found, Found]:
    counts.questions += 1
    if counts.questions > MAX_QUESTIONS:
        raise _Ended(_permerror("lookups", f"more than {MAX_QUESTIONS} questions"))
    found = yield Question(domain, rdtype)
    if found.status == "failed":
        raise _Ended(tempfail(found, domain, rdtype))
    if found.absent and void:
        counts.voids += 1
        if counts.voids > MAX_VOIDS:
            raise _Ended(_permerror("void", f"more than {MAX_VOIDS} lookups find nothing, {domain} last"))
    return found
