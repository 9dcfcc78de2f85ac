"""What an incident is called: what is broken, and how, as one would say it on the phone."""

from collections import Counter

from collector.detect.incidents.domain import WRONG
from collector.detect.incidents.findings import Finding
from collector.detect.places import Spot
from collector.detect.verdicts.components import CANNOT_TELL
from parallax.reasons import REASONS

SINGLE = "single vantage: cannot tell target from network"
MAX_TITLE = 200

SAYS = {
    "dns_timeout": "does not answer",
    "dns_servfail": "answers SERVFAIL",
    "dns_refused": "refuses the question",
    "dns_nxdomain": "says that the name does not exist",
    "dns_nodata": "has no such record",
    "dns_not_authoritative": "does not have the zone",
    "dns_lame": "does not have the zone",
    "dns_malformed": "sends what is no DNS message",
    "dns_truncated": "answers truncated over UDP, and not over TCP",
    "dns_resolver_down": "does not resolve anything",
    "dns_rewritten": "rewrites answers",
    "dns_private_answer": "answers with private addresses",
    "dns_filtered": "filters names by a policy of its own",
    "dns_intercepted": "is not who answers: something on the way does",
    "dns_wrong_answer": "gives another answer than the plan expects",
    "connect_refused": "refuses connections",
    "connect_timeout": "takes no connections",
    "connect_unreachable": "cannot be reached",
    "connection_reset": "resets connections",
    "connection_closed": "closes connections",
    "tls_timeout": "does not finish the TLS handshake",
    "tls_wrong_name": "shows a certificate for other names",
    "tls_untrusted": "shows a certificate that nobody trusts",
    "first_byte_timeout": "takes requests and does not answer",
    "body_timeout": "does not finish its responses",
    "http_status": "answers with the wrong status",
    "http_server_error": "answers with server errors (5xx)",
    "http_body": "answers with the wrong content",
    "http_slow": "answers slowly",
    "http_too_slow": "answers far too slowly",
    "http_throttled": "throttles: 429 Too Many Requests",
    "http_forbidden": "forbids requests (403)",
    "http_challenge": "shows a bot wall",
    "lookup_no_address": "has no address",
}
"""By reason word, to go after a subject in the singular."""

DARK = ("dns_timeout", "connect_timeout")
KINDS = {
    "delegation": "The delegation of {hosts}: {reason}",
    "dns.zone": "Name servers of {hosts}: {reason}",
    "dns.chain": "Where {hosts} leads: {reason}",
    "dns.mail": "Mail of {hosts}: {reason}",
    "dns.dnssec": "DNSSEC of {hosts}: {reason}",
}
"""What fails where one kind of check alone says so, by that kind."""

FLOW_WORDS = {"signin": "Sign-in", "oidc": "OpenID Connect"}

PLURALS = {"does": "do", "has": "have", "is": "are"}
"""Verbs of SAYS that lose more than an s."""

CERTIFICATES = {
    "tls_expired": ("The certificate of {hosts} has expired", "The certificates of {hosts} have expired"),
    "tls_not_yet_valid": (
        "The certificate of {hosts} is not valid yet",
        "The certificates of {hosts} are not valid yet",
    ),
}
"""Faults of what is shown, not of where it stands."""


def title_of(finding: Finding) -> str:
    """One line without a final stop."""
    title = _title(finding)
    alone = [spot.key.single for spot in finding.spots]
    if any(alone) and all(alone) and CANNOT_TELL not in title:
        title = f"{title}; {SINGLE}"
    return title[:MAX_TITLE]


def says(reason: str | None) -> str:
    """What a subject does that fails for this reason."""
    if reason is None:
        return "fails"
    known = REASONS.get(reason)
    return SAYS.get(reason) or (f"fails: {known.meaning}" if known else f"fails: {reason}")


def they_say(reason: str | None) -> str:
    """What several subjects do that fail for this reason."""
    verb, space, rest = says(reason).partition(" ")
    colon = ":" if verb.endswith(":") else ""
    verb = verb.removesuffix(":")
    return f"{PLURALS.get(verb) or verb.removesuffix('s')}{colon}{space}{rest}"


