"""Sites of HTTP front ends, by the headers that only their operators send. Facts as data; pure."""

import re

import msgspec

from parallax.dialling.http import Headers
from probe.sites.site import MAX_NAME, Confidence, Site

_READ = 500


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How one operator says which edge answered. The pattern has to match the header's whole value; its group `site`
    is the edge, `iata` the airport in it if it stands for one."""

    operator: str
    header: str
    pattern: re.Pattern[str]
    beside: tuple[str, str] | None = None
    """Another header, and what it has to have in it (lower case), where this one alone is not proof."""
    confidence: Confidence = "high"


def _rule(
    operator: str, header: str, pattern: str, beside: tuple[str, str] | None = None, confidence: Confidence = "high"
) -> Rule:
    compiled = re.compile(pattern, re.A)
    return Rule(operator=operator, header=header, pattern=compiled, beside=beside, confidence=confidence)


RULES: tuple[Rule, ...] = (
    _rule("Cloudflare", "cf-ray", r"[0-9a-f]{8,32}-(?P<site>(?P<iata>[A-Z]{3}))"),
    _rule("CloudFront", "x-amz-cf-pop", r"(?P<site>(?P<iata>[A-Z]{3})\d+-[A-Z]+\d*)"),
    # Its edges have names of their own (cle1, arn1), no airport codes; the first is the edge, the next the function.
    _rule("Vercel", "x-vercel-id", r"(?P<site>[a-z]{3}\d+)::.*"),
    _rule("Fly", "fly-request-id", r"[0-9A-Z]{20,32}-(?P<site>(?P<iata>[a-z]{3}))", confidence="medium"),
    # A list where there are shields: the last is next to us. "cache-..." alone any Varnish may say.
    _rule(
        "Fastly",
        "x-served-by",
        r"(?:.*,)?\s*cache-[a-z]{3,4}[a-z0-9-]*-(?P<site>(?P<iata>[A-Z]{3}))",
        beside=("via", "varnish"),
    ),
    _rule("Azure Front Door", "x-msedge-ref", r"Ref A: \S+ Ref B: (?P<site>(?P<iata>[A-Z]{3})\d*EDGE\d+)(?: .*)?"),
)

RAW: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("x-served-by", re.compile(r"(?:.*,)?\s*(cache-[\w-]{1,60})", re.A)),
    ("x-cdn-pop", re.compile(r"([\w-]{2,20})", re.A)),
    ("x-nf-request-id-region", re.compile(r"([\w-]{2,20})", re.A)),
    ("x-azure-ref", re.compile(r"\d{8}T\d{6}Z-\S*?([A-Z]{3}\d*)[\w-]*", re.A)),
    ("server-timing", re.compile(r".*\bcdn-pop;desc=\"?([\w-]{2,20})\b.*", re.A)),
    ("via", re.compile(r"\d(?:\.\d)? ([\w.-]*(?:edge|pop|cache|cdn|varnish)[\w.-]*)(?:,.*| .*)?", re.I | re.A)),
)
"""Headers that name an edge without saying whose: kept as they are, good for telling edges apart."""


def site_of_headers(headers: Headers) -> Site | None:
    """The edge that says it answered, or None. Never fails."""
    for rule in RULES:
        if rule.header not in headers:
            continue
        match = rule.pattern.fullmatch(headers[rule.header][:_READ])
        if match and _corroborated(rule, headers):
            iata = (match.groupdict().get("iata") or "").upper()
            return Site(
                name=match["site"][:MAX_NAME],
                known=True,
                operator=rule.operator,
                iata=iata,
                confidence=rule.confidence,
            )
    for name, pattern in RAW:
        if name in headers and (raw := pattern.fullmatch(headers[name][:_READ])):
            return Site(name=raw[1][:MAX_NAME])
    return None


def _corroborated(rule: Rule, headers: Headers) -> bool:
    return rule.beside is None or rule.beside[1] in headers.get(rule.beside[0], "").lower()
