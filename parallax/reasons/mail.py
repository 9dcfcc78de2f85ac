"""The reasons of the records that mail needs."""

from parallax.reasons.reason import Reason

REASONS: dict[str, Reason] = {
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
}
