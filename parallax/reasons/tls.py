"""The reasons of TLS and certificates."""

from parallax.reasons.reason import Reason

REASONS: dict[str, Reason] = {
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
}
