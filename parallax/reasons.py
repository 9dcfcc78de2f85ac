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
    # mail: the records that senders and receivers of mail look up
    "mail_dkim_missing": Reason(
        "a DKIM selector has no key record: what it signs fails, for good",
        "target",
        "the selector's record, or what it is an alias for, at the operator that lacks it",
    ),
    "mail_dkim_tempfail": Reason(
        "a DKIM selector's key record could not be asked for: what it signs is deferred",
        "target",
        "are the zone's name servers up? The record itself may well be there",
    ),
    "mail_dkim_revoked": Reason(
        "a DKIM selector's key is revoked (p= is empty)", "target", "which selector does the mail's sender sign with?"
    ),
    "mail_dkim_invalid": Reason(
        "a DKIM selector's key record is of no use to verifiers",
        "target",
        "the record's text and class in the findings",
    ),
    "mail_dkim_weak": Reason(
        "a DKIM key is short or only for testing", "target", "a new key of 2048 bits, under a new selector", soft=True
    ),
    "mail_spf_missing": Reason("the domain has no SPF record", "target", "the TXT records at the domain"),
    "mail_spf_permerror": Reason(
        "the SPF record makes receivers give up (permerror)",
        "target",
        "the problem in the findings: two records, over 10 lookups, void lookups, a circle, or bad syntax",
    ),
    "mail_spf_weak": Reason(
        "the SPF record lets everybody send, or says nothing of others", "target", "its end: -all or ~all", soft=True
    ),
    "mail_mx_missing": Reason("the domain takes mail and has no MX record", "target", "the MX records at the domain"),
    "mail_mx_invalid": Reason(
        "the MX does not lead to a mail server",
        "target",
        "its hosts: each needs an address of its own, and may be no alias",
    ),
    "mail_mx_weak": Reason(
        "some hosts of the MX have no address", "target", "the hosts named in the findings", soft=True
    ),
    "mail_return_path": Reason(
        "the domain that bounces go to lacks an MX or SPF record that works",
        "target",
        "the records of the return path, in the findings",
    ),
    "mail_return_path_weak": Reason(
        "a record of the domain that bounces go to is weak",
        "target",
        "the records of the return path, in the findings",
        soft=True,
    ),
    "mail_dmarc_missing": Reason(
        "no DMARC policy holds for the domain", "target", "the TXT record at _dmarc, here and above", soft=True
    ),
    "mail_dmarc_invalid": Reason(
        "the DMARC record is one that receivers ignore", "target", "its text in the findings", soft=True
    ),
    "mail_tempfail": Reason(
        "a record that mail needs could not be asked for", "target", "are the zone's name servers up?"
    ),
    "mail_inconsistent": Reason(
        "this view has other mail records than the primary operator",
        "target",
        "the records named in the findings: a change that has not arrived, or a fallback that lags behind",
        soft=True,
    ),
    # DNSSEC
    "dnssec_expired": Reason(
        "a signature has expired: validating resolvers fail the zone", "target", "the signer: when did it last run?"
    ),
    "dnssec_not_yet_valid": Reason(
        "a signature begins in the future", "target", "the signer's clock; this probe's clock"
    ),
    "dnssec_sig_invalid": Reason(
        "a signature does not fit its records", "target", "were records changed after signing, at this server only?"
    ),
    "dnssec_unknown_key": Reason(
        "a signature is by a key that the zone does not publish", "target", "a key rollover that went too fast"
    ),
    "dnssec_unsigned": Reason(
        "the parent says that the zone is signed, and this server has no signatures",
        "target",
        "does this operator serve the signed zone?",
    ),
    "dnssec_ds_no_match": Reason(
        "no key that is served fits a DS record of the parent",
        "target",
        "the DS set at the registrar, against the DNSKEY set of this operator",
    ),
    "dnssec_alg_missing": Reason(
        "an algorithm of the DS set signs nothing in the zone",
        "target",
        "the DS set at the registrar; the signer's keys",
    ),
    "dnssec_insecure": Reason(
        "the zone should be signed, and its parent has no DS record",
        "target",
        "the DS set at the registrar; if this is meant, signed = false in the plan",
    ),
    "dnssec_denial_broken": Reason(
        "the zone does not prove that a name is not there", "target", "the NSEC or NSEC3 records of the zone"
    ),
    "dnssec_expires_soon": Reason(
        "signatures expire soon, and are not renewed", "target", "the signer: when did it last run?", soft=True
    ),
    "dnssec_ttl_beyond": Reason(
        "records may be cached for longer than their signatures hold",
        "target",
        "the TTL against the signatures' validity",
        soft=True,
    ),
    "dnssec_unsupported": Reason(
        "the zone is signed only with algorithms that are not to be relied on, or unknown here",
        "target",
        "the keys' algorithms (RFC 8624)",
        soft=True,
    ),
    "dnssec_parents_differ": Reason(
        "servers of the parent have different DS sets", "target", "a change under way at the registry", soft=True
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
    "tls_chain_incomplete": Reason(
        "the server does not send the certificate of its certificate's issuer",
        "target",
        "add the intermediate to what the server sends; browsers may fetch it themselves, programs do not",
    ),
    "tls_revoked": Reason(
        "the certificate's issuer says, in the stapled OCSP response, that it is revoked",
        "target",
        "why was it revoked? replace key and certificate",
    ),
    "tls_wrong_protocol": Reason(
        "the server speaks none of the protocols that the plan asks for (ALPN)", "target", "the front end's protocols"
    ),
    "tls_staple_invalid": Reason(
        "the stapled OCSP response does not count: out of date, for another certificate, or wrongly signed",
        "target",
        "does the server renew its staple? why, in the findings",
        soft=True,
    ),
    "tls_staple_missing": Reason(
        "the certificate demands a stapled OCSP response, and the server sends none",
        "target",
        "turn on stapling at the server; some browsers refuse such a certificate",
        soft=True,
    ),
    "tls_caa_forbids": Reason(
        "the name's CAA records do not let the certificate's issuer issue for it",
        "target",
        "the next renewal will be refused; or who asked another CA for a certificate?",
        soft=True,
    ),
    "tls_certificates_differ": Reason(
        "the address shows another certificate than most: of another issuer, for other names, or left from before",
        "target",
        "the machine behind this address: did the last change reach it?",
        soft=True,
    ),
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
    "http_json": Reason("the JSON of the body is not as asserted", "target", "the assertion in the findings"),
    "http_size": Reason("the body is larger than asserted", "target", "what made the page grow?"),
    "http_version": Reason(
        "the server does not speak the version of HTTP that the plan asks for", "target", "its ALPN protocols"
    ),
    "http_redirect": Reason(
        "a redirect leads where the plan does not let it", "target", "the hop in the findings; redirect_hosts"
    ),
    "http_redirect_loop": Reason(
        "redirects lead in a circle, or are more than the plan lets through", "target", "the hops in the findings"
    ),
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
    # sign-in: what its pages say
    "signin_unexpected_page": Reason(
        "a page that no step knows what to do with", "target", "title and alerts in the findings; a changed theme?"
    ),
    "signin_form_not_found": Reason(
        "the page has no form to fill in", "target", "title and alerts in the findings; a changed theme?"
    ),
    "signin_loop": Reason(
        "the pages lead in a circle", "target", "the hops in the findings; cookies that are not kept"
    ),
    "signin_error_page": Reason(
        "the provider shows an error instead of signing in", "target", "the alert in the findings; the provider's log"
    ),
    "signin_incomplete": Reason(
        "the provider ended the sign-in without saying that it is complete", "target", "the state in the findings"
    ),
    "signin_needs_browser": Reason(
        "the sign-in page works only with JavaScript",
        "config",
        "write the flow as steps on the provider's API, or give the check a page without JavaScript",
    ),
    "signin_mfa_required": Reason(
        "a second factor is asked for that the check does not have",
        "config",
        "totp or code for the user in the plan, or a policy without a second factor for it",
    ),
    "signin_required_action": Reason(
        "the provider wants something of the user first (a new password, terms, a second factor)",
        "config",
        "sign in once as this user by hand, and do what the page asks",
    ),
    "signin_consent_required": Reason(
        "the provider asks for consent, and the step that gives it is left out",
        "config",
        "grant consent once by hand, or take consent out of leave_out",
    ),
    "signin_bad_credentials": Reason(
        "user name or password are not accepted; the flow stops for hours, so as not to lock the account",
        "config",
        "the user's password in this probe's config; was it changed or did it expire?",
    ),
    "signin_unknown_identifier": Reason(
        "the provider does not know the user", "config", "is there an account for this probe? user.name in the plan"
    ),
    "signin_bad_otp": Reason(
        "the one-time password is not accepted", "config", "the shared secret, its encoding, and this probe's clock"
    ),
    "signin_halted": Reason(
        "not tried: an earlier run was refused in a way that must not be repeated",
        "config",
        "because and halted_until in the findings; mend that, then run the check once by hand",
    ),
    "signin_captcha": Reason(
        "a captcha stands before the sign-in", "blocked", "exempt this probe's address or user from bot detection"
    ),
    "signin_account_throttled": Reason(
        "the provider slows this user or address down", "blocked", "the budget in the plan; other uses of the account"
    ),
    "signin_account_locked": Reason("the account is locked", "blocked", "unlock it; who else signs in as this user?"),
    "signin_own_budget": Reason(
        "not run: the check's own budget is spent", "blocked", "a longer every.full, or a larger budget"
    ),
    "signin_quota": Reason("the provider says that a quota is used up", "target", "the provider's plan and limits"),
    "signin_cancelled": Reason("the run was cancelled before its end", "probe", "was the probe stopped?"),
    "signin_timeout": Reason(
        "the sign-in took longer than the check's timeout",
        "target",
        "the waterfall: which steps took so long? timeout in the plan, if that is usual",
    ),
    "signin_cleanup_failed": Reason(
        "the session could not be ended, and may live on", "target", "the logout or revocation endpoint", soft=True
    ),
    "mail_not_received": Reason(
        "the mail did not arrive in time", "target", "the provider's mail log; the records that mail needs"
    ),
    "mail_late": Reason("the mail arrived late", "target", "the provider's mail queue", soft=True),
    "mail_duplicate": Reason("the mail arrived more than once", "target", "the provider's mail queue", soft=True),
    "capture_missing": Reason(
        "the response lacks a value that later steps need",
        "target",
        "missing in the findings; what the response is, in its status and title; the capture in the plan",
    ),
    "mailbox_missing": Reason(
        "the check waits for mail, and nobody takes mail for this probe",
        "config",
        "[mail] in the collector's config; by hand, --mail",
    ),
    "mailbox_unreachable": Reason(
        "the collector cannot be asked after mail", "probe", "the detail in the findings; the collector's [mail]"
    ),
    "mail_wrong_content": Reason(
        "the mail has no code that fits", "target", "the provider's template of the mail; the pattern in the plan"
    ),
    # OIDC: discovery and keys
    "discovery_http": Reason(
        "the discovery document is not served",
        "target",
        "the status in the findings; a redirect means that the issuer in the plan is not the issuer's own name",
    ),
    "discovery_not_json": Reason(
        "what is served as the discovery document is no JSON",
        "target",
        "a page of a front end in the document's place?",
    ),
    "discovery_malformed": Reason(
        "the discovery document is no JSON object", "target", "what is served at the address"
    ),
    "discovery_too_large": Reason(
        "the discovery document is larger than a check reads (256 kB)", "target", "what makes it so large?"
    ),
    "discovery_issuer_mismatch": Reason(
        "the discovery document is another issuer's",
        "target",
        "expected and found in the findings: relying parties must refuse it; the issuer in the plan, to the last slash",
    ),
    "discovery_missing_field": Reason(
        "the discovery document lacks what a sign-in needs", "target", "missing in the findings"
    ),
    "discovery_bad_endpoint": Reason(
        "an endpoint in the discovery document is no https URL", "target", "the endpoint in the findings"
    ),
    "discovery_no_algorithm": Reason(
        "no asymmetric signature algorithm is advertised",
        "target",
        "id_token_signing_alg_values_supported at the issuer",
    ),
    "jwks_http": Reason("the key set is not served", "target", "the status in the findings"),
    "jwks_not_json": Reason(
        "what is served as the key set is no JSON", "target", "a page of a front end in the key set's place?"
    ),
    "jwks_malformed": Reason("the key set is no JSON object with a list of keys", "target", "what is served there"),
    "jwks_too_large": Reason(
        "the key set is larger than a check reads (1 MB, 10,000 keys)", "target", "what makes it so large?"
    ),
    "jwks_empty": Reason("the key set has no keys: no token can be verified", "target", "the issuer's key rotation"),
    "jwks_unusable": Reason(
        "no key of the set can verify a token of this issuer",
        "target",
        "bad keys and algorithms in the findings; the issuer's key rotation",
    ),
    "jwks_private_key": Reason(
        "the public key set has private parts of a key: anybody can sign tokens",
        "target",
        "withdraw the key at once; it counts as stolen",
    ),
    "jwks_symmetric_key": Reason(
        "the public key set has a symmetric key: anybody can sign tokens with it",
        "target",
        "withdraw the key at once, and take it out of the set",
    ),
    "jwks_weak_key": Reason(
        "an RSA key of the set is shorter than 2048 bits", "target", "bits in the findings (RFC 7518)", soft=True
    ),
    "jwks_bad_key": Reason(
        "a key of the set cannot be read",
        "target",
        "bad_keys in the findings; some relying parties give up on the whole set",
        soft=True,
    ),
    "jwks_duplicate_kid": Reason(
        "two keys of the set have the same kid: relying parties may take the wrong one",
        "target",
        "bad_keys in the findings",
        soft=True,
    ),
    "jwks_many_keys": Reason(
        "the key set has more keys than any rotation needs",
        "target",
        "is something adding a key with every start?",
        soft=True,
    ),
    "jwks_kid_unknown": Reason(
        "the token names a key that the key set does not have, also when fetched anew",
        "target",
        "a rotation that signs before it publishes, or a cache in front of the key set",
    ),
    # OIDC: the errors of OAuth
    "oauth_access_denied": Reason(
        "the issuer denies access to this user or client", "config", "consent, roles and policies of the test user"
    ),
    "oauth_invalid_client": Reason(
        "the client is not known, or its secret is not right", "config", "client id, secret and auth in the plan"
    ),
    "oauth_invalid_scope": Reason(
        "a scope is not allowed", "config", "scope in the plan, and the client's at the issuer"
    ),
    "oauth_scope_reduced": Reason(
        "the token has less scope than was asked for",
        "config",
        "missing in the findings; the client's scope at the issuer",
        soft=True,
    ),
    "oauth_invalid_target": Reason(
        "the resource or audience asked for is not allowed", "config", "resource and audience in the plan"
    ),
    "oauth_invalid_request": Reason(
        "the issuer calls the request invalid", "config", "the error's description in the findings"
    ),
    "oauth_unauthorized_client": Reason(
        "the client may not use this grant", "config", "the grants that are on for the client at the issuer"
    ),
    "oauth_redirect_uri_mismatch": Reason(
        "the redirect URI is not registered for the client", "config", "redirect_uri in the plan, to the last letter"
    ),
    "oauth_consent_required": Reason(
        "the user has not consented yet", "config", "run the flow once with --onboard, or consent for the test user"
    ),
    "oauth_interaction_required": Reason(
        "the issuer wants the user to do something", "config", "sign in as the test user by hand, once"
    ),
    "oauth_login_required": Reason(
        "the issuer no longer knows the session", "target", "did the session end early, or its cookie get lost?"
    ),
    "oauth_invalid_grant": Reason(
        "the issuer refuses the code or refresh token that it gave",
        "target",
        "stores that lag behind one another at the issuer; a refresh token that was used twice",
    ),
    "oauth_invalid_token": Reason(
        "the issuer refuses the access token that it gave", "target", "stores that lag behind one another at the issuer"
    ),
    "oauth_server_error": Reason("the issuer reports an error of its own", "target", "the issuer's log"),
    "oauth_temporarily_unavailable": Reason(
        "the issuer says that it is overloaded or under repair", "target", "the issuer's log and status page"
    ),
    "oauth_throttled": Reason(
        "the issuer says that it was asked too often", "blocked", "this probe's rate and the issuer's limits", soft=True
    ),
    "oauth_error": Reason("the issuer answers with an error", "target", "oauth_error in the findings"),
    "oauth_callback_malformed": Reason(
        "the issuer's callback cannot be read", "target", "a parameter that comes twice, or none at all"
    ),
    "oauth_state_missing": Reason("the callback has no state", "target", "the authorization endpoint's answer"),
    "oauth_state_mismatch": Reason(
        "the callback has another state than was sent", "target", "a cache, or sessions that get mixed up at the issuer"
    ),
    "oauth_iss_missing": Reason(
        "the callback does not name the issuer, which says that it does (RFC 9207)", "target", "the discovery document"
    ),
    "oauth_iss_mismatch": Reason(
        "the callback names another issuer (RFC 9207)", "target", "expected and found in the findings"
    ),
    "oauth_code_missing": Reason("the callback has neither a code nor an error", "target", "found in the findings"),
    "oauth_token_error": Reason(
        "the token endpoint gives neither tokens nor an error for the code",
        "target",
        "status and found in the findings",
    ),
    "oauth_refresh_error": Reason(
        "the token endpoint gives neither tokens nor an error for the refresh token",
        "target",
        "status and found in the findings",
    ),
    "oauth_client_credentials_error": Reason(
        "the token endpoint gives the client neither a token nor an error", "target", "status and found in the findings"
    ),
    # OIDC: tokens
    "token_missing": Reason(
        "the issuer gave no token of the kind that was asked for",
        "target",
        "missing in the findings; the scope asked for",
    ),
    "token_malformed": Reason("the token is no signed token (JWS)", "target", "found in the findings"),
    "token_encrypted": Reason(
        "the token is encrypted, which this check does not read", "config", "the client's settings at the issuer"
    ),
    "token_alg_not_allowed": Reason(
        "the token is signed with an algorithm that is not allowed: none, a symmetric one, or one not advertised",
        "target",
        "expected and found in the findings: relying parties that take it can be deceived",
    ),
    "token_signature_invalid": Reason(
        "the token's signature does not hold", "target", "does the key set have the key that signs now?"
    ),
    "token_claim_missing": Reason("the token lacks a claim", "target", "missing in the findings"),
    "token_claim_unexpected": Reason("a claim of the token is not as it should be", "target", "claim in the findings"),
    "token_iss_mismatch": Reason("the token names another issuer", "target", "expected and found in the findings"),
    "token_aud_mismatch": Reason(
        "the token is for another audience", "target", "expected and found in the findings; the client's settings"
    ),
    "token_azp_mismatch": Reason("the token was given to another client", "target", "azp in the token"),
    "token_sub_mismatch": Reason(
        "the new token is another user's", "target", "sessions that get mixed up at the issuer"
    ),
    "token_nonce_mismatch": Reason(
        "the token answers another request", "target", "a cache, or sessions that get mixed up"
    ),
    "token_expired": Reason("the token had expired when it came", "target", "a cache in front of the token endpoint?"),
    "token_not_yet_valid": Reason("the token is not valid yet (nbf)", "target", "the clocks of the issuer's servers"),
    "token_clock_skew": Reason(
        "by the token's times the issuer's clock is wrong", "target", "skew_s in the findings; this probe's clock, too"
    ),
    "token_at_hash_mismatch": Reason(
        "the token does not go with the access token beside it (at_hash)", "target", "the issuer's token endpoint"
    ),
    "token_c_hash_mismatch": Reason(
        "the token does not go with the code (c_hash)", "target", "the issuer's token endpoint"
    ),
    "token_auth_too_old": Reason(
        "the sign-in behind the token is older than asked for", "target", "age_s and most_s in the findings"
    ),
    # OIDC: the session
    "session_userinfo_http": Reason("userinfo refuses a good access token", "target", "status in the findings"),
    "session_userinfo_malformed": Reason("userinfo's answer cannot be read", "target", "found in the findings"),
    "session_sub_mismatch": Reason(
        "userinfo is of another user than the token", "target", "sessions that get mixed up at the issuer"
    ),
    "session_logout_failed": Reason("the logout did not go through", "target", "the step's hops in the findings"),
    "session_no_logout": Reason(
        "the provider offers no way to end a session",
        "config",
        "sessions add up there until they expire; leave_out logout and session, if that is known",
        soft=True,
    ),
    "session_no_silent": Reason(
        "the provider does not renew a session without its user (prompt=none)",
        "config",
        "the status in the findings; take every.silent out, or ask for offline_access, if it never does",
        soft=True,
    ),
    "session_survived_logout": Reason(
        "the session still works after the logout", "target", "what a logout ends at the issuer: session, tokens, both?"
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
    "secret_missing": Reason(
        "this probe does not have a secret that the check names",
        "config",
        "the detail in the findings: [secrets.NAME] in this probe's config",
    ),
    "secret_withheld": Reason(
        "the check would send a secret to a host that this probe's config does not allow",
        "config",
        "the host in the findings; hosts in [secrets.NAME] of this probe's config, if that is right",
    ),
    "value_missing": Reason(
        "a step uses a value that no step before it has set",
        "config",
        "the value in the findings; a capture in an earlier step",
    ),
    "over_budget": Reason(
        "not asked: this probe's share of what the operator may be sent is spent",
        "config",
        "longer periods, fewer checks, or a higher [dns] most_per_operator",
    ),
    "unsupported": Reason("this probe does not know what the check asks for", "config", "upgrade the probe"),
    "local_error": Reason(
        "this host could not run the check", "probe", "file descriptors, memory, network interfaces of the probe"
    ),
    "probe_error": Reason("a bug in the probe", "probe", "the probe's log; please report it"),
    "overrun": Reason("the run did not end at its deadline", "probe", "the probe's load; please report it"),
}
