"""What the facts say of a host, a line each: what is well, what is missing, why, and what to do. Pure.

`missing` costs the checks that need it, which are not run; the probe is good for the rest. `wrong` makes what it says
untrustworthy, or keeps it from saying anything. `unknown`: the facts do not say.
"""

import ipaddress
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from parallax.values import Family
from probe.capabilities import OF_FAMILY, direct_lacks, dot_lacks
from probe.clocks import SKEW_S
from probe.doctor.facts import Dialled, Facts, OfFamily
from probe.own_certificate import DAY_S, NOTICE_S, RENEW

State = Literal["ok", "missing", "wrong", "unknown"]
LARGER = 512
"""Octets: an answer beyond that shows that EDNS works (RFC 6891 section 6.2.5)."""
_SHARED: dict[Family, int] = {4: 16, 6: 32}
"""Prefix lengths within which two addresses are most likely of one network."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `capability` is the word under which checks that need it are not run."""

    what: str
    state: State
    why: str
    todo: str = ""
    capability: str = ""


def judge(facts: Facts) -> list[Line]:
    """All lines, in the order of RULES."""
    return [line for rule in RULES for line in rule(facts)]


def exit_status(lines: list[Line]) -> int:
    """0: fit, perhaps with something missing; 1: something is wrong; 3: too little is known of what matters."""
    states = {line.state for line in lines}
    return 1 if "wrong" in states else 3 if "unknown" in {line.state for line in lines if line.what in _MATTERS} else 0


_MATTERS = ("collector", "clock", "resolvers")


def _families(facts: Facts) -> Iterator[Line]:
    routed = [family for family in facts.wanted if facts.families.get(family, OfFamily()).local]
    for family, word in OF_FAMILY.items():
        found, what = facts.families.get(family, OfFamily()), f"IPv{family}"
        if family not in facts.wanted:
            yield Line(what=what, state="ok", why="the plan does not expect it: `families` of this [[probe]]")
        elif not found.local:
            way_out = f"give this host an IPv{family} address, or say `families` in its [[probe]]"
            if family == 4 and facts.nat64:
                way_out = "names without IPv6 are reached by NAT64 alone; say `families = [6]` in its [[probe]]"
            state: State = "missing" if routed else "wrong"
            yield Line(what=what, state=state, why="no route to the world", todo=way_out, capability=word)
        elif found.controls and not found.answered:
            yield Line(
                what=what,
                state="wrong",
                why=f"packets leave from {found.local}, and none of {found.controls} controls answers",
                todo="look at this host's firewall and uplink, or at [control] of the plan",
            )
        else:
            controls = f", {found.answered} of {found.controls} controls answer" if found.controls else ""
            yield Line(what=what, state="ok", why=f"from {found.local}{controls}{_seen(facts, family, found.local)}")


def _seen(facts: Facts, family: Family, local: str) -> str:
    """What lies between: how a collector sees it, or what kind of address it is."""
    for collector in facts.collectors:
        if collector.peer and _family(collector.peer) == family and not _ip(collector.peer).is_loopback:
            peer = str(_ip(collector.peer))
            return f"; a collector sees {peer}" + (", so behind NAT" if peer != str(_ip(local)) else "")
    return "" if _ip(local).is_global else "; that is no public address, so behind NAT"


def _nat64(facts: Facts) -> Iterator[Line]:
    if facts.nat64 is None:
        yield Line(what="NAT64", state="unknown", why="no resolver said whether there is one")
    elif facts.nat64:
        yield Line(what="NAT64", state="ok", why=f"IPv4 is reached by IPv6 under {', '.join(facts.nat64)}")
    else:
        yield Line(what="NAT64", state="ok", why="none")


def _direct(facts: Facts) -> Iterator[Line]:
    asked = [each for family in facts.families.values() for each in family.nowhere if each.outcome != "not_allowed"]
    if lacks := direct_lacks(asked):
        yield Line(
            what="port 53",
            state="missing",
            why=lacks["direct_dns"],
            todo="ask the provider to let DNS through, or use another; checks of name servers are not run here",
            capability="direct_dns",
        )
    elif not asked:
        yield Line(what="port 53", state="unknown", why="nobody was asked")
    else:
        yield Line(what="port 53", state="ok", why="nobody answers in another's name, over UDP or TCP")


