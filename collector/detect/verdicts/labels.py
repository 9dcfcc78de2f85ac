"""Whom a subject belongs to, and by which names it is known, as probes say. Pure."""

from collections.abc import Iterator
from typing import Any

from collector.detect.dns.zones import whose, zone_at
from collector.detect.places import VIEWS, is_standby
from collector.detect.state import Key, State
from collector.detect.view import CheckView, View
from parallax.observation import Observation

MAX_LABEL = 100
MAX_NAMES = 12


def label(state: State, view: View, key: Key, probe: str, check: CheckView, observation: Observation) -> None:
    """Whom a subject of DNS belongs to. The plan's own words go before the probe's, and what is known holds until two
    probes say otherwise, where two speak of it: all that follows from a subject hangs on whose it is."""
    labels = _labels(state, view, key, check, observation)
    known = (key.server, key.resolver, key.address, key.operator, key.zone)
    if labels == known:
        key.renamed.pop(probe, None)
    else:
        key.renamed[probe] = labels
        agreeing = sum(each == labels for name, each in key.renamed.items() if name in key.votes)
        if any(known) and agreeing < min(2, len(key.votes)):
            return
        key.renamed = {name: each for name, each in key.renamed.items() if each != labels and name in key.votes}
        key.server, key.resolver, key.address, key.operator, key.zone = labels
    at_operator = check.kind in VIEWS and bool(key.operator) and not key.resolver
    key.apart = at_operator or (check.kind == "dns.zone" and is_standby(view, state.zones.serving, key, check))


def _labels(
    state: State, view: View, key: Key, check: CheckView, observation: Observation
) -> tuple[str, str, str, str, str]:
    """Server, resolver, address, operator and zone, as one probe has them."""
    dims, target = observation.dims, check.targets[key.target]
    server = plain_name(dims.get("server", target.host if check.role == "authoritative" else ""))
    return (
        server,
        (dims.get("resolver") or (target.host if check.role == "resolver" else ""))[:MAX_LABEL],
        (dims.get("address") or "")[:MAX_LABEL],
        whose(view, server, observation) if server else (dims.get("operator") or "")[:MAX_LABEL],
        plain_name(dims.get("zone") or "") or zone_at(state.zones, check.query),
    )


def has_names(findings: dict[str, Any]) -> bool:
    return "answers" in findings or "lookup" in findings


def names_in(findings: dict[str, Any]) -> Iterator[str]:
    """The names in an answer, and those that a lookup led to."""
    answers = findings.get("answers")
    for answer in answers[:MAX_NAMES] if isinstance(answers, list) else ():
        if isinstance(answer, dict) and isinstance(answer.get("owner"), str):
            yield plain_name(answer["owner"])
            if answer.get("type") == "CNAME" and isinstance(answer.get("text"), str):
                yield plain_name(answer["text"])
    asked = findings.get("lookup")
    for question in asked[:MAX_NAMES] if isinstance(asked, list) else ():
        if isinstance(question, dict) and isinstance(question.get("final_name"), str):
            yield plain_name(question["final_name"])


def plain_name(text: str) -> str:
    return text[:255].lower().rstrip(".")


def plain_label(text: str | None) -> str | None:
    return text[:MAX_LABEL] if text else None
