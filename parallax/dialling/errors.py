"""Library exceptions to failure words: what a stream, TLS or HTTP library raises, in words that every check shares.

OSError goes by errno, TLS errors by OpenSSL's reason, all else by class. A test walks the libraries' exception classes
and fails on an unmapped one. The words are those of `probe.tape.Failure`, and the kinds' own:
`certificate`, `tls_alert`, `tls_old_version`, `tls_weak`, `tls_malformed`, `malformed`, `unsendable`.
"""

import errno
import re
import ssl
from collections.abc import Iterator

import h11
import trio

from parallax.dialling.http_exchange import HttpError, Unsendable
from parallax.dialling.route import NotAllowed
from parallax.redaction import redact_text

FAILURES: dict[type[BaseException], str] = {
    trio.BrokenResourceError: "reset",
    trio.ClosedResourceError: "closed",
    trio.TooSlowError: "timeout",
    h11.ProtocolError: "malformed",
    h11.RemoteProtocolError: "malformed",
    h11.LocalProtocolError: "unsendable",
    HttpError: "malformed",
    Unsendable: "unsendable",
}
"""By class, exactly: a class that is not here is a bug, not a failure."""
EXPECTED: tuple[type[BaseException], ...] = (OSError, NotAllowed, *FAILURES)
"""What a request over the network raises when it fails, for `except`."""

_TLS_CLASSES: dict[type[BaseException], str] = {
    ssl.SSLCertVerificationError: "certificate",
    ssl.SSLZeroReturnError: "closed",
    ssl.SSLEOFError: "closed",
    ssl.SSLSyscallError: "reset",
}

VERIFY_PROBLEMS = {
    **dict.fromkeys((62, 63, 64), "wrong_name"),  # X509_V_ERR_HOSTNAME_MISMATCH, EMAIL, IP_ADDRESS
    **dict.fromkeys((10, 14), "expired"),  # CERT_HAS_EXPIRED, ERROR_IN_CERT_NOT_AFTER_FIELD
    **dict.fromkeys((9, 13), "not_yet_valid"),  # CERT_NOT_YET_VALID, ERROR_IN_CERT_NOT_BEFORE_FIELD
    **dict.fromkeys((66, 67, 68), "weak"),  # EE_KEY_TOO_SMALL, CA_KEY_TOO_SMALL, CA_MD_TOO_WEAK
}
"""OpenSSL's verify codes (x509_vfy.h) that are no matter of trust; every other one is `untrusted`."""

VERIFY_MESSAGES = {
    2: "unable to get issuer certificate",
    9: "certificate is not yet valid",
    10: "certificate has expired",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    22: "certificate chain too long",
    24: "invalid CA certificate",
    26: "unsuitable certificate purpose",
    62: "hostname mismatch",
    64: "IP address mismatch",
    66: "EE certificate key too weak",
    67: "CA certificate key too weak",
    68: "CA signature digest algorithm too weak",
}
"""What people know the verify codes by."""

_TLS_REASONS = {
    "UNSUPPORTED_PROTOCOL": "tls_old_version",
    "VERSION_TOO_LOW": "tls_old_version",
    "UNEXPECTED_EOF_WHILE_READING": "closed",
    "DH_KEY_TOO_SMALL": "tls_weak",
    "EE_KEY_TOO_SMALL": "tls_weak",
    "CA_KEY_TOO_SMALL": "tls_weak",
    "CA_MD_TOO_WEAK": "tls_weak",
    "WRONG_SIGNATURE_TYPE": "tls_weak",
    "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED": "tls_weak",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "tls_weak",
}
"""OpenSSL's reason words that say more than "this is not TLS as it should be"."""

_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENOPROTOOPT: "unreachable",  # ICMP protocol unreachable
    errno.ECONNRESET: "reset",
    errno.ENETRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.ETIMEDOUT: "timeout",
}
"""Any other errno is this host's own trouble: no descriptors or memory, no such address family, no free local port
(EADDRNOTAVAIL), a local firewall (EPERM, EACCES), a CA file that cannot be read."""

# OpenSSL words an alert as "tlsv1 alert decode error" or "tlsv1 unrecognized name"; newer ones have no reason word in
# CPython 3.11, but always this text.
_ALERT = re.compile(r"\] (?:sslv3 alert|tlsv1 alert|tlsv13 alert|tlsv1) ([a-z0-9 ]+) \(")

_ALERT_REASON = re.compile(r"(?:tls alert|ssl/tls alert|sslv3 alert|tlsv1 alert|tlsv13 alert|tlsv1) ([a-z0-9 ]+)")


class TlsFailed(Exception):
    """A handshake by OpenSSL itself, not by CPython's ssl, failed: `word` is the failure word, `alert` the name of the
    alert where the other side sent one."""

    def __init__(self, word: str, message: str, alert: str | None = None) -> None:
        super().__init__(message)
        self.word, self.alert = word, alert


def tls_failure(reason: str) -> TlsFailed:
    """What OpenSSL's reason for an error, in its words ("wrong version number"), comes to."""
    match = _ALERT_REASON.fullmatch(reason)
    if match is not None:
        alert = match[1].replace(" ", "_")
        return TlsFailed("tls_old_version" if alert == "protocol_version" else "tls_alert", reason, alert)
    return TlsFailed(_TLS_REASONS.get(reason.upper().replace(" ", "_"), "tls_malformed"), reason)


def failure_word(error: BaseException) -> str | None:
    """The failure word of one exception, without its causes; None for one that the tables do not know."""
    if isinstance(error, TlsFailed):
        return error.word
    if isinstance(error, ssl.SSLError):  # before OSError, which it is: its errno is OpenSSL's, not the system's
        return _tls_word(error)
    if isinstance(error, OSError):
        return _ERRNO.get(error.errno or 0, "local_error")
    return FAILURES.get(type(error))


def failure_of(error: BaseException) -> str:
    """The failure word of an exception: the innermost known one along its cause chain decides; `bug` if there is none.

    The walk ends at the first link that no table knows, so that a bug on top of a failed connection stays a bug.
    """
    word = "bug"
    for link in cause_chain(error):
        if isinstance(link, NotAllowed):
            return "not_allowed"
        known = failure_word(link)
        if known is None and not isinstance(link, BaseExceptionGroup):
            break
        word = known or word
    return word


def alert_name(error: ssl.SSLError) -> str | None:
    """The name of the alert that the other side sent (RFC 8446 section 6), or None if this was no alert."""
    match = _ALERT.search(str(error))
    return match[1].replace(" ", "_") if match else None


def cause_chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and its causes, outermost first, at most 20; groups are walked into their first member."""
    link: BaseException | None = error
    for _ in range(20):
        if link is None:
            return
        yield link
        if isinstance(link, BaseExceptionGroup):
            link = link.exceptions[0]
        else:
            link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def detail_of(error: BaseException) -> str:
    """The innermost message along the cause chain, which is the library's own, redacted; wrappers often say nothing."""
    messages = [str(link) for link in cause_chain(error)]
    return redact_text(next((message for message in reversed(messages) if message), "")[:1000])


def _tls_word(error: ssl.SSLError) -> str:
    if type(error) in _TLS_CLASSES:
        return _TLS_CLASSES[type(error)]
    alert = alert_name(error)
    if alert is not None:
        return "tls_old_version" if alert == "protocol_version" else "tls_alert"
    return _TLS_REASONS.get(getattr(error, "reason", None) or "", "tls_malformed")
