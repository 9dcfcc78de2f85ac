"""The kind `tls`: one TLS handshake with one address (RFC 8446), and the certificates that came with it.

The handshake allows TLS 1.2 and up whatever the plan asks for, so that a server below the plan's `min_version` still
shows what it offers and its certificate; the version is then a matter of `judge`.
"""

import trio

from parallax.dialling.sockets import close_now, open_tcp
from parallax.dialling.tls import client_context, open_tls
from parallax.plan.specs import TlsSpec
from probe.checks import certificates
from probe.checks.connection import judge_connection
from probe.checks.handshake import judge_handshake, note_refusal, note_session
from probe.checks.kind import Subject, Verdict
from probe.tape import Evidence, Tape
from probe.tools import Tools

ALPN = ("h2", "http/1.1")
"""What is offered (RFC 7301), as browsers do; a server of another protocol ignores it."""


def prepare(target: str, tools: Tools) -> None:
    """The trust store, read once."""
    client_context(tools.trust, "1.2", ALPN)


def load(target: str) -> None:
    """What reads certificates."""
    certificates.load()


async def run(spec: TlsSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Connects, shakes hands, closes. No data is sent."""
    name = spec.server_name or subject.host
    context = client_context(tools.trust, "1.2", ALPN)
    with tape.phase("connect"):
        stream = await open_tcp(subject.address, tools.routes)
    tls = open_tls(stream, context, name)
    try:
        with tape.phase("tls"):
            await tls.do_handshake()
    except trio.BrokenResourceError as error:
        note_refusal(tape, tls, name, error)
        raise
    finally:
        note_session(tape, tls)
        close_now(tls)


def judge(spec: TlsSpec, evidence: Evidence) -> Verdict | None:
    """Connection first, then the handshake, then the version against the plan's."""
    verdict = judge_connection(evidence) or judge_handshake(evidence)
    if verdict is not None:
        return verdict
    version = evidence.findings.get("version")
    if spec.min_version == "1.3" and version != "TLSv1.3":
        return Verdict(
            "tls_old_version", note={"assertion": {"of": "version", "expected": "TLSv1.3", "found": version}}
        )
    return None
