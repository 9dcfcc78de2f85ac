"""What a view's mail records are worth: the worst of them, and whether it shows what the primary operator has. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from probe.abstain import NO_FAMILY
from probe.judges.exchange import OURS, judge_outcome
from probe.mail.record import State
from probe.tape import Evidence
from probe.verdict import Verdict

REASONS: dict[tuple[str, str], str] = {
    ("dkim", "missing"): "mail_dkim_missing",
    ("dkim", "revoked"): "mail_dkim_revoked",
    ("dkim", "invalid"): "mail_dkim_invalid",
    ("spf", "permerror"): "mail_spf_permerror",
    ("spf", "missing"): "mail_spf_missing",
    ("mx", "missing"): "mail_mx_missing",
    ("mx", "invalid"): "mail_mx_invalid",
    ("return_path", "missing"): "mail_return_path",
    ("return_path", "invalid"): "mail_return_path",
    ("dkim", "tempfail"): "mail_dkim_tempfail",
    ("spf", "tempfail"): "mail_tempfail",
    ("mx", "tempfail"): "mail_tempfail",
    ("return_path", "tempfail"): "mail_tempfail",
    ("dmarc", "tempfail"): "mail_tempfail",
    ("dmarc", "invalid"): "mail_dmarc_invalid",
    ("dmarc", "missing"): "mail_dmarc_missing",
    ("spf", "weak"): "mail_spf_weak",
    ("dkim", "weak"): "mail_dkim_weak",
    ("mx", "weak"): "mail_mx_weak",
    ("return_path", "weak"): "mail_return_path_weak",
}
"""Record and class to reason, the worst first: what is missing or wrong for good, what nobody answered for, what is
degraded."""

_ORDER = list(REASONS)
_UNSETTLED = State(word="tempfail", problem="timeout", why="no answer before the deadline")
_MOST_SAID = 4
_MOST_TEXT = 400


def settled(wanted: Iterable[str], states: Mapping[str, State]) -> dict[str, State]:
    """A state for each record: what was not settled in time has no answer."""
    return {record: states.get(record, _UNSETTLED) for record in wanted}


def as_findings(states: Mapping[str, State]) -> dict[str, Any]:
    """Plain values: by record; DKIM by selector."""
    found: dict[str, Any] = {}
    for record, state in states.items():
        name, _, selector = record.partition(" ")
        if selector:
            found.setdefault(name, {})[selector] = state.as_finding()
        else:
            found[name] = state.as_finding()
    return found


def judge(spec: Any, evidence: Evidence) -> Verdict | None:
    """The worst of one view's records."""
    return _judge(evidence, [])


def judge_together(spec: Any, gathered: Sequence[Evidence]) -> list[Verdict | None]:
    """Each view's worst. Beside that, a view whose records are not those of the primary operator says which; without
    that one's answer there is nothing to compare with: an operator that stands by is no measure for those that serve.
    """
    serving = (e for e in gathered if e.material.get("operator") and not e.material["standby"])
    right: dict[str, tuple[str, ...]] = next((e.material["shown"] for e in serving if e.material.get("shown")), {})
    verdicts = []
    for evidence in gathered:
        own = evidence.material.get("shown", {})
        differ = sorted(name for name in own.keys() & right.keys() if own[name] != right[name])
        verdicts.append(_judge(evidence, differ))
    return verdicts


def _judge(evidence: Evidence, differ: list[str]) -> Verdict | None:
    material = evidence.material
    if evidence.failure not in (None, "timeout"):
        return judge_outcome(evidence.failure)
    if "wanted" not in material:  # nobody was found to ask
        return Verdict("mail_tempfail")
    states = settled(material["wanted"], material["states"])
    bad = sorted(
        ((record, state) for record, state in states.items() if _key(record, state) in REASONS),
        key=lambda each: _ORDER.index(_key(*each)),
    )
    note: dict[str, Any] = {"inconsistent": differ} if differ else {}
    differs = f"{', '.join(differ)} {'is' if len(differ) == 1 else 'are'} not as at the primary operator"
    if not bad:
        return Verdict("mail_inconsistent", note=note | {"because": differs}) if differ else None
    said = [_said(record, state) for record, state in bad[:_MOST_SAID]]
    said += [f"{len(bad) - _MOST_SAID} more"] * (len(bad) > _MOST_SAID)
    reason = REASONS[_key(*bad[0])]
    note["because"] = "; ".join(said)[:_MOST_TEXT]
    if reason not in ("mail_dkim_tempfail", "mail_tempfail"):
        return Verdict(reason, note=note)
    words = {state.problem or "" for _, state in bad if state.word == "tempfail"}
    if "over_budget" in words:
        words = {"over_budget"}
    if len(words) == 1 and words <= OURS:
        return msgspec.structs.replace(judge_outcome(words.pop()), note=note)
    if words == {"no_address"} and material.get("one_family"):
        return Verdict(reason, "probe", note=note, abstain=NO_FAMILY)
    view = material.get("view")
    zone_is_broken = view is not None and view.zone_is_broken
    return Verdict(reason, None if material["operator"] or zone_is_broken else "resolver", note=note)


def _key(record: str, state: State) -> tuple[str, str]:
    return record.partition(" ")[0], state.word


_NAMES = {"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC", "mx": "MX", "return_path": "return path"}


def _said(record: str, state: State) -> str:
    name, _, selector = record.partition(" ")
    title = f"{_NAMES[name]} {selector}".rstrip()
    return f"{title} {state.word}" + (f" ({state.why})" if state.why else "")
