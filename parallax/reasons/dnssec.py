"""The reasons of DNSSEC."""

from parallax.reasons.reason import Reason

REASONS: dict[str, Reason] = {
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
}
