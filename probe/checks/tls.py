"""The kind `tls`: one TLS handshake with one address (RFC 8446), the certificates and the staple that came with it, and
the name's CAA records against who issued them.

The handshake goes on whatever is wrong with a certificate, and allows TLS 1.2 and up whatever the plan asks for: so a
server that fails in one respect still shows all the others. What is wrong is a matter of `judge`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from parallax.clock import NS, wall_ns
from parallax.dialling.errors import VERIFY_MESSAGES, TlsFailed
from parallax.dialling.sockets import close_now, open_tcp
from parallax.plan.specs import TlsSpec
from parallax.values import is_ip
from probe.judges.connection import judge_connection
from probe.kind import Subject
from probe.remaining import left_s
from probe.tape import Evidence, Tape
from probe.tls import certificates
from probe.tls.caa import allows, covering
from probe.tls.caa_lookup import SPARED_S, relevant_records
from probe.tls.differ import compare, shown_at
from probe.tls.handshake import judge_handshake
from probe.tls.issuers import caa_names
from probe.tls.staple import staple_findings
from probe.tools import Tools
from probe.verdict import Verdict

if TYPE_CHECKING:
    from parallax.dialling.openssl import Handshake

ALPN = ("h2", "http/1.1")
"""What is offered (RFC 7301) unless the plan says so, as browsers do; a server of another protocol ignores it."""


def prepare(target: str, tools: Tools) -> None:
    """The trust store, read once."""
    from parallax.dialling.openssl import observing_context

    observing_context(tools.trust)


def load(target: str) -> None:
    """What reads certificates."""
    certificates.load()


async def run(spec: TlsSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Connects, shakes hands, closes; no data is sent. Then, with the clock standing, looks at CAA."""
    from parallax.dialling.openssl import Handshake

    name = spec.server_name or subject.host
    tape.material["address"] = str(subject.address)
    handshake = Handshake(tools.trust, name, tuple(spec.alpn or ALPN))
    with tape.phase("connect"):
        stream = await open_tcp(subject.address, tools.routes)
    try:
        tape.enter("hello")
        await handshake.run(stream, lambda: tape.enter("tls"))
        tape.leave()
    except TlsFailed as error:
        tape.note(alert=error.alert)
        raise
    finally:
        close_now(stream)
        _note(handshake, name, tape)
    tape.stop()
    if spec.caa != [] and not is_ip(name):
        await _note_caa(spec, name, handshake, tape, tools)


def _note(handshake: "Handshake", name: str, tape: Tape) -> None:
    """What the handshake saw, as far as it came. Certificates are read once the clock stands."""
    if (agreed := handshake.agreed) is not None:
        tape.note(version=agreed.version, cipher=agreed.cipher, alpn=agreed.alpn, group=agreed.group)
    chain, path, staple = handshake.chain, handshake.path, handshake.staple
    refusals, now_s = handshake.refusals, wall_ns() / NS

    def read() -> dict[str, Any]:
        codes = [code for code, _ in refusals]
        findings = certificates.chain_findings(chain, now_s)
        findings |= certificates.problem_findings(chain, name, now_s, codes)
        findings |= staple_findings(staple, chain, path, now_s)
        problems = findings.get("problems", [])
        if findings.get("staple", {}).get("status") == "revoked":
            problems = findings["problems"] = certificates.in_order([*problems, "revoked"])
        if refusals:
            code, depth = refusals[0]
            findings["verify"] = {"code": code, "message": VERIFY_MESSAGES.get(code, "refused"), "depth": depth}
            above = certificates.read_certificate(path[depth]) if 0 < depth < len(path) else None
            if above is not None:
                findings["verify"]["certificate"] = above.subject[: certificates.MAX_TEXT]
        elif "wrong_name" in problems:
            code = 64 if is_ip(name) else 62
            findings["verify"] = {"code": code, "message": VERIFY_MESSAGES[code], "depth": 0}
        return findings

    tape.read_later(read)


async def _note_caa(spec: TlsSpec, name: str, handshake: "Handshake", tape: Tape, tools: Tools) -> None:
    chain = handshake.chain
    leaf = certificates.read_certificate(chain[0]) if chain else None
    if leaf is None or left_s(kept_s=SPARED_S) == 0:
        return
    issuers = spec.caa or caa_names(leaf.issued_by)
    for_name, wildcard = covering(leaf.names, name)
    found = await relevant_records(for_name, tools)
    caa: dict[str, Any] = {"allows": None, "issuer": list(issuers) if issuers else None}
    if found.failure is not None:
        caa["failure"] = found.failure
    else:
        caa |= {"name": found.name, "records": list(found.records)}
        caa["allows"] = allows(found.records, issuers, wildcard=wildcard)
    tape.note(caa=caa)


def judge(spec: TlsSpec, evidence: Evidence) -> Verdict | None:
    """Connection first, then the handshake, the certificate, version and protocol; what hurts nobody yet comes last."""
    findings = evidence.findings
    if spec.alpn is not None and findings.get("alert") == "no_application_protocol":
        return _missed("tls_wrong_protocol", "alpn", spec.alpn, None)
    verdict = judge_connection(evidence) or judge_handshake(evidence)
    if verdict is not None:
        return verdict
    if problems := findings.get("problems"):
        return Verdict(f"tls_{problems[0]}")
    version, alpn = findings.get("version"), findings.get("alpn")
    if spec.min_version == "1.3" and version != "TLSv1.3":
        return _missed("tls_old_version", "version", "TLSv1.3", version)
    if spec.alpn is not None and alpn not in spec.alpn:
        return _missed("tls_wrong_protocol", "alpn", spec.alpn, alpn)
    return _judge_soft(findings)


def _judge_soft(findings: dict[str, Any]) -> Verdict | None:
    staple = findings.get("staple", {}).get("status")
    if staple == "missing":
        return Verdict("tls_staple_missing")
    if staple in ("invalid", "unknown"):
        return Verdict("tls_staple_invalid")
    return Verdict("tls_caa_forbids") if findings.get("caa", {}).get("allows") is False else None


def judge_together(spec: TlsSpec, gathered: Sequence[Evidence]) -> list[Verdict | None]:
    """Each address by itself; then those whose certificate differs from the others' as it should not."""
    verdicts = [judge(spec, evidence) for evidence in gathered]
    addresses = [str(evidence.material.get("address", "")) for evidence in gathered]
    shown = [shown_at(address, evidence.findings) for address, evidence in zip(addresses, gathered, strict=True)]
    differing = compare([each for each in shown if each is not None])
    return [
        Verdict("tls_certificates_differ", note={"differs": differing.odd[at], "certificates": differing.certificates})
        if verdict is None and at in differing.odd
        else verdict
        for at, verdict in zip(addresses, verdicts, strict=True)
    ]


def _missed(reason: str, of: str, expected: object, found: object) -> Verdict:
    return Verdict(reason, note={"assertion": {"of": of, "expected": expected, "found": found}})
