"""The reasons of the pages of a sign-in."""

from parallax.reasons.reason import Reason

REASONS: dict[str, Reason] = {
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
        "the check waits for a mail, SMS or webhook, and nobody takes one for this probe",
        "config",
        "[mail] and [[hook]] in the collector's config; by hand, --mail",
    ),
    "mailbox_unreachable": Reason(
        "the collector cannot be asked after what should arrive",
        "probe",
        "the detail in the findings; the collector's [mail] and [[hook]]",
    ),
    "mail_wrong_content": Reason(
        "the mail has no code that fits", "target", "the provider's template of the mail; the pattern in the plan"
    ),
    "mail_auth_failed": Reason(
        "nothing proves the mail as the plan asks: SPF, DKIM or DMARC does not pass",
        "target",
        "proofs in the findings; the check dns.mail of the sender's domain",
    ),
    "mail_bad_signature": Reason(
        "the mail has a DKIM signature that is wrong",
        "target",
        "proofs in the findings: selector and domain; was the mail changed on its way?",
    ),
    "mail_auth_unknown": Reason(
        "a record that would prove the mail could not be asked for",
        "resolver",
        "the resolvers in [mail] of the collector's config; the sender's name servers",
    ),
    "sms_not_received": Reason("the SMS did not arrive in time", "target", "the provider's log of messages"),
    "sms_late": Reason("the SMS arrived late", "target", "the provider's log of messages", soft=True),
    "sms_duplicate": Reason("the SMS arrived more than once", "target", "the provider's log of messages", soft=True),
    "sms_wrong_content": Reason(
        "the SMS has no code that fits", "target", "the provider's template of the SMS; the pattern in the plan"
    ),
    "webhook_not_received": Reason(
        "the webhook did not arrive in time", "target", "the provider's log of webhooks; the hook's `types` and `where`"
    ),
    "webhook_late": Reason("the webhook arrived late", "target", "the provider's queue of webhooks", soft=True),
    "webhook_duplicate": Reason(
        "the webhook was delivered again though it was taken", "target", "the provider's log of webhooks", soft=True
    ),
    "webhook_wrong_content": Reason(
        "the webhook is not as asserted", "target", "the findings; `assert` and `capture` in the plan"
    ),
    "webhook_bad_signature": Reason(
        "a webhook came whose signature does not fit, and none whose does",
        "target",
        "the signing key at the provider and in the collector's [[hook]]; the clocks, where it is untimely",
    ),
}
