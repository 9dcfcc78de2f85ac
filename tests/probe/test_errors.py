"""The error tables know every exception that the libraries below a check can raise."""

import errno
import inspect
import ssl
from itertools import pairwise
from types import ModuleType

import h11
import pytest
import trio
from OpenSSL import SSL

from parallax.dialling import http_exchange, openssl
from parallax.dialling.errors import FAILURES, alert_name, detail_of, failure_of, failure_word, tls_failure
from parallax.dialling.http_exchange import HttpError, Unsendable
from parallax.dialling.route import NotAllowed
from parallax.plan.specs import HttpSpec
from parallax.values import Address
from probe.checks.http import judge as judge_http
from probe.judges.connection import judge_connection
from probe.tape import Evidence
from probe.tls.handshake import judge_handshake

CANNOT_REACH_US = {
    trio.Cancelled: "is no failure: the caller's cancellation or deadline, which trio itself handles",
    trio.BusyResourceError: "two tasks on one stream: our bug",
    trio.NeedHandshakeError: "asked of a TLS stream too early: our bug",
    trio.EndOfChannel: "of channels, and a check has none",
    trio.WouldBlock: "of the *_nowait calls, and a check makes none",
    trio.RunFinishedError: "of threads that outlive trio",
    trio.TrioInternalError: "a broken trio",
    trio.TrioDeprecationWarning: "a warning",
}


def _exceptions(module: ModuleType) -> list[type[BaseException]]:
    found = {c for _, c in inspect.getmembers(module, inspect.isclass) if issubclass(c, BaseException)}
    return sorted((c for c in found if c is not OSError), key=lambda c: c.__name__)


@pytest.mark.parametrize(
    "kind", [c for module in (trio, ssl, h11, http_exchange) for c in _exceptions(module)], ids=lambda c: c.__name__
)
def test_every_exception_class_is_mapped_or_explained(kind: type[BaseException]) -> None:
    if issubclass(kind, OSError):
        assert failure_word(kind(1, "text")) is not None
    else:
        assert (kind in FAILURES) != (kind in CANNOT_REACH_US), kind


@pytest.mark.parametrize("kind", _exceptions(SSL), ids=lambda c: c.__name__)
def test_every_exception_of_openssl_is_mapped_or_explained(kind: type[BaseException]) -> None:
    handled = {
        SSL.WantReadError: "the handshake waits for octets",
        SSL.WantWriteError: "buffers in memory are never full",
        SSL.WantX509LookupError: "of servers and clients that choose a certificate while they wait",
    }
    assert (kind in openssl.FAILURES) != (kind in handled), kind


@pytest.mark.parametrize(
    ("reason", "word", "alert"),
    [
        ("wrong version number", "tls_malformed", None),
        ("unsupported protocol", "tls_old_version", None),
        ("dh key too small", "tls_weak", None),
        ("unexpected eof while reading", "closed", None),
        ("tls alert handshake failure", "tls_alert", "handshake_failure"),
        ("ssl/tls alert handshake failure", "tls_alert", "handshake_failure"),  # by version of OpenSSL
        ("sslv3 alert handshake failure", "tls_alert", "handshake_failure"),
        ("tlsv13 alert missing extension", "tls_alert", "missing_extension"),
        ("tlsv1 unrecognized name", "tls_alert", "unrecognized_name"),
        ("tlsv1 alert protocol version", "tls_old_version", "protocol_version"),
    ],
)
def test_openssls_reasons(reason: str, word: str, alert: str | None) -> None:
    error = tls_failure(reason)
    assert (failure_of(error), error.alert, detail_of(error)) == (word, alert, reason)


def test_every_word_has_a_verdict_of_its_own() -> None:
    words = {*FAILURES.values(), "certificate", "tls_alert", "tls_old_version", "tls_weak", "tls_malformed"}
    words |= {failure_word(OSError(number, "")) or "" for number in errno.errorcode}
    words |= {"bug", "not_allowed", "truncated", "too_large", "bad_encoding"}
    words |= set(openssl.FAILURES.values())
    for word in words:
        evidence = Evidence(failure=word, phase="connect")
        assert judge_http(HttpSpec(), evidence) is not None, word


def test_a_tls_error_is_not_taken_for_an_errno() -> None:
    # ssl.SSLError is an OSError whose errno 1 is OpenSSL's, not EPERM
    assert (
        failure_word(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"))
        == "tls_malformed"
    )


def _raised(*causes: BaseException) -> BaseException:
    """The first caused by the second, and so on."""
    for effect, cause in pairwise(causes):
        effect.__cause__ = cause
    return causes[0]


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.ECONNREFUSED, "x"), "refused"),
        (OSError(errno.EHOSTUNREACH, "x"), "unreachable"),
        (OSError(errno.ETIMEDOUT, "x"), "timeout"),
        (OSError(errno.EMFILE, "x"), "local_error"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "local_error"),
        (FileNotFoundError(errno.ENOENT, "x"), "local_error"),
        (_raised(trio.BrokenResourceError("x"), OSError(errno.ECONNRESET, "y")), "reset"),
        (_raised(trio.BrokenResourceError("x"), OSError(errno.EPIPE, "y")), "reset"),
        (_raised(trio.BrokenResourceError(), ssl.SSLCertVerificationError(1, "y")), "certificate"),
        (_raised(trio.BrokenResourceError(), ssl.SSLEOFError(8, "y")), "closed"),
        (_raised(HttpError("x"), h11.RemoteProtocolError("y")), "malformed"),
        (_raised(Unsendable("x"), h11.LocalProtocolError("y")), "unsendable"),
        (ExceptionGroup("x", [OSError(errno.ECONNREFUSED, "y")]), "refused"),
        (_raised(RuntimeError("x"), NotAllowed(Address("10.0.0.1:80"))), "bug"),
        (NotAllowed(Address("10.0.0.1:80")), "not_allowed"),
        (KeyError("x"), "bug"),
        (_raised(KeyError("a bug while a failure was handled"), OSError(errno.ECONNRESET, "y")), "bug"),
        (_raised(trio.BrokenResourceError("x"), KeyError("y")), "reset"),
    ],
    ids=repr,
)
def test_the_innermost_known_link_decides_until_an_unknown_one(error: BaseException, word: str) -> None:
    assert failure_of(error) == word


def test_the_alerts_name_also_where_cpython_knows_none() -> None:
    newer = ssl.SSLError(1, "[SSL] tlsv1 alert no application protocol (_ssl.c:1006)")
    assert alert_name(newer) == "no_application_protocol"
    assert failure_word(newer) == "tls_alert"
    assert alert_name(ssl.SSLError(1, "[SSL: X] wrong version number (_ssl.c:1006)")) is None


def test_details_are_the_innermost_message_redacted() -> None:
    error = _raised(
        trio.BrokenResourceError(), h11.RemoteProtocolError("illegal header line: b'Set-Cookie: sid=abc123'")
    )
    assert detail_of(error) == "illegal header line: b'Set-Cookie: ***"


def test_verdicts_of_the_connection_leave_the_handshake_alone() -> None:
    assert judge_connection(Evidence(failure="certificate")) is None
    assert judge_handshake(Evidence(failure="refused")) is None
