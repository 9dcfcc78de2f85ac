"""The verdicts of `dns.resolve`: which of resolver, name and this probe's network is down, in three words. Pure."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from parallax.plan.dns_specs import ResolveSpec
from parallax.values import Address
from probe.abstain import NO_FAMILY
from probe.checks.resolve_classes import WITHOUT_ANSWER
from probe.judges.connection import judge_connection
from probe.judges.exchange import OURS, judge_outcome, reason_of
from probe.tape import Evidence
from probe.verdict import Verdict

NETWORK_DOWN = "network_down"
"""`abstain` of observations that say only that this probe's own network is down."""
NETWORK_SHARE = 0.8
"""Where at least this share of all resolvers' controls fail, it is not the resolvers."""

_BY_CLASS = {
    "unexpected_nxdomain": Verdict("dns_nxdomain"),
    "unexpected_nodata": Verdict("dns_nodata"),
    "filtered": Verdict("dns_filtered"),
    "dnssec_bogus": Verdict("dns_bogus"),
    "rewritten": Verdict("dns_rewritten"),
    "private_answer": Verdict("dns_private_answer"),
    "stale_definite": Verdict("dns_stale"),
}
_GOOD = frozenset({"fresh", "stale_suspected", "expected_negative"})
_OWN_TROUBLE = OURS | {"bug", "unsupported"}
"""How an exchange ends that says nothing of the resolver."""


def judge(spec: ResolveSpec, evidence: Evidence) -> Verdict | None:
    """The verdict on one resolver's answer and its own control."""
    findings = evidence.findings
    word = findings.get("class")
    if word is None:
        return _judge_before(evidence)
    if word in _GOOD:
        return None
    verdict = _BY_CLASS.get(word)
    if verdict is not None:
        expected = {"expected": list(spec.expect)[:50]} if word == "rewritten" else {}
        return Verdict(verdict.reason, verdict.fault, note=expected)
    return _judge_without_answer(findings, _control_of(evidence))


def judge_together(spec: ResolveSpec, gathered: Sequence[Evidence]) -> list[Verdict | None]:
    """The verdicts on all resolvers of a run. Where the controls of nearly all fail, they accuse nobody: the probe's
    network is down, if that can be, and else the controls are worth nothing."""
    verdicts = [judge(spec, evidence) for evidence in gathered]
    failing = _failing_share(gathered, lambda evidence, word: word != "ok")
    if failing is not None and failing >= NETWORK_SHARE:
        silent = _failing_share(gathered, _could_be_the_network)
        if silent is not None and silent >= NETWORK_SHARE:
            verdicts = [_network(e) or v for e, v in zip(gathered, verdicts, strict=True)]
        else:
            verdicts = [_uncontrolled(e) or v for e, v in zip(gathered, verdicts, strict=True)]
    return _blame_the_zone(gathered, verdicts)


def _judge_before(evidence: Evidence) -> Verdict:
    """An attempt that ended before the name was asked for."""
    failure = evidence.failure
    if failure == "no_family":
        return Verdict("connect_unreachable", "probe", abstain=NO_FAMILY)
    if failure == "no_resolver":
        return Verdict("local_error", "config")
    if failure == "resolver_without_address" or (failure == "timeout" and evidence.phase == "lookup"):
        return Verdict("dns_resolver_down")
    verdict = judge_connection(evidence)
    return verdict or Verdict("overrun")


def _judge_without_answer(findings: dict[str, Any], control: str | None) -> Verdict:
    word, outcome = findings["class"], findings.get("outcome", "ok")
    if outcome in _OWN_TROUBLE:
        return judge_outcome(outcome)
    if control not in (None, "ok"):
        return Verdict("dns_resolver_down")
    if findings.get("tcp_fallback") and outcome != "ok":  # it has answered, more than UDP carries
        return Verdict("dns_truncated", "resolver")
    if word == "no_reachable_authority" or (control == "ok" and word in ("timeout", "servfail")):
        # Not where stray messages came: those are on the way to the resolver, and no word on the name.
        return Verdict("dns_name_down") if outcome != "bad_replies" else Verdict("dns_bad_replies", "resolver")
    return Verdict(_own_word(word, outcome), "resolver")


def _own_word(word: str, outcome: str) -> str:
    """What the resolver itself did wrong."""
    if outcome == "ok":
        return {"servfail": "dns_servfail", "refused": "dns_refused"}.get(word, "dns_rcode")
    return reason_of(outcome)


def _control_of(evidence: Evidence) -> str | None:
    """The control's class; None where there is none, or it did not end in time."""
    word = evidence.findings.get("control", {}).get("class")
    return None if word in ("late", "not_asked") else word


def _failing_share(gathered: Sequence[Evidence], fails: Any) -> float | None:
    """The share of addresses at which every control fails so; None with fewer than two addresses to tell by. One
    resolver that is asked in several ways is one."""
    by_address: dict[str, list[bool]] = {}
    for evidence in gathered:
        word, address = _control_of(evidence), evidence.material.get("resolver")
        if word is not None and address:
            by_address.setdefault(Address(address).ip, []).append(fails(evidence, word))
    if len(by_address) < 2:
        return None
    return sum(all(each) for each in by_address.values()) / len(by_address)


def _could_be_the_network(evidence: Evidence, word: str) -> bool:
    """Whether the control's failure may come of this probe's network: no answer at all, or one from nearby. A public
    resolver that answers SERVFAIL proves that packets come and go."""
    if word in ("timeout", "no_answer"):
        return True
    return word != "ok" and not ip_address(Address(evidence.material["resolver"]).ip).is_global


def _network(evidence: Evidence) -> Verdict | None:
    if evidence.findings.get("class") in WITHOUT_ANSWER:
        return Verdict("dns_network_down", abstain=NETWORK_DOWN)
    return None


def _uncontrolled(evidence: Evidence) -> Verdict | None:
    if evidence.findings.get("class") in WITHOUT_ANSWER:
        return _judge_without_answer(evidence.findings, None)
    return None


def _blame_the_zone(gathered: Sequence[Evidence], verdicts: list[Verdict | None]) -> list[Verdict | None]:
    """Where all resolvers that gave values gave the same unwanted ones, nobody rewrote them: they are the zone's."""
    found = [
        (frozenset(evidence.material["values"]), place)
        for place, evidence in enumerate(gathered)
        if evidence.material.get("values")
    ]
    places = {place for _, place in found}
    unwanted = {
        place for place, each in enumerate(verdicts) if each and each.reason in ("dns_rewritten", "dns_private_answer")
    }
    addresses = {Address(gathered[place].material["resolver"]).ip for place in places}
    if len(addresses) < 2 or places != unwanted or len({values for values, _ in found}) != 1:
        return verdicts
    return [
        Verdict(each.reason, "target", each.note) if place in unwanted and each is not None else each
        for place, each in enumerate(verdicts)
    ]