def _ports(facts: Facts) -> Iterator[Line]:
    for port in (853, 443):
        asked = [each for each in facts.ports if each.port == port and each.answered is not None]
        what = f"port {port} out"
        if port == 853 and (lacks := dot_lacks(asked)):
            todo = "open it in the firewall; DNS over TLS is not measured here"
            yield Line(what=what, state="missing", why=lacks["dot"], todo=todo, capability="dot")
        elif any(each.answered for each in asked):
            yield Line(what=what, state="ok", why=f"{_answering(asked)} answer")
        elif asked:
            yield Line(what=what, state="unknown", why=f"{_answering(asked)} answer: it, or they, may be at fault")
        else:
            who = "[[resolver]] with transport dot" if port == 853 else "[control] or collector"
            yield Line(what=what, state="unknown", why=f"nobody to ask: no {who} at that port, by address")


def _answering(asked: list[Dialled]) -> str:
    return f"{sum(bool(each.answered) for each in asked)} of {len(asked)}"


def _edns(facts: Facts) -> Iterator[Line]:
    direct = tuple(each for family in facts.families.values() for each in family.roots)
    for what, asked in (("EDNS at resolvers", facts.asked), ("EDNS to name servers", direct)):
        heard = [each for each in asked if each.outcome == "ok"]
        largest = max((each.size for each in heard if each.transport == "udp"), default=0)
        if not heard:
            yield Line(what=what, state="unknown", why="no answer" if asked else "nobody was asked")
        elif not any(each.edns for each in heard):
            todo = "something on the way drops EDNS (RFC 6891); signatures and sites are not seen"
            yield Line(what=what, state="missing", why=f"{len(heard)} answers, none with EDNS", todo=todo)
        elif largest > LARGER:
            yield Line(
                what=what, state="ok", why=f"answers of up to {largest} octets come over UDP (1232 are asked for)"
            )
        else:
            todo = "answers beyond 512 octets may be dropped on the way: then each takes TCP"
            yield Line(what=what, state="unknown", why=f"no answer beyond {LARGER} octets was seen", todo=todo)


def _nsid(facts: Facts) -> Iterator[Line]:
    heard = [each for family in facts.families.values() for each in family.roots if each.outcome == "ok"]
    seen = sum(each.nsid for each in heard)
    if not heard:
        yield Line(what="NSID", state="unknown", why="no root server was asked, or none answered")
    elif seen:
        yield Line(what="NSID", state="ok", why=f"{seen} of {len(heard)} root servers say which one they are")
    else:
        todo = "something on the way drops it (RFC 5001): which anycast site answers is not seen"
        yield Line(
            what="NSID", state="missing", why=f"none of {len(heard)} root servers says which one it is", todo=todo
        )


def _resolvers(facts: Facts) -> Iterator[Line]:
    where = "`resolvers` of the config" if facts.from_config else "/etc/resolv.conf"
    if not facts.resolvers:
        todo = 'add "resolvers" to the probe\'s config'
        yield Line(what="resolvers", state="wrong", why=f"{where} has none", todo=todo)
        return
    names = ", ".join(facts.resolvers)
    answering = {each.server for each in facts.asked if each.outcome == "ok"}
    if silent := [each for each in facts.resolvers if each not in answering]:
        state: State = "wrong" if len(silent) == len(facts.resolvers) else "missing"
        todo = f"mend {where}"
        yield Line(what="resolvers", state=state, why=f"{', '.join(silent)} did not answer for the root", todo=todo)
    else:
        stub = all(_ip(each.rpartition(":")[0].strip("[]")).is_loopback for each in facts.resolvers)
        yield Line(what="resolvers", state="ok", why=f"{names} ({where}){', on this host' if stub else ''}")


def _clock(facts: Facts) -> Iterator[Line]:
    offsets = [each.offset_s for each in facts.collectors if each.offset_s is not None]
    offset_s = min(offsets, key=abs) if offsets else None
    off = (
        "" if offset_s is None else f"; {abs(offset_s):.3f} s {'behind' if offset_s > 0 else 'ahead of'} the collector"
    )
    todo = "run chrony or systemd-timesyncd"
    if offset_s is not None and abs(offset_s) > SKEW_S:
        yield Line(what="clock", state="wrong", why=f"wrong{off}", todo=todo)
    elif facts.clock.synchronised is False:
        yield Line(what="clock", state="wrong", why=f"nothing keeps it right{off}", todo=todo)
    elif facts.clock.synchronised is None:
        yield Line(what="clock", state="unknown" if offset_s is None else "ok", why=f"the kernel does not say{off}")
    else:
        yield Line(what="clock", state="ok", why=f"kept right{off}")


