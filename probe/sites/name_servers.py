"""Sites by what a name server says of itself: its NSID (RFC 5001), or id.server and hostname.bind (RFC 4892).

The rules are data. Each is anchored at both ends, and needs evidence of whose server it is: the text's own suffix, or
the name of the server that was asked.
"""

import re
from functools import lru_cache

import msgspec

from probe.sites.site import MAX_RAW, Confidence, Site


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How one operator names sites. The group `site` is the site; `iata` the airport in it, if it is one."""

    operator: str
    pattern: re.Pattern[str]
    server: str = ""
    """The server's name, or a suffix of it with a dot in front; empty where the text itself says whose it is."""
    confidence: Confidence = "high"


def _rule(operator: str, pattern: str, server: str = "", confidence: Confidence = "high") -> Rule:
    return Rule(operator=operator, pattern=re.compile(pattern, re.I | re.A), server=server, confidence=confidence)


RULES: tuple[Rule, ...] = (
    _rule("B root", r"b\d+-(?P<site>(?P<iata>[a-z]{3}))", "b.root-servers.net"),
    _rule("C root", r"(?P<site>(?P<iata>[a-z]{3})\d?)[a-z]\.c\.root-servers\.org"),
    # D's sites have codes of their own, no airports; the digits count hosts.
    _rule("D root", r"(?P<site>[a-z]{4})\d+\.droot(\.maxgigapop\.net)?", "d.root-servers.net"),
    _rule("E root", r"[a-z]\d+\.(?P<site>(?P<iata>[a-z]{3})\d?)\.eroot", "e.root-servers.net"),
    # F: the airport, the site's number there, the host's letter; .cf are the sites that Cloudflare hosts.
    _rule("F root", r"(?P<site>(?P<iata>[a-z]{3})\d?)[a-z]\.f\.root-servers\.org"),
    _rule("F root", r"(?P<site>(?P<iata>[a-z]{3})\.cf)\.f\.root-servers\.org"),
    _rule("H root", r"\d{3}\.(?P<site>(?P<iata>[a-z]{3}))\.h\.root-servers\.org"),
    _rule("H root", r"\d{3}\.(?P<site>(?P<iata>[a-z]{3}))", "h.root-servers.net"),
    # Netnod: what follows the dot is its own code; some look like airports and are exchange points.
    _rule("I root", r"s\d+\.(?P<site>[a-z]{3})", "i.root-servers.net"),
    # K: country and UN/LOCODE, which is no airport code.
    _rule("K root", r"ns\d+\.(?P<site>[a-z]{2}-[a-z]{3})\.k\.ripe\.net"),
    # L: RFC 7108; node, country, airport.
    _rule("L root", r"[a-z]{2}\.(?P<site>[a-z]{2}-(?P<iata>[a-z]{3}))\.l\.root", "l.root-servers.net"),
    _rule("L root", r"(?P<site>(?P<iata>[a-z]{3})\d{2})\.l\.root-servers\.org"),
    _rule("M root", r"M-(?P<site>(?P<iata>[a-z]{3})(-[a-z]+)?)-\d+", "m.root-servers.net"),
    _rule("PCH", r"\d+\.(?P<site>(?P<iata>[a-z]{3})\d?)\.pch", confidence="medium"),
    _rule("Quad9", r"res\d+\.(?P<site>(?P<iata>[a-z]{3})\d?)\.rrdns\.pch\.net", confidence="medium"),
    _rule("Google Public DNS", r"gpdns-(?P<site>(?P<iata>[a-z]{3}))", confidence="medium"),
    _rule("AFNIC", r"dns\.(?P<site>[a-z]{2}[a-z0-9])\.nic\.fr"),
)


def site_of_identity(identity: bytes | str | None, server: str = "") -> Site | None:
    """The site by what a server calls itself; None if it says nothing. `server` is the name of the server asked, as
    far as it is known (canonical text). Never fails: what no rule knows comes back as it is."""
    if not identity:
        return None
    text = identity if isinstance(identity, str) else _text(identity)
    return _site(text, server) if len(text) <= MAX_RAW else Site(name=text[:MAX_RAW])


@lru_cache(maxsize=4096)
def _site(text: str, server: str) -> Site:
    for rule in RULES:
        if not _is_of(server, rule.server):
            continue
        match = rule.pattern.fullmatch(text)
        if match:
            name = match["site"].lower()
            iata = (match.groupdict().get("iata") or "").upper()
            return Site(name=name, known=True, operator=rule.operator, iata=iata, confidence=rule.confidence)
    return Site(name=text)


def _is_of(server: str, wanted: str) -> bool:
    return not wanted or server == wanted or (wanted[0] == "." and server.endswith(wanted))


def _text(identity: bytes) -> str:
    """Opaque octets (RFC 5001 section 2.3) as text where they are printable ASCII, else as hex."""
    text = identity.decode("ascii", "replace")
    return text if identity.isascii() and text.isprintable() else identity.hex()
