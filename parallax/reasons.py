"""The closed list of reason words: what failed, whose side it is on, and what to look at next.

A word names the layer first and the failure second. `fault` is where one attempt puts it; a check's `judge` may name
another side where its kind knows better (a silent server is the target, a silent resolver is the resolver). On the
wire a reason is a string, so that a newer probe can report to an older collector; only the writer's list is closed.
A soft reason means degraded: answered, but not as it should be.
"""

from typing import Literal

import msgspec

Fault = Literal["target", "resolver", "network", "probe", "config", "blocked"]


class Reason(msgspec.Struct, frozen=True):
    """What a word means, the fault side it has unless a kind says otherwise, and where to look first."""

    meaning: str
    fault: Fault
    look: str
    soft: bool = False


REASONS: dict[str, Reason] = {
    # DNS: the exchange with one server or resolver
    "dns_timeout": Reason(
        "no DNS answer before the deadline", "target", "is the server up, and does UDP/TCP 53 pass on the way to it?"
    ),
    "dns_nxdomain": Reason(
        "the name does not exist (NXDOMAIN)", "target", "the zone's content: was the record or the delegation removed?"
    ),
    "dns_nodata": Reason(
        "the name exists, but has no record of this type", "target", "the zone's content for this type"
    ),
    "dns_servfail": Reason(
        "the server failed to answer (SERVFAIL)",
        "target",
        "at a resolver: the zone's authoritative servers and DNSSEC; at an authoritative server: its zone load",
    ),
    "dns_refused": Reason(
        "the server refuses the question (REFUSED)", "target", "does this server serve the zone, and allow this client?"
    ),
    "dns_rcode": Reason("the answer has an unexpected response code", "target", "the response code in the findings"),
    "dns_malformed": Reason(
        "the answer is no readable DNS message", "target", "is something other than a name server on this port?"
    ),
    "dns_bad_replies": Reason(
        "only replies that do not belong to the query (wrong id, source or question) came before the deadline",
        "target",
        "spoofing or a broken middlebox on the way; compare with another network",
    ),
    "dns_too_large": Reason(
        "the answer over TCP is larger than a check reads (16 KiB)", "target", "what makes the record set so large?"
    ),
    "dns_truncated": Reason(
        "truncated over UDP, and TCP brought no answer", "target", "is TCP 53 open at the server and on the way?"
    ),
    "dns_not_authoritative": Reason(
        "the server answers without authority for the name (lame)", "target", "is the zone loaded at this server?"
    ),
    "dns_wrong_answer": Reason(
        "the answer is not what the plan expects", "target", "expected and found values in the findings"
    ),
    # DNS in depth: the chain of aliases from a name
    "dns_hop_dark": Reason(
        "no name server of a hop's zone answers",
        "target",
        "the operator of the hop, in the findings: its status page, its servers from elsewhere",
    ),
    "dns_hop_lame": Reason(
        "the name servers of a hop's zone answer, none with authority (lame)",
        "target",
        "is the zone still at this operator? its delegation, and whether its servers have it loaded",
    ),
    "dns_hop_nxdomain": Reason(
        "an alias leads to a name that does not exist (dangling)",
        "target",
        "take the alias out, or have its target made again: whoever can register that name takes over the service",
    ),
    "dns_hop_nodata": Reason(
        "the chain ends at a name without a record of this type", "target", "the content of the last hop's zone"
    ),
    "dns_chain_loop": Reason("the aliases lead in a circle", "target", "the hops in the findings"),
    "dns_chain_too_long": Reason(
        "more aliases than the check follows",
        "target",
        "the hops in the findings; resolvers give up on long chains, too (raise max_hops if this is right)",
    ),
    "dns_chain_unexpected": Reason(
        "the chain leads to a name that the plan does not expect",
        "target",
        "who changed the alias? add the name to expect or workaround if it is right",
    ),
    "dns_chain_flattened": Reason(
        "the name answers with addresses where the plan expects an alias",
        "target",
        "an operator that flattens aliases: the addresses no longer follow the vendor's moves",
        soft=True,
    ),
    "dns_delegation_stale": Reason(
        "a hop fails at the name servers known so far, and works at those that the parent names now",
        "target",
        "a move under way: resolvers that hold the old delegation fail until its TTL is over",
        soft=True,
    ),
    # DNS in depth: the fallback operator beside the primary
    "parity_not_served": Reason(
        "the fallback does not serve the zone at all", "target", "is the zone set up and loaded at the fallback?"
    ),
    "parity_would_go_bogus": Reason(
        "with the fallback the zone would fail DNSSEC validation: no key of its matches the parent's DS",
        "target",
        "sign the zone at the fallback with keys that the parent's DS has (RFC 8901) before it takes over",
    ),
    "parity_missing": Reason(
        "the fallback lacks records that the primary has", "target", "add the records in the findings at the fallback"
    ),
    "parity_different": Reason(
        "the fallback has other data than the primary",
        "target",
        "the records in the findings; names that differ by design go into differing",
    ),
    "parity_caa_stricter": Reason(
        "the fallback's CAA records forbid certificate authorities that the primary's allow",
        "target",
        "the CAA records at the fallback: certificates would not be renewed",
    ),
    "parity_unknown": Reason(
        "primary and fallback cannot be compared, as one of them does not answer",
        "target",
        "the side that is dark, in the findings; what was known of the fallback before still stands",
        soft=True,
    ),
    "parity_incomplete": Reason(
        "no difference among the names that were compared, but not all of them could be",
        "target",
        "a longer timeout, fewer names, or a higher [dns] most_per_operator",
        soft=True,
    ),
    "parity_ttl_drift": Reason(
        "the fallback's records are the same, with other TTLs",
        "target",
        "the TTLs in the findings: the fallback's say how long a way back takes",
        soft=True,
    ),
    "parity_extra": Reason(
        "the fallback has records that the primary lacks", "target", "leftovers at the fallback", soft=True
    ),
    "parity_wildcard": Reason(
        "names that do not exist are answered in another way by the fallback",
        "target",
        "a wildcard that only one side has",
        soft=True,
    ),
    "parity_minor": Reason(
        "the fallback differs in records of little weight", "target", "the records in the findings", soft=True
    ),
    # the connection
    "connect_refused": Reason("nothing listens on the port", "target", "is the service running on this address?"),
    "connect_unreachable": Reason(
        "no route to the address", "network", "routing towards this network; compare with other vantages"
    ),
    "connect_timeout": Reason(
        "no answer to the connection attempt", "target", "is the host up, or does a firewall drop packets?"
    ),
    "connection_reset": Reason(
        "the connection was reset by the other side", "target", "the service's log at this moment; a middlebox"
    ),
    "connection_closed": Reason(
        "the connection was closed before an answer", "target", "the service's log at this moment"
    ),
    # TLS
    "tls_timeout": Reason("the TLS handshake did not finish", "target", "load on the TLS terminator; path MTU"),
    "tls_expired": Reason("the certificate has expired", "target", "renewal: which host serves the old certificate?"),
    "tls_not_yet_valid": Reason(
        "the certificate is not valid yet", "target", "issued too early, or a wrong clock on this probe"
    ),
    "tls_wrong_name": Reason(
        "the certificate is for other names", "target", "the names it has, in the findings; SNI routing"
    ),
    "tls_untrusted": Reason(
        "the certificate's issuer is not trusted", "target", "missing intermediate, private CA or interception"
    ),
    "tls_old_version": Reason(
        "the server offers only TLS versions that are too old", "target", "enable TLS 1.2 or 1.3 at the server"
    ),
    "tls_alert": Reason("the server ended the handshake with an alert", "target", "the alert's name in the findings"),
    "tls_weak": Reason(
        "the server's keys, signatures or parameters are too weak", "target", "key sizes and the server's TLS settings"
    ),
    "tls_malformed": Reason("what came back is not TLS", "target", "is this a TLS port?"),
    # HTTP
    "send_timeout": Reason("the request could not be sent in time", "target", "the service stopped reading"),
    "first_byte_timeout": Reason("no response before the deadline", "target", "the application behind the front end"),
    "body_timeout": Reason(
        "the response began but did not finish in time", "target", "a slow or stuck application; bandwidth"
    ),
    "http_malformed": Reason("the response is not valid HTTP", "target", "is this an HTTP port?"),
    "http_truncated": Reason(
        "the body ended before the announced length", "target", "the application or a proxy died in mid-response"
    ),
    "http_too_large": Reason(
        "the response is larger than this check allows", "target", "raise max_body in the plan if this is right"
    ),
    "http_bad_encoding": Reason(
        "the body cannot be decompressed, or expands past the limit", "target", "Content-Encoding at the server"
    ),
    "http_status": Reason("the status is not the one asked for", "target", "the status in the findings"),
    "http_server_error": Reason("the server reports an error of its own (5xx)", "target", "the application's log"),
    "http_header": Reason("a header is not as asserted", "target", "the header in the findings"),
    "http_body": Reason("the body is not as asserted", "target", "the assertion in the findings"),
    "http_slow": Reason("right, but slower than asserted", "target", "the waterfall: which phase grew?", soft=True),
    "http_too_slow": Reason("slower than asserted", "target", "the waterfall: which phase grew?"),
    "http_degraded": Reason(
        "an assertion does not hold that the plan calls degraded", "target", "the assertion in the findings", soft=True
    ),
    "http_unsendable": Reason(
        "the request cannot be sent as the plan has it", "config", "the check's method, headers and URL"
    ),
    "http_throttled": Reason(
        "too many requests (429)", "blocked", "this probe's rate and the target's limits; Retry-After", soft=True
    ),
    "http_forbidden": Reason(
        "the server forbids this request (403)", "blocked", "is this probe's network blocked? compare with others"
    ),
    "http_challenge": Reason(
        "a bot wall answered instead of the service", "blocked", "allow this probe at the bot wall"
    ),
    # names of targets, and the probe itself
    "lookup_no_address": Reason(
        "the name has no address of a family that this probe has", "target", "A and AAAA records of the name"
    ),
    "address_not_allowed": Reason(
        "the probe does not dial this address",
        "config",
        "private, link-local and metadata addresses need `allow` in the probe's config",
    ),
    "unsupported": Reason("this probe does not know what the check asks for", "config", "upgrade the probe"),
    "local_error": Reason(
        "this host could not run the check", "probe", "file descriptors, memory, network interfaces of the probe"
    ),
    "probe_error": Reason("a bug in the probe", "probe", "the probe's log; please report it"),
    "overrun": Reason("the run did not end at its deadline", "probe", "the probe's load; please report it"),
}