def _collectors(facts: Facts) -> Iterator[Line]:
    if not facts.collectors:
        yield Line(what="collector", state="unknown", why="none was asked: there is no config", todo="add --config")
    for each in facts.collectors:
        if each.word:
            why = f"{each.url} at {each.dialled}: {each.detail or each.word}"
            yield Line(
                what="collector", state="wrong", why=why, todo=_WAY_OUT.get(each.word, "is it up, and the way open?")
            )
        elif each.probe != facts.id:
            todo = "give this probe a token of its own: two with one name are taken for one that was cloned"
            yield Line(what="collector", state="wrong", why=f"the token is that of {each.probe!r}", todo=todo)
        else:
            yield Line(what="collector", state="ok", why=f"{each.url} knows this probe")


def _certificates(facts: Facts) -> Iterator[Line]:
    for each in facts.collectors:
        if each.certificate_s is None:
            continue
        days = f"{abs(each.certificate_s) / DAY_S:.0f} days"
        if each.certificate_s <= 0:
            why = f"expired {days} ago: {each.url} lets this probe in no more"
            yield Line(what="client certificate", state="wrong", why=why, todo=RENEW)
        elif each.certificate_s <= NOTICE_S:
            yield Line(what="client certificate", state="missing", why=f"{each.url}: expires in {days}", todo=RENEW)
        else:
            yield Line(what="client certificate", state="ok", why=f"{each.url}: holds for {days}")


_WAY_OUT = {
    "401": "make a token: parallax collector token add NAME, or enrol anew",
    "403": "this token is no probe's: make one with parallax collector token add NAME",
    "404": "upgrade the collector, or mend the URL",
    "certificate": "is `ca` of this [[collector]] the CA of the collector's certificate?",
    "token": "see to it that the file with the token can be read",
}


def _shared(facts: Facts) -> Iterator[Line]:
    own = {_ip(each.peer) for each in facts.collectors if each.peer} | {
        _ip(found.local) for found in facts.families.values() if found.local
    }
    own = {ip for ip in own if ip.is_global}
    if not facts.targets or not own:
        yield Line(what="network", state="unknown", why="no plan, or this host's public address is not known")
        return
    near = [
        host
        for host, ips in facts.targets.items()
        if any(mine.version == _ip(ip).version and _near(mine, ip) for ip in ips for mine in own)
    ]
    asn = f"AS{facts.asn}" if facts.asn else "`asn` of its [[probe]] is not said"
    if near:
        todo = "a fault of that network looks like one of the target: add probes in other networks"
        yield Line(
            what="network", state="missing", why=f"most likely that of {', '.join(near[:5])} too ({asn})", todo=todo
        )
    else:
        yield Line(what="network", state="ok", why=f"no target is near by address ({asn})")


def _depends(facts: Facts) -> Iterator[Line]:
    """Shipping dials an address of the config; the rest is the collector's."""
    if not facts.watched:
        yield Line(what="own DNS", state="unknown", why="no plan is known here")
        return
    if facts.receivers is None:
        why = "shipping dials an address; receivers are the collector's: add --plan PLAN there"
        yield Line(what="own DNS", state="ok", why=why)
        return
    bad = [f"{name} ({host})" for name, host in facts.receivers.items() if _within(host, facts.watched)]
    if bad:
        todo = "say `address` of these receivers, or add one whose name is elsewhere"
        yield Line(
            what="own DNS", state="wrong", why=f"alerts go by names that are watched: {', '.join(bad)}", todo=todo
        )
    else:
        yield Line(what="own DNS", state="ok", why="neither shipping nor receivers need names that are watched")


def _within(host: str, zones: tuple[str, ...]) -> bool:
    return any(host == zone or host.endswith(f".{zone}") for zone in zones)


def _near(mine: ipaddress.IPv4Address | ipaddress.IPv6Address, other: str) -> bool:
    length = _SHARED[6 if mine.version == 6 else 4]
    return _ip(other) in ipaddress.ip_network((mine, length), strict=False)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address; one of IPv4 that is written as IPv6 (RFC 4291 section 2.5.5.2) as what it is."""
    ip = ipaddress.ip_address(text)
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _family(text: str) -> Family:
    return 6 if _ip(text).version == 6 else 4


RULES: tuple[Callable[[Facts], Iterator[Line]], ...] = (
    _families, _nat64, _direct, _ports, _edns, _nsid, _resolvers, _clock, _collectors, _certificates, _shared, _depends,
)  # fmt: skip
