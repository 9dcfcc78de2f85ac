"""What an observation's findings say, as titled rows of text. Pure.

Whatever came over the network is cleaned of control characters here, as a certificate or a TXT record may carry
terminal escapes.
"""

from collections.abc import Iterator
from typing import Any

from parallax.cli.text import clean
from parallax.observation import Observation
from parallax.spans import measured

_LEAF_PROOF = {"tls_wrong_name": "names", "tls_expired": "not_after", "tls_not_yet_valid": "not_before"}
"""What of the server's certificate shows that the reason is right."""
_EXPLAINED = {
    "tls_untrusted": "untrusted",
    "tls_chain_incomplete": "untrusted",
    "tls_revoked": "staple",
    "tls_staple_invalid": "staple",
    "tls_caa_forbids": "caa",
    "tls_certificates_differ": "differs",
}
"""The finding that says why."""
_TELLING = ("why", "missing_issuer", "says", "next_update", "revoked_at", "revocation_reason", "records", "issuer")
_FOREMOST = ("status", "rcode")
_MOST_SHOWN = 4
_GIST_LENGTH = 60


def proof(observation: Observation) -> Iterator[tuple[str, str]]:
    """What the verdict rests on, where a finding says it: what was expected, and what was found."""
    findings, reason = observation.findings, observation.reason
    assertion = findings.get("assertion")
    leaf = next(iter(_list(findings.get("chain") or [{}])))
    if isinstance(assertion, dict) and "expected" in assertion:
        yield "expected", f"{_flat(assertion.get('of', ''))} {_flat(assertion['expected'])}".strip()
        yield "found", _flat(assertion.get("found", "nothing"))
    elif reason in ("http_status", "http_server_error") and "status" in findings:
        yield "found", gist(observation)
    elif reason == "dns_wrong_answer" and "expected" in findings:
        yield "expected", _flat(findings["expected"])
        yield "found", gist(observation) or _flat(findings.get("rcode", "nothing"))
    elif reason in _EXPLAINED and isinstance(why := findings.get(_EXPLAINED[reason]), dict | list):
        yield (
            "found",
            _flat({key: each for key, each in why.items() if key in _TELLING} if isinstance(why, dict) else why),
        )
    elif reason in _LEAF_PROOF and isinstance(verify := findings.get("verify"), dict) and "certificate" in verify:
        yield "found", f"not the leaf's, but of {_flat(verify['certificate'])}"
    elif isinstance(leaf, dict) and (key := _LEAF_PROOF.get(reason or "", "")) in leaf:
        yield "found", f"{key.replace('_', ' ')}: {_flat(_list(leaf[key])[:_MOST_SHOWN])}"


def sections(observation: Observation, *, with_lookup: bool = True) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The findings in titled rows: what each kind is asked for first, then all that has no place of its own."""
    findings = dict(observation.findings)
    detail = findings.pop("detail", None)
    verify = findings.get("verify")
    if isinstance(verify, dict) and str(verify.get("message")) in str(detail):
        del findings["verify"]  # the same in other words
    if detail:
        yield "detail", [("", clean(detail))]
    if tries := findings.pop("lookup", None):
        rows = [("", _try(each)) for each in _list(tries)]
        found = findings.pop("addresses", None)
        if with_lookup:
            yield "lookup", [*rows, ("", f"addresses: {_flat(found)}")] if found else rows
    if answers := findings.pop("answers", None):
        yield "answers", [("", _record(each)) for each in _list(answers)]
    if chain := findings.pop("chain", None):
        for number, certificate in enumerate(_list(chain)):
            if number:
                yield f"issuer {number}", _rows(_brief(certificate))
            else:
                yield "certificate", _rows(_leaf(certificate, findings.pop("days_left", None)))
    rest = {key: findings[key] for key in sorted(findings, key=lambda key: (key not in _FOREMOST, key))}
    if rest:
        yield "findings", _rows(rest)


def gist(observation: Observation) -> str:
    """What was found, in a few words: the status, the records, the TLS version."""
    findings = observation.findings
    if "status" in findings:
        return f"status {clean(findings['status'])}"
    if answers := _list(findings.get("answers") or []):
        text = ", ".join(_data(each) for each in answers[:_MOST_SHOWN])
        short = text if len(text) <= _GIST_LENGTH else text[:_GIST_LENGTH] + "..."
        return short + (f" and {len(answers) - _MOST_SHOWN} more" if len(answers) > _MOST_SHOWN else "")
    left = findings.get("days_left")
    return clean(findings.get("version", "")) + (f", certificate has {left} days left" if left is not None else "")


def _data(answer: Any) -> str:
    if isinstance(answer, dict):
        return clean(answer.get("text", ""))
    return clean(answer[-1] if isinstance(answer, list | tuple) and answer else answer)


def _record(answer: Any) -> str:
    if isinstance(answer, dict):
        answer = [answer.get(key) for key in ("owner", "ttl", "type", "text") if key in answer] or list(answer.values())
    return clean("  ".join(str(each) for each in answer)) if isinstance(answer, list | tuple) else clean(answer)


def _try(asked: Any) -> str:
    """A question that the lookup put to a resolver."""
    if not isinstance(asked, dict):
        return _flat(asked)
    known = [_flat(asked[key]) for key in ("resolver", "type", "outcome") if key in asked]
    if "duration_ns" in asked:
        known.append(measured(asked["duration_ns"]))
    rest = {key: each for key, each in asked.items() if key not in ("resolver", "type", "outcome", "duration_ns")}
    return "  ".join(known + [_flat(rest)] * bool(rest))


def _leaf(certificate: Any, days_left: object) -> Any:
    if not isinstance(certificate, dict):
        return certificate
    shown = dict(certificate)
    if shown.get("names_count") == len(_list(shown.get("names"))):
        del shown["names_count"]
    if days_left is not None:
        shown["days_left"] = days_left
    return shown


def _brief(certificate: Any) -> Any:
    keys = ("subject", "issuer", "not_after")
    return (
        {key: certificate[key] for key in keys if key in certificate} if isinstance(certificate, dict) else certificate
    )


def _rows(mapping: Any) -> list[tuple[str, str]]:
    if not isinstance(mapping, dict):
        return [("", _flat(mapping))]
    return [_row(key, each) for key, each in mapping.items() if each not in (None, "", [], {})]


def _row(key: str, value: Any) -> tuple[str, str]:
    if key.endswith("_ns") and isinstance(value, int):
        key, value = key.removesuffix("_ns"), measured(value)
    return clean(key).replace("_", " "), _flat(value)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(" ".join(_row(key, each)) for key, each in value.items() if each not in (None, "", [], {}))
    if isinstance(value, list | tuple):
        return ", ".join(map(_flat, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(value)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