def _title(finding: Finding) -> str:
    domain, spots = finding.domain, finding.spots
    reason, several = _reason(spots), len({spot.host for spot in spots}) > 1
    hosts = _list([spot.host for spot in spots])
    if reason in CERTIFICATES:
        return CERTIFICATES[reason][several].format(hosts=hosts)
    if all(spot.key.blocked for spot in spots):
        where = " in data centres" if domain.kind == "network" else ""
        return f"{hosts}: {CANNOT_TELL} ({_throttle(reason)}{where})"
    match domain.kind:
        case "operator" if (kind := _one_kind(spots)) in ("dns.mail", "dns.dnssec"):
            return KINDS[kind].format(hosts=f"{hosts} at {domain.name}", reason=_word(reason))
        case "operator" if not finding.of:
            hops = _list([spot.key.zone for spot in spots])
            return f"DNS operator {domain.name} {_hop(reason)}: {hosts} {_leads(hosts)} through {hops}"
        case "operator":
            what = "name-server addresses" if finding.addresses else "name servers"
            servers = f"{finding.failing} of {finding.of} {what}"
            more = f", {finding.in_doubt} more are in doubt" if finding.in_doubt else ""
            if finding.over:
                return f"DNS operator {domain.name} fails over {finding.over}: {servers} {_plural(reason)}{more}"
            if domain.certain and reason in DARK:
                return f"DNS operator {domain.name} is dark: {servers} do not answer"
            return f"DNS operator {domain.name} fails: {servers} {_plural(reason)}{more}"
        case "name_server":
            over = f" over {finding.over}" if finding.over else ""
            return f"Name server {domain.name} {says(reason)}{over}"
        case "zone" if finding.of and any(spot.server for spot in spots):
            servers = f"{finding.failing} of {finding.of} name-server addresses"
            operators = _list(sorted({spot.operator for spot in spots if spot.operator}))
            whose = f" of {operators}" if operators else ""
            state = "is dark" if reason in DARK else "is wrong" if reason in WRONG else "fails"
            more = f", {finding.in_doubt} more are in doubt" if finding.in_doubt else ""
            return f"Zone {domain.name} {state}: {servers}{whose} {they_say(reason)}{more}"
        case "site":
            return f"Site {domain.name} of {hosts} {says(reason)}"
        case "region":
            dialled = tuple(spot for spot in spots if spot.ip) or spots  # steps of flows are at several
            reason, addresses = _reason(dialled), _list([spot.ip for spot in dialled])
            how = f"{addresses} {says(reason) if len({s.ip for s in dialled}) == 1 else they_say(reason)}"
            return f"Region {domain.name} {_state(spots, reason)}: {how.strip()}"
        case "address":
            over = f" over {finding.over}" if finding.over else ""
            return f"{domain.name} of {hosts} {says(reason)}{over}"
        case "zone" if (kind := _one_kind(spots)) in KINDS:
            return KINDS[kind].format(hosts=hosts, reason=_word(reason))
        case "zone":
            return f"Names in {domain.name} do not resolve: {_word(reason)}"
        case "resolver":
            return f"Resolver {domain.name} {says(reason)}"
        case _ if all(spot.check.of_steps for spot in spots):
            what = _list([FLOW_WORDS.get(spot.check.kind, spot.check.kind) for spot in spots])
            return f"{what} at {hosts} fails at {_list([spot.key.subject for spot in spots])}: {_word(reason)}"
        case _:
            return f"{hosts} {they_say(reason) if several else says(reason)}"


def _reason(spots: tuple[Spot, ...]) -> str | None:
    """The word of most: of those that are down, if any is."""
    down = [spot for spot in spots if spot.key.state == "down"] or list(spots)
    counts = Counter(spot.key.reason for spot in down)
    return max(counts, key=lambda word: (counts[word], word is not None and word in SAYS, word or ""))


def _state(spots: tuple[Spot, ...], reason: str | None) -> str:
    if any(spot.key.state == "down" for spot in spots):
        return "is down"
    return "is slow" if reason == "http_slow" else "is degraded"


def _plural(reason: str | None) -> str:
    return they_say(reason)


def _one_kind(spots: tuple[Spot, ...]) -> str:
    """The kind of check that all of them are of; empty for several."""
    kinds = {spot.check.kind for spot in spots}
    if kinds == {"dns.zone"} and {spot.key.subject for spot in spots} == {"delegation"}:
        return "delegation"
    return kinds.pop() if len(kinds) == 1 else ""


def _hop(reason: str | None) -> str:
    return "is dark" if reason == "dns_hop_dark" else "does not have the zone"


def _leads(hosts: str) -> str:
    return "lead" if "," in hosts else "leads"


def _word(reason: str | None) -> str:
    known = REASONS.get(reason or "")
    return known.meaning if known else reason or "they fail"


def _throttle(reason: str | None) -> str:
    known = REASONS.get(reason or "")
    short = {"http_throttled": "429", "http_forbidden": "403", "http_challenge": "a bot wall"}.get(reason or "")
    return short or (known.meaning if known else "refused")


def _list(names: list[str]) -> str:
    """At most three names."""
    found = list(dict.fromkeys(name for name in names if name))
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
