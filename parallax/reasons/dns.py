"""The reasons of DNS: of one exchange, of a name at a resolver, of zones and their servers, of a second operator."""

from parallax.reasons.reason import Reason

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
    # DNS in depth: a name at a resolver, with its control name beside it
    "dns_resolver_down": Reason(
        "the resolver gives neither the name nor its control name",
        "resolver",
        "the resolver itself; others of the same run tell whether names resolve elsewhere",
    ),
    "dns_name_down": Reason(
        "the resolver gives its control name, but not this one: it reaches none of the name's servers",
        "target",
        "the zone's authoritative servers and its delegation (dns.zone, dns.chain)",
    ),
    "dns_network_down": Reason(
        "the control names of nearly all resolvers fail: this probe's network is down",
        "network",
        "the probe's own uplink; such observations do not count",
    ),
    "dns_filtered": Reason(
        "the resolver withholds the name by a policy of its own",
        "resolver",
        "the extended error in the findings; its operator's block lists",
    ),
    "dns_bogus": Reason(
        "the resolver refuses the answer, as its DNSSEC validation fails",
        "target",
        "the zone's signatures and the parent's DS (dns.dnssec)",
    ),
    "dns_rewritten": Reason(
        "the resolver gives other values than the plan expects",
        "resolver",
        "expected and found values in the findings; the same at all resolvers is the zone's own change",
    ),
    "dns_private_answer": Reason(
        "the answer is an address of a private network",
        "resolver",
        "split horizon, a captive portal or a filter; say private = true if this is right",
    ),
    "dns_stale": Reason(
        "the resolver hands out what has expired, as it reaches none of the zone's servers",
        "target",
        "the zone's authoritative servers; users are served for as long as the resolver keeps this up",
        soft=True,
    ),
    # DNS in depth: a zone's name servers and its delegation
    "dns_lame": Reason(
        "the name server answers, but not with authority for the zone (lame)",
        "target",
        "is the zone loaded at this server? the class in the findings says how it answers",
    ),
    "dns_lame_partly": Reason(
        "the name server serves the zone's SOA with authority, but not the name asked for beside it",
        "target",
        "the zone's content at this server; data.class in the findings",
    ),
    "dns_edns_broken": Reason(
        "the name server answers only without EDNS",
        "target",
        "old software, or a middlebox that drops EDNS (RFC 6891)",
        soft=True,
    ),
    "dns_intercepted": Reason(
        "something on the way answers in the place of the zone's name servers",
        "network",
        "a middlebox that redirects DNS near this probe; compare with another network",
    ),
    "dns_no_delegation": Reason(
        "the parent has no delegation for the zone",
        "target",
        "has the domain expired, or is it on hold? its status at the registry",
    ),
    "dns_delegation_broken": Reason(
        "the parent's delegation leads nowhere: glue is missing, or no name server of it can be found",
        "target",
        "the name servers and glue at the registry; problems in the findings",
    ),
    "dns_delegation_wrong": Reason(
        "the parent's delegation and the zone's own NS set do not agree, or name servers in it that are none",
        "target",
        "problems in the findings; mend the registry's data or the zone's",
        soft=True,
    ),
    "dns_delegation_inconsistent": Reason(
        "the parent's servers, or the zone's own, give different NS sets",
        "target",
        "a change under way, or servers that do not update; parents and child_ns in the findings",
        soft=True,
    ),
    "dns_parent_unreachable": Reason(
        "the delegation cannot be read: the walk from the roots got no answer above the zone",
        "target",
        "the servers of the zone that the findings name",
    ),
    "dns_server_unresolvable": Reason(
        "the name of a name server leads to no address",
        "target",
        "the class in the findings: missing glue, an alias, a name that does not exist, or a zone that is dark itself",
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
}
