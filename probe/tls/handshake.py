"""What a TLS handshake leaves behind, and the verdict on it: shared by every kind that speaks TLS.

`note_*` gather onto the tape, also when the handshake failed; `judge_handshake` decides.
"""

import ssl
from functools import partial
from typing import Any

import trio

from parallax.clock import NS, wall_ns
from parallax.dialling.errors import TlsFailed, alert_name, cause_chain
from parallax.dialling.tls import peer_chain, session_of
from parallax.dialling.tls_stream import TlsStream
from probe.tape import Evidence, Tape
from probe.tls.certificates import chain_findings, problem_findings
from probe.verdict import Verdict

_REASONS = frozenset({"tls_alert", "tls_old_version", "tls_weak", "tls_malformed"})
"""Failure words of the handshake that are reasons as they stand."""


def note_session(tape: Tape, stream: trio.abc.Stream | None) -> None:
    """Notes version, cipher, ALPN and certificates, as far as the handshake came; nothing for a plain stream."""
    if not isinstance(stream, TlsStream):
        return
    session = session_of(stream)
    if session is not None:
        tape.note(version=session.version, cipher=session.cipher, alpn=session.alpn)
    tape.read_later(partial(chain_findings, peer_chain(stream), wall_ns() / NS))


def note_refusal(tape: Tape, stream: trio.abc.Stream | None, name: str, error: BaseException) -> None:
    """Notes why the handshake failed, if TLS was the cause: `verify` and `problems`, or the `alert`."""
    for link in cause_chain(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            chain = peer_chain(stream) if isinstance(stream, TlsStream) else []
            tape.note(verify={"code": link.verify_code, "message": link.verify_message})
            tape.read_later(partial(problem_findings, chain, name, wall_ns() / NS, (link.verify_code,)))
        elif isinstance(link, TlsFailed):
            tape.note(alert=link.alert)
        elif isinstance(link, ssl.SSLError):
            tape.note(alert=alert_name(link))


def judge_handshake(evidence: Evidence) -> Verdict | None:
    """The verdict where TLS itself failed; None where it did not."""
    if evidence.failure == "certificate":
        problems: list[Any] = evidence.findings.get("problems") or ["untrusted"]
        return Verdict(f"tls_{problems[0]}")
    return Verdict(evidence.failure) if evidence.failure in _REASONS else None
