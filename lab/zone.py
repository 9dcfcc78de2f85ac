"""A zone, and the authoritative answer to a question (RFC 1034 section 4.3.2). Pure."""

from collections.abc import Iterable, Sequence

from lab.records import Answer, Question, RRset, is_under, names_upwards

_MOST_ALIASES = 8


class Zone:
    """The records of one zone, and the delegations in it with their glue."""

    def __init__(self, apex: str, rrsets: Iterable[RRset]) -> None:
        self.apex = apex
        self._rrsets = {(rrset.name, rrset.type): rrset for rrset in rrsets}
        self.soa = self._rrsets[apex, "SOA"]
        self._cuts = {name for name, kind in self._rrsets if kind == "NS" and name != apex}
        own = (name for name, _ in self._rrsets if is_under(name, apex))
        self._names = {above for name in own for above in names_upwards(name) if is_under(above, apex)}
        """With the empty ones in between (RFC 4592 section 2.2.2)."""

    @property
    def rrsets(self) -> list[RRset]:
        """All that it holds, glue included."""
        return list(self._rrsets.values())

    def answer(self, question: Question) -> Answer:
        """The answer to a question for a name in this zone."""
        cut = next((above for above in reversed(names_upwards(question.name)) if above in self._cuts), None)
        if cut is not None and not (question.type == "DS" and question.name == cut):
            return self._referral(cut)
        found: list[RRset] = []
        name = question.name
        for _ in range(_MOST_ALIASES):
            rrset = self._rrsets.get((name, question.type))
            if rrset is not None:
                return Answer(authoritative=True, answer=(*found, rrset))
            alias = self._rrsets.get((name, "CNAME"))
            if alias is None:
                break
            found.append(alias)
            name = alias.data[0]
            if not is_under(name, self.apex) or any(above in self._cuts for above in names_upwards(name)):
                return Answer(authoritative=True, answer=tuple(found))
        rcode = "NOERROR" if name in self._names else "NXDOMAIN"
        return Answer(rcode=rcode, authoritative=True, answer=tuple(found), authority=(self.soa,))

    def _referral(self, cut: str) -> Answer:
        servers = self._rrsets[cut, "NS"]
        glue = (self._rrsets.get((name, kind)) for name in servers.data for kind in ("A", "AAAA"))
        return Answer(authority=(servers,), additional=tuple(rrset for rrset in glue if rrset is not None))


def authoritative_answer(zones: Sequence[Zone], question: Question) -> Answer:
    """By the zone that is nearest above the name; REFUSED where there is none."""
    for above in names_upwards(question.name):
        for zone in zones:
            if zone.apex == above:
                return zone.answer(question)
    return Answer(rcode="REFUSED")
