"""Where a domain takes its mail: MX, null MX, the hosts behind it, and the domain that bounces go to (RFC 5321 section
5.1, RFC 7505, RFC 2181 section 10.3). Pure."""

from typing import NamedTuple

from parallax.values import dns_name, is_ip
from probe.mail.record import Asking, Question, State, elsewhere, tempfail
from probe.mail.spf import check_spf

MAX_HOSTS = 20
"""Hosts of one MX that are looked up; the rest are taken on trust."""


class Host(NamedTuple):
    """One MX record. `name` is empty for a null MX."""

    preference: int
    name: str


def check_mx(domain: str, *, receives: bool = True, follow: bool = True) -> Asking:
    """The MX of a domain; with `follow`, whether its hosts have addresses. `receives`: whether it should take mail."""
    found = yield Question(domain, "MX")
    if found.status == "failed":
        return tempfail(found, domain, "MX")
    if found.status == "elsewhere":
        return elsewhere(found)
    if not found.values:
        if not receives:
            return State(word="ok", facts={"hosts": []})
        return State(word="missing", problem=found.status, why=f"{domain} has no MX record")
    hosts: list[Host] = []
    for text in found.values:
        preference, _, name = text.partition(" ")
        try:
            hosts.append(Host(int(preference), "" if name == "." else dns_name(name)))
        except ValueError as error:
            return _invalid("syntax", f"{text[:60]!r}: {error}", text)
    hosts.sort()
    facts: dict[str, object] = {"hosts": [f"{preference} {name or '.'}" for preference, name in hosts[:MAX_HOSTS]]}
    null = [host for host in hosts if not host.name]
    if null:
        if len(hosts) > 1:
            return State(word="invalid", problem="null", why="a null MX (0 .) stands beside other hosts", facts=facts)
        if receives:
            return State(word="invalid", problem="null", why="a null MX (0 .): the domain takes no mail", facts=facts)
        return State(word="ok", facts=facts)
    for host in hosts:
        if is_ip(host.name):
            return State(
                word="invalid", problem="address", why=f"{host.name} is an address; MX wants a name", facts=facts
            )
    return (yield from _hosts(hosts, facts)) if follow else State(word="ok", facts=facts)


def _hosts(hosts: list[Host], facts: dict[str, object]) -> Asking:
    missing: list[str] = []
    for name in dict.fromkeys(host.name for host in hosts[:MAX_HOSTS]):
        found = yield Question(name, "A")
        if found.absent and found.status == "no_such_record" and not found.aliases:
            found = yield Question(name, "AAAA")
        if found.status == "failed":
            return tempfail(found, name, "A")
        if found.aliases:
            why = f"{name} is an alias; the host of an MX must have addresses of its own"
            return State(word="invalid", problem="alias", why=why, facts=facts)
        if found.absent:
            missing.append(name)
    if not missing:
        return State(word="ok", facts=facts)
    facts = facts | {"without_address": missing}
    why = f"{missing[0]} has no address" + (f", nor have {len(missing) - 1} more" if len(missing) > 1 else "")
    whole = len(missing) == len({host.name for host in hosts})
    return State(word="invalid" if whole else "weak", problem="no_address", why=why, facts=facts)


def _invalid(problem: str, why: str, text: str) -> State:
    return State(word="invalid", problem=problem, why=why, facts={"text": text[:255]})


def check_return_path(domain: str, *, follow: bool = True) -> Asking:
    """Whether bounces arrive (MX), and whether receivers may believe the sender (SPF): both at this domain."""
    mx = yield from check_mx(domain, follow=follow)
    if mx.word == "elsewhere":
        return mx
    spf = yield from check_spf(domain, follow=follow)
    facts = {"domain": domain, "mx": mx.as_finding(), "spf": spf.as_finding()}
    for state, what in ((mx, "MX"), (spf, "SPF")):
        if state.word in ("missing", "invalid", "permerror"):
            word = "missing" if state.word == "missing" else "invalid"
            return State(word=word, problem=state.problem, why=f"{what}: {state.why}", facts=facts)  # type: ignore[arg-type]
    for state, what in ((mx, "MX"), (spf, "SPF")):
        if state.word in ("tempfail", "weak"):
            return State(word=state.word, problem=state.problem, why=f"{what}: {state.why}", facts=facts)
    return State(word="ok", facts=facts)
